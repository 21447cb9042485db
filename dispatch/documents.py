"""Released proposals as documents: the lines that one release puts on one departure.

Here: the lines, their grouping and their canonical record. Not here: the forms of other systems (``forms``), delivery
(``outbox``).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass

import pandas as pd

from dispatch.ledger import states
from foundation.keys import among, sorted_by

HEADER_COLUMNS = ("document_id", "departure_id", "lane", "kind", "origin", "destination", "ship_date", "arrival_date")
EXTERNAL_ID_PREFIX = "forestock_"  # of the ids of documents and lines in systems that keep ids of others
LINE_COLUMNS = (*HEADER_COLUMNS, "proposal_id", "sku", "units")
ORDER = ("ship_date", "departure_id", "document_id", "sku", "proposal_id")
_ADDRESSED = ("sku", "origin", "destination", "departure_id", "ship_date", "arrival_date", "units")


@dataclass(frozen=True)
class Document:
    """The lines that one release puts on one departure.

    Attributes
    ----------
    header
        Texts by HEADER_COLUMNS; dates are ``YYYY-MM-DD``.
    lines
        One tuple (proposal_id, sku, units) per proposal.

    """

    header: dict[str, str]
    lines: tuple[tuple[str, str, int], ...]

    @property
    def document_id(self) -> str:
        """The document's id; the same release gives the same id."""
        return self.header["document_id"]

    @property
    def proposal_ids(self) -> tuple[str, ...]:
        """The ids of its proposals."""
        return tuple(line[0] for line in self.lines)

    def record(self) -> dict[str, object]:
        """Return the document as plain values: the header's fields and ``lines``."""
        named = [dict(zip(("proposal_id", "sku", "units"), line, strict=True)) for line in self.lines]
        return {**self.header, "lines": named}

    def to_json(self) -> str:
        """Return the canonical JSON text: keys sorted, one line, the same bytes every time."""
        return json.dumps(self.record(), sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def released_lines(decisions: pd.DataFrame, transfer: pd.DataFrame) -> pd.DataFrame:
    """Return every released line of the ledger, executed ones included: LINE_COLUMNS, sorted by document.

    The line comes from the ledger. If another system released a proposal by its id alone, the line comes from ``transfer``,
    from the last plan that proposed it. Lines that neither has are left out: see ``unaddressed``.
    """
    lines = _with_lines(decisions, transfer)
    lines = lines[lines[list(_ADDRESSED)].notna().all(axis=1)]
    named = lines.assign(document_id=_document_ids(lines), units=lines["units"].astype("int64"))
    return sorted_by(named[list(LINE_COLUMNS)], ORDER)


def unaddressed(decisions: pd.DataFrame, transfer: pd.DataFrame) -> list[str]:
    """Return the ids of released proposals whose line neither the ledger nor ``transfer`` has."""
    lines = _with_lines(decisions, transfer)
    return lines.loc[lines[list(_ADDRESSED)].isna().any(axis=1), "proposal_id"].tolist()


def documents(lines: pd.DataFrame) -> Iterator[Document]:
    """Yield the documents of ``lines`` (LINE_COLUMNS, sorted by document) in their order."""
    text = lines.assign(**{name: lines[name].dt.strftime("%Y-%m-%d") for name in ("ship_date", "arrival_date")})
    header = list(zip(*(text[name].tolist() for name in HEADER_COLUMNS), strict=True))
    line = list(zip(text["proposal_id"].tolist(), text["sku"].tolist(), text["units"].tolist(), strict=True))
    start = 0
    for end in range(1, len(line) + 1):
        if end == len(line) or header[end] != header[start]:
            yield Document(dict(zip(HEADER_COLUMNS, header[start], strict=True)), tuple(line[start:end]))
            start = end


def lines_of(released: list[Document]) -> pd.DataFrame:
    """Return the lines of documents: LINE_COLUMNS, as ``released_lines`` returns them."""
    rows = [
        (*(document.header[name] for name in HEADER_COLUMNS), *line) for document in released for line in document.lines
    ]
    return typed_lines(pd.DataFrame(rows, columns=list(LINE_COLUMNS)))


def typed_lines(lines: pd.DataFrame) -> pd.DataFrame:
    """Return ``lines`` in their dtypes and order: text, ``datetime64[us]`` dates, int64 units."""
    texts = [name for name in LINE_COLUMNS if name not in ("ship_date", "arrival_date", "units")]
    dtypes = dict.fromkeys(texts, "str") | {"ship_date": "datetime64[us]", "arrival_date": "datetime64[us]"}
    return sorted_by(lines.astype(dtypes | {"units": "int64"})[list(LINE_COLUMNS)], ORDER)


def _with_lines(decisions: pd.DataFrame, transfer: pd.DataFrame) -> pd.DataFrame:
    """Return the released proposals with their lines and ``released_at``, the time of their release."""
    known = states(decisions)
    known = known[known["status"].isin(["released", "executed"])]
    releases = decisions[decisions["status"] == "released"].sort_values("at", kind="stable")
    released_at = releases.drop_duplicates("proposal_id").set_index("proposal_id")["at"]
    released_at = released_at.reindex(known["proposal_id"]).set_axis(known.index)
    known = known.assign(released_at=released_at.fillna(known["at"]))
    if known[list(_ADDRESSED)].notna().to_numpy().all():
        return known
    proposed = transfer[among(transfer["proposal_id"], known["proposal_id"])].sort_values("as_of", kind="stable")
    proposed = proposed.drop_duplicates("proposal_id", keep="last").set_index("proposal_id")
    result = proposed.reindex(known["proposal_id"]).set_axis(known.index)
    return known.assign(**{name: known[name].fillna(result[name]) for name in ("kind", "lane", *_ADDRESSED)})


def _document_ids(lines: pd.DataFrame) -> pd.Series:
    """Return 16 hex digits of the departure and the time of the release."""
    time = lines["released_at"].dt.strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    keys = lines["departure_id"] + "|" + time
    ids = {key: hashlib.sha256(key.encode()).hexdigest()[:16] for key in keys.unique()}
    return keys.map(ids).astype("str")
