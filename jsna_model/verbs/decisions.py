"""What `compare` adds where it is asked for: money by agency and in present value, the choice, what is worth finding out, the change."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import ArrayLike, NDArray
from scipy.special import expit, logit

from jsna_model.draws import normals, uniforms
from jsna_model.errors import InputError, Problem, raise_all, unknown_name
from jsna_model.methods.attribution import INTERACTION, alone_of_product, tornado, waterfall
from jsna_model.methods.economics import (
    DiscountSchedule,
    acceptability,
    acceptability_frontier,
    child_years,
    discount_factors,
    evpi,
    evppi_table,
    frontier_probability,
    icer_table,
    net_benefit,
    payback,
    present_value,
    quadrants,
    reprice,
)
from jsna_model.pathway import AGENCIES, STOCKS, Parameter
from jsna_model.result import Result
from jsna_model.verbs.calibrate import FLOWS
from jsna_model.verbs.costs import cost_problems, uncertain
from jsna_model.verbs.demand_model import parameter_draws

Array = NDArray[np.float64]
Information = bool | Mapping[str, ArrayLike]

#: Bootstrap samples of the draws for the error of a value of information.
RESAMPLES = 100
QUADRANTS = ("dearer_better", "cheaper_better", "dearer_worse", "cheaper_worse")
FAMILIES = "families_helped"


@dataclass(frozen=True)
class Prices:
    """How money is put into one year's prices and one moment's value; nothing is by default."""

    price_year: str
    deflators: Mapping[str, float] | None = None
    discount: float | DiscountSchedule | None = None
    discount_base: str = ""
    optimism_bias: Mapping[str, float] = field(default_factory=dict)
    uncertainty: Mapping[str, float] = field(default_factory=dict)
    seed: int = 0
    draws: int = 0

    def drawn(self, cost: Mapping[str, Any]) -> float | Array:
        """`amount`, or its draws where its uncertainty was given."""
        return uncertain(self.amount(cost), str(cost["service"]), self.uncertainty.get(str(cost["service"]), 0.0), self.seed, self.draws)

    def amount(self, cost: Mapping[str, Any]) -> float:
        """A unit cost in `price_year`, with its uplift for optimism bias."""
        amount = float(cost["amount"]) * (1 + self.optimism_bias.get(cost["service"], 0.0))
        if cost["price_year"] == self.price_year:
            return amount
        return float(reprice(amount, cost["price_year"], self.price_year, self.deflators or {}))

    def factors(self, years: Sequence[str]) -> Array:
        """Discount factor of each year of the horizon; ones where there is no rate."""
        if self.discount is None:
            return np.ones(len(years))
        return discount_factors(list(years), self.discount, self.discount_base or years[0])

    @property
    def says(self) -> str:
        """What was done, for the attributes."""
        if self.discount is None:
            return "not discounted"
        name = self.discount.name if isinstance(self.discount, DiscountSchedule) else f"{float(self.discount):.2%} a year"
        return f"discounted by {name}"


def prices(
    costs: Mapping[str, Mapping[str, Any]],
    price_year: str | None,
    deflators: Mapping[str, float] | None,
    discount: float | DiscountSchedule | None,
    discount_base: str,
    optimism_bias: Mapping[str, float] | None = None,
    uncertainty: Mapping[str, float] | None = None,
    seed: int = 0,
    draws: int = 0,
    scenarios: Sequence[str] = (),
) -> Prices:
    """The one price year of all costs, or the one asked for with a deflator that reaches it; every cost that lacks one is named."""
    problems = [Problem(f"the unit cost of {s} has no price year", "give one") for s, c in costs.items() if not c["price_year"]]
    years = sorted({c["price_year"] for c in costs.values() if c["price_year"]})
    if len(years) > 1 and price_year is None:
        found = f"unit costs are in prices of {', '.join(years)}"
        problems.append(Problem(found, "give them in one price year, or price_year and deflators"))
    wanted = price_year or (years[0] if years else "")
    other = [y for y in years if y != wanted]
    if price_year is not None and other and deflators is None:
        found = f"unit costs are in prices of {', '.join(other)}, not {wanted}"
        problems.append(Problem(found, "give deflators (data_sources.load_deflators)"))
    elif price_year is not None and other:
        for y in other:
            try:
                reprice(1.0, y, wanted, deflators or {})
            except InputError as error:
                problems += error.problems or (Problem(str(error), "give another series"),)
    uplifts = dict(optimism_bias or {})
    problems += cost_problems(costs, scenarios)
    problems += [Problem(f"the optimism bias of {s} is {v}", "write 20 per cent as 0.2") for s, v in uplifts.items() if not 0 <= v < np.inf]
    raise_all(dict.fromkeys(problems))
    for s in uplifts:
        if s not in costs:
            raise unknown_name("service with a unit cost", s, costs)
    return Prices(wanted, deflators, discount, discount_base, uplifts, dict(uncertainty or {}), seed, draws)


def by_agency(
    costs: xr.DataArray,
    agency_of: Mapping[str, str],
    cashable: Mapping[str, float] | None,
    fixed: Mapping[str, float] | None,
    how: Prices,
) -> xr.Dataset:
    """Cost differences by who pays, year by year and in present value.

    Parameters
    ----------
    costs : xarray.DataArray
        ``cost_difference`` (scenario, year, area, service, draw).
    agency_of : mapping of str to str
        Service to agency.
    cashable : mapping of str to float, optional
        Share of a service's average cost that goes when one fewer child needs it.
    fixed : mapping of str to float, optional
        Share that does not change with how many need it; the rest is marginal. Services that it does not name are in neither part.
    how : Prices
    """
    services = [str(s) for s in costs["service"].values]
    agencies = list(dict.fromkeys(agency_of[s] for s in services))
    dims = ("scenario", "year", "area", "agency", "draw")
    coords = {k: costs.coords[k] for k in ("scenario", "year", "area", "area_name")} | {"agency": agencies}

    def summed(share: Mapping[str, float]) -> tuple[tuple[str, ...], Array]:
        """Shares of each agency's services, added up; what is absent of one agency is not of another."""
        by_service = {s: costs.sel(service=s).values for s in services}
        zero = np.zeros(costs.isel(service=0).shape)
        paid = {a: [by_service[s] * share[s] for s in services if agency_of[s] == a and share.get(s)] for a in agencies}
        return dims, np.stack([np.sum(x, axis=0) if x else zero for x in paid.values()], axis=3)

    data = xr.Dataset({"cost_by_agency": summed(dict.fromkeys(services, 1.0))}, coords=coords)
    if cashable is not None:
        data["cashable_difference"] = summed(cashable)
    if fixed is not None:
        data["fixed_difference"] = summed(fixed)
        data["marginal_difference"] = summed({s: 1 - v for s, v in fixed.items()})
    years = [str(y) for y in costs["year"].values]
    factors = how.factors(years)
    worth = present_value(data["cost_by_agency"].values, factors, axis=1)
    data["present_value"] = (("scenario", "area", "agency", "draw"), worth)
    absent = ", ".join(a for a in AGENCIES if a not in agencies)
    split = ", ".join(s for s in services if s in (fixed or {}))
    said = {"price_year": how.price_year, "discounting": how.says, "not_costed": absent, "split": split}
    return data.assign_attrs(basis="scenario", **said)


