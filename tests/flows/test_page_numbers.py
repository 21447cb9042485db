"""Every number on the page is in the warehouse's tables: fifty random ones of the packed data, fifty of the text."""

from __future__ import annotations

import base64
import gzip
import json
import random
import re
from collections.abc import Callable, Iterator
from html import unescape
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from foundation.configuration import load_settings
from foundation.settings import Settings, quantile_columns
from foundation.store import files, snapshot
from foundation.store.warehouse import Warehouse
from foundation.tables.columns import PLAN_TERMS
from foundation.wording import number
from pipeline import run
from pipeline.results import page_of
from pipeline.summary import page_inputs
from tests.conftest import Tables, built_once
from tests.flows.conftest import QUICK, copy_built
from tests.flows.test_run import AS_OF, _play

DRAWN = 50
_HUBS = ("units_on_hand", "units_inbound", "units_out", "units_in", "target_units", "expected_demand_units", "stockout_probability", "days_of_supply", "fill_rate")  # fmt: skip
_SERVICE = (
    "demand_units",
    *(f"{name}_units{when}" for name in ("local", "spilled", "late", "lost") for when in ("_before", "")),
)
_LISTED = ("units", "packs", "cost_eur", "benefit_eur", "loss_if_refused_eur", "kg_co2e")
_INSTEAD = ("loss_if_dropped_eur", "pays_rate")
_DEPARTURES = ("loads", "units", "lines", "volume_fill_rate", "mass_fill_rate", "fixed_eur", "benefit_eur")
Frames = dict[str, pd.DataFrame]
Number = tuple[str, float | None, float | None]  # place, number on the page, number in the table


