"""Sections of a configuration for ``forestock network``: where places are, and a tariff of a few numbers.

Not here: how a network is built from them (``positioning.network_builder``).
"""

from __future__ import annotations

import re
from typing import Annotated, Any

from pydantic import Field, model_validator

from foundation.sections import Amount, Days, DaysOrNone, Money, Names, NonNegative, Section

_Degrees90 = Annotated[Amount, Field(ge=-90, le=90)]
_Degrees180 = Annotated[Amount, Field(ge=-180, le=180)]
_POINT = re.compile(r"\s*(-?\d+(?:\.\d+)?)\s*[,;\s]\s*(-?\d+(?:\.\d+)?)\s*")
_POSTAL = re.compile(r"([A-Za-z]{2,3})[ -]+([A-Za-z\d][A-Za-z\d -]*)")


class Place(Section):
    """Location of a hub, region, or supplier: coordinates, a country, or a country and a postal code.

    One text can hold it: ``52.52, 13.40``, ``DE 10115``, or ``DE``.
    """

    latitude: _Degrees90 | None = Field(None, description="Latitude in degrees.")
    longitude: _Degrees180 | None = Field(None, description="Longitude in degrees.")
    country: str | None = Field(None, description="ISO country code or English name.")
    postal_code: str | None = Field(None, description="Postal code or its first characters.")

    @model_validator(mode="before")
    @classmethod
    def _from_text(cls, value: Any) -> Any:
        if not isinstance(value, str):
            return value
        if point := _POINT.fullmatch(value):
            latitude, longitude = (float(part) for part in point.groups())
            return {"latitude": latitude, "longitude": longitude}
        if (postal := _POSTAL.fullmatch(value.strip())) and any(sign.isdigit() for sign in postal[2]):
            return {"country": postal[1], "postal_code": postal[2].strip()}
        if not value.strip():
            raise ValueError('is empty; write for example "52.52, 13.40", "DE 10115", or "DE"')
        return {"country": value.strip()}

    @model_validator(mode="after")
    def _complete(self) -> Place:
        if (self.latitude is None) != (self.longitude is None):
            raise ValueError("latitude and longitude belong together; give both")
        return self


class Supplier(Place):
    """A supplier: its place, if known, its lead time, and the hubs that it supplies."""

    lead_time_days: Days | None = Field(None, description="Lead time to every hub; default: that of `network.supply`.")
    lead_time_sd_days: NonNegative | None = Field(None, description="Standard deviation of the lead time.")
    hubs: Names = Field((), description="Hubs that it supplies; empty: all.")

    @model_validator(mode="before")
    @classmethod
    def _lead_time_alone(cls, value: Any) -> Any:
        return {"lead_time_days": value} if isinstance(value, int) and not isinstance(value, bool) else value


class LaneTariff(Section):
    """Cost and time of the lanes of one kind."""

    eur_per_unit: Money = Field(0.1, description="Cost per unit at any distance, for example of handling.")
    eur_per_unit_km: Money = Field(0.0005, description="Cost per unit and kilometer.")
    eur_per_kg: Money = Field(0.0, description="Cost per kilogram at any distance; needs `skus.mass_kg`.")
    eur_per_kg_km: Money = Field(0.0, description="Cost per kilogram and kilometer; needs `skus.mass_kg`.")
    min_days: DaysOrNone = Field(1, description="Minimum lead time in days.")
    days_per_500_km: NonNegative = Field(1.0, description="Days per 500 km; the lead time is rounded up.")
    radius_km: NonNegative | None = Field(None, description="Maximum length of a lane in kilometers; null: no maximum.")


class DeliveryTariff(LaneTariff):
    """Deliveries from a hub to the customers of a region. The nearest hub serves a region even beyond the radius."""

    eur_per_unit: Money = Field(1.0, description="Cost per unit at any distance, for example of handling.")
    eur_per_unit_km: Money = Field(0.002, description="Cost per unit and kilometer.")


class TransferTariff(LaneTariff):
    """Transfers between hubs."""

    eur_per_shipment: Money = Field(0.0, description="Cost per departure, whatever its size (`lanes.eur_per_load`).")


class SupplyTariff(LaneTariff):
    """Orders from suppliers. Cost and time by distance count only where the place of the supplier is known."""

    eur_per_unit: Money = Field(0.0, description="Cost per unit at any distance, for example of handling.")
    eur_per_shipment: Money = Field(0.0, description="Cost per departure, whatever its size (`lanes.eur_per_load`).")
    lead_time_days: Days = Field(14, description="Lead time of suppliers without one of their own.")
    min_days: DaysOrNone = Field(0, description="Minimum lead time in days, added to that of the supplier.")
    days_per_500_km: NonNegative = Field(
        0.0, description="Days per 500 km, added to the lead time of the supplier; the sum is rounded up."
    )


class Network(Section):
    """Places and tariff from which `forestock network` builds `hubs`, `regions`, and `lanes`. A run does not read them."""

    hubs: dict[str, Place] = Field(
        {},
        description="Place of each hub: `52.52, 13.40`, `DE 10115`, `DE`, or keys `latitude`, `longitude`, `country`, `postal_code`. It has precedence over the columns of `hubs`.",
    )
    regions: dict[str, Place] = Field({}, description="Place of each region, in the same way.")
    suppliers: dict[str, Supplier] = Field(
        {},
        description="Place of each supplier in the same way, with `lead_time_days`, `lead_time_sd_days`, and `hubs`; a number alone is the lead time.",
    )
    postal_places: str | None = Field(
        None,
        min_length=1,
        description="File of postal codes with coordinates: CSV with `country`, `postal_code`, `latitude`, `longitude`, or a postal code file of GeoNames. A relative path starts at the configuration's folder.",
    )
    detour_factor: Annotated[float, Field(ge=1, le=5)] = Field(
        1.3, description="Length of a road, divided by the great-circle distance."
    )
    kg_co2e_per_t_km: NonNegative | None = Field(
        None, description="Emission factor of all lanes, well to wheel; null: none."
    )
    delivery: DeliveryTariff = DeliveryTariff()
    transfer: TransferTariff = TransferTariff()
    supply: SupplyTariff = SupplyTariff()
