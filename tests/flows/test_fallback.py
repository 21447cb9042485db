"""Fallback to a baseline: the rows of one segment change for the requested dates, and the run reports it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date

import pandas as pd
import pytest

from dispatch.decide import Signature
from foundation.errors import InputError
from foundation.settings import Settings
from foundation.store.warehouse import Warehouse
from pipeline import run
from pipeline.fallback import fallback_segments, record_fallback

AS_OF = date(2016, 5, 16)
SUNDAY = Signature(pd.Timestamp("2016-05-15T20:00", tz="UTC"), "ann")


@pytest.fixture
def settings(planned_settings: Callable[..., Settings]) -> Settings:
    """Return settings of a warehouse with one forecast."""
    return planned_settings()


def _forecast(settings: Settings) -> bool:
    context = run.validate_stage(settings, AS_OF, "forecast")
    return run.forecast_stage(context, run.train_stage(context)).is_new


def test_only_the_rows_of_the_segment_become_the_baselines(settings: Settings) -> None:
    warehouse = Warehouse(settings)
    before = {name: warehouse.read(name, AS_OF) for name in run.FORECAST_TABLES}
    record_fallback(settings, ("CA_1", "FOODS"), date(2016, 5, 30), SUNDAY)
    assert _forecast(settings)
    for name in ("forecast", "forecast_window"):
        after = warehouse.read(name, AS_OF)
        is_meant = (after["region"] == "CA_1") & after["sku"].str.startswith("FOODS")
        assert set(after.loc[is_meant, "tier"]) == {"seasonal_naive"}
        assert (after.loc[is_meant, "mean_units"] != before[name].loc[is_meant, "mean_units"]).any()
        pd.testing.assert_frame_equal(after[~is_meant], before[name][~is_meant])
    assert not _forecast(settings)


def test_the_last_fallback_holds_from_its_decision_until_its_date(settings: Settings) -> None:
    record_fallback(settings, ("CA_1", "FOODS"), date(2016, 5, 30), SUNDAY)
    assert fallback_segments(settings, None, date(2016, 5, 15)) == ()
    assert (
        fallback_segments(settings, None, AS_OF)
        == fallback_segments(settings, None, date(2016, 5, 29))
        == (("CA_1", "FOODS"),)
    )
    assert fallback_segments(settings, None, date(2016, 5, 30)) == ()
    record_fallback(
        settings, ("CA_1", "FOODS"), AS_OF, Signature(SUNDAY.time + pd.Timedelta(hours=1), "bob", "corrected")
    )
    assert fallback_segments(settings, None, AS_OF) == ()


def test_an_unknown_region_is_refused_with_the_nearest_one(settings: Settings) -> None:
    with pytest.raises(InputError, match="did you mean 'CA_1'"):
        record_fallback(settings, ("CA1", "FOODS"), AS_OF, SUNDAY)
