"""A proposed mapping tried on all rows: what the values say about order lines, returns, periods, closed days, and ids.

Not here: headers (``from_files``), formats (``table_rules``).
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from foundation.errors import counted_noun, listed
from foundation.mapping.conversion import is_text, numbers_of
from foundation.mapping.dates import DateForm
from foundation.mapping.section import TableMapping
from foundation.periods import WEEKDAYS
from foundation.settings import Inputs, Settings
from foundation.store.mapped import MappedSource
from foundation.tables import INPUTS
from foundation.validation.input_table import UnreadableError
from pipeline.new_project.configuration_text import Choices, flow
from pipeline.new_project.proposed_table import Proposal, ProposedTable

_GROUPS = ("subcategory", "category", "department")
_LEAST_WEEKS = 8
_MOST_CLOSED = 40


def mapping_of(table: ProposedTable, **changes: Any) -> TableMapping:
    """Return the mapping of a proposal with other values of some keys."""
    keys = {key: value for key, value in table.keys.items() if not key.startswith("_")}
    return TableMapping.model_validate(
        keys | {"columns": {theirs: ours for theirs, ours, _, _ in table.columns}} | changes
    )


def tried(proposal: Proposal, choices: Choices) -> Choices:
    """Complete ``proposal`` with what its rows say, and return ``choices`` with the period, closed days, and hierarchy."""
    plain = {name: mapping_of(table, aggregate=None, negative=None) for name, table in proposal.tables.items()}
    source = MappedSource(None, Settings(inputs=Inputs(tables=plain)))
    frames = {name: frame for name in plain if (frame := _frame(source, name, proposal)) is not None}
    if "sales" in frames:
        choices = _from_sales(proposal, frames["sales"], choices)
    for name in ("stock", "inbound", "skus", "regions", "hubs"):
        if name in frames:
            _put_repeated(proposal.tables[name], frames[name], proposal)
    if "stock" in frames:
        _put_negative_stock(proposal, frames["stock"])
    _compare_ids(proposal, frames)
    hierarchy = _hierarchy(frames["skus"]) if "skus" in frames else ()
    decided = choices.decided | ({"hierarchy"} if hierarchy else set())
    hubs = _ids(frames, "hub", "hubs", "stock", "inbound")
    regions = _ids(frames, "region", "regions", "sales")
    return replace(choices, hierarchy=hierarchy, hubs=hubs, regions=regions, decided=frozenset(decided))


def _frame(source: MappedSource, name: str, proposal: Proposal) -> pd.DataFrame | None:
    try:
        data = source.read(name, ())
    except UnreadableError as error:
        proposal.questions.append(f"{name} ({proposal.tables[name].file.name}): {error.problem}; {error.remedy}")
        return None
    columns = {}
    for name in data.column_names:
        if name in ("units_sold", "units_on_hand"):
            columns[name] = pd.Series(numbers_of(data.column(name)))
        else:
            columns[name] = (
                _text(data.column(name))
                .to_pandas()
                .astype(object)
                .map(lambda value: value.strip() if isinstance(value, str) else None)
            )
    return pd.DataFrame(columns)


def _text(values: pa.ChunkedArray) -> pa.ChunkedArray:
    return values if is_text(values.type) else values.cast(pa.string())


def _from_sales(proposal: Proposal, frame: pd.DataFrame, choices: Choices) -> Choices:
    table = proposal.tables["sales"]
    days = (
        pd.to_datetime(frame["date"].str[:10], format="%Y-%m-%d", errors="coerce")
        if "date" in frame
        else pd.Series(dtype="datetime64[us]")
    )
    parsed = frame["date"].map(_day) if "date" in frame else pd.Series(dtype=object)
    days = days.where(days.notna(), pd.to_datetime(parsed, errors="coerce"))
    keys = [name for name in ("date", "region", "sku") if name in frame]
    dated = frame.assign(date=days.astype(object).where(days.notna(), frame["date"])) if "date" in frame else frame
    n_repeated = (
        int(dated.duplicated(keys).sum()) if len(keys) == 3 or "region" in table.keys.get("defaults", {}) else 0
    )
    has_time = "date" in frame and bool((frame["date"].str.len() > 10).any())
    if n_repeated or has_time:
        table.keys["aggregate"] = "sum"
        proposal.notes.append(
            f"sales: the rows are order lines ({counted_noun(n_repeated, 'row')} with a key that another has); their units are added up"
        )
    _put_returns(proposal, frame)
    if days.notna().sum() == 0:
        return choices
    return _with_periods(proposal, pd.DatetimeIndex(np.sort(days.dropna().unique())), choices)


def _day(text: Any) -> Any:
    parsed = DateForm("yyyy-mm-dd").parse(text) if isinstance(text, str) else None
    return parsed[0] if parsed else None


def _put_returns(proposal: Proposal, frame: pd.DataFrame) -> None:
    table = proposal.tables["sales"]
    marked = table.keys.pop("_returns", None)
    units = frame["units_sold"] if "units_sold" in frame else pd.Series(dtype="float64")
    n_negative = int((units < 0).sum())
    if n_negative > 0.5 * max(len(units), 1):
        proposal.questions.append(
            "sales: most quantities are negative, as in a list of stock movements. Write scale: {units_sold: -1} below inputs.tables.sales if they are sales, and negative: returns for the others"
        )
    elif n_negative:
        table.keys["negative"] = "returns"
        proposal.notes.append(
            f"sales: {counted_noun(n_negative, 'row')} with a negative quantity {'is a return' if n_negative == 1 else 'are returns'}; returns do not reduce demand"
        )
    elif marked is not None:
        table.keys.setdefault("where_not", {}).setdefault(marked[0], []).extend(marked[1])
        proposal.notes.append(
            f"sales: rows whose {marked[0]} is {listed(marked[1])} are left out, because returns do not reduce demand"
        )


def _with_periods(proposal: Proposal, days: pd.DatetimeIndex, choices: Choices) -> Choices:
    weekdays = sorted(set(days.day_of_week))
    gaps = np.diff(days.to_numpy()).astype("timedelta64[D]").astype(int)
    if len(days) >= 4 and len(weekdays) == 1:
        code = f"W-{WEEKDAYS[weekdays[0]]}"
        proposal.notes.append(f"sales: every date is a {days[0]:%A}, so the periods are weeks ({code})")
        return replace(choices, frequency=code, decided=choices.decided | {"frequency", "closed_days"})
    if (len(days) >= 3 and (days.day == 1).all()) or (len(days) >= 3 and days.is_month_end.all()):
        proposal.questions.append(
            "sales: the dates are months. Forestock needs daily or weekly sales; export them by day"
        )
        return choices
    if len(days) >= 10 and len(gaps) and np.median(gaps) > 2:
        proposal.questions.append(
            f"sales: the dates are usually {int(np.median(gaps))} days apart. Forestock needs daily or weekly sales; write frequency, or export them by day"
        )
        return choices
    closed, n_left = _closed_days(days)
    if closed:
        proposal.notes.append(f"sales: no region sells on {listed(closed)}: closed_days")
    if n_left:
        proposal.questions.append(
            f"sales: {counted_noun(n_left, 'day')} between {days[0]:%Y-%m-%d} and {days[-1]:%Y-%m-%d} have no row. Load them, give a row with 0 for a day without sales, or name closed days (forestock validate explains)"
        )
    return replace(
        choices, closed_days=closed, decided=choices.decided | {"frequency"} | ({"closed_days"} if closed else set())
    )


def _closed_days(days: pd.DatetimeIndex) -> tuple[tuple[str, ...], int]:
    """Return weekdays, month-days, and dates without any sales, and how many days are left unexplained."""
    every = pd.date_range(days[0], days[-1])
    missing = every.difference(days)
    result: list[str] = []
    n_weeks = len(every) / 7
    for weekday, name in enumerate(WEEKDAYS):
        if (
            n_weeks >= _LEAST_WEEKS
            and (missing.day_of_week == weekday).sum() >= 0.95 * (every.day_of_week == weekday).sum()
        ) and not (days.day_of_week == weekday).any():
            result.append(name.capitalize())
            missing = missing[missing.day_of_week != weekday]
    if len(missing) > min(_MOST_CLOSED, 0.05 * len(every)):
        return tuple(result), len(missing)
    holidays = [day for day in missing if (day.month, day.day) in ((12, 25), (12, 26), (1, 1), (5, 1))]
    month_days = sorted(
        {
            f"{day:%m-%d}"
            for day in holidays
            if not any((other.month, other.day) == (day.month, day.day) for other in days)
        }
    )
    rest = [f"{day:%Y-%m-%d}" for day in missing if f"{day:%m-%d}" not in month_days]
    return (*result, *month_days, *rest), 0


def _put_repeated(table: ProposedTable, frame: pd.DataFrame, proposal: Proposal) -> None:
    """Add up or unite rows whose key repeats."""
    keys = [name for name in INPUTS[table.table].grain if name in frame]
    n_repeated = int(frame.duplicated(keys).sum()) if keys else 0
    if not n_repeated or "aggregate" in table.keys:
        return
    if table.table in ("stock", "inbound"):
        table.keys["aggregate"] = "sum"
        proposal.notes.append(
            f"{table.table}: {counted_noun(n_repeated, 'row')} with a key that another has, such as bins or batches; their units are added up"
        )
    else:
        table.keys["aggregate"] = "distinct"
        n_left = int(frame.drop_duplicates().duplicated(keys).sum())
        if n_left:
            proposal.questions.append(
                f"{table.table}: {counted_noun(n_left, 'key')} of {table.file.name} have rows that differ. Correct them, or leave out the columns that differ"
            )


def _put_negative_stock(proposal: Proposal, frame: pd.DataFrame) -> None:
    n_negative = int((frame["units_on_hand"] < 0).sum()) if "units_on_hand" in frame else 0
    if n_negative:
        proposal.tables["stock"].keys["negative"] = "drop"
        proposal.notes.append(
            f"stock: {counted_noun(n_negative, 'row')} with negative stock {'counts' if n_negative == 1 else 'count'} as none"
        )


def _compare_ids(proposal: Proposal, frames: dict[str, pd.DataFrame]) -> None:
    """Ask about SKUs that the item master does not have; ids that lost their leading zeros are padded."""
    known = frames.get("skus")
    if known is None or "sku" not in known:
        return
    ids = {value for value in known["sku"] if value}
    for name in ("sales", "stock", "inbound"):
        if (
            name not in frames
            or "sku" not in frames[name]
            or proposal.tables["skus"].file is proposal.tables[name].file
        ):
            continue
        unknown = sorted({value for value in frames[name]["sku"] if value} - ids)
        if unknown and not _padded(proposal, name, frames[name], known):
            table, header = proposal.tables[name], proposal.tables[name].header("sku")
            line = f"where_not: {{{header}: {flow(unknown[:10])}}}"
            proposal.questions.append(
                f"{name}: {counted_noun(len(unknown), 'SKU')} ({listed(unknown)}) {'is' if len(unknown) == 1 else 'are'} not in {proposal.tables['skus'].file.name}. Add them there, or leave them out: write {line} below inputs.tables.{table.table}"
            )


def _padded(proposal: Proposal, name: str, frame: pd.DataFrame, known: pd.DataFrame) -> bool:
    """Pad the ids of the side that lost its zeros, if all ids are then known and of one length; return whether that was so."""
    ours, theirs = ({str(value) for value in one["sku"] if value} for one in (frame, known))
    for table, short, full in ((name, ours, theirs), ("skus", theirs, ours)):
        lengths = {len(value) for value in full}
        if len(lengths) != 1 or not all(value.isdigit() for value in short):
            continue
        width = lengths.pop()
        padded = {value.zfill(width) for value in short}
        if (
            len(padded) == len(short)
            and (padded <= full if table == name else padded >= full)
            and any(len(value) < width for value in short)
        ):
            proposal.tables[table].keys["pad"] = {"sku": width}
            proposal.notes.append(f"{table}: its SKUs have lost leading zeros and are padded to {width} digits")
            return True
    return False


def _hierarchy(skus: pd.DataFrame) -> tuple[str, ...]:
    """Return the group columns of ``skus`` that nest, finest first."""
    names = [name for name in _GROUPS if name in skus and skus[name].notna().all() and skus[name].nunique() > 1]
    names.sort(key=lambda name: -skus[name].nunique())
    kept: list[str] = []
    for name in names:
        if not kept or (skus.groupby(kept[-1])[name].nunique() == 1).all():
            kept.append(name)
    return tuple(kept)


def _ids(frames: dict[str, pd.DataFrame], column: str, *tables: str) -> tuple[str, ...]:
    for name in tables:
        if name in frames and column in frames[name]:
            ids = sorted({str(value) for value in frames[name][column] if value})
            return tuple(ids[:50])
    return ()
