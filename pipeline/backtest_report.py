"""A backtest as an MLflow record and as a report: names, figures, description, tables, pictures.

Not here: how runs are written (``models.tracking.runs``), the scores, the pictures' drawing.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from features.panel import Panel
from foundation.errors import StageError
from foundation.matrix import FeatureMatrix
from foundation.settings import Settings
from foundation.store import files, snapshot
from foundation.store.code_version import code_version
from models.backtest.judge import Judged
from models.backtest.methods import Outcome
from models.backtest.summary import Summary
from models.demand_model import DemandModel
from models.explain import drivers_of, explain_features
from models.tracking.client import Dataset
from models.tracking.runs import Record, Tracker
from pipeline.forecast_origin import Actuals, Origins, ScoredOrigin, outcome_of, panel_and_matrix, trained_model
from pipeline.results import RunContext, reported
from review.backtest import (
    BacktestPage,
    backtest_page,
    bias_picture,
    calibration_picture,
    fan_picture,
    importance_picture,
    level_picture,
    origin_picture,
    shap_picture,
)
from review.charts import png

log = logging.getLogger(__name__)

SHOWN_SERIES = 4
_EXPLAINED_ROWS = 2_000
_SHOWN_HISTORY_DAYS = 84
_BANDS = {"low": 0.025, "lower": 0.25, "upper": 0.75, "high": 0.975}


@dataclass(frozen=True)
class Evidence:
    """Of the last origin.

    ``contributions`` and ``values`` (n_rows, n_features) are TreeSHAP and the features of a sample of rows;
    ``importance`` has `feature`, `driver`, `effect` (mean absolute contribution); ``worst`` and ``best`` are
    fans (see ``review.backtest.fan_picture``) of the series that lose and gain most beside the best baseline.
    """

    contributions: pd.DataFrame
    values: pd.DataFrame
    importance: pd.DataFrame
    worst: pd.DataFrame
    best: pd.DataFrame


def gather(context: RunContext, actuals: Actuals, series: pd.DataFrame) -> Evidence:
    """Return the evidence of a forecast origin; ``series`` is that of a summary, largest loss against the baseline first."""
    model = trained_model(context)
    panel, matrix = panel_and_matrix(context)
    outcome = outcome_of(context, actuals, model, (panel, matrix))
    contributions, values = _explained(model, matrix)
    effect = contributions.abs().mean()
    importance = pd.DataFrame(
        {"feature": effect.index, "driver": drivers_of(model, matrix), "effect": effect.to_numpy()}
    )
    return Evidence(
        contributions,
        values,
        importance.sort_values("effect", ascending=False, ignore_index=True),
        _fans(panel, outcome, series.head(SHOWN_SERIES)),
        _fans(panel, outcome, series.tail(SHOWN_SERIES).iloc[::-1]),
    )


def _explained(model: DemandModel, matrix: FeatureMatrix) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return contributions and feature values of up to 2,000 rows, drawn without replacement with a fixed seed."""
    count = min(_EXPLAINED_ROWS, matrix.n_rows)
    rows = np.sort(np.random.default_rng(matrix.n_rows).choice(matrix.n_rows, count, replace=False))
    names = model.facts["features"]
    contributions = pd.DataFrame(explain_features(model, matrix, rows), columns=names)
    values = pd.DataFrame(matrix.values[rows], columns=list(matrix.names)).reindex(columns=names)
    return contributions, values


def _fans(panel: Panel, outcome: Outcome, chosen: pd.DataFrame) -> pd.DataFrame:
    index = pd.MultiIndex.from_frame(outcome.series[["region", "sku"]].astype("str"))
    codes = index.get_indexer(pd.MultiIndex.from_frame(chosen[["region", "sku"]].astype("str")))
    fans = [
        _fan(panel, outcome, int(code), row)
        for code, (_, row) in zip(codes, chosen.iterrows(), strict=True)
        if code >= 0
    ]
    return pd.concat(fans, ignore_index=True)


