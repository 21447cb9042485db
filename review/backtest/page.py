"""The report of a backtest: one HTML text that needs no network.

Not here: how pictures are drawn or scores computed.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pandas as pd
from jinja2 import Environment, PackageLoader, StrictUndefined

from review.backtest.pictures import method_name
from review.wording import NOTHING, number, rate

# column of `overall`, what it is called, how it is written, a sentence
_FIGURES = (
    ("wrmsse", "WRMSSE", "score", "squared error scaled by the series' own changes, weighted by money, mean of levels"),
    ("wspl", "Weighted scaled pinball", "score", "the same for all quantiles"),
    ("wape", "WAPE", "rate", "absolute error ÷ demand, region × sku × period"),
    ("bias", "Bias", "rate", "forecast ÷ demand − 1"),
    ("rmsse", "RMSSE", "score", "scaled error, mean of series"),
    ("wql", "Weighted quantile loss", "score", "2 Σ pinball ÷ Σ demand, region × sku"),
    ("coverage_950", "95 % interval covers", "rate", "share of demand inside; 95 % is right, zeros make it more"),
    ("order_cost_rate", "Order cost", "rate", "money of units short and left over ÷ money demanded, longest window"),
)


@dataclass(frozen=True)
class BacktestPage:
    """What the page shows.

    ``overall``, ``levels``, ``segments`` as in a summary, with `_sd` columns; ``pictures`` PNG by caption;
    ``facts`` are lines of name and text; ``notes`` sentences.
    """

    title: str
    verdict: str
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
    """Return a figure with its standard deviation over origins where there is one."""
    if name not in row or pd.isna(row[name]):
        return NOTHING
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
    """Return the judged method's rows, each with the WAPE of the best baseline of its segment."""
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
