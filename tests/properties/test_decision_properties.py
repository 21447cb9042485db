"""Whatever is written to the ledger and whenever it is killed: legal states, one delivery."""

from __future__ import annotations

import pandas as pd
from hypothesis import given, settings
from hypothesis import strategies as st

from dispatch.decide import ledger_rows
from dispatch.documents import LINE_COLUMNS, Document, documents, lines_of, released_lines, typed_lines
from dispatch.export_form import registered_forms
from dispatch.ledger import FOLLOWERS, STATUSES, counts, in_order, states
from dispatch.outbox import RetryPolicy, deliver, undelivered
from dispatch.partner import Partner
from tests.worlds.proposal_world import act, decision, ledger, proposal, proposals, transfer

few = settings(deadline=None, max_examples=40)
IDS = ("p", "q", "r")
HISTORIES = st.lists(
    st.tuples(st.sampled_from(IDS), st.sampled_from((*STATUSES[1:], "nonsense")), st.integers(0, 59)), max_size=12
)


def _ledger(history: list[tuple[str, str, int]]) -> pd.DataFrame:
    return ledger(*(decision(name, status, f"2016-05-23T07:{minute:02d}") for name, status, minute in history))


def _slow_states(decisions: pd.DataFrame) -> dict[str, str]:
    """Return the states by walking row by row: the obvious way."""
    result: dict[str, str] = {}
    for row in in_order(decisions).to_dict("records"):
        before = result.get(row["proposal_id"], "proposed")
        if row["status"] in FOLLOWERS[before]:
            result[row["proposal_id"]] = row["status"]
    return result


@few
@given(HISTORIES)
def test_the_states_are_those_of_a_walk_through_the_rows(history: list[tuple[str, str, int]]) -> None:
    decisions = _ledger(history)
    known = states(decisions)
    assert dict(zip(known["proposal_id"], known["status"], strict=True)) == _slow_states(decisions)


@few
@given(HISTORIES)
def test_every_row_that_took_effect_follows_the_one_before(history: list[tuple[str, str, int]]) -> None:
    rows = in_order(_ledger(history))
    for _, selected in rows[counts(rows)].groupby("proposal_id"):
        for before, after in zip(["proposed", *selected["status"]], selected["status"], strict=False):
            assert after in FOLLOWERS[before]


@few
@given(HISTORIES, st.permutations(range(12)))
def test_the_order_in_which_rows_were_written_does_not_matter(
    history: list[tuple[str, str, int]], order: list[int]
) -> None:
    distinct = list({(name, minute): (name, status, minute) for name, status, minute in history}.values())
    shuffled = [distinct[place] for place in order if place < len(distinct)]
    pd.testing.assert_frame_equal(states(_ledger(distinct)), states(_ledger(shuffled)))


class Killed(BaseException):
    """The process ends here."""


class Reader:
    """A folder whose reader takes every file away at once, and a process killed at chosen steps."""

    def __init__(self, deaths: set[int]) -> None:
        self.deaths, self.steps = deaths, 0
        self.staged: dict[str, Document] = {}
        self.taken: list[Document] = []
        self.book: list[tuple[str, str]] = []

    def step(self) -> None:
        """Die if it is time."""
        self.steps += 1
        if self.steps in self.deaths:
            raise Killed

    def offer(self, document: Document) -> None:
        """Stage a document."""
        self.step()
        self.staged[document.document_id] = document
        self.step()

    def confirm(self, document_ids: list[str]) -> None:
        """Let documents appear; the reader takes them."""
        for name in document_ids:
            self.step()
            if name in self.staged:
                self.taken.append(self.staged.pop(name))

    def record(self, batch: list[Document]) -> None:
        """Write the batch down, all or none."""
        self.step()
        self.book += [(name, document.document_id) for document in batch for name in document.proposal_ids]
        self.step()

    def run(self, lines: pd.DataFrame) -> None:
        """Finish what is recorded, then deliver what is open."""
        frame = pd.DataFrame(self.book, columns=["proposal_id", "document_id"]).astype("str")
        self.confirm(sorted({document for _, document in self.book} & set(self.staged)))
        result = documents(undelivered(lines, frame.assign(receiver="wms"), "wms"))
        deliver(result, self, self.record, RetryPolicy(1, 0, lambda seconds: None))


@few
@given(st.integers(1, 6), st.sets(st.integers(1, 60), max_size=8))
def test_killed_anywhere_and_run_again_every_proposal_arrives_exactly_once(n_lanes: int, deaths: set[int]) -> None:
    rows = [proposal(f"{lane}{sku}", sku=sku, lane=f"A-{lane}") for lane in range(n_lanes) for sku in ("s", "t")]
    lines = released_lines(ledger_rows(proposals(*rows), "released", act()), transfer(*rows))
    reader = Reader(deaths)
    for _ in range(len(deaths) + 1):
        try:
            reader.run(lines)
        except Killed:
            continue
    reader.run(lines)
    arrived = [name for document in reader.taken for name in document.proposal_ids]
    assert sorted(arrived) == sorted(lines["proposal_id"])


WORDS = st.text(
    st.characters(codec="utf-8", exclude_categories=("C", "Z"), exclude_characters="*~<"), min_size=1, max_size=12
)


@few
@given(st.lists(st.tuples(WORDS, WORDS, WORDS, st.integers(1, 10**6)), min_size=1, max_size=5))
def test_any_names_and_units_survive_every_form(rows: list[tuple[str, str, str, int]]) -> None:
    lines = typed_lines(
        pd.DataFrame(
            [
                (
                    f"d{place}",
                    f"{lane} 2016",
                    lane,
                    "transfer",
                    origin,
                    f"{origin}2",
                    "2016-05-23",
                    "2016-05-24",
                    f"p{place}",
                    sku,
                    units,
                )
                for place, (lane, origin, sku, units) in enumerate(rows)
            ],
            columns=list(LINE_COLUMNS),
        )
    )
    for form in registered_forms().values():
        given = lines.assign(kind=form.kinds[0])
        back = lines_of(form.read(form.write(list(documents(given)), Partner())))
        pd.testing.assert_frame_equal(back, typed_lines(given.assign(**dict.fromkeys(form.lost, ""))))