def _fan(panel: Panel, outcome: Outcome, code: int, row: pd.Series) -> pd.DataFrame:
    shown = min(panel.days(_SHOWN_HISTORY_DAYS), panel.n_history)
    method = next(iter(outcome.methods.values()))
    start = panel.n_history - shown
    frame = pd.DataFrame({"date": panel.periods[start : panel.n_history + panel.horizon]})
    frame["actual"] = np.concatenate([panel.demand[code, start : panel.n_history], outcome.actual[code]])
    unknown = np.full(shown, np.nan)
    frame["mean"] = np.concatenate([unknown, method.mean[code]])
    for name, level in _BANDS.items():
        frame[name] = np.concatenate([unknown, method.quantiles[code, :, outcome.level_index(level)]])
    parts = f"{row['region']} · {row['sku']}: RMSSE {row['rmsse']:.2f}, baseline {row['baseline_rmsse']:.2f}"
    return frame.assign(label=parts)


TOPIC = "backtest"
NOTE = (
    "Rolling-origin backtests: each run forecasts past dates with what was known then and is scored on actual demand. "
    "Sort by `wrmsse` (lower is better); child runs are single origins; `report.html` is the report."
)
HEADLINE = ("wrmsse", "wspl", "wape", "bias", "rmsse", "wql", "coverage_950", "coverage_500", "order_cost_rate")
_MOST_SERIES = 500
Pictures = Mapping[str, tuple[str, bytes]]  # caption and PNG by file name


@dataclass(frozen=True)
class Backtest:
    """One configuration over its origins. ``stability`` are means over consecutive pairs."""

    settings: Settings
    origins: Origins
    actuals: Actuals
    scored: tuple[ScoredOrigin, ...]
    summary: Summary
    stability: Mapping[str, float]
    evidence: Evidence
    label: str = ""

    @property
    def name(self) -> str:
        """Name of the MLflow run, with the main score first, because a list of runs shows little more than names."""
        score = float(self.summary.judged["wrmsse"])
        gain = score / float(self.summary.best_baseline["wrmsse"]) - 1
        label = f"{self.label} " if self.label else ""
        return f"{label}WRMSSE {score:.3f} ({gain:+.0%}), {len(self.scored)} origins to {self.last_day}"

    @property
    def last_day(self) -> date:
        """The last day that was scored."""
        return self.actuals.as_of - timedelta(days=1)


@dataclass(frozen=True)
class RecordedBacktest:
    """A backtest with its MLflow run (empty if MLflow could not be reached) and the place of its report."""

    backtest: Backtest
    run_id: str
    page: str


def record_backtest(backtest: Backtest, tags: Mapping[str, str]) -> RecordedBacktest:
    """Write the report into the warehouse and record the backtest in MLflow; the report is written even if MLflow cannot be reached."""
    settings = backtest.settings
    with reported("record", settings, backtest.actuals.as_of):
        pictures = pictures_of(backtest)
        text = backtest_page(page_of(backtest, pictures))
        name = f"backtest-{backtest.label or settings.name}-{backtest.actuals.as_of}.html"
        page = files.write_text(files.joined(settings.warehouse, "pages", name), text)
    try:
        return RecordedBacktest(
            backtest, Tracker(settings, TOPIC, NOTE).record(record_of(backtest, tags, pictures, text)), page
        )
    except StageError as error:
        log.warning("the backtest was not recorded: %s", error)
        return RecordedBacktest(backtest, "", page)


def record_of(backtest: Backtest, tags: Mapping[str, str], pictures: Pictures, report: str) -> Record:
    """Return the record of a backtest: a parent with the deciding figures, a child per origin."""
    summary = backtest.summary
    return Record(
        name=backtest.name,
        moment=backtest.actuals.as_of,
        note=_note(backtest),
        tags={**_tags(backtest), **tags},
        params=_params(backtest),
        metrics=_headline(summary) | {f"stability/{name}": value for name, value in backtest.stability.items()},
        curves=_curves(summary),
        tables=_tables(backtest),
        images={f"pictures/{name}.png": image for name, (_, image) in pictures.items()},
        texts={"report.html": report},
        dataset=_dataset(backtest.settings, backtest.actuals, str(backtest.actuals.as_of)),
        children=[_child(backtest, one) for one in backtest.scored],
    )


