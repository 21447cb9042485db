"""Published cases, solved by the optimizer of a nightly run; the newsvendors also as whole plans from tables to proposals.

The model is richer than the cases: what a case does not have (lost sales that pay, keeping, value of
what is left) is priced so that it cannot matter, and the test says how. ``docs/positioning.md`` lists
published cases that do not fit and why. A case whose demand is known replaces the drawn scenarios by it, and nothing else.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pytest
from scipy.special import ndtri
from scipy.stats import norm, poisson

from positioning.inputs.costs import SkuCosts, kg_co2e
from positioning.inputs.network import build_network
from positioning.inputs.problem import arrival_buckets
from positioning.inputs.subproblem import Subproblem
from positioning.optimizer.column_generation import Optimum, optimize
from positioning.optimizer.parameters import Parameters
from positioning.optimizer.pricing import SubproblemCache
from positioning.optimizer.workers import WorkerPool
from tests.worlds.positioning_world import AS_OF, World, delivery, sku, supply, transfer

LOST = 150.0  # costs more than any route: every unit of demand is served
SLICES = 1000  # the most scenarios a plan takes

# Fourer, Gay & Kernighan, AMPL, 2nd ed. (2003), transp.mod: supply, demand and cost per ton.
AMPL_SUPPLY = {"GARY": 1400, "CLEV": 2600, "PITT": 2900}
AMPL_DEMAND = {"FRA": 900, "DET": 1200, "LAN": 600, "WIN": 400, "STL": 1700, "FRE": 1100, "LAF": 1000}
AMPL_COST = {
    "GARY": (39, 14, 11, 14, 16, 82, 8), "CLEV": (27, 9, 12, 9, 26, 95, 17), "PITT": (24, 14, 17, 13, 28, 99, 20),
}  # fmt: skip
# The same book, multi.mod and multmip1: three products share 625 tons per lane, at a fixed cost.
MULTI_SUPPLY = {
    "bands": {"GARY": 400, "CLEV": 700, "PITT": 800}, "coils": {"GARY": 800, "CLEV": 1600, "PITT": 1800},
    "plate": {"GARY": 200, "CLEV": 300, "PITT": 300},
}  # fmt: skip
MULTI_DEMAND = {
    "bands": (300, 300, 100, 75, 650, 225, 250), "coils": (500, 750, 400, 250, 950, 850, 500),
    "plate": (100, 100, 0, 50, 200, 100, 250),
}  # fmt: skip
MULTI_COST = {
    "bands": {"GARY": (30, 10, 8, 10, 11, 71, 6), "CLEV": (22, 7, 10, 7, 21, 82, 13), "PITT": (19, 11, 12, 10, 25, 83, 15)},
    "coils": {"GARY": (39, 14, 11, 14, 16, 82, 8), "CLEV": (27, 9, 12, 9, 26, 95, 17), "PITT": (24, 14, 17, 13, 28, 99, 20)},
    "plate": {"GARY": (41, 15, 12, 16, 17, 86, 8), "CLEV": (29, 9, 13, 9, 28, 99, 18), "PITT": (26, 14, 17, 13, 31, 104, 20)},
}  # fmt: skip

FIXED = {
    (mill, name): float(eur)
    for mill, row in {
        "GARY": (3000, 1200, 1200, 1200, 2500, 3500, 2500), "CLEV": (2000, 1000, 1500, 1200, 2500, 3000, 2200),
        "PITT": (2000, 1200, 1500, 1500, 2500, 3500, 2200),
    }.items()
    for name, eur in zip(AMPL_DEMAND, row, strict=True)
}  # fmt: skip


class _KnownDemand(SubproblemCache):
    """A cache whose demand scenarios are given: by SKU (n_scenarios, n_regions) units, regions in the network's order."""

    units: Mapping[str, np.ndarray]

    def demand_scenarios(self, subproblem: Subproblem, *, is_held_out: bool = False) -> np.ndarray:
        name = self.problem.catalog.skus[subproblem.sku]
        return self.units[name][:, subproblem.regions, None]


