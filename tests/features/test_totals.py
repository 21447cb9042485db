"""Totals of a table: linked by name, and used for reconciliation only if the series add up to them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from features import build_panel, forecast_matrix
from features.view import View
from models.totals import reconcile
from tests.worlds.small_world import AS_OF, settings, tables

Tables = dict[str, pd.DataFrame]


def _with_totals(factor: float = 1.0, first: str = "2024-01-01") -> Tables:
    """Return the small world with the totals of all kinds, times ``factor``, from a date on."""
    given = tables(days=130)
    given["sales"]["in_stock_rate"] = 1.0
    kinds = given["sales"].merge(given["skus"], on="sku").assign(kind=lambda frame: "units_" + frame["department"])
    totals = kinds.pivot_table(index=["date", "region"], columns="kind", values="units_sold", aggfunc="sum") * factor
    totals = totals[totals.index.get_level_values("date") >= first]
    return given | {"regional": given["regional"].merge(totals.reset_index(), how="left", on=["date", "region"])}


def test_series_are_reconciled_to_the_total_they_add_up_to() -> None:
    panel = build_panel(_with_totals(), settings(), AS_OF)
    matrix = forecast_matrix(panel, settings())
    assert matrix.totals is not None
    named = matrix.totals.matrix.series.iloc[matrix.totals.code].reset_index(drop=True)
    assert named["region"].tolist() == matrix.series["region"].tolist()
    assert named["sku"].tolist() == matrix.series["department"].tolist()


def test_total_of_more_than_the_series_does_not_scale_them() -> None:
    """The total food sales of a store must not inflate the few foods that are forecast."""
    matrix = forecast_matrix(build_panel(_with_totals(factor=5.0), settings(), AS_OF), settings())
    assert matrix.totals is not None
    assert (matrix.totals.code == -1).all()


def test_short_totals_are_not_used() -> None:
    assert build_panel(_with_totals(first="2024-04-15"), settings(), AS_OF).totals is None


def test_an_origin_before_the_totals_begin_sees_none_of_them() -> None:
    """A negative slice would return later totals."""
    panel = build_panel(_with_totals(), settings(), AS_OF)
    late = replace(
        panel.totals.panel, demand=panel.totals.panel.demand[:, 100:], n_history=panel.totals.panel.n_history - 100
    )
    panel = replace(panel, totals=replace(panel.totals, panel=late))
    view = View(panel, 60, np.array([0], np.int32), np.array([0]), np.array([60], np.int32))
    assert view.past_of_totals().n_past == 0


def test_reconciliation_moves_series_part_of_the_way_to_their_total() -> None:
    """Forecasts of 1 and 3 under a total of 4.4 grow by 1.1 to the power 0.9; no factor exceeds 1.5."""
    aligned = reconcile(np.array([[1.0], [3.0], [7.0]]), np.array([[4.4]]), np.array([0, 0, -1]))
    assert aligned[:2, 0] == pytest.approx(np.array([1.0, 3.0]) * 1.1**0.9)
    assert aligned[2, 0] == 7.0
    assert reconcile(np.array([[1.0]]), np.array([[8.0]]), np.array([0]))[0, 0] == 1.5
