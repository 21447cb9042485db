"""Coordinates of hubs, regions, and suppliers: given, from a postal code, or from a country.

Not here: the table of countries (``country_centroids``), lanes between places (``lanes``).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from foundation.network_sections import Place
from positioning.network_builder.country_centroids import country_centroid, country_code

COORDINATES, POSTAL_CODE, COUNTRY = "coordinates", "postal code", "country"


@dataclass(frozen=True)
class PostalPlaces:
    """Coordinates of postal codes.

    Attributes
    ----------
    country : object array (n_codes)
        ISO 3166-1 alpha-2 code; empty: any country.
    code : object array (n_codes)
        Postal code in capitals, without blanks and hyphens.
    point : float64 array (n_codes, 2)
        Latitude and longitude in degrees.
    """

    country: np.ndarray
    code: np.ndarray
    point: np.ndarray

    @classmethod
    def from_frame(cls, frame: pd.DataFrame) -> PostalPlaces:
        """Return the places of a table with the columns ``country``, ``postal_code``, ``latitude``, and ``longitude``."""
        point = frame[["latitude", "longitude"]].apply(pd.to_numeric, errors="coerce").to_numpy(dtype="float64")
        known = np.isfinite(point).all(axis=1) & frame["postal_code"].notna().to_numpy()
        country = frame["country"] if "country" in frame else pd.Series("", index=frame.index)
        codes = country.fillna("").map(lambda text: country_code(str(text)) or "")
        return cls(
            codes.to_numpy(dtype=object)[known],
            frame["postal_code"].map(lambda text: _plain(str(text))).to_numpy(dtype=object)[known],
            point[known],
        )

    def find(self, country: str | None, postal_code: str) -> np.ndarray | None:
        """Return the mean point of the codes that share the most first characters with ``postal_code``; None without any."""
        requested = _plain(postal_code)
        code = country_code(country or "") or ""
        is_there = np.array([not code or name in ("", code) for name in self.country], dtype=bool)
        for length in range(len(requested), 0, -1):
            rows = is_there & np.array([text.startswith(requested[:length]) for text in self.code], dtype=bool)
            if rows.any():
                return np.asarray(self.point[rows].mean(axis=0))
        return None


def _plain(text: str) -> str:
    return text.upper().replace(" ", "").replace("-", "").removesuffix(".0")


def locate(
    ids: Iterable[str], given: Mapping[str, Place], frame: pd.DataFrame | None, postal: PostalPlaces | None
) -> pd.DataFrame:
    """Return ``latitude``, ``longitude``, ``country``, and ``basis`` by id; null where a place is not known.

    Parameters
    ----------
    ids : iterable of str
        Ids of the places.
    given : mapping of str to Place
        Places of the configuration; they have precedence.
    frame : DataFrame or None
        A table indexed by id that may have ``latitude``, ``longitude``, ``country``, and ``postal_code``.
    postal : PostalPlaces or None
        Coordinates of postal codes.
    """
    rows = {name: _located(given.get(name) or _place_in(frame, name), postal) for name in ids}
    columns = ["latitude", "longitude", "country", "basis"]
    result = pd.DataFrame.from_dict(rows, orient="index", columns=columns)
    return result.astype({"latitude": "float64", "longitude": "float64", "country": "object", "basis": "object"})


def _place_in(frame: pd.DataFrame | None, name: str) -> Place:
    if frame is None or name not in frame.index:
        return Place()
    row = frame.loc[name]
    point = [_degrees(row.get(key)) for key in ("latitude", "longitude")]
    if None in point:
        point = [None, None]
    return Place.model_construct(
        latitude=point[0],
        longitude=point[1],
        country=_text(row.get("country")),
        postal_code=_text(row.get("postal_code")),
    )


def _degrees(value: Any) -> float | None:
    return None if value is None or pd.isna(value) else float(value)


def _text(value: object) -> str | None:
    return None if value is None or value != value or not str(value).strip() else str(value).strip()


def _located(place: Place, postal: PostalPlaces | None) -> tuple[float, float, str | None, str | None]:
    country = (country_code(place.country) or place.country) if place.country else None
    if place.latitude is not None and place.longitude is not None:
        return place.latitude, place.longitude, country, COORDINATES
    if place.postal_code and postal is not None:
        point = postal.find(place.country, place.postal_code)
        if point is not None:
            return float(point[0]), float(point[1]), country, POSTAL_CODE
    center = country_centroid(place.country) if place.country else None
    return (np.nan, np.nan, country, None) if center is None else (*center, country, COUNTRY)