def _optimized(world: World, units: Mapping[str, Mapping[str, np.ndarray | float]]) -> Optimum:
    """Return what the optimizer of a nightly run finds for ``world`` where demand is ``units`` by SKU and region."""
    problem = world.problem()
    workers = WorkerPool(problem, Parameters())
    cache = _KnownDemand(problem, Parameters())
    cache.units = {
        name: np.stack(
            [np.atleast_1d(np.asarray(rows[region], dtype="float64")) for region in problem.network.regions], 1
        )
        for name, rows in units.items()
    }
    workers.cache = cache
    return optimize(problem, workers)


def _sent(result: Optimum) -> dict[int, float]:
    """Return the units sent in all, by SKU."""
    return {sku: float(column.units.sum()) for sku, column in result.choice.column.items()}


def _transportation(
    stock: Mapping[str, int], cost: Mapping[tuple[str, str], float], demand: Mapping[str, int]
) -> Optimum:
    """Return the plan that ships from origins to customers, each of which is a hub that serves its own region for free."""
    world = World(
        skus=[sku("k", unit_cost_eur=0.0, lost_sale_eur=LOST, mass_kg=0.0, holding_eur_per_unit_day=0.0)],
        hubs=[{"hub": hub} for hub in (*stock, *(f"hub {name}" for name in demand))],
        lanes=[
            *(transfer(origin, f"hub {name}", eur, 0) for (origin, name), eur in cost.items()),
            *(delivery(f"hub {name}", name, 0.0) for name in demand),
        ],
        stock={(origin, "k"): units for origin, units in stock.items()},
        demand={("k", name): 1.0 for name in demand},
        positioning={"cover_days": 1, "scenarios": 1, "out_of_sample_scenarios": 2, "handling_eur_per_unit": 0.0},
    )
    return _optimized(world, {"k": demand})


def _assert_optimal(result: Optimum, eur: float, share: float = 1e-4) -> None:
    """Assert that plan and lower bound lie within ``share`` of the published optimum, each on its side of it."""
    assert eur * (1 - 1e-6) <= result.plan_eur <= eur * (1 + share)
    assert eur * (1 - share) <= result.bound_eur <= eur * (1 + 1e-6)


def test_ampl_transportation() -> None:
    cost = {(hub, region): eur for hub, row in AMPL_COST.items() for region, eur in zip(AMPL_DEMAND, row, strict=True)}
    result = _transportation(AMPL_SUPPLY, cost, AMPL_DEMAND)
    _assert_optimal(result, 196200)
    assert _sent(result) == {0: sum(AMPL_DEMAND.values())}


def test_gams_trnsport() -> None:
    """Dantzig (1963), 3.3; GAMS library TRNSPORT. Two plans are optimal, so only the cost is asserted."""
    km = {"seattle": (2.5, 1.7, 1.8), "san-diego": (2.5, 1.8, 1.4)}
    demand = {"new-york": 325, "chicago": 300, "topeka": 275}
    cost = {(hub, region): 0.09 * far for hub, row in km.items() for region, far in zip(demand, row, strict=True)}
    result = _transportation({"seattle": 350, "san-diego": 600}, cost, demand)
    _assert_optimal(result, 153.675)
    assert _sent(result) == {0: 900}


def _multi(fixed_eur: float) -> Optimum:
    """Return the plan of the three products; every lane is a hub of its own fed by one load of 625."""
    customers = tuple(AMPL_DEMAND)
    pairs = [(mill, name) for mill in AMPL_SUPPLY for name in customers]
    load = {"load_l": 625.0, "loads_per_departure": 1.0}
    lanes = [
        supply(mill, f"{mill} {name}", 0.0, 0, eur_per_load=fixed_eur * FIXED[mill, name], **load)
        for mill, name in pairs
    ]
    lanes += [
        delivery(f"{mill} {name}", name, MULTI_COST[product][mill][customers.index(name)], handling_classes=product)
        | {"lane": f"{mill} {name} {product}"}
        for mill, name in pairs for product in MULTI_SUPPLY
    ]  # fmt: skip
    products = sorted(MULTI_SUPPLY)
    world = World(
        skus=[sku(p, unit_cost_eur=0.0, lost_sale_eur=LOST, mass_kg=0.0, volume_l=1.0, handling_class=p) for p in products],
        hubs=[{"hub": f"{mill} {name}"} for mill, name in pairs], lanes=lanes,
        demand={(product, name): 1.0 for product in products for name in customers},
        more={"supply": [
            {"supplier": mill, "sku": product, "units_available": float(MULTI_SUPPLY[product][mill])}
            for product in products for mill in AMPL_SUPPLY
        ]},
        positioning={"cover_days": 1, "scenarios": 1, "out_of_sample_scenarios": 2},
    )  # fmt: skip
    return _optimized(
        world, {product: dict(zip(customers, MULTI_DEMAND[product], strict=True)) for product in products}
    )


