"""The second verb: Result + population projection + pathway + scenarios -> children and demand over time."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, replace
from functools import partial
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray
from scipy.special import expit, logit

from jsna_model.conventions import AGE_BANDS, ENGLAND
from jsna_model.counting import by_placement
from jsna_model.draws import normals
from jsna_model.errors import InputError, LabelError, Problem, gathered, raise_all
from jsna_model.pathway import FLOWS, STATES, STOCKS, Pathway
from jsna_model.placements import Placements
from jsna_model.population import Population
from jsna_model.result import Result, check_tree
from jsna_model.scenario import Scenario, month_index
from jsna_model.verbs.calibrate import check_counts
from jsna_model.verbs.demand_model import Demand, check_scenario, over_time, parameter_draws, run
from jsna_model.verbs.group_changes import NEED, by_cell, group_problems, grouped, weights_of
from jsna_model.verbs.layout_project import Needs, cells_of, needs_of, nodes, published_nodes, run_all
from jsna_model.verbs.layout_project import provenance as layout_provenance
from jsna_model.verbs.pattern_rates import pattern_rates

Array = NDArray[np.float64]
Progress = Callable[[str, int, int], None]

#: Years beyond the base year to which the yearly walk of rates was checked against later published counts.
CHECKED_YEARS = 3
_NEEDED = ("referrals", "re_referrals", "child_in_need_started", "child_protection_plan_started", "looked_after_started", *STOCKS)
#: A layout is calibrated to these too.
LAYOUT_NEEDS = (
    *_NEEDED,
    "referrals_no_further_action",
    "referrals_assessed_not_in_need",
    "section_47_enquiries",
    "initial_child_protection_conferences",
)


def project(
    result: Result,
    projection: Population,
    pathway: Pathway,
    scenarios: Scenario | Sequence[Scenario] = (),
    *,
    years: int = 11,
    need: str = "any_risk",
    process_noise: bool = False,
    average_noise: bool = True,
    progress: Progress | None = None,
) -> Result:
    """Project children, affected children and demand, under each scenario on the same draws.

    Parameters
    ----------
    result : Result
        From `estimate`.
    projection : Population
        Children by year, authority and single year of age (`data_sources.load_projection`), from the base year on.
    pathway : Pathway
        Observed counts of the base year and parameters (`data_sources.load_pathway`).
    scenarios : Scenario or sequence of Scenario
        ``baseline`` (no change) is put first where it is missing.
    years : int
        Financial years after the base year.
    need : str
        Measure of need that demand follows.
    process_noise : bool
        With a layout of the pathway: whole children, drawn at random, siblings together; otherwise expected flows.
    average_noise : bool
        With scenarios, run a second time with process noise averaged out, which is what `compare` decides on: every rate at the mean of
        its yearly walk, and expected flows in place of whole children. What is left between draws is what could be known: parameters.
    progress : callable, optional

    Returns
    -------
    Result
        With group ``demand``; ``demand/expected`` has outcomes with process noise averaged out, ``demand/placements`` looked-after
        children by placement, where the pathway has shares, and ``demand/groups`` children by age and pattern of risks, where a layout or
        a scenario's change of need tells them apart.

    Raises
    ------
    LabelError
        Where authorities of result, projection and pathway differ.
    InputError
        For counts that cannot be, a scenario out of range, a projection that is too short, or repeated scenario names.
    """
    scenarios = _with_baseline(scenarios)
    last_month = f"{int(pathway.base_year[:4]) + 1 + years}-03"
    if process_noise and not pathway.layout:
        raise InputError("process noise needs a layout of the pathway: load_pathway(area, layout='early_help_and_cin').")
    if not pathway.layout:
        gathered(*(partial(check_scenario, s, pathway, last_month) for s in scenarios))
    authority = result.node("need/authority")
    areas = [str(a) for a in authority["area"].values]
    names = {a: str(n) for a, n in zip(areas, authority["area_name"].values, strict=True)}
    patterns = () if need in result.risks else tuple(str(p) for p in result.data["need"].ds["pattern"].values)
    raise_all(group_problems(scenarios, names, patterns, bool(pathway.layout), need))
    served = [str(a) for a in pathway.observed["area"].values[pathway.observed["role"].values == "authority"]]
    _check_labels(areas, projection, served)
    check_counts(pathway.observed)
    base_year = int(pathway.base_year[:4])
    wanted = list(range(base_year, base_year + years + 1))
    have = [int(y) for y in projection.data["year"].values]
    if not set(wanted) <= set(have):
        raise InputError(
            f"the projection covers {have[0]} to {have[-1]}; {years} years from {base_year} need up to {wanted[-1]}. Ask for fewer years."
        )
    seed, draws = int(result.provenance["seed"]), int(result.provenance["draws"])
    children, affected, driver = _affected(result, projection, pathway, wanted, need, areas, seed, draws)

    labels = [f"{y}-{(y + 1) % 100:02d}" for y in wanted[1:]]
    coords = {"scenario": [s.name for s in scenarios], "year": labels, "area": areas}
    place = {"area_name": ("area", authority["area_name"].values)}
    attrs: dict[str, object] = {"base_year": pathway.base_year, "checked_years": CHECKED_YEARS, "basis": "projected"}
    counts, filled = {}, {}
    for area in areas:
        counts[area], missing = _counts(pathway, area, LAYOUT_NEEDS if pathway.layout else _NEEDED)
        if missing:
            filled[area] = missing
    layout: dict[str, object] = {}
    expected = average_noise and len(scenarios) > 1
    called = {a: (a, names[a]) for a in areas}
    cells = {
        a: cells_of(result, projection, need, wanted, a, driver[:, j])[0]
        for j, a in enumerate(areas)
        if any(c.parameter == NEED for s in scenarios for c in s.within(*called[a]).changes)
    }
    if pathway.layout:
        rates = pattern_rates(result, pathway, need, areas)
        pathway = replace(pathway, layout={**pathway.layout, **rates.parameters})

        def needs(area: str, j: int) -> Needs:
            return needs_of(result, projection, need, wanted, area, driver[:, j], rates.weight)

        baseline = [s.name for s in scenarios].index("baseline")
        first = f"{base_year + 1}-04"
        done = run_all(areas, counts, needs, pathway, scenarios, baseline, first, seed, process_noise, progress, called, expected)
        per_family = pathway.parameter("early_help.children_per_family").value
        attrs |= {"children_per_family": per_family}
        services = nodes(done, coords, place, attrs, affected / driver)
        if expected:
            services |= _expected(*published_nodes(done.expected, coords, place, attrs))
        layout = {"layout": layout_provenance(done, pathway) | {"rates_by_pattern": rates.learned | {"streams": list(rates.streams)}}}
    else:
        given = (counts, driver, affected[0], pathway, scenarios, seed)
        services = _three_states(*given, progress, coords, place, attrs, called, cells, patterns)
        if expected:
            still = _three_states(*given, None, coords, place, attrs, called, cells, patterns, walking=False)
            services |= _expected(still["demand/flows"], still["demand/caseload"])
    if cells:
        months = month_index(f"{base_year + 1}-04") + np.arange(12 * years)
        moved = _affected_by_group(cells, patterns or ("none", need), pathway, scenarios, called, months, seed, draws)
        groups = xr.Dataset(
            {
                "affected_by_age": (("scenario", "year", "area", "age_band", "draw"), moved[0]),
                "affected_by_pattern": (("scenario", "year", "area", "pattern", "draw"), moved[1]),
            },
            coords={**coords, "age_band": list(AGE_BANDS), "pattern": list(patterns or ("none", need)), **place},
            attrs=dict(attrs),
        )
        services["demand/groups"] = xr.merge([services["demand/groups"], groups]) if "demand/groups" in services else groups
    if pathway.placements:
        services["demand/placements"] = _placed(services["demand/caseload"], pathway.placements)
    population = xr.Dataset(
        {
            "children_projected": (("year", "area", "age_band", "draw"), children),
            "affected_projected": (("year", "area", "draw"), affected),
        },
        coords={"year": wanted, "area": areas, "age_band": list(AGE_BANDS), **place},
        attrs={"need": need, "basis": "projected"},
    )
    observed = _observed(pathway)
    tree = result.nodes("need") | {
        "demand": xr.Dataset(coords={"draw": np.arange(draws)}),
        "demand/population": population,
        **services,
        "demand/observed": observed,
    }
    provenance = dict(result.provenance) | {
        "projection": {"source": projection.source, "hash": projection.hash, **_named(projection)},
        "pathway": {
            "source": pathway.source,
            "base_year": pathway.base_year,
            "early_help_supplied": pathway.early_help_supplied,
            "published": pathway.published,
            "parameters": {name: asdict(p) for name, p in pathway.parameters.items()},
            "unit_costs": [asdict(c) for c in pathway.unit_costs],
            "notes": list(pathway.notes),
            "not_published": filled,
            **({"placements": asdict(pathway.placements)} if pathway.placements else {}),
            **layout,
        },
        "scenarios": [asdict(s) for s in scenarios],
    }
    return Result(check_tree(xr.DataTree.from_dict(tree)), provenance)


def _placed(caseload: xr.Dataset, placements: Placements) -> xr.Dataset:
    """Looked-after children at 31 March by placement, at shares that are held constant."""
    parts = by_placement(caseload["caseload"].sel(service=STOCKS[2]).values, placements.shares)  # each (scenario, year, area, draw)
    dims = ("scenario", "year", "area", "component", "draw")
    coords = {n: c for n, c in caseload.coords.items() if n != "service"}
    return xr.Dataset({"placed": (dims, np.stack(list(parts.values()), axis=3))}, {**coords, "component": list(parts)}, caseload.attrs)


def _three_states(
    counts: Mapping[str, Mapping[str, float]],
    driver: Array,
    affected: Array,
    pathway: Pathway,
    scenarios: Sequence[Scenario],
    seed: int,
    progress: Progress | None,
    coords: Mapping[str, object],
    place: Mapping[str, object],
    attrs: Mapping[str, object],
    called: Mapping[str, tuple[str, str]],
    cells: Mapping[str, Array],
    patterns: Sequence[str],
    walking: bool = True,
) -> dict[str, xr.Dataset]:
    """Demand without a layout: three states of each authority as a whole (`demand_model.run`)."""
    areas, first = list(counts), f"{int(pathway.base_year[:4]) + 1}-04"
    runs: dict[tuple[int, int], Demand] = {}
    baseline = [s.name for s in scenarios].index("baseline")
    for j, area in enumerate(areas):
        ratio = driver[1:, j] / driver[0, j]
        path = None
        for i in (baseline, *(i for i in range(len(scenarios)) if i != baseline)):
            scenario = scenarios[i].within(*called[area])
            by = (cells.get(area), patterns, walking)
            runs[i, j] = run(area, counts[area], ratio, affected[j], pathway, scenario, first, seed, path, *by)
            path = runs[baseline, j].path
        if progress:
            progress("projecting", j + 1, len(areas))

    def stacked(name: str) -> Array:
        """(scenario, area, year, ..., draw) -> (scenario, year, area, ..., draw)."""
        values = np.stack([np.stack([getattr(runs[i, j], name) for j in range(len(areas))]) for i in range(len(scenarios))])
        return np.moveaxis(values, 1, 2)

    by_service = ("scenario", "year", "area", "service", "draw")
    by_state = ("scenario", "year", "area", "state", "draw")
    flow = xr.Dataset({"flow": (by_service, stacked("flow"))}, coords={**coords, "service": list(FLOWS), **place}, attrs=dict(attrs))
    flow["families_helped"] = (("scenario", "year", "area", "draw"), stacked("families_helped"))
    return {
        "demand/flows": flow,
        "demand/caseload": xr.Dataset(
            {"caseload": (by_service, stacked("caseload"))}, coords={**coords, "service": list(STOCKS), **place}, attrs=dict(attrs)
        ),
        "demand/states": xr.Dataset(
            {v: (by_state, stacked(v)) for v in ("opening", "entries", "exits", "closing")},
            coords={**coords, "state": list(STATES), **place},
            attrs=dict(attrs),
        ),
    }


def _expected(flows: xr.Dataset, caseload: xr.Dataset) -> dict[str, xr.Dataset]:
    """Outcomes with process noise averaged out, in one node."""
    both = xr.concat([flows["flow"], caseload["caseload"]], dim="service", join="exact").transpose(*flows["flow"].dims)
    found = xr.Dataset({"expected_count": both, "expected_families_helped": flows["families_helped"]}, attrs=dict(flows.attrs))
    return {"demand/expected": found.assign_attrs(process_noise="averaged out")}


def _affected_by_group(
    cells: Mapping[str, Array],
    patterns: Sequence[str],
    pathway: Pathway,
    scenarios: Sequence[Scenario],
    called: Mapping[str, tuple[str, str]],
    months: NDArray[np.int64],
    seed: int,
    draws: int,
) -> tuple[Array, Array]:
    """Children by age band and by pattern of risks in the last month of each year, (scenario, year, area, group, draw)."""
    ends = months[11::12]
    bands = [slice(first, last + 1) for first, last in AGE_BANDS.values()]
    ages = np.full((len(scenarios), len(ends), len(called), len(bands), draws), np.nan)
    mixes = np.full((len(scenarios), len(ends), len(called), len(patterns), draws), np.nan)
    for j, area in enumerate(called):
        if area not in cells:
            continue
        for i, scenario in enumerate(scenarios):
            own = scenario.within(*called[area])
            whole = over_time(own, pathway, ends, seed, draws)[NEED]
            changes = grouped(own, NEED)
            weights = weights_of(changes, patterns, classes=False)
            for y, month in enumerate(ends):
                now = whole[y if len(whole) > 1 else 0]
                here = cells[area][y + 1]
                level = by_cell(now, changes, int(month), weights, pathway.parameter(NEED), NEED, scenario.name) if changes else now
                after = here * level
                after[:, 0] = here.sum(1) - after[:, 1:].sum(1)
                ages[i, y, j] = [after[band, 1:].sum((0, 1)) for band in bands]
                mixes[i, y, j] = after.sum(0)
    return ages, mixes


def _with_baseline(scenarios: Scenario | Sequence[Scenario]) -> list[Scenario]:
    named = [scenarios] if isinstance(scenarios, Scenario) else list(scenarios)
    if "baseline" not in [s.name for s in named]:
        named.insert(0, Scenario("baseline"))
    title, reason = "Baseline: rates of the base year go on", "What others are compared with"
    named = [replace(s, title=s.title or title, reason=s.reason or reason) if s.name == "baseline" else s for s in named]
    names = [s.name for s in named]
    raise_all([Problem(f"two scenarios are called {n!r}", "give each its own name") for n in sorted(set(names)) if names.count(n) > 1])
    return named


def _named(projection: Population) -> dict[str, Any]:
    """Which projection it is: its variant, the others there were, what was assumed, and the estimate over it in the base year."""
    attrs = projection.data.attrs
    return {k: attrs[k] for k in ("variant", "variants", "assumption", "rebased_by") if k in attrs}


def _check_labels(areas: list[str], projection: Population, served: list[str]) -> None:
    """Labels match or it raises (law 2)."""
    problems = []
    for what, have in (("projection", list(projection.areas)), ("pathway", served)):
        missing, extra = sorted(set(areas) - set(have)), sorted(set(have) - set(areas))
        if missing or extra:
            problems.append(
                Problem(
                    f"authorities of the {what} differ from the estimate's: missing {missing or 'none'}, extra {extra or 'none'}",
                    "load all three for the same area",
                )
            )
    if "year" not in projection.data["children"].dims or "age" not in projection.data["children"].dims:
        problems.append(Problem("the projection is not by year and single year of age", "use data_sources.load_projection"))
    raise_all(problems, LabelError)


def _affected(
    result: Result, projection: Population, pathway: Pathway, years: list[int], need: str, areas: list[str], seed: int, draws: int
) -> tuple[Array, Array, Array]:
    """Projected children (year, area, age_band, draw), affected children (year, area, draw), and what demand follows, likewise.

    Prevalence of each age band stays as estimated, but for a national drift on the logit scale; projected children carry an error of
    their area that grows with the years as that of past projections did. Both keep their mean. Demand follows children, ages and a trend
    that the user gives, but not the random part of the drift: the yearly walk of services' rates, fitted per child, holds it already.
    """
    now = result.draws(need, "authority", by=("age_band",)).transpose("area", "age_band", "draw")
    known = result.node("need/authority")["children"].transpose("area", "age_band").values
    prevalence = np.divide(now.values, known[..., None], out=np.full(now.shape, np.nan), where=known[..., None] > 0)
    data = projection.data["children"].sel(year=years, area=areas)
    if "sex" in data.dims:
        data = data.sum("sex", skipna=False)
    single = data.transpose("year", "area", "age").values
    ages = projection.data["age"].values
    bands = [single[..., (ages >= first) & (ages <= last)].sum(-1) for first, last in AGE_BANDS.values()]
    expected = np.stack(bands, axis=-1)
    sd = _projection_error(projection, years)
    drift_sd = pathway.parameter("need.drift").yearly_sd
    trend = parameter_draws(pathway.parameter("need.drift"), "need.drift", seed, draws)

    children = np.empty((*expected.shape, draws))
    affected = np.empty((len(years), len(areas), draws))
    driver = np.empty_like(affected)
    mean = np.nanmean(prevalence, axis=-1, keepdims=True)
    error, drift = np.stack([normals(seed, f"projection/{a}", draws) for a in areas]), np.zeros(draws)
    for t, year in enumerate(years):
        if t > 0:
            drift = drift + drift_sd * normals(seed, f"pathway/need.drift/{year}", draws)
        children[t] = expected[t][..., None] * np.exp(sd[t] * error - sd[t] ** 2 / 2)[:, None, :]
        keep = t * drift_sd**2 * (1 - 2 * mean) / 2
        for out, moved in ((affected, trend * t + drift - keep), (driver, trend * t)):
            p = expit(logit(prevalence) + moved)
            out[t] = np.where(known[..., None] > 0, p * children[t], 0.0).sum(1)
    if not (affected > 0).all():
        raise InputError("no child is affected in some draws, so that demand has nothing to follow; project a larger area.")
    return children, affected, driver


def _projection_error(projection: Population, years: Sequence[int]) -> list[float]:
    """Sd of the log error of projected children in each year: as measured by horizon; where not given, in proportion to the horizon.

    One error per area grows over the years: past projections went on missing as they had begun, nearly in proportion to the horizon
    (``data_sources/figures/projection_error.csv``), not as a random walk does.
    """
    attrs = projection.data.attrs
    if "projection_error_log_sd" in attrs:
        by_year = dict(zip(projection.data["year"].values.tolist(), np.atleast_1d(attrs["projection_error_log_sd"]).tolist(), strict=True))
        return [float(by_year[y]) for y in years]
    rate = float(attrs.get("projection_error_sd_6yr", 0.0)) / float(attrs.get("projection_error_horizon", 6))
    return [rate * t for t in range(len(years))]


def _counts(pathway: Pathway, area: str, needed: Sequence[str] = _NEEDED) -> tuple[dict[str, float], list[str]]:
    """Base-year counts of an authority, and which were not published.

    What does not apply is zero. A stock that is not published is the authority's own starts times England's ratio of stock to starts;
    anything else is England's rate per child times its children.
    """
    observed, status = pathway.observed["observed"], pathway.observed["status"]
    own = {str(s): float(observed.sel(area=area, service=s)) for s in observed["service"].values}
    missing = [s for s in needed if not np.isfinite(own[s])]
    if missing and ENGLAND not in observed["area"].values:
        raise InputError(f"{', '.join(missing)} of {area} are not published, and the pathway holds no England row to take a rate from.")
    if missing:
        england = {str(s): float(observed.sel(area=ENGLAND, service=s)) for s in observed["service"].values}
        scale = float(pathway.observed["children"].sel(area=area)) / float(pathway.observed["children"].sel(area=ENGLAND))
    for service in missing:
        starts = service.removesuffix("_at_31_march") + "_started"
        if str(status.sel(area=area, service=service).values) == "z":
            own[service] = 0.0
        elif service in STOCKS and np.isfinite(own[starts]):
            own[service] = own[starts] * england[service] / england[starts]
        else:
            own[service] = england[service] * scale
    return own, missing


def _observed(pathway: Pathway) -> xr.Dataset:
    data = pathway.observed
    rate = data["observed"] / data["children"] * 10_000
    return data.assign(observed_per_10000=rate).assign_attrs(base_year=pathway.base_year, basis="observed")