def effect_of(difference: xr.DataArray, families: Array, effect: str, how: Prices) -> Array:
    """What is gained over the horizon against the comparator, (scenario, area, draw): fewer of a service, or more families helped."""
    years = [str(y) for y in difference["year"].values]
    if effect == FAMILIES:
        return present_value(families, how.factors(years), axis=1)
    known = [str(s) for s in difference["service"].values]
    if effect not in known:
        raise unknown_name("effect", effect, [*known, FAMILIES])
    fewer = -difference.sel(service=effect).values
    if effect in STOCKS:
        fewer = child_years(np.concatenate([np.zeros_like(fewer[:, :1]), fewer[:, :-1]], axis=1), fewer)
    return present_value(fewer, how.factors(years), axis=1)


def proposals(result: Result, names: Sequence[str], to: str) -> list[str]:
    """Scenarios that are choices: all but stress tests, which would be best by turning children away."""
    tests = {s["name"] for s in result.provenance.get("scenarios", ()) if s.get("stress_test")}
    return [n for n in names if n not in tests or n == to]


def without_cost(result: Result, names: Sequence[str], place: int, families: Array, spent: Sequence[str]) -> list[str]:
    """Proposals that would look free in a choice: they change something, help as many families as before, and have no cost of their own.

    Parameters
    ----------
    result : Result
    names : sequence of str
    place : int
        Of the comparator.
    families : ndarray, shape (scenario, ...)
        Difference in families helped.
    spent : sequence of str
        What unit costs are spent on.
    """
    changed = {s["name"] for s in result.provenance.get("scenarios", ()) if s.get("changes")}
    asked = proposals(result, names, names[place])
    return [n for i, n in enumerate(names) if n in asked and i != place and n in changed and n not in spent and not families[i].any()]


