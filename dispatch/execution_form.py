"""The extension point "execution form": a file of a receiver as reports on released proposals, and the registry of forms.

Here too: from reports to rows of ``execution``, which proposal each report is about, and which rows are new. The bundled forms are in
``dispatch/receipts``. Installed packages add forms as entry points of the group ``forestock.execution_forms``. Not here: reading and writing
(``pipeline.execution``).
"""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Literal, TypeVar

import pandas as pd

from foundation.errors import InputError, nearest
from foundation.extensions import entries, refuse_unknown

GROUP = "forestock.execution_forms"
Status = Literal["shipped", "short", "received", "refused"]
STATUSES: tuple[Status, ...] = ("shipped", "short", "received", "refused")
ALL_DOCUMENTS = "*"
_SHOWN = 20
Part = TypeVar("Part")
KEY = ["proposal_id", "status", "source"]


@dataclass(frozen=True)
class Report:
    """One line of a receiver's file: what happened to the units of a proposal.

    The proposal is given by its id, by its document and SKU, or, for a whole document, by the export that a receiver
    acknowledges.

    Attributes
    ----------
    place
        Place in the file, for messages, for example ``line 3``.
    status
        ``shipped``: left the origin; ``short``: ordered and not shipped; ``received``: at the destination in good
        condition; ``refused``: not accepted.
    units
        Whole units, 0 or more; None: all units of the proposal.
    time
        Time of the event, in UTC.
    source
        The receiver's document. A second report of the same document, proposal, and status is a repetition.
    proposal_id, document_id, sku
        The proposal, or its document and its SKU under the receiver's name; empty where the file does not name them.
    export
        Name of the acknowledged export (see ``export_receiver``); empty: none.

    """

    place: str
    status: Status
    units: int | None
    time: datetime
    source: str
    proposal_id: str = ""
    document_id: str = ""
    sku: str = ""
    export: str = ""


@dataclass(frozen=True)
class ExecutionForm:
    """A form of files that receivers send or export.

    Attributes
    ----------
    name
        Name in ``forestock receive --form``.
    text
        One sentence on what the file holds.
    read
        Returns the reports of a file's text. Raises ``InputError`` that names every line it cannot read.

    """

    name: str
    text: str
    read: Callable[[str], list[Report]]


def registered_execution_forms() -> dict[str, ExecutionForm]:
    """Return every form that ships with Forestock or is installed, by name."""
    return entries("dispatch.receipts", GROUP, ExecutionForm)


def execution_form_named(name: str) -> ExecutionForm:
    """Return the form of that name; raises ``ConfigurationError`` that names the nearest one if there is none."""
    known = registered_execution_forms()
    refuse_unknown("--form", (name,), known)
    return known[name]


def export_receiver(form: str, group_control: str, number: str) -> str:
    """Return the name under which ``handover`` records document ``number`` (from 1) of an exported X12 group.

    ``ALL_DOCUMENTS`` as ``number`` stands for every document of the group.
    """
    return f"{form} {int(group_control)}/{number}"


def read_rows(text: str, required: Iterable[str], read: Callable[[dict[str, str]], Iterable[Report]]) -> list[Report]:
    """Return the reports of all rows of a CSV text.

    ``read`` gets a row with its place under ``place`` and raises ``ValueError`` with the reason if it cannot be read. Names of
    columns are compared without case. Raises ``InputError`` for a missing column, and with one line per unreadable row.
    """
    rows = csv.DictReader(io.StringIO(text.removeprefix("\ufeff"), newline=""))
    names = [column_name(name or "") for name in rows.fieldnames or ()]
    if missing := [name for name in required if name not in names]:
        raise InputError(f"the first line must name the column {missing[0]}; it names {', '.join(names) or 'nothing'}")
    rows.fieldnames = names

    def numbered() -> Iterator[dict[str, str]]:
        for row in rows:
            known = {
                name: (value or "").strip() for name, value in row.items() if isinstance(value, str | None) and name
            }
            yield known | {"place": f"line {rows.line_num}"}

    return collected(numbered(), lambda row: row["place"], read)


def column_name(label: str) -> str:
    """Return the name of a column by its label: ``Posting Date (Items)`` is ``posting_date``."""
    return label.strip().split(" (")[0].lower().replace(" ", "_")


def collected(
    parts: Iterable[Part], place: Callable[[Part], str], read: Callable[[Part], Iterable[Report]]
) -> list[Report]:
    """Return the reports of all ``parts``; raises ``InputError`` with one line per part that cannot be read."""
    result: list[Report] = []
    faults: list[str] = []
    for part in parts:
        try:
            result += read(part)
        except ValueError as error:
            faults.append(f"{place(part)}: {error}")
    refuse(faults)
    return result


def refuse(faults: list[str]) -> None:
    """Raise ``InputError`` with the first faults and the number of the others; return if there is none."""
    if faults:
        rest = [f"and {len(faults) - _SHOWN} more lines"] if len(faults) > _SHOWN else []
        raise InputError(*faults[:_SHOWN], *rest)


def whole_units(text: str) -> int:
    """Return whole units, 0 or more; raises ``ValueError`` for anything else."""
    try:
        value = float(text)
    except ValueError:
        raise ValueError(f"units must be a whole number, and {text!r} is not") from None
    if not 0 <= value < 1e9 or value != int(value):
        raise ValueError(f"units must be a whole number, 0 or more, and {text!r} is not")
    return int(value)


