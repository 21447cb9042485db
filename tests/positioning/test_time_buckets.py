"""Where the cover window is cut."""

from __future__ import annotations

from positioning.inputs.time_buckets import Buckets, cover_days, cut


def test_cover_is_the_longest_way_plus_review_in_whole_periods() -> None:
    assert cover_days([2, 13], 7, 28, 1) == 20
    assert cover_days([14], 7, 56, 7) == 21


def test_cover_never_passes_the_horizon() -> None:
    assert cover_days([20], 14, 28, 1) == 28


def test_few_arrivals_cut_at_each() -> None:
    assert cut(10, {"transfer": [2, 5]}, 1, 4).days == (0, 2, 5, 10)


def test_many_arrivals_cut_where_units_wait_least() -> None:
    """Three cuts for arrivals 1, 2, 8, 9: waiting one day at 2 and one at 9 beats any other pair."""
    assert cut(12, {"transfer": [1, 2, 8, 9]}, 1, 3).days == (0, 2, 9, 12)


def test_cuts_of_weekly_data_are_whole_weeks() -> None:
    assert cut(21, {"supply": [10]}, 7, 4).days == (0, 14, 21)


def test_arrival_serves_from_the_next_cut_on() -> None:
    buckets = Buckets((0, 6, 13, 20), 1)
    assert [buckets.first_from(day) for day in (0, 1, 6, 7, 13, 14, 20, 30)] == [0, 1, 1, 2, 2, 3, 3, 3]


def test_confirmed_arrivals_go_to_the_nearest_cut() -> None:
    buckets = Buckets((0, 6, 13, 20), 1)
    assert [buckets.nearest(day) for day in (0, 3, 4, 9, 10, 18)] == [0, 0, 1, 1, 2, 3]