@pytest.fixture(scope="session")
def planned(_demo_cut: Tables, write_tables: Callable[..., Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with inputs and the warehouse of a run."""
    lanes = _demo_cut["lanes"].assign(eur_per_load=0.0)  # no load pays for four SKUs

    def build(folder: Path) -> None:
        write_tables({**_demo_cut, "lanes": lanes}, folder / "inputs")
        run.review_stage(_play(_settings(folder))[0])

    return built_once(tmp_path_factory, "page-numbers", build)


def _settings(folder: Path) -> Settings:
    return load_settings("demo", [f"inputs.path={folder / 'inputs'}", f"warehouse={folder / 'warehouse'}", *QUICK])


@pytest.fixture
def shown(planned: Path, tmp_path: Path) -> tuple[str, Frames, Tables]:
    """Return the page of a real run, its tables in the warehouse, and its inputs."""
    copy_built(planned, tmp_path)
    settings = _settings(tmp_path)
    page = files.read_text(page_of(settings, AS_OF))
    inputs = run.planned_run(settings, AS_OF).context.inputs
    return page, page_inputs(Warehouse(settings), AS_OF), snapshot.read(inputs.folder)


_SETTINGS = {text.split("=")[1] for text in QUICK if text.startswith("horizon=")}


def test_fifty_numbers_of_proposals_and_their_reasons_are_those_of_the_tables(
    shown: tuple[str, Frames, Tables],
) -> None:
    page, frames, tables = shown
    numbers = list(_packed(page, frames, tables))
    assert len(numbers) > 500
    wrong = [result for result in random.Random(50).sample(numbers, DRAWN) if not _agree(*result)]  # noqa: S311 - a sample, no secret
    assert wrong == []


def test_fifty_numbers_of_the_text_are_in_the_tables_or_their_sums(shown: tuple[str, Frames, Tables]) -> None:
    page, frames, tables = shown
    body = re.sub(r"<(style|script|svg|select|form)\b.*?</\1>", " ", page.split("<main>")[1], flags=re.S)
    text = unescape(re.sub(r"<code>.*?</code>|<[^>]+>", " ", body, flags=re.S))
    text = re.sub(r"[A-Z][a-z]{2} \d{1,2}, \d{4}(?: \d\d:\d\d)?|[A-Z]+_\d+_\d+|[A-Z]{2}_\d+|PO\d+-\d+", " ", text)
    result = re.findall(r"(?<![\w.,])−?\d[\d,]*(?:\.\d+)?(?![\w])", text)
    assert len(result) > DRAWN
    known = _known(frames, tables) | _SETTINGS  # warnings name the horizon and the one that would do
    wrong = [word for word in random.Random(50).sample(result, DRAWN) if word.removeprefix("−") not in known]  # noqa: S311 - a sample, no secret
    assert wrong == []
    invented = [number(value, 2) for value in np.random.default_rng(3).uniform(100, 90_000, 1000)]
    assert sum(word in known for word in invented) < 50, "the tables have so many numbers that the check is void"


def _agree(where: str, parts: float | None, held: float | None) -> bool:
    """Return whether a number on the page is the table's cell, rounded as the page rounds it."""
    if parts is None or held is None or pd.isna(held):
        return parts is None and (held is None or pd.isna(held))
    endings = {"rate": 0.0005, "probability": 0.0005, "eur": 0.005, "mean_units": 0.005, "sold": 0.005}
    half = next((half for ending, half in endings.items() if where.endswith(ending)), 0.05)
    return abs(parts - float(held)) <= half + 1e-9


def _unpacked(text: str) -> Any:
    return json.loads(gzip.decompress(base64.b64decode(text)))


def _packed(page: str, frames: Frames, tables: Tables) -> Iterator[Number]:
    """Yield every number that is packed into the page beside the cell it comes from."""
    content = json.loads(re.search(r'id="content">(.*?)</script>', page, re.S)[1])  # type: ignore[index] # the page has it
    listed = _unpacked(content["listed"])
    transfer = frames["transfer"].set_index("proposal_id")
    for place, name in enumerate(listed["id"]):
        yield from ((f"{name} {column}", listed[column][place], transfer.loc[name, column]) for column in _LISTED)
    departure = frames["departure"].set_index("departure_id")
    for place, text in enumerate(listed["departures"]["departure_id"]):
        name = listed["texts"][text]
        yield from ((f"{name} {column}", listed["departures"][column][place], departure.loc[name, column]) for column in _DEPARTURES)  # fmt: skip
    for piece in map(_unpacked, content["details"]):
        for sku, result in piece.items():
            for place, (_, *figures) in result["instead"].items():
                name = listed["id"][int(place)]
                yield from ((f"{name} {column}", *pair) for column, *pair in zip(_INSTEAD, figures, transfer.loc[name, [*_INSTEAD]], strict=True))  # fmt: skip
            yield from _details(sku, result, frames, tables)


def _details(sku: str, details: dict[str, Any], frames: Frames, tables: Tables) -> Iterator[Number]:
    position = frames["position"].set_index(["sku", "hub"])
    for hub, *values in details["hubs"]:
        yield from ((f"{sku} {hub} {column}", value, position.loc[(sku, hub), column]) for column, value in zip(_HUBS, values, strict=True))  # fmt: skip
    service = frames["service"].set_index(["sku", "region"])
    for region, *values, _ in details["service"]:
        yield from ((f"{sku} {region} {column}", value, service.loc[(sku, region), column]) for column, value in zip(_SERVICE, values, strict=True))  # fmt: skip
    sales = tables["sales"].astype({"sku": "str", "region": "str"})
    for region, past, mean, *bands in details["curves"]:
        rows = frames["forecast"][(frames["forecast"]["sku"] == sku) & (frames["forecast"]["region"] == region)].sort_values("date")  # fmt: skip
        columns = ["mean_units", *quantile_columns((0.025, 0.975, 0.25, 0.75))]
        for column, values in zip(columns, (mean, *bands), strict=True):
            yield from ((f"{sku} {region} {column}", *pair) for pair in zip(values, rows[column], strict=True))
        sold = sales[(sales["sku"] == sku) & (sales["region"] == region)].sort_values("date")["units_sold"].tail(5)
        yield from ((f"{sku} {region} sold", *pair) for pair in zip(past[-5:], sold, strict=True))


def _known(frames: Frames, tables: Tables) -> set[str]:
    """Return every number of the tables as the page writes numbers, with the sums and shares it shows."""
    values: list[float] = []
    for name in ("plan", "transfer", "departure", "position", "service", "exception"):
        cells = frames[name].select_dtypes("number").astype("float64").to_numpy().ravel()
        values += [float(value) for value in cells if pd.notna(value)]
    values += _sums(frames) + _shares(frames, tables)
    return {number(abs(scale * value), decimals) for value in values for scale in (1, 100) for decimals in (0, 1, 2)}


def _sums(frames: Frames) -> list[float]:
    """Return the sums on the page: service, hubs, flows, findings, and the plan's savings by term."""
    plan, transfer, position, service = (frames[name] for name in ("plan", "transfer", "position", "service"))
    tonight = transfer[~transfer["is_outlook"].astype(bool)]
    sums = [*service.select_dtypes("number").sum(), float(len(transfer))]
    for frame, keys in (
        (position, ["hub"]),
        (tonight, ["kind", "origin", "destination"]),
        (frames["exception"], ["kind"]),
    ):
        grouped = frame.groupby(keys)
        sums += [*grouped.sum(numeric_only=True).to_numpy("float64").ravel(), *grouped.size()]
    row = plan.iloc[-1]
    sums += [row[f"{term}_after"] - row[f"{term}_before"] for term in PLAN_TERMS]
    is_risky = position["stockout_probability"] > 0.5
    sums += [float(row["total_eur_before"] - row["total_eur"]), *is_risky.groupby(position["hub"]).sum().astype(float)]
    blocked = frames["exception"]["kind"].str.startswith("capacity_blocks_")
    return [float(value) for value in sums] + [
        float(frames["exception"].loc[blocked, "eur"].sum()),
        50.0,
        8.0,
        3.0,
        7.0,
        25.0,
    ]


def _shares(frames: Frames, tables: Tables) -> list[float]:
    """Return the shares the page shows: service before the plan, hubs' risk, days of supply and storage."""
    service, position = frames["service"], frames["position"]
    whole = float(service["demand_units"].sum())
    shares = [service["local_units_before"].sum() / whole, service["local_units"].sum() / whole]
    shares += [
        1 - (service[f"late_units{when}"].sum() + service[f"lost_units{when}"].sum()) / whole
        for when in ("_before", "")
    ]
    volumes = position["sku"].map(tables["skus"].set_index("sku")["volume_l"])
    limits = tables["hubs"].set_index("hub")["storage_l"]
    for held in (position["units_on_hand"] + position["units_inbound"], position["target_units"]):
        used = (held * volumes).groupby(position["hub"]).sum()
        shares += list((used / limits.reindex(used.index)).astype(float))
    for column in ("stockout_probability", "days_of_supply", "fill_rate", "fill_rate_before"):
        rows = position[position[column].notna() & (position["expected_demand_units"] > 0)]
        weight = rows["expected_demand_units"]
        shares += list((rows[column] * weight).groupby(rows["hub"]).sum() / weight.groupby(rows["hub"]).sum())
    is_new = frames["forecast"]["tier"].str.endswith("_new")
    means = frames["forecast"]["mean_units"]
    shares += [float(means[is_new].sum() / means.sum()), float(frames["forecast"].loc[is_new, "sku"].nunique())]
    return [float(share) for share in shares if pd.notna(share)]
