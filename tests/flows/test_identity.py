"""Identities: what changes a row changes them, and nothing else does."""

from __future__ import annotations

from datetime import date

import pytest

from flows.identity import forecast_identity, run_identity, training_identity
from foundation.configuration import load_settings

NIGHT = date(2016, 5, 23)


def _identities(*overrides: str, fingerprint: str = "a") -> tuple[str, str, str]:
    settings = load_settings("demo", overrides)
    forecast = forecast_identity(settings, NIGHT, fingerprint, "model")
    return training_identity(settings, NIGHT, fingerprint), forecast, run_identity(settings, forecast, "none")


@pytest.mark.parametrize(
    "override",
    [
        "warehouse=elsewhere",
        "tracking_uri=http://host",
        "forecast.threads=7",
        "forecast.train_every_days=14",
        "positioning.processes=9",
        "review.title=T",
    ],
)
def test_where_and_by_how_many_hands_is_no_part_of_a_result(override: str) -> None:
    """A backfill of several nights at a time halves the threads and must find the same models."""
    assert _identities(override) == _identities()


@pytest.mark.parametrize("override", ["forecast.seed=1", "horizon=35", "series.closed_days=[]", "frequency=W-MON"])
def test_what_changes_a_forecast_changes_all_three(override: str) -> None:
    assert all(new != old for new, old in zip(_identities(override), _identities(), strict=True))


@pytest.mark.parametrize("override", ["positioning.seed=1", "positioning.kinds=[supply]"])
def test_what_changes_only_the_plan_keeps_model_and_forecast(override: str) -> None:
    new, old = _identities(override), _identities()
    assert new[:2] == old[:2]
    assert new[2] != old[2]


def test_other_inputs_are_another_result() -> None:
    assert all(new != old for new, old in zip(_identities(fingerprint="b"), _identities(), strict=True))
