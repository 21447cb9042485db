"""The section ``inputs.tables.NAME`` of a configuration: where a table comes from and how its columns are read."""

from __future__ import annotations

import codecs
from typing import Annotated, Any, ClassVar, Literal

from pydantic import BeforeValidator, Field, field_validator, model_validator

from foundation.mapping.dates import DateForm
from foundation.sections import Names, Scale, Section, Width

AFTER_LAST_SALE = "after_last_sale"  # the value in `defaults` of a date column
_TAB_WORDS = ("tab", "\\t", "\t")


def _texts(value: Any) -> Any:
    """Return keys, and values that are no list, as texts: YAML reads the header 2024 as a number."""
    if value is None:  # a key without lines below it
        return {}
    if not isinstance(value, dict):
        return value
    return {str(key): item if isinstance(item, list | tuple) else _text(item) for key, item in value.items()}


def _text(value: Any) -> Any:
    if isinstance(value, bool):
        return str(value).lower()
    return str(value) if isinstance(value, int | float) else value


def _as_list(value: Any) -> Any:
    values = value if isinstance(value, list | tuple) else [value]
    return [_text(item) for item in values]


Texts = Annotated[tuple[str, ...], BeforeValidator(_as_list)]


class TableMapping(Section):
    """How one input table is read from files, a query, or a table with names and formats of another system."""

    several_lines: ClassVar[frozenset[str]] = frozenset({"query"})

    file: str | None = Field(
        None,
        min_length=1,
        description="File, or a pattern such as `sales_*.csv` for several, as a path or an fsspec URL. CSV, also compressed (`.gz`), Excel (`.xlsx`), Parquet, or a Delta folder. A relative path starts at the configuration's folder.",
    )
    query: str | None = Field(None, min_length=1, max_length=20_000, description="SQL query whose result is the table.")
    table: str | None = Field(None, min_length=1, description="Name of a table or view of the database.")
    database: str | None = Field(None, min_length=1, description="SQL database URL of `query` or `table`; null: `inputs.path`.")  # fmt: skip
    columns: Annotated[dict[str, Texts], BeforeValidator(_texts)] = Field(
        {},
        description="Names of the source's columns, each with the name of Forestock's column (or a list of them). Several columns with the same name are joined by `-` to one id. Other columns are not read. Empty: all columns are read under their names.",
    )
    sheet: str | None = Field(None, min_length=1, description="Sheet of an Excel file; null: the only one.")
    header_row: Annotated[int, Field(ge=1, le=1_000)] = Field(1, description="Line or row that holds the column names.")
    delimiter: str = Field(",", description="Character between the values of a CSV file; `tab` for a tab.")
    encoding: str | None = Field(
        None,
        description="Encoding of a CSV file, for example `latin-1`; null: UTF-8, or UTF-16 where the file starts so.",
    )
    date_format: str | None = Field(
        None,
        description="Format of dates that are text, for example `dd/mm/yyyy`, `yyyymmdd`, `d-mmm-yy`, `yyyy-Www` (a week), or `excel` (a number of days). ISO dates are always read; null: no other dates.",
    )
    shift_days: Annotated[int, Field(ge=-366, le=366)] = Field(0, description="Days to add to every date, for example -6 where weeks are dated by their last day.")  # fmt: skip
    decimal: Literal[".", ","] | None = Field(None, description="Decimal separator of numbers that are text; null: a point.")  # fmt: skip
    thousands: Literal[".", ",", " ", "'"] | None = Field(None, description="Thousands separator of numbers that are text; null: none.")  # fmt: skip
    empty: Names = Field((), description="Texts that stand for no value, for example `n/a`.")
    fill_down: Annotated[dict[str, Texts], BeforeValidator(_texts)] = Field(
        {},
        description="Columns of the source that are filled only in the first row of a group, by the column that names the group, for example the order of order lines: the other rows take the value of the row before.",
    )
    where: Annotated[dict[str, Texts], BeforeValidator(_texts)] = Field(
        {}, description="Columns of the source with one value or a list of values: only rows with one of them are read."
    )
    where_not: Annotated[dict[str, Texts], BeforeValidator(_texts)] = Field(
        {}, description="Columns of the source with one value or a list of values: rows with one of them are left out."
    )
    aggregate: Literal["sum", "distinct"] | None = Field(
        None,
        description="`sum` adds up the units of rows with the same key, such as order lines; `distinct` keeps one of rows that are equal.",
    )
    negative: Literal["returns", "net", "drop"] | None = Field(
        None,
        description="Negative quantities of `sales` and `stock`: `returns` makes those of sales rows of the table `returns`, `net` subtracts them in `aggregate: sum`, `drop` leaves them out; null: they are faults.",
    )
    scale: dict[str, Scale] = Field(
        {},
        description="Factors of Forestock's columns, for example `mass_kg: 0.001` for a source in grams, or `units_sold: -1` where sales are negative.",
    )
    pad: dict[str, Width] = Field(
        {}, description="Length of ids that lost their leading zeros, for example `sku: 6`, which reads 17 as 000017."
    )
    defaults: Annotated[dict[str, str], BeforeValidator(_texts)] = Field(
        {},
        description="Values of Forestock's columns that the source does not have. For a date, `after_last_sale` is the period after the last sales.",
    )

    @field_validator("delimiter", mode="before")
    @classmethod
    def _one_character(cls, value: Any) -> Any:
        if isinstance(value, str) and value in _TAB_WORDS:
            return "tab"
        if not isinstance(value, str) or len(value) != 1 or value in '"\n\r.':
            raise ValueError("must be one character such as ; or the word tab")
        return value

    @field_validator("encoding")
    @classmethod
    def _known_encoding(cls, name: str | None) -> str | None:
        try:
            return name if name is None else codecs.lookup(name).name
        except LookupError:
            raise ValueError(f"{name!r} is no encoding; write for example utf-8, latin-1 or utf-16") from None

    @field_validator("date_format")
    @classmethod
    def _known_format(cls, text: str | None) -> str | None:
        if text is not None:
            DateForm(text)
        return text

    @model_validator(mode="after")
    def _whole(self) -> TableMapping:
        given = [name for name in ("file", "query", "table") if getattr(self, name) is not None]
        if len(given) != 1:
            stated = f"{' and '.join(given)} are given" if given else "none is given"
            raise ValueError(f"needs exactly one of file, query and table; {stated}")
        if self.thousands is not None and self.thousands == (self.decimal or "."):
            raise ValueError("decimal and thousands are the same character; correct one of them")
        names = [name for names in self.columns.values() for name in names]
        if both := sorted(set(names) & set(self.defaults)) if self.columns else []:
            raise ValueError(f"defaults: {both[0]} is read from a column; remove one of the two")
        return self

    @property
    def separator(self) -> str:
        """The character between the values of a CSV file."""
        return "\t" if self.delimiter == "tab" else self.delimiter

    @property
    def origin(self) -> str:
        """Where the table comes from, as a message names it."""
        if self.file is not None:
            return self.file.rpartition("/")[2]
        return f"table {self.table}" if self.table is not None else "the query"
