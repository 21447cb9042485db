"""The report of a backtest: one HTML text that needs no network.

Not here: the drawing of charts, the computation of scores.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pandas as pd
from jinja2 import Environment, PackageLoader, StrictUndefined

from review.backtest.pictures import method_name
from review.wording import UNKNOWN, number, rate

# column of `overall`, label, format, explanation
_FIGURES = (
    (
        "wrmsse",
        "WRMSSE",
        "score",
        "squared error scaled by the series' period-to-period changes, weighted by revenue, mean over levels",
    ),
    ("wspl", "Weighted scaled pinball", "score", "pinball loss of all quantiles, scaled and weighted in the same way"),
    ("wape", "WAPE", "rate", "absolute error ÷ demand, by region × SKU × period"),
    ("bias", "Bias", "rate", "forecast ÷ demand − 1"),
    ("rmsse", "RMSSE", "score", "scaled error, mean over series"),
    ("wql", "Weighted quantile loss", "score", "2 Σ pinball ÷ Σ demand, by region × SKU"),
    (
        "coverage_950",
        "95% interval coverage",
        "rate",
        "share of demand inside the interval; 95% is ideal, periods without demand raise it",
    ),
    ("order_cost_rate", "Order cost", "rate", "cost of units short and left over ÷ value of demand, longest window"),
)


@dataclass(frozen=True)
class BacktestPage:
    """The data of the report.

    Attributes
    ----------
    title, conclusion
        Heading, and the result in one sentence.
    facts
        Text by name, shown below the heading.
    overall, levels, segments
        Scores as in a summary of a backtest, with the standard deviation over origins in `_sd` columns.
    pictures
        PNG by caption.
    notes
        Sentences for the reader.
    """

    title: str
    conclusion: str
    facts: Mapping[str, str]
    overall: pd.DataFrame
    levels: pd.DataFrame
    segments: pd.DataFrame
    pictures: Mapping[str, bytes]
    notes: Sequence[str]


def backtest_page(page: BacktestPage) -> str:
    """Return the report as one HTML text; it makes no request."""
    environment = Environment(
        loader=PackageLoader("review"), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    pictures = {caption: base64.b64encode(image).decode() for caption, image in page.pictures.items()}
    methods = [method_name(name) for name in page.overall["method"]]
    return environment.get_template("backtest.html.j2").render(
        page=page, pictures=pictures, methods=methods, figures=_figure_rows(page.overall), levels=_level_rows(page.levels),
        segments=_segment_rows(page.segments),
    )  # fmt: skip


def _written(row: pd.Series, name: str, kind: str) -> str:
    """Return a figure as text, with its standard deviation over forecast origins where it is known."""
    if name not in row or pd.isna(row[name]):
        return UNKNOWN
    write = (lambda value: rate(value)) if kind == "rate" else (lambda value: number(value, 3))
    spread = row.get(f"{name}_sd")
    return write(row[name]) if spread is None or pd.isna(spread) else f"{write(row[name])} ± {write(spread)}"


def _figure_rows(overall: pd.DataFrame) -> list[dict[str, object]]:
    return [
        {"name": title, "text": text, "values": [_written(row, name, kind) for _, row in overall.iterrows()]}
        for name, title, kind, text in _FIGURES
        if name in overall
    ]


def _level_rows(levels: pd.DataFrame) -> list[dict[str, object]]:
    result = []
    for number_, rows in levels.groupby("number", sort=True):
        first = rows.iloc[0]
        values = [_written(row, "wrmsse", "score") for _, row in rows.iterrows()]
        quantiles = _written(first, "wspl", "score")
        covered = _written(first, "interval_coverage", "rate")
        parts = {"number": number_, "name": first["level"], "n": number(first["n_nodes"])}
        result.append(parts | {"values": values, "wspl": quantiles, "covered": covered})
    return result


def _segment_rows(segments: pd.DataFrame) -> list[dict[str, object]]:
    """Return the judged method's rows, each with the WAPE of the best baseline in its segment."""
    judged = segments["method"].iloc[0]
    result = []
    for (kind, segment), rows in segments.groupby(["kind", "segment"], sort=False):
        row, others = rows[rows["method"] == judged].iloc[0], rows[rows["method"] != judged]
        values = [number(row["n_series"]), rate(row["actual_units"] / _total(segments, judged, str(kind)), 0)]
        values += [_written(row, "wape", "rate"), rate(others["wape"].min()), _written(row, "bias", "rate")]
        values += [_written(row, name, kind_) for name, kind_ in (("wql", "score"), ("coverage_950", "rate"))]
        result.append({"kind": kind, "segment": segment, "values": values})
    return result


def _total(segments: pd.DataFrame, method: str, kind: str) -> float:
    rows = segments[(segments["method"] == method) & (segments["kind"] == kind)]
    return max(float(rows["actual_units"].sum()), 1e-9)