def moment(text: str) -> datetime:
    """Return the time in UTC of ``2016-05-25``, ``20160525``, or a time in ISO format; without a zone it is UTC."""
    try:
        value = datetime.fromisoformat(text.strip())
    except ValueError:
        raise ValueError(f"a date such as 2016-05-25 or 2016-05-25T14:30 is needed, and {text!r} is not one") from None
    return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


@dataclass(frozen=True)
class Released:
    """What is known of released proposals.

    Attributes
    ----------
    units
        Units by proposal id.
    by_document
        Proposal ids by document and SKU.
    by_export
        Proposal ids by the name of an export in ``handover``.
    skus
        Forestock's name of a SKU by the receiver's; other names are the same on both sides.

    """

    units: Mapping[str, int]
    by_document: Mapping[tuple[str, str], list[str]] = field(default_factory=dict)
    by_export: Mapping[str, list[str]] = field(default_factory=dict)
    skus: Mapping[str, str] = field(default_factory=dict)


def released(lines: pd.DataFrame, handover: pd.DataFrame, skus: Mapping[str, str]) -> Released:
    """Return what released ``lines`` (LINE_COLUMNS) and their deliveries tell about documents.

    ``skus`` has the receiver's names by Forestock's.
    """
    by_id = lines.set_index("proposal_id")["sku"]
    pairs = list(zip(lines["document_id"], lines["sku"], lines["proposal_id"], strict=True))
    known = handover[handover["proposal_id"].isin(by_id.index)]
    delivered = known.assign(sku=known["proposal_id"].map(by_id))
    pairs += list(zip(delivered["document_id"], delivered["sku"], delivered["proposal_id"], strict=True))
    by_document: dict[tuple[str, str], list[str]] = {}
    for document_id, sku, proposal_id in dict.fromkeys(pairs):
        by_document.setdefault((document_id, sku), []).append(proposal_id)
    units = dict(zip(lines["proposal_id"], lines["units"].astype("int64"), strict=True))
    by_export = {str(name): ids.tolist() for name, ids in known.groupby("receiver")["proposal_id"]}
    return Released(units, by_document, by_export, {theirs: ours for ours, theirs in skus.items()})


def execution_rows(reports: Sequence[Report], known: Released) -> pd.DataFrame:
    """Return the reports as rows of ``execution``, one per proposal, status and source, units added up.

    Raises ``InputError`` with one line per report about a proposal that was never released, or about none.
    """
    rows, faults = [], []
    for report in reports:
        try:
            ids = _proposals(report, known)
        except LookupError as error:
            faults.append(f"{report.place}: {error.args[0]}")
            continue
        for proposal_id in ids:
            units = known.units[proposal_id] if report.units is None else report.units
            rows.append((proposal_id, report.status, units, pd.Timestamp(report.time), report.source))
    refuse(faults)
    frame = pd.DataFrame(rows, columns=["proposal_id", "status", "units", "at", "source"])
    frame = frame.astype({"units": "int64", "at": "datetime64[us, UTC]"})
    return frame.groupby(KEY, as_index=False, sort=True).agg(units=("units", "sum"), at=("at", "max"))


def _proposals(report: Report, known: Released) -> list[str]:
    """Return the ids of the proposals that a report is about; raises ``LookupError`` that says why there is none."""
    if report.export:
        return _exported(report.export, known)
    if report.proposal_id:
        if report.proposal_id not in known.units:
            hint = nearest(report.proposal_id, list(known.units))
            raise LookupError(f"there is no released proposal {report.proposal_id!r}{hint}")
        return [report.proposal_id]
    sku = known.skus.get(report.sku, report.sku)
    ids = known.by_document.get((report.document_id, sku), [])
    if len(ids) != 1:
        matched = "no released line" if not ids else f"{len(ids)} released lines"
        raise LookupError(f"document {report.document_id!r} has {matched} of SKU {sku!r}")
    return ids


def _exported(export: str, known: Released) -> list[str]:
    if export.endswith(ALL_DOCUMENTS):
        start = export.removesuffix(ALL_DOCUMENTS)
        ids = [name for key, names in known.by_export.items() if key.startswith(start) for name in names]
    else:
        ids = known.by_export.get(export, [])
    if not ids:
        raise LookupError(f"{export} was not exported from this warehouse")
    return ids


def new_rows(rows: pd.DataFrame, recorded: pd.DataFrame) -> pd.DataFrame:
    """Return the rows that ``recorded`` does not have.

    Raises ``InputError`` if a document reports other units than it did before.
    """
    joined = rows.merge(recorded[[*KEY, "units"]], on=KEY, how="left", suffixes=("", "_recorded"))
    is_known = joined["units_recorded"].notna()
    differs = joined[is_known & (joined["units"] != joined["units_recorded"])]
    refuse([
        f"{row.source}: {row.units} units {row.status} of proposal {row.proposal_id}, but {row.units_recorded} are on record;"
        " a correction needs a document of its own"
        for row in differs.itertuples()
    ])  # fmt: skip
    return joined.loc[~is_known, [*KEY, "units", "at"]].reset_index(drop=True)