def check_choice(
    costs: xr.DataArray | None, families: Array, thresholds: Sequence[float] | None, effect: str | None, given: Information
) -> None:
    """What a choice needs; all that is missing at once."""
    problems = []
    if effect is None:
        problems.append(Problem("thresholds or information without an effect", "name what is gained, such as looked_after_at_31_march"))
    if thresholds is None and given is not False:
        problems.append(Problem("information is valued at a threshold, and there is none", "give thresholds"))
    bad = [k for k in thresholds or () if not (np.isfinite(k) and k >= 0)]
    problems += [Problem(f"a threshold of {k}", "give pounds per unit of effect, zero or more") for k in bad]
    if thresholds is not None and (not len(thresholds) or len(set(thresholds)) < len(thresholds)):
        problems.append(Problem(f"thresholds are {list(thresholds)}", "give at least one, each once"))
    if costs is None:
        problems.append(Problem("no unit costs", "give them with the pathway"))
    elif "early_help" not in costs["service"].values and np.any(families != 0):
        found = "scenarios help more families and the cost of early help is not known: they would look free"
        problems.append(Problem(found, "give its cost per family helped"))
    raise_all(problems)


def choice(cost: Array, gained: Array, yearly: Array, names: Sequence[str], areas: xr.Dataset) -> xr.Dataset:
    """Plane, frontier and payback by area, from cost and gain (scenario, area, draw) and each year's cost (scenario, year, area, draw)."""
    coords = {"scenario": list(names), "area": areas["area"], "area_name": areas["area_name"]}
    data = xr.Dataset(coords=coords)
    data["net_cost"] = (("scenario", "area", "draw"), cost)
    data["effect_difference"] = (("scenario", "area", "draw"), gained)
    data["payback"] = (("scenario", "area", "draw"), payback(-yearly.swapaxes(0, 1)))
    n = range(cost.shape[1])
    tables = [icer_table(cost[:, a].mean(-1), gained[:, a].mean(-1), names) for a in n]
    data["icer"] = (("scenario", "area"), np.column_stack([t.icer for t in tables]))
    data["frontier_order"] = (("scenario", "area"), np.column_stack([t.order for t in tables]))
    data["probability_on_frontier"] = (("scenario", "area"), np.column_stack([frontier_probability(cost[:, a], gained[:, a]) for a in n]))
    return data.assign_attrs(basis="scenario")


def plane(cost: Array, gained: Array, names: Sequence[str], areas: xr.Dataset) -> xr.Dataset:
    """Share of draws in each quadrant, by scenario and area."""
    shares = [[list(quadrants(c, e).values()) for c, e in zip(cs, es, strict=True)] for cs, es in zip(cost, gained, strict=True)]
    coords = {"scenario": list(names), "area": areas["area"], "area_name": areas["area_name"], "component": list(QUADRANTS)}
    return xr.Dataset({"quadrant": (("scenario", "area", "component"), np.array(shares))}, coords=coords, attrs={"basis": "scenario"})


