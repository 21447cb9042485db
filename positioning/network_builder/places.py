"""Coordinates of hubs, regions, and suppliers: given, from a postal code, or from a country.

The table of countries is derived from Natural Earth 1:110m, Admin 0 Countries and Populated Places, as distributed with geopandas 0.14.4, which
is in the public domain (https://www.naturalearthdata.com/about/terms-of-use/): the area centroid of a country's largest polygon, and
the largest city of countries that have no polygon at this scale. An error of hundreds of kilometers is normal in a large country. Not here:
lanes between places (``build``).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from foundation.network_sections import Place

COORDINATES, POSTAL_CODE, COUNTRY = "coordinates", "postal code", "country"
# ISO 3166-1 alpha-2, alpha-3, latitude, longitude, English name
_TABLE = (
    "AD AND 42.51 1.53 Andorra|AE ARE 23.87 54.21 United Arab Emirates|AF AFG 33.86 66.09 Afghanistan|"
    "AG ATG 17.12 -61.85 Antigua and Barbuda|AL ALB 41.14 20.03 Albania|AM ARM 40.22 45.00 Armenia|"
    "AO AGO -12.29 17.50 Angola|AQ ATA -80.52 21.28 Antarctica|AR ARG -35.22 -65.15 Argentina|"
    "AT AUT 47.61 14.08 Austria|AU AUS -25.56 134.38 Australia|AZ AZE 40.28 47.68 Azerbaijan|"
    "BA BIH 44.18 17.82 Bosnia and Herzegovina|BB BRB 13.10 -59.62 Barbados|BD BGD 23.84 90.27 Bangladesh|"
    "BE BEL 50.65 4.58 Belgium|BF BFA 12.31 -1.78 Burkina Faso|BG BGR 42.75 25.20 Bulgaria|BH BHR 26.24 50.58 Bahrain|"
    "BI BDI -3.38 29.91 Burundi|BJ BEN 9.65 2.34 Benin|BN BRN 4.69 114.92 Brunei|BO BOL -16.73 -64.64 Bolivia|"
    "BR BRA -10.81 -53.05 Brazil|BS BHS 24.51 -77.92 Bahamas|BT BTN 27.43 90.47 Bhutan|BW BWA -22.10 23.77 Botswana|"
    "BY BLR 53.51 27.98 Belarus|BZ BLZ 17.20 -88.70 Belize|CA CAN 57.75 -101.57 Canada|"
    "CD COD -2.85 23.58 Democratic Republic of the Congo|CF CAF 6.54 20.37 Central African Republic|"
    "CG COG -0.84 15.13 Congo|CH CHE 46.79 8.12 Switzerland|CI CIV 7.55 -5.61 Côte d'Ivoire|"
    "CL CHL -37.34 -71.67 Chile|CM CMR 5.66 12.61 Cameroon|CN CHN 36.61 103.87 China|CO COL 3.93 -73.08 Colombia|"
    "CR CRI 9.97 -84.18 Costa Rica|CU CUB 21.63 -78.96 Cuba|CV CPV 14.92 -23.52 Cape Verde|CY CYP 34.91 33.04 Cyprus|"
    "CZ CZE 49.78 15.33 Czechia|DE DEU 51.13 10.29 Germany|DJ DJI 11.77 42.50 Djibouti|DK DNK 56.22 9.31 Denmark|"
    "DM DMA 15.30 -61.39 Dominica|DO DOM 18.88 -70.46 Dominican Republic|DZ DZA 28.19 2.60 Algeria|"
    "EC ECU -1.45 -78.38 Ecuador|EE EST 58.64 25.82 Estonia|EG EGY 26.51 29.84 Egypt|"
    "EH ESH 24.29 -12.14 Western Sahara|ER ERI 15.43 38.68 Eritrea|ES ESP 40.35 -3.62 Spain|"
    "ET ETH 8.65 39.55 Ethiopia|FI FIN 64.50 26.21 Finland|FJ FJI -17.83 178.00 Fiji|"
    "FK FLK -51.71 -59.42 Falkland Islands|FM FSM 6.92 158.15 Micronesia|FR FRA 46.61 2.34 France|"
    "GA GAB -0.65 11.69 Gabon|GB GBR 53.88 -2.66 United Kingdom|GD GRD 12.05 -61.74 Grenada|"
    "GE GEO 42.16 43.48 Georgia|GH GHA 7.93 -1.24 Ghana|GL GRL 74.77 -41.50 Greenland|GM GMB 13.48 -15.43 Gambia|"
    "GN GIN 10.45 -11.06 Guinea|GQ GNQ 1.65 10.37 Equatorial Guinea|GR GRC 39.34 22.56 Greece|"
    "GT GTM 15.70 -90.37 Guatemala|GW GNB 12.02 -15.11 Guinea-Bissau|GY GUY 4.79 -58.97 Guyana|"
    "HK HKG 22.31 114.18 Hong Kong|HN HND 14.82 -86.59 Honduras|HR HRV 45.02 16.57 Croatia|HT HTI 18.90 -72.66 Haiti|"
    "HU HUN 47.20 19.36 Hungary|ID IDN -0.25 114.02 Indonesia|IE IRL 53.18 -8.01 Ireland|IL ISR 31.48 35.00 Israel|"
    "IN IND 22.93 79.59 India|IQ IRQ 33.04 43.76 Iraq|IR IRN 32.52 54.29 Iran|IS ISL 65.07 -18.76 Iceland|"
    "IT ITA 43.47 12.22 Italy|JM JAM 18.14 -77.32 Jamaica|JO JOR 31.25 36.78 Jordan|JP JPN 36.02 136.88 Japan|"
    "KE KEN 0.60 37.79 Kenya|KG KGZ 41.51 74.62 Kyrgyzstan|KH KHM 12.68 104.88 Cambodia|KI KIR 1.34 173.02 Kiribati|"
    "KM COM -11.70 43.24 Comoros|KN KNA 17.30 -62.72 Saint Kitts and Nevis|KP PRK 40.14 127.17 North Korea|"
    "KR KOR 36.43 127.82 South Korea|KW KWT 29.31 47.60 Kuwait|KZ KAZ 48.19 67.28 Kazakhstan|LA LAO 18.44 103.75 Laos|"
    "LB LBN 33.91 35.87 Lebanon|LC LCA 14.01 -60.99 Saint Lucia|LI LIE 47.13 9.52 Liechtenstein|"
    "LK LKA 7.70 80.67 Sri Lanka|LR LBR 6.43 -9.41 Liberia|LS LSO -29.63 28.17 Lesotho|LT LTU 55.28 23.88 Lithuania|"
    "LU LUX 49.77 5.97 Luxembourg|LV LVA 56.81 24.83 Latvia|LY LBY 27.00 17.97 Libya|MA MAR 29.89 -8.42 Morocco|"
    "MC MCO 43.74 7.41 Monaco|MD MDA 47.20 28.41 Moldova|ME MNE 42.79 19.29 Montenegro|MG MDG -19.36 46.69 Madagascar|"
    "MH MHL 7.10 171.38 Marshall Islands|MK MKD 41.61 21.70 North Macedonia|ML MLI 17.27 -3.54 Mali|"
    "MM MMR 21.02 96.51 Myanmar|MN MNG 46.82 102.95 Mongolia|MR MRT 20.21 -10.33 Mauritania|MT MLT 35.90 14.51 Malta|"
    "MU MUS -20.17 57.50 Mauritius|MV MDV 4.17 73.51 Maldives|MW MWI -13.17 34.19 Malawi|MX MEX 23.94 -102.58 Mexico|"
    "MY MYS 3.55 114.68 Malaysia|MZ MOZ -17.23 35.47 Mozambique|NA NAM -22.10 17.16 Namibia|"
    "NC NCL -21.26 165.53 New Caledonia|NE NER 17.35 9.32 Niger|NG NGA 9.55 8.00 Nigeria|"
    "NI NIC 12.85 -85.02 Nicaragua|NL NLD 52.30 5.51 Netherlands|NO NOR 64.54 14.24 Norway|NP NPL 28.24 84.01 Nepal|"
    "NZ NZL -43.99 170.51 New Zealand|OM OMN 20.58 56.10 Oman|PA PAN 8.53 -80.11 Panama|PE PER -9.19 -74.39 Peru|"
    "PG PNG -6.65 144.33 Papua New Guinea|PH PHL 15.75 121.54 Philippines|PK PAK 29.97 69.41 Pakistan|"
    "PL POL 52.15 19.31 Poland|PR PRI 18.24 -66.48 Puerto Rico|PS PSE 31.94 35.27 Palestine|"
    "PT PRT 39.63 -8.06 Portugal|PW PLW 7.49 134.63 Palau|PY PRY -23.25 -58.39 Paraguay|QA QAT 25.32 51.18 Qatar|"
    "RO ROU 45.86 24.94 Romania|RS SRB 44.23 20.82 Serbia|RU RUS 61.69 99.22 Russia|RW RWA -2.01 29.92 Rwanda|"
    "SA SAU 24.12 44.52 Saudi Arabia|SB SLB -7.90 159.10 Solomon Islands|SC SYC -4.62 55.45 Seychelles|"
    "SD SDN 15.99 29.86 Sudan|SE SWE 62.81 16.60 Sweden|SG SGP 1.29 103.85 Singapore|SI SVN 46.13 14.94 Slovenia|"
    "SK SVK 48.73 19.51 Slovakia|SL SLE 8.53 -11.80 Sierra Leone|SM SMR 43.94 12.44 San Marino|"
    "SN SEN 14.35 -14.51 Senegal|SO SOM 4.75 45.73 Somalia|SR SUR 4.12 -55.91 Suriname|SS SSD 7.29 30.20 South Sudan|"
    "ST STP 0.34 6.73 Sao Tome and Principe|SV SLV 13.73 -88.87 El Salvador|SY SYR 35.01 38.54 Syria|"
    "SZ SWZ -26.49 31.40 eSwatini|TD TCD 15.33 18.58 Chad|TF ATF -49.31 69.53 French Southern and Antarctic Lands|"
    "TG TGO 8.44 1.00 Togo|TH THA 15.02 101.01 Thailand|TJ TJK 38.58 71.03 Tajikistan|TL TLS -8.77 125.97 Timor-Leste|"
    "TM TKM 39.09 59.28 Turkmenistan|TN TUN 34.17 9.53 Tunisia|TO TON -21.14 -175.22 Tonga|TR TUR 38.99 35.39 Turkey|"
    "TT TTO 10.43 -61.33 Trinidad and Tobago|TV TUV -8.52 179.22 Tuvalu|TW TWN 23.74 120.97 Taiwan|"
    "TZ TZA -6.26 34.75 Tanzania|UA UKR 48.97 31.37 Ukraine|UG UGA 1.30 32.36 Uganda|"
    "US USA 39.50 -99.06 United States of America|UY URY -32.78 -56.00 Uruguay|UZ UZB 41.75 63.20 Uzbekistan|"
    "VA VAT 41.90 12.45 Vatican City|VC VCT 13.16 -61.22 Saint Vincent and the Grenadines|"
    "VE VEN 7.16 -66.16 Venezuela|VN VNM 16.66 106.29 Vietnam|VU VUT -15.22 166.91 Vanuatu|"
    "WS WSM -13.84 -171.77 Samoa|XK XKX 42.58 20.90 Kosovo|YE YEM 15.91 47.54 Yemen|ZA ZAF -28.96 25.12 South Africa|"
    "ZM ZMB -13.40 27.73 Zambia|ZW ZWE -18.91 29.79 Zimbabwe"
)
_ALSO = {
    "USA": "US", "UNITED STATES": "US", "UK": "GB", "GREAT BRITAIN": "GB", "ENGLAND": "GB", "CZECH REPUBLIC": "CZ", "HOLLAND": "NL",
    "KOREA": "KR", "REPUBLIC OF KOREA": "KR", "TÜRKIYE": "TR", "DEUTSCHLAND": "DE", "ÖSTERREICH": "AT", "SCHWEIZ": "CH",
    "FRANKREICH": "FR", "ESPAÑA": "ES", "ITALIA": "IT", "POLSKA": "PL", "NEDERLAND": "NL", "BELGIË": "BE", "BELGIQUE": "BE",
}  # fmt: skip


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


def _read() -> tuple[dict[str, tuple[float, float]], dict[str, str]]:
    centroids: dict[str, tuple[float, float]] = {}
    codes = dict(_ALSO)
    for entry in _TABLE.split("|"):
        two, three, latitude, longitude, name = entry.split(" ", 4)
        centroids[two] = (float(latitude), float(longitude))
        codes |= {two: two, three: two, name.upper(): two}
    return centroids, codes


_CENTROIDS, _CODES = _read()


def country_code(text: str) -> str | None:
    """Return the ISO 3166-1 alpha-2 code of a country given by its code or English name; None if it is not known.

    >>> country_code("deu"), country_code("Germany"), country_code("Atlantis")
    ('DE', 'DE', None)
    """
    return _CODES.get(text.strip().upper())


def country_centroid(text: str) -> tuple[float, float] | None:
    """Return latitude and longitude in degrees of the middle of a country given by its code or English name.

    >>> country_centroid("DE")
    (51.13, 10.29)
    """
    code = country_code(text)
    return None if code is None else _CENTROIDS[code]