def pictures_of(backtest: Backtest) -> Pictures:
    """Return every picture by file name, each with its caption; drawn once, for the report and for MLflow."""
    summary, evidence = backtest.summary, backtest.evidence
    judged = summary.judged["method"]
    covered = summary.coverage[summary.coverage["method"] == judged]
    last = backtest.scored[-1].origin
    figures: dict[str, tuple[str, Figure]] = {
        "1_accuracy_by_level": ("Accuracy by level of the hierarchy, beside the baselines", level_picture(summary.levels)),
        "2_accuracy_by_origin": ("Accuracy and bias by origin", origin_picture(summary.origins)),
        "3_calibration": ("Calibration", calibration_picture(covered, summary.pit, backtest.settings.grid.days)),
        "4_bias": ("Bias by region and category", bias_picture(summary.cells)),
        "5_importance": ("What moves the forecast", importance_picture(evidence.importance)),
        "6_shap": ("How feature values move the forecast", shap_picture(evidence.contributions, evidence.values)),
        "7_worst_series": ("Worst series", fan_picture(evidence.worst, f"Lose most to the best baseline over all origins; shown: {last}")),
        "8_best_series": ("Best series", fan_picture(evidence.best, f"Gain most over the best baseline over all origins; shown: {last}")),
    }  # fmt: skip
    return {name: (caption, png(figure)) for name, (caption, figure) in figures.items()}


def page_of(backtest: Backtest, pictures: Pictures) -> BacktestPage:
    """Return the contents of the report."""
    summary, settings = backtest.summary, backtest.settings
    facts = {
        "Pipeline": settings.name, "origins": ", ".join(str(one.origin) for one in backtest.scored),
        "horizon": f"{settings.horizon} × {settings.frequency}", "inputs": backtest.actuals.fingerprint,
        "last model": backtest.scored[-1].model.version, "code": _code(),
    }  # fmt: skip
    return BacktestPage(
        f"Backtest of {settings.name} to {backtest.last_day}", summary.headline, facts, summary.overall, summary.levels,
        summary.segments, summary.parts, summary.calibration, dict(pictures.values()), _notes(backtest),
    )  # fmt: skip


def _note(backtest: Backtest) -> str:
    summary = backtest.summary
    rows = [
        f"| {name.replace('_', ' ')} | " + " | ".join(f"{value:.3f}" for value in summary.overall[name]) + " |"
        for name in HEADLINE
        if name in summary.overall
    ]
    head = ["| mean over origins | " + " | ".join(summary.overall["method"].str.replace("_", " ")) + " |"]
    head.append("| --- |" + " ---: |" * len(summary.overall))
    return "\n\n".join([f"**{summary.headline}**", *_notes(backtest), "\n".join(head + rows)])


def _notes(backtest: Backtest) -> list[str]:
    parts = [
        f"{len(backtest.scored)} origins every {backtest.origins.every_days} days, each with the model of its training "
        f"date and what was known then; horizon {backtest.settings.horizon} × {backtest.settings.frequency}. "
        "Periods without full stock are not scored."
    ]
    stability = backtest.stability
    if "movement_ratio" in stability:
        parts.append(f"From origin to origin the forecast moved {stability['movement_ratio']:.0%} as much as demand.")
    given_up = {sentence for one in backtest.scored for sentence in one.model.facts["given_up"]}
    return parts + [f"Given up for the CPU budget: {sentence}." for sentence in sorted(given_up)]


def _tags(backtest: Backtest) -> dict[str, str]:
    return {
        "stage": TOPIC, "as_of": str(backtest.actuals.as_of), "pipeline": backtest.settings.name,
        "inputs_fingerprint": backtest.actuals.fingerprint, "code_version": _code(),
        "last_model_version": backtest.scored[-1].model.version, "mlflow.source.name": "forestock backtest",
    }  # fmt: skip


def _params(backtest: Backtest) -> dict[str, Any]:
    settings, origins = backtest.settings, backtest.origins
    parts = {"origins": origins.count, "every_days": origins.every_days, "end": origins.end or "last sales"}
    parts |= {"frequency": settings.frequency, "horizon": settings.horizon}
    for section in ("series", "forecast"):
        values = getattr(settings, section).model_dump(mode="json")
        parts |= {f"{section}.{name}": value for name, value in values.items()}
    return parts