def acceptable(cost: Array, gained: Array, names: Sequence[str], areas: xr.Dataset, thresholds: Sequence[float]) -> xr.Dataset:
    """Acceptability, its frontier and EVPI over the user's thresholds, by area."""
    values = [net_benefit(cost[:, a], gained[:, a], list(thresholds)) for a in range(cost.shape[1])]
    dims = ("scenario", "area", "component")
    coords = {"scenario": list(names), "area": areas["area"], "area_name": areas["area_name"], "component": [float(k) for k in thresholds]}
    best = np.stack([acceptability_frontier(v)[0] for v in values])  # (area, threshold)
    return xr.Dataset(
        {
            "probability_best": (dims, np.stack([acceptability(v) for v in values], axis=1)),
            "most_expected": (dims, (best == np.arange(len(names))[:, None, None]).astype(float)),
            "evpi": (dims[1:], np.stack([np.asarray(evpi(v)) for v in values])),
        },
        coords=coords,
        attrs={"basis": "scenario", "component": "threshold, pounds per unit of effect"},
    )


def groups(result: Result, area: str, given: Information, how: Prices | None = None) -> dict[str, dict[str, Array]]:
    """Draws of parameters by group and name: the pathway's, grouped by all but the last part of their names, and need; or those given."""
    if not isinstance(given, bool):
        rows = {name: np.atleast_2d(np.asarray(values, dtype=float)) for name, values in given.items()}
        return {n: {(f"{n}.{i + 1}" if len(x) > 1 else n): row for i, row in enumerate(x)} for n, x in rows.items()}
    draws, seed = int(result.provenance["draws"]), int(result.provenance["seed"])
    found: dict[str, dict[str, Array]] = {}
    for name, fields in result.provenance["pathway"]["parameters"].items():
        values = parameter_draws(Parameter(**fields), name, seed, draws)
        if np.ptp(values) > 0:
            found.setdefault(name.rpartition(".")[0] or name, {})[name] = values
    if result.provenance["pathway"].get("layout", {}).get("pooled"):  # drawn from the posterior of the base year's rates
        found["base_year_rate"] = {f"base_year_rate.{f.count}": normals(seed, f"calibration/{area}/{f.count}", draws) for f in FLOWS}
    priced = {s: np.asarray(uncertain(1.0, s, sd, seed, draws)) for s, sd in (how.uncertainty if how else {}).items() if sd}
    if priced:
        found["unit_cost"] = {f"unit_cost.{s}": values for s, values in priced.items()}
    need = str(result.node("demand/population").attrs["need"])
    found["need"] = found.get("need", {}) | {need: result.draws(need, "authority").sel(area=area).values}
    return found


def information(
    result: Result, cost: Array, gained: Array, areas: xr.Dataset, thresholds: Sequence[float], given: Information, how: Prices
) -> dict[str, xr.Dataset]:
    """EVPPI by group at each threshold, and of all groups together, with a bootstrap error from named streams."""
    draws, seed = cost.shape[-1], int(result.provenance["seed"])
    places = np.stack([(uniforms(seed, f"decision/bootstrap/{b}", draws) * draws).astype(int) for b in range(RESAMPLES)])
    codes = [str(a) for a in areas["area"].values]
    by_area = [{g: np.stack(list(x.values())) for g, x in groups(result, a, given, how).items()} for a in codes]
    together = "all of these" if len(by_area[0]) > 1 else ""
    labels = [*by_area[0], *([together] if together else [])]
    nodes = {}
    for k in thresholds:
        columns: dict[str, list[list[float]]] = {"evppi": [], "evppi_error": [], "evppi_stable": []}
        for a, named in enumerate(by_area):
            more = {together: np.concatenate(list(named.values()))} if together else {}
            table = evppi_table(net_benefit(cost[:, a], gained[:, a], k), named | more, places)
            rows = {str(row.group): row for row in table}
            for name, column in (("evppi", "evppi"), ("evppi_error", "standard_error"), ("evppi_stable", "stable")):
                columns[name].append([float(rows[g][column]) for g in labels])
        coords = {"area": areas["area"], "area_name": areas["area_name"], "component": labels}
        data = {name: (("area", "component"), np.array(values)) for name, values in columns.items()}
        nodes[f"decision/information/at_{k:.15g}"] = xr.Dataset(data, coords=coords, attrs={"basis": "scenario", "threshold": float(k)})
    return nodes