def test_ampl_multi_products_share_lane_limits() -> None:
    """multi.mod: 199,500, by bound and plan of the optimizer."""
    _assert_optimal(_multi(0.0), 199500, 1e-3)


def test_ampl_fixed_lane_costs() -> None:
    """multmip1: 229,850 (the book; a table elsewhere says 235,800, which is not optimal)."""
    _assert_optimal(_multi(1.0), 229850, 2e-3)


def test_desnz_freight_emission() -> None:
    """UK DESNZ factors 2025: 1.25 t over 240 km by average-laden HGV, tank-to-wheel and well-to-tank."""
    lane = transfer("A", "B", distance_km=240.0, kg_co2e_per_t_km=0.10163 + 0.02359)
    world = World(skus=[sku()], hubs=[{"hub": "A"}, {"hub": "B"}], lanes=[lane])
    network = build_network(world.tables(), world.settings, AS_OF)
    assert kg_co2e(network.shipments, np.array([0]), SkuCosts(0, 0, 1250.0, 0))[0] == pytest.approx(37.566, abs=1e-6)


def _newsvendor(overage: float, underage: float, mean: float = 50.0, **positioning: object) -> World:
    """One hub, one region, orders usable at once; a unit left loses ``overage``, a lost sale ``underage``."""
    return World(
        skus=[sku("k", unit_cost_eur=1000.0, lost_sale_eur=underage, holding_eur_per_unit_day=0.0, mass_kg=0.0)],
        hubs=[{"hub": "A"}],
        lanes=[delivery("A", "r", 0.0), supply("S", "A", 0.0, 0)],
        demand={("k", "r"): mean},
        more={"supply": [{"supplier": "S", "sku": "k"}]},
        positioning={
            "cover_days": 1,
            "terminal_value_rate": 1.0 - overage / 1000.0,
            "scenarios": SLICES,
            **positioning,
        },
    )


def _ordered(world: World, demand: np.ndarray) -> tuple[float, float]:
    """Return the units ordered and the expected cost of the plan where ``demand`` are the scenarios of region r."""
    result = _optimized(world, {"k": {"r": demand}})
    assert result.bound_eur <= result.plan_eur + 1e-6
    assert result.plan_eur - result.bound_eur <= 1e-3 * (result.no_shipment_eur[0] - result.plan_eur)
    return _sent(result)[0], result.plan_eur


@pytest.mark.parametrize(("overage", "underage", "mean", "sd", "units", "eur"), [
    (0.18, 0.70, 50.0, 8.0, 56.60395592743389, 1.9976051931766445),  # Example 4.3
    (43.0, 79.0, 900.0, 60.0, 922.7214038234755, 2718.196781782411),  # Problem 4.1
])  # fmt: skip
def test_newsvendor_with_normal_demand(
    overage: float, underage: float, mean: float, sd: float, units: float, eur: float
) -> None:
    """Snyder & Shen, Fundamentals of Supply Chain Theory, 2nd ed. (2019), on equal slices of demand, in whole units.

    The sold unit gives back its cost, so the order trades overage against the lost sale alone.
    """
    slices = mean + sd * ndtri((np.arange(SLICES) + 0.5) / SLICES)
    ordered_units, expected_eur = _ordered(_newsvendor(overage, underage), slices)
    assert ordered_units == round(ordered_units)
    assert ordered_units == pytest.approx(units, abs=1.0)
    assert expected_eur == pytest.approx(eur, rel=5e-3)


