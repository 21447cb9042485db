# One image for the worker, the servers, and the workspace; deploy/start chooses the service.
FROM python:3.12-slim-bookworm

# libgomp1: OpenMP for LightGBM. make: the set-up of the lock file.
RUN apt-get update \
    && apt-get install --yes --no-install-recommends libgomp1 make \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --create-home --uid 10001 forestock \
    && install -d -o forestock /srv/forestock /data /cache /artifacts

WORKDIR /srv/forestock
USER forestock
COPY --chown=forestock . .
RUN make setup PYTHON=python3

ENV PATH=/srv/forestock/.venv/bin:$PATH \
    DO_NOT_TRACK=1 PREFECT_SERVER_ANALYTICS_ENABLED=false MLFLOW_DISABLE_TELEMETRY=true \
    OMP_WAIT_POLICY=PASSIVE \
    PREFECT_HOME=/tmp/prefect NUMBA_CACHE_DIR=/cache/numba MPLCONFIGDIR=/tmp/matplotlib
CMD ["deploy/start", "worker"]
