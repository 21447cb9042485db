"""Use case of ``forestock doctor``: checks the environment, the stores, and the services of a configuration, each with its fix.

Not here: Prefect (``flows.servers``), the contents of the input tables (``foundation.validation``).
"""

from __future__ import annotations

import platform
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib import metadata

from packaging.requirements import Requirement

from foundation.errors import ForestockError, counted_noun, listed
from foundation.settings import Settings
from foundation.store import files, input_files
from foundation.store.files import write_and_remove
from foundation.store.sources import SqlSource, open_source
from foundation.tables import tables_in_use
from foundation.validation.input_table import UnreadableError

_PYTHON_FROM, _PYTHON_BELOW = (3, 11), (3, 14)
# The extra that installs the driver of a URL scheme.
EXTRAS = {
    "s3": "s3", "s3a": "s3", "gs": "gcs", "gcs": "gcs", "az": "azure", "abfs": "azure", "abfss": "azure",
    "postgresql": "postgres", "postgres": "postgres",
}  # fmt: skip
_DATABASE_FIX = "check address, database, user, password, and driver"


@dataclass(frozen=True)
class Check:
    """One line of the report.

    Attributes
    ----------
    name : str
        What was checked.
    detail : str
        What was found.
    fix : str
        What to do; empty if nothing is missing.
    """

    name: str
    detail: str
    fix: str = ""

    @property
    def is_ok(self) -> bool:
        """Whether nothing is missing."""
        return not self.fix


def environment_checks() -> Iterator[Check]:
    """Yield the checks that need no configuration: Python, packages, OpenMP, time zones."""
    for check in (_python, _packages, _openmp, _time_zones):
        yield check()


def configuration_checks(settings: Settings) -> Iterator[Check]:
    """Yield the checks of what a configuration names: inputs, warehouse, MLflow, outbox."""
    checks: tuple[Callable[[Settings], Check], ...] = (_inputs, _warehouse, _tracking, _outbox)
    for check in checks:
        yield check(settings)


def _python() -> Check:
    detail = f"{platform.python_version()} on {platform.system()}"
    if not _PYTHON_FROM <= sys.version_info[:2] < _PYTHON_BELOW:
        return Check("Python", detail, "install Python 3.11, 3.12, or 3.13")
    if sys.platform == "win32":
        return Check("Python", detail, "use Linux, macOS, or WSL: Windows lacks the file locks of the warehouse")
    return Check("Python", detail)


def _packages() -> Check:
    try:
        requirements = [Requirement(text) for text in metadata.requires("forestock") or ()]
    except metadata.PackageNotFoundError:
        return Check("packages", "forestock itself is not installed", "run make setup, or pip install forestock")
    needed = [one for one in requirements if one.marker is None or one.marker.evaluate({"extra": ""})]
    wrong = [text for one in needed if (text := _package_problem(one))]
    if wrong:
        return Check(
            "packages", listed(wrong), "run make setup, or pip install --upgrade forestock, in this environment"
        )
    return Check("packages", f"{counted_noun(len(needed), 'package')} installed as required")


def _package_problem(requirement: Requirement) -> str:
    try:
        version = metadata.version(requirement.name)
    except metadata.PackageNotFoundError:
        return f"{requirement.name} is not installed"
    is_allowed = requirement.specifier.contains(version, prereleases=True)
    return "" if is_allowed else f"{requirement.name} {version} is not {requirement.specifier}"


def _openmp() -> Check:
    from models.forecaster import registered_kinds

    try:
        registered_kinds()  # loads the bundled kinds, LightGBM among them, and with it OpenMP
    except (ImportError, OSError) as error:
        fix = "install libgomp1 (Debian, Ubuntu), libgomp (Fedora), or libomp (macOS)"
        return Check("OpenMP", f"LightGBM cannot be loaded: {_first_line(error)}", fix)
    return Check("OpenMP", "LightGBM can be loaded")


