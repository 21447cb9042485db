"""The report of the inputs: what it says, how much depends on each assumption, and its page."""

from __future__ import annotations

import re
from datetime import date
from html import unescape

from foundation.assumptions import Assumption
from foundation.errors import Fault
from foundation.settings import Settings
from foundation.validation.money_defaults import MoneyDefault, money_defaults
from review.input_report import InputReport, TableContents, input_page


def report(stops: bool = False) -> InputReport:
    """Return a report with a part of every kind."""
    fault = Fault(
        "sales",
        "date",
        "2 periods <b> without a row",
        "load them",
        2,
        ("date=2024-05-01",),
        paste="series:\n  closed_days: [05-01]",
    )
    return InputReport(
        name="shop", currency="EUR", configuration="/shop/c.yaml", as_of=date(2024, 6, 3), stops=stops,
        errors=(fault,) if stops else (), warnings=("regions.region: 1 row without sales; remove it",),
        assumptions=(
            Assumption("free", "lanes", "eur_per_unit", 4, "lanes count as free", "far as near", None, 750.0),
            Assumption("lost", "skus", "lost_sale_eur", 9, "price less cost", "no goodwill", 1234.4, 1000.0),
            Assumption("other", "hubs", "", 0, "no limit", "all fits"),
        ),
        defaults=(MoneyDefault("positioning.carbon_eur_per_t", "€0", "emissions cost nothing"),),
        tables=(TableContents("sales", 900, "2024-04-04", "2024-06-02", ""), TableContents("promises", None, "", "", "nothing is late")),
        recent_units=1000.0, is_forecast_only=False,
    )  # fmt: skip


def _text(page: str) -> str:
    return re.sub(r"\s+", " ", unescape(re.sub(r"<[^>]+>", " ", page.partition("<body>")[2])))


def test_each_assumption_says_how_much_of_the_plan_depends_on_it() -> None:
    given = report()
    assert [given.share(one) for one in given.assumptions] == [
        "75% of the units sold in four weeks", "100% of the units sold in four weeks, €1,234", "",
    ]  # fmt: skip


def test_the_page_names_corrections_and_the_lines_to_paste() -> None:
    page = input_page(report(stops=True), (("after the corrections", "forestock validate --config '/a b/c.yaml'"),))
    assert "<b>" not in page
    text = _text(page)
    assert "A run would stop: 1 error to correct." in text
    assert "2 periods <b> without a row, first: date=2024-05-01. What to do: load them." in text
    assert ">series:\n  closed_days: [05-01]</pre>" in page
    assert "forestock validate --config '/a b/c.yaml'" in text


def test_the_page_of_valid_inputs_shows_every_part() -> None:
    text = _text(input_page(report(), ()))
    for part in (
        "The inputs are valid for 2024-06-03, with 1 warning.", "1 row without sales", "lanes count as free", "75% of the units",
        "positioning.carbon_eur_per_t €0 emissions cost nothing", "sales 900 2024-04-04 2024-06-02", "promises – nothing is late",
    ):  # fmt: skip
        assert part in text


def test_only_settings_that_are_not_given_are_defaults() -> None:
    keys = {default.key for default in money_defaults(Settings())}
    assert {"positioning.handling_eur_per_unit", "positioning.carbon_eur_per_t"} <= keys
    given = Settings.model_validate({"positioning": {"carbon_eur_per_t": 0}})
    assert {default.key for default in money_defaults(given)} == keys - {"positioning.carbon_eur_per_t"}
