"""The inbox of exceptions: the exceptions of a plan with their state, owner and due date, the most value at stake first.

Not here: writing a state (``workspace``), its appearance (``templates/exceptions.html.j2``).
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
import pandas as pd

from serve.tables import Tables

STATUSES = ("open", "acknowledged", "solved")
_KEY = ("kind", "hub", "region", "sku")
_SEARCHED = ("kind", "hub", "region", "sku", "action", "owner")
PAGE_ROWS = 100


@dataclass(frozen=True)
class Summary:
    """The exceptions that are not solved: their number and value, and those that are past their due date; and rows by kind."""

    n_open: int
    eur_open: float
    n_overdue: int
    kinds: list[dict[Any, Any]]


def inbox(tables: Tables, as_of: date) -> pd.DataFrame:
    """Return the exceptions of a plan with exception_id, status, owner, due_date, note, by, version, and is_back.

    An exception is open without a state, and again (``is_back``) if it was solved before the planning date and still exists.
    """
    rows = tables.read("exception", as_of)
    keys = rows[list(_KEY)].astype(object).where(rows[list(_KEY)].notna(), "")
    ids = [hashlib.sha256("\x1f".join(map(str, key)).encode()).hexdigest()[:16] for key in keys.itertuples(index=False)]
    states = (
        tables.read("exception_state").sort_values("at", kind="stable").drop_duplicates("exception_id", keep="last")
    )
    known = states.set_index("exception_id").reindex(ids).reset_index(drop=True)
    is_back = (known["status"] == "solved") & (known["at"] < pd.Timestamp(as_of, tz="UTC"))
    status = known["status"].astype(object).where(known["status"].notna() & ~is_back, "open")
    version = known["at"].astype("datetime64[us, UTC]").astype("int64").where(known["at"].notna(), 0).astype(str)
    return rows.reset_index(drop=True).assign(
        exception_id=ids, status=status, owner=known["owner"].astype(object).fillna(""), due_date=known["due_date"],
        note=known["reason"].astype(object).fillna(""), by=known["by"].astype(object).fillna(""), version=version, is_back=is_back,
    ).sort_values(["eur", "kind", "hub", "region", "sku"], ascending=[False, True, True, True, True], kind="stable", na_position="last", ignore_index=True)  # fmt: skip


def summary(tables: Tables, as_of: date, today: date) -> Summary:
    """Return the exceptions of a plan that are not solved, by kind, the most value at stake first."""
    rows = inbox(tables, as_of)
    rows = rows[rows["status"] != "solved"]
    kinds = rows.groupby("kind").agg(n_open=("kind", "size"), eur=("eur", "sum")).sort_values("eur", ascending=False)
    overdue = int((rows["due_date"] < pd.Timestamp(today)).sum())
    return Summary(len(rows), float(rows["eur"].sum()), overdue, kinds.reset_index().to_dict("records"))


def matching(rows: pd.DataFrame, query: dict[str, str]) -> pd.DataFrame:
    """Return the rows that match the filters ``kind``, ``hub``, ``status``, ``owner`` and the words of ``search``."""
    chosen = np.ones(len(rows), dtype=bool)
    for name in ("kind", "hub", "status", "owner"):
        if query.get(name):
            chosen &= (rows[name].fillna("") == query[name]).to_numpy()
    columns = [rows[name].astype(object).fillna("").astype(str).tolist() for name in _SEARCHED]
    texts = pd.Series([" ".join(parts).lower() for parts in zip(*columns, strict=True)], index=rows.index, dtype="str")
    for word in query.get("search", "").lower().split():
        chosen &= texts.str.contains(word, regex=False).to_numpy(dtype=bool)
    return rows[chosen]