def _headline(summary: Summary) -> dict[str, float]:
    """Return the deciding figures: the judged method's mean and sd, and every baseline's WRMSSE and order cost, the parts' scores."""
    selected, result = summary.judged, {}
    for name in HEADLINE:
        if name in selected:
            result[name] = float(selected[name])
    result["wrmsse_sd"] = float(selected["wrmsse_sd"])
    for _, row in summary.overall.iloc[1:].iterrows():
        for name in ("wrmsse", "order_cost_rate"):
            result[f"others/{name}_{row['method']}"] = float(row[name])
    for _, row in summary.parts.iloc[1:].iterrows():
        result |= {f"parts/{name}_{row['part']}": float(row[name]) for name in ("wrmsse", "wape", "share")}
    result["wrmsse_skill"] = 1 - float(selected["wrmsse"]) / float(summary.best_baseline["wrmsse"])
    return result


def _curves(summary: Summary) -> dict[str, list[float]]:
    """Return scores by level (step = number of the level) and by origin (step = place of the origin)."""
    result: dict[str, list[float]] = {}
    for method, rows in summary.levels.groupby("method", sort=False):
        result[f"by_level/wrmsse_{method}"] = rows.sort_values("number")["wrmsse"].tolist()
    for method, rows in summary.origins.groupby("method", sort=False):
        result[f"by_origin/wrmsse_{method}"] = rows.sort_values("origin")["wrmsse"].tolist()
    return result


def _tables(backtest: Backtest) -> dict[str, pd.DataFrame]:
    summary = backtest.summary
    half = _MOST_SERIES // 2
    series = summary.series
    shown = series if len(series) <= _MOST_SERIES else pd.concat([series.head(half), series.tail(half)])
    frames = {
        "overall": summary.overall, "levels": summary.levels, "segments": summary.segments,
        "origins": summary.origins, "coverage": summary.coverage, "series": shown, "parts": summary.parts, "calibration": summary.calibration,
        "importance": backtest.evidence.importance,
    }  # fmt: skip
    return {f"tables/{name}.json": _plain(frame) for name, frame in frames.items()}


def _plain(frame: pd.DataFrame) -> pd.DataFrame:
    """Return a frame whose dates are texts and whose numbers have six digits, as a table of the page shows them."""
    dated = [str(name) for name in frame.select_dtypes("datetime")]
    return frame.assign(**{name: frame[name].dt.strftime("%Y-%m-%d") for name in dated}).round(6)


def _child(backtest: Backtest, one: ScoredOrigin) -> Record:
    judged: Judged = one.judged
    row = judged.overall.iloc[0]
    baselines = judged.overall.iloc[1:]
    best = float(baselines["wrmsse"].min()) if len(baselines) else float("nan")
    note = (
        f"**WRMSSE {row['wrmsse']:.3f}, best baseline {best:.3f}; bias {row['bias']:+.1%}.** Forecast on the morning of "
        f"{one.origin} with model `{one.model.version}`."
    )
    return Record(
        name=f"origin {one.origin}",
        moment=one.origin,
        note=note,
        tags={"stage": TOPIC, "as_of": str(one.origin), "model_version": one.model.version,
              "training_date": str(one.model.as_of), "mlflow.source.name": "forestock backtest"},
        params={"origin": one.origin, "training_date": one.model.as_of, "model_version": one.model.version},
        metrics={name: float(row[name]) for name in HEADLINE if name in row} | {"others/wrmsse_best_baseline": best},
        dataset=_dataset(backtest.settings, one.inputs, str(one.origin)),
    )  # fmt: skip


def _dataset(settings: Settings, known: Any, day: str) -> Dataset:
    sales = snapshot.read(known.folder)["sales"].head(1_000)
    head = sales.astype(dict.fromkeys(sales.select_dtypes("category"), "str"))
    return Dataset(f"{settings.name}@{day}", known.fingerprint, known.folder, head)


def _code() -> str:
    return code_version("features", "foundation", "models")
