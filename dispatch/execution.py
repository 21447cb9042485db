"""From a receiver's reports to rows of ``execution``: which proposal each report is about, and which rows are new.

Not here: the forms of files (``receipts``), the storage (``pipeline.execution``).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import pandas as pd

from dispatch.execution_form import ALL_DOCUMENTS, Report, refuse
from foundation.errors import nearest

KEY = ["proposal_id", "status", "source"]


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
