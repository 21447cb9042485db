"""Shared constraints are found without a list: those of Forestock and those of installed packages, which bind the plan."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from pipeline.identity import run_identity
from positioning.inputs.capacity import shared_constraints
from positioning.simulation.admission import admit, departures, limits_at
from positioning.simulation.reading import read_network
from positioning.simulation.state import open_state
from tests.worlds.how_to import code_blocks, install, page_test
from tests.worlds.positioning_world import AS_OF, World, delivery, sku, supply

HOW_TO = "add-a-constraint"


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Install the package of the how-to page and return the folder it lies in."""
    (project,) = code_blocks(HOW_TO, "toml")
    install(tmp_path, code_blocks(HOW_TO, "python")[0], project, monkeypatch)
    return tmp_path


def world() -> World:
    """Return one hub that orders two SKUs from a supplier without limits."""
    return World(
        skus=[sku("k", mass_kg=1.0), sku("m", mass_kg=2.0)],
        hubs=[{"hub": "B"}],
        lanes=[delivery("B", "r"), supply("S", "B")],
        demand={("k", "r"): 3.0, ("m", "r"): 3.0},
    )


def test_the_constraints_of_the_product_are_found_without_a_list() -> None:
    assert list(shared_constraints()) == ["inbound", "load_mass", "load_volume", "outbound", "storage"]


def test_the_test_on_the_how_to_page_passes(installed: Path) -> None:
    assert page_test(HOW_TO)() is None  # its own assertions passed


def test_an_installed_constraint_binds_has_a_dual_price_and_is_reported(installed: Path) -> None:
    frames = world().plan()
    assert "capacity_blocks_dock_mass" in set(frames["exception"]["kind"])
    row = frames["plan"].iloc[0]
    assert row["lower_bound_eur"] <= row["total_eur"] + 1e-6
    rows = [resource.name for resource in world().problem().shared.resources]
    assert rows == ["dock_mass[B,2024-01-03]"]


def test_an_installed_constraint_cuts_the_requests_of_every_policy_of_a_replay(installed: Path) -> None:
    """Otherwise the base-stock policies that a plan is compared with would ignore it."""
    opening = world().but(stock={("B", "k"): 0})
    tables, settings = opening.tables(), opening.settings
    network = read_network(tables, settings, AS_OF, 10)
    state = open_state(tables, network, settings)
    leaving = departures(network, 0, 6 * 60, state.arriving.shape[2])
    requests = pd.DataFrame({"sku": ["m", "k"], "lane": "S>B", "units": [3, 9], "ship_date": pd.Timestamp(AS_OF)})
    admitted = admit(requests, limits_at(network, state, leaving), network, leaving)
    assert admitted.units.tolist() == [3, 2]
    assert admitted.refused_units == 7


def test_installing_a_package_changes_the_identity_of_the_plan(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    without = run_identity(world().settings, "forecast", "inputs", "decisions")
    (project,) = code_blocks(HOW_TO, "toml")
    install(tmp_path, code_blocks(HOW_TO, "python")[0], project, monkeypatch)
    assert run_identity(world().settings, "forecast", "inputs", "decisions") != without


def test_without_the_package_more_is_ordered() -> None:
    lines = world().plan()["transfer"]
    assert float((lines["units"] * lines["sku"].map({"k": 1.0, "m": 2.0})).sum()) > 8.0


def test_rows_of_one_measure_share_one_array() -> None:
    """A copy for each row would need rows × SKUs numbers in every process."""
    lanes = [delivery("B", "r"), supply("S", "B"), delivery("C", "r"), supply("S", "C")]
    hubs = [{"hub": hub, "inbound_units_per_period": 9.0} for hub in "BC"]
    first, second = world().but(hubs=hubs, lanes=lanes).problem().shared.resources
    assert first.use is second.use
    assert np.array_equal(first.use, [1.0, 1.0])