def movers(result: Result, gained: Array, names: Sequence[str], areas: xr.Dataset, given: Information) -> xr.Dataset:
    """Tornado of each scenario's effect: every parameter low and high, the others as uncertain as they are."""
    codes = [str(a) for a in areas["area"].values]
    shown = ("at_low", "at_high", "swing_error")
    found: dict[str, list[list[list[float]]]] = {name: [] for name in shown}
    labels: list[str] = []
    for a, area in enumerate(codes):
        inputs = {name: row for named in groups(result, area, given).values() for name, row in named.items()}
        labels = list(inputs)
        tables = [{str(row.input): row for row in tornado(inputs, gained[s, a])} for s in range(len(names))]
        for name, rows in found.items():
            rows.append([[float(getattr(t[n], name)) for n in labels] for t in tables])
    coords = {"scenario": list(names), "area": areas["area"], "area_name": areas["area_name"], "component": labels}
    dims = ("scenario", "area", "component")
    data = {name: (dims, np.array(rows).swapaxes(0, 1)) for name, rows in found.items()}
    return xr.Dataset(data, coords=coords, attrs={"basis": "scenario"})


def followed(result: Result) -> tuple[Array, Array]:
    """Children, and the affected children whom demand follows, in the base year and the last: (2, area, draw) each.

    Prevalence by age band as estimated, with the user's trend and without the random drift of need, which demand does not follow.
    """
    population = result.node("demand/population")
    need = str(population.attrs["need"])
    children = population["children_projected"].isel(year=[0, -1])  # (year, area, age_band, draw)
    now = result.draws(need, "authority", by=("age_band",)).transpose("area", "age_band", "draw").values
    known = result.node("need/authority")["children"].transpose("area", "age_band").values[..., None]
    share = np.divide(now, known, out=np.zeros_like(now), where=known > 0)
    seed, draws = int(result.provenance["seed"]), int(result.provenance["draws"])
    fields = result.provenance["pathway"]["parameters"].get("need.drift")
    trend = parameter_draws(Parameter(**fields), "need.drift", seed, draws) if fields else np.zeros(draws)
    years = np.array([0, population.sizes["year"] - 1])
    moved = expit(logit(share)[None] + (years[:, None] * trend)[:, None, None, :])
    return children.sum("age_band", skipna=False).values, (moved * children.values).sum(2)


def change(result: Result, place: int) -> xr.Dataset:
    """Change of every service from the base year to the last year, by population, need, pathway, scenario and interaction, draw by draw.

    A count is children x affected per child (as far as demand follows it) x count per affected child. The comparator's three factors each
    move alone, a scenario's part is its paired difference from the comparator, and what factors do together is the interaction. Services
    whose base count is not published stay absent.
    """
    flows, caseload = result.node("demand/flows"), result.node("demand/caseload")
    observed = result.node("demand/observed")["observed"]
    children, affected = followed(result)
    counts = xr.concat([flows["flow"], caseload["caseload"]], dim="service", join="exact").transpose(*flows["flow"].dims).isel(year=-1)
    services = [str(s) for s in counts["service"].values]
    areas = [str(a) for a in counts["area"].values]
    parts = []
    for service in services:
        end = counts.sel(service=service).values  # (scenario, area, draw)
        base = np.broadcast_to(observed.sel(area=areas, service=service).values[:, None], end.shape[1:])
        factors = {
            "population": (children[0], children[1]),
            "need": (affected[0] / children[0], affected[1] / children[1]),
            "pathway": (base / affected[0], end[place] / affected[1]),
        }
        rows = waterfall(base, alone_of_product(base, factors), end[place])
        scenario = end - end[place]
        steps = {k: np.broadcast_to(v, end.shape) for k, v in rows.items() if k != INTERACTION}
        steps |= {"scenario": scenario, INTERACTION: np.broadcast_to(rows[INTERACTION], end.shape)}
        parts.append(np.stack(list(steps.values()), axis=2))  # (scenario, area, component, draw)
    coords = {"scenario": flows["scenario"], "area": flows["area"], "area_name": flows["area_name"], "service": services}
    names = ["population", "need", "pathway", "scenario", INTERACTION]
    dims = ("scenario", "area", "service", "component", "draw")
    attrs = {"basis": "scenario", "from": str(flows.attrs["base_year"]), "to": str(flows["year"].values[-1])}
    return xr.Dataset({"change_part": (dims, np.stack(parts, axis=2))}, coords=coords | {"component": names}, attrs=attrs)
