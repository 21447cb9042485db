"""Reading execution back: a receiver's file as rows of ``execution``, and the end of proposals that were refused.

Not here: the forms of files (``dispatch.receipts``), options and printing (``forestock.cli.execution``).
"""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from dispatch.decide import Signature, ledger_rows
from dispatch.execution import execution_rows, new_rows, released
from dispatch.execution_form import execution_form_named
from dispatch.ledger import states
from dispatch.partner import names_of
from foundation.errors import InputError, StageError
from foundation.keys import among
from foundation.settings import Settings
from foundation.store import files
from foundation.store.warehouse import Warehouse
from pipeline.decisions import exclusive, open_plan, plan_inputs, refresh
from pipeline.handover import released_of

_MOVED = ("shipped", "received")


@dataclass(frozen=True)
class Received:
    """What a file added.

    Attributes
    ----------
    rows
        New rows of ``execution``.
    n_known
        Rows of the file that were on record.
    superseded
        Ids of released proposals that ended because every unit was refused and none moved.

    """

    rows: pd.DataFrame
    n_known: int
    superseded: tuple[str, ...]


def receive_file(settings: Settings, form: str, file: str, signature: Signature) -> Received:
    """Record what ``file`` reports; the same file twice adds no row.

    Raises ``InputError`` with one line per line of the file that cannot be read, is about an unknown proposal, or contradicts
    a recorded row; then no row is written.
    """
    reports = execution_form_named(form).read(_text(file))
    with exclusive(settings):
        warehouse = Warehouse(settings)
        decisions = warehouse.read("decision")
        known = released(released_of(warehouse), warehouse.read("handover"), _sku_names(settings))
        rows = execution_rows(reports, known)
        recorded = warehouse.read("execution")
        added = new_rows(rows, recorded)
        if len(added):
            warehouse.append("execution", added)
        ended = _refused(decisions, pd.concat([recorded, added]), signature)
        if len(ended):
            warehouse.append("decision", ended)
            for as_of in sorted({day.date() for day in ended["as_of"].dropna()}):
                refresh(settings, as_of)
    return Received(added, len(rows) - len(added), tuple(ended["proposal_id"]))


def _text(file: str) -> str:
    """Return the text of a receiver's file, without a byte order mark; raises ``InputError`` if it is empty or cannot be read."""
    try:
        text = files.read_bytes(file).decode("utf-8-sig")
    except StageError as error:
        raise InputError(f"{file}: cannot be read ({error.__cause__ or error}); name a file of the receiver") from None
    except UnicodeDecodeError:
        raise InputError(f"{file}: is not UTF-8 text; save it as UTF-8, or name another file") from None
    if not text.strip():
        raise InputError(f"{file}: is empty; name a file of the receiver")
    return text


def _refused(decisions: pd.DataFrame, execution: pd.DataFrame, signature: Signature) -> pd.DataFrame:
    """Return ledger rows that end released proposals of which receivers refused every unit and moved none."""
    known = states(decisions).rename(columns={"at": "decided_at"}).drop(columns=["reason", "by"])
    known = known[known["status"] == "released"]
    moved = execution.loc[execution["status"].isin(_MOVED), "proposal_id"]
    refused = execution[execution["status"] == "refused"].groupby("proposal_id")["units"].sum()
    units = known["proposal_id"].map(refused)
    is_over = (units >= known["units"]) & ~among(known["proposal_id"], moved)
    reason = Signature(signature.time, signature.by, "the receiver refused it")
    return ledger_rows(known[is_over.fillna(False).astype(bool)], "superseded", reason)


def _sku_names(settings: Settings) -> dict[str, str]:
    """Return the receiver's names of SKUs; empty if they are Forestock's."""
    column = settings.decisions.exports.sku_column
    if column is None:
        return {}
    return names_of(plan_inputs(open_plan(settings, None), "skus")["skus"], "sku", column)