def _time_zones() -> Check:
    from zoneinfo import available_timezones

    n_zones = len(available_timezones())
    if not n_zones:
        return Check(
            "time zones", "the system has no time zone data", "install tzdata (system package, or pip install tzdata)"
        )
    return Check("time zones", f"{n_zones:,} known")


def _inputs(settings: Settings) -> Check:
    place = files.without_password(settings.inputs.path)
    try:
        reader = open_source(settings)
        names = [table.name for table in tables_in_use(settings) if reader.has(table.name)]
        if "regions" in names:
            reader.read("regions", ["region"])
    except UnreadableError as error:
        return Check(
            "inputs", f"{place} {error.problem}", _with_driver(settings.inputs.path, error.problem, error.remedy)
        )
    except ForestockError as error:
        return Check("inputs", f"{place}: {error}", "correct inputs.path")
    if not names:
        return Check(
            "inputs", f"{place} has none of the input tables", "add sales, skus, and regions, or correct inputs.path"
        )
    return Check("inputs", f"{counted_noun(len(names), 'table')} in {place}")


def _warehouse(settings: Settings) -> Check:
    return _store_check("warehouse", settings.warehouse, "give this user the right to write there, or change warehouse")


def _store_check(name: str, place: str, fix: str) -> Check:
    """Check a folder or object store by writing and deleting a file."""
    if problem := write_and_remove(place):
        return Check(name, f"{files.without_password(place)}: {problem}", _with_driver(place, problem, fix))
    return Check(name, f"a file was written to {files.without_password(place)} and deleted")


def _tracking(settings: Settings) -> Check:
    from models.tracking.client import tracking_problem, tracking_uri

    try:
        uri = tracking_uri(settings)
    except ForestockError:
        return Check("MLflow", "no tracking_uri, and the warehouse is no local folder", "set tracking_uri")
    place = files.without_password(uri)
    if settings.tracking_uri is None:
        return Check(
            "MLflow", f"{place}, made by the first run" if not files.exists(uri.removeprefix("sqlite:///")) else place
        )
    if _scheme(uri) in ("sqlite", "postgresql", "postgres", "mysql", "mssql"):
        problem = _database_problem(uri)
        fix = _with_driver(uri, problem, _DATABASE_FIX)
    else:
        problem = tracking_problem(uri)
        fix = "start the server, or correct tracking_uri and the login (MLFLOW_TRACKING_USERNAME and …_PASSWORD, or …_TOKEN)"
    return Check("MLflow", f"{place}: {problem}", fix) if problem else Check("MLflow", f"{place} answers")


def _database_problem(url: str) -> str:
    try:
        SqlSource(url)
    except UnreadableError as error:
        return error.problem
    return ""


def _outbox(settings: Settings) -> Check:
    target = settings.decisions.outbox.target
    if target is None:
        return Check("outbox", "not configured (decisions.outbox.target); export writes files")
    place, scheme = files.without_password(target), _scheme(target)
    if scheme in ("http", "https"):
        return Check("outbox", f"{place} is not contacted, because every request delivers")
    if scheme in ("", *input_files.FOLDER_SCHEMES):
        return _store_check(
            "outbox", target, "give this user the right to write there, or change decisions.outbox.target"
        )
    problem = _database_problem(target)
    return (
        Check("outbox", f"{place} {problem}", _with_driver(target, problem, _DATABASE_FIX))
        if problem
        else Check("outbox", f"{place} answers")
    )


def _scheme(place: str) -> str:
    return place.partition("://")[0].partition("+")[0] if files.is_url(place) else ""


def _with_driver(place: str, problem: str, fix: str) -> str:
    """Return the fix of a problem; where a driver is missing, how to install it."""
    if not any(text in problem for text in ("No module named", "not installed", "Install ", "install ")):
        return fix
    extra = EXTRAS.get(_scheme(place))
    if extra == "postgres" and "+psycopg://" not in place:
        return "write postgresql+psycopg://…, and pip install 'forestock[postgres]'"
    return f"pip install 'forestock[{extra}]'" if extra else fix


def _first_line(error: BaseException) -> str:
    return next(iter(str(error).splitlines()), type(error).__name__)
