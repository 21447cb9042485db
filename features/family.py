"""The extension point "feature family", and the registry of families.

The bundled families are in ``features/families``, one or more per file. Installed packages add families as entry points of the
group ``forestock.feature_families``. Not here: the features.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from features.view import Columns, View
from foundation.extensions import entries, refuse_unknown
from foundation.matrix import DRIVERS
from foundation.settings import Settings

GROUP = "forestock.feature_families"


@dataclass(frozen=True)
class FeatureFamily:
    """Features that are computed together and switched on and off together.

    Attributes
    ----------
    name
        Name of the family in ``forecast.families``.
    compute
        Returns the features of the rows of a view by name, each an array (n_rows) of numbers, NaN where unknown. Which
        names it returns may depend on the panel, never on the rows. Empty where the panel lacks what the family needs.
    driver
        Group of ``foundation.matrix.DRIVERS`` that explanations add the features to.
    driver_by_name
        Pairs (regular expression, driver) for features of another group; the first expression found in the name decides.
    is_for_totals
        Whether the model of totals uses the family too.
    rank
        Place of the family's columns in the matrix, then by name. A new family keeps the default: LightGBM decides ties
        by the order of columns, so that the columns of the others must not move.
    is_by_series
        Whether the features of a series of daily data depend on no other series, except through the means of the panel's groups. Workers
        of a cluster can then compute them for some series at a time.

    Raises
    ------
    ValueError
        For a driver that is not one of ``DRIVERS``.

    """

    name: str
    compute: Callable[[View], Columns]
    driver: str
    driver_by_name: tuple[tuple[str, str], ...] = ()
    is_for_totals: bool = False
    rank: int = 100
    is_by_series: bool = False

    def __post_init__(self) -> None:
        for driver in (self.driver, *(driver for _, driver in self.driver_by_name)):
            if driver not in DRIVERS:
                raise ValueError(f"feature family {self.name}: the driver {driver!r} is none of {', '.join(DRIVERS)}")

    def driver_of(self, feature: str) -> str:
        """Return the driver of the family's feature of that name."""
        return next((driver for pattern, driver in self.driver_by_name if re.search(pattern, feature)), self.driver)


def registered_families() -> dict[str, FeatureFamily]:
    """Return every family that ships with Forestock or is installed, by name, in the order of their columns."""
    known = entries("features.families", GROUP, FeatureFamily).values()
    return {family.name: family for family in sorted(known, key=lambda family: (family.rank, family.name))}


def families_in_use(settings: Settings) -> dict[str, FeatureFamily]:
    """Return the families that ``forecast.families`` names, in its order; all registered ones where it names none.

    Raises ``ConfigurationError`` for a name that no family has.
    """
    known, requested = registered_families(), settings.forecast.families
    if requested is None:
        return known
    refuse_unknown("forecast.families", requested, known)
    return {name: known[name] for name in requested}


def total_families(settings: Settings) -> tuple[str, ...]:
    """Return the names of the families in use that also describe totals, in the order of their columns."""
    used = sorted(families_in_use(settings).values(), key=lambda family: (family.rank, family.name))
    return tuple(family.name for family in used if family.is_for_totals)