POISSON = [
    (1.0, 4.0, 6.0, 8.0, 3.5701069457709416),  # Example 4.7 without fixed cost
    (0.18, 0.70, 50.0, 56.0, 1.797235211809178),  # stockpyl, newsvendor_poisson
]


@pytest.mark.parametrize(("overage", "underage", "mean", "units", "eur"), POISSON)
def test_newsvendor_with_poisson_demand(overage: float, underage: float, mean: float, units: float, eur: float) -> None:
    """Snyder & Shen (2019) as in stockpyl: the smallest whole S with F(S) ≥ p / (h + p)."""
    slices = poisson.ppf((np.arange(SLICES) + 0.5) / SLICES, mean)
    ordered_units, expected_eur = _ordered(_newsvendor(overage, underage), slices)
    assert ordered_units == units
    assert expected_eur == pytest.approx(eur, rel=5e-3)


@pytest.mark.parametrize(("overage", "underage", "mean", "units", "eur"), POISSON)
def test_newsvendor_planned_from_a_forecast(
    overage: float, underage: float, mean: float, units: float, eur: float
) -> None:
    """The same from tables to proposals: the demand distribution, its scenarios and the order are the nightly run's."""
    frames = _newsvendor(overage, underage, mean).plan()
    row, lines = frames["plan"].iloc[0], frames["transfer"]
    assert lines["units"].sum() == pytest.approx(units, abs=1.0)
    cost = row["lost_sales_eur_after"] + 1000.0 * lines["units"].sum() - row["end_value_eur_after"]
    assert cost == pytest.approx(eur, rel=0.05)


def test_pooling_halves_the_cost_of_four_hubs() -> None:
    """Eppen, Management Science 25(5) (1979): pooled cost is √N times one hub's, apart it is N times."""
    draws = 50.0 + 8.0 * np.random.default_rng(4).standard_normal((SLICES, 4))
    regions = {f"r{index}": draws[:, index] for index in range(4)}
    apart, pooled = (_regional(n_hubs, regions) for n_hubs in (4, 1))
    alone = 1.9976051931766445
    assert apart.plan_eur == pytest.approx(4.0 * alone, rel=0.05)
    assert pooled.plan_eur == pytest.approx(2.0 * alone, rel=0.05)
    assert _sent(pooled)[0] == pytest.approx(norm.ppf(0.7 / 0.88) * 16 + 200, abs=2.0)


def _regional(n_hubs: int, regions: Mapping[str, np.ndarray]) -> Optimum:
    """Return the orders of ``n_hubs`` hubs that serve ``regions``: a hub per region, or one for all."""
    world, hubs = _newsvendor(0.18, 0.70), [f"A{index}" for index in range(n_hubs)]
    lanes = [delivery(hubs[index % n_hubs], region, 0.0) for index, region in enumerate(regions)]
    world = world.but(
        hubs=[{"hub": hub} for hub in hubs],
        lanes=[*lanes, *(supply("S", hub, 0.0, 0) for hub in hubs)],
        demand={("k", region): 50.0 for region in regions},
    )
    return _optimized(world, {"k": regions})


def test_packs_stop_below_the_maximum() -> None:
    """Odoo's documentation (pull request 14853) asks whether packs of 3 up to 20 make 18 or 21: never above the maximum."""
    world = World(
        skus=[sku("k")], hubs=[{"hub": "B"}], lanes=[delivery("B", "r", 1.0), supply("S", "B")], demand={("k", "r"): 30.0},
        more={
            "supply": [{"supplier": "S", "sku": "k", "pack_units": 3}],
            "hub_skus": [{"hub": "B", "sku": "k", "max_units": 20}],
        },
    )  # fmt: skip
    assert world.plan()["transfer"]["units"].tolist() == [18]


def test_arrival_of_certain_lead_times_needs_no_draw() -> None:
    arrival = arrival_buckets(World(
        skus=[sku()], hubs=[{"hub": "A"}], lanes=[delivery("A", "r"), supply("S", "A", days=2)], demand={("k", "r"): 1.0},
    ).problem(), 3, "plan")  # fmt: skip
    assert (arrival == arrival[0]).all()
