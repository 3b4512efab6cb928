"""Project with a layout of the pathway: every authority by age, pattern and month, and what reports read of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from jsna_model.conventions import AGE_BANDS, risks_of
from jsna_model.layout import KNOWN_TO, STATES, UNITS
from jsna_model.methods.calibration import Fit
from jsna_model.pathway import FLOWS, STOCKS, Pathway
from jsna_model.population import Population
from jsna_model.result import Result
from jsna_model.scenario import Scenario
from jsna_model.verbs.calibrate import YearCounts, pooled, year_counts
from jsna_model.verbs.layout_posterior import rate_draws
from jsna_model.verbs.layout_rates import BaseRates, base_rates
from jsna_model.verbs.layout_run import Setup, run_layout, with_layout
from jsna_model.verbs.layout_sums import Outcome

Array = NDArray[np.float64]

#: What is counted beside the published flows: children, assessments and contacts are separate units.
COUNTED = (
    *UNITS, "contact_closed", "no_further_action", "early_help_stepped_up", "early_help_closed", "early_help_dropped_out", "plan_ended",
    "return_within_3_months", "re_referral", "closed_without_help",
    "assessed_without_early_help", "assessed_closed_without_help", "returned_after_no_help",
    "left_care_at_18", "early_help_waited", "early_help_admitted",
)  # fmt: skip


#: Those that are counted by pattern of risks too.
BY_PATTERN = frozenset(COUNTED) - {"left_care_at_18", "early_help_waited", "early_help_admitted"}


@dataclass(frozen=True)
class Needs:
    """Need of one authority: children by the age they reach in the year, pattern of risks and draw, weighted by their rate of contact."""

    weighted: Array  # (year, age class, pattern, draw)
    children: Array  # (year, pattern, draw), not weighted
    affected: Array  # (year, draw)
    patterns: tuple[str, ...] = ()
    weight: Array | None = None  # (pattern, draw): rate of contact over that of children with no risk


def birth_classes(children: Array) -> Array:
    """Children at risk by the age they reach in the year, 0 to 18, from mid-year children by single year of age.

    Half of those aged a reach a + 1 before the year is out; those in the first and last class are there for half of the year.

    Parameters
    ----------
    children : ndarray, shape (..., 18)

    Returns
    -------
    ndarray, shape (..., 19)
    """
    edge = np.zeros((*children.shape[:-1], 1))
    return np.asarray((np.concatenate([children, edge], -1) + np.concatenate([edge, children], -1)) / 2)


def needs_of(result: Result, projection: Population, need: str, years: Sequence[int], area: str, driver: Array, weight: Array) -> Needs:
    """Need by age class and pattern, moved by the projection and by what demand follows.

    Parameters
    ----------
    result, projection, need, years, area
    driver : ndarray, shape (year, draw)
        Affected children that demand follows.
    weight : ndarray, shape (pattern, draw)
        Rate of contact by pattern (`jsna_model.verbs.pattern_rates`).
    """
    cells, patterns = cells_of(result, projection, need, years, area, driver)
    classes = np.moveaxis(birth_classes(np.moveaxis(cells, 1, -1)), -1, 1)
    return Needs(classes * weight, cells.sum(1), driver, patterns, weight)


def cells_of(
    result: Result, projection: Population, need: str, years: Sequence[int], area: str, driver: Array
) -> tuple[Array, tuple[str, ...]]:
    """Children by single year of age and pattern of risks, (year, age, pattern, draw), and the patterns: ``none`` and others.

    Where demand follows one risk alone, the others are one pattern, that risk.
    """
    node = result.node("need/authority").sel(area=area)
    children = node["children"].values
    if need in result.risks:
        affected = result.draws(need, by=("age_band",)).sel(area=area).transpose("age_band", "draw").values
        by_pattern = np.stack([children[:, None] - affected, affected], axis=1)
        named = ["none", need]
    else:
        by_pattern = node["children_by_pattern"].transpose("age_band", "pattern", "draw").values
        named = [str(p) for p in result.data["need"].ds["pattern"].values]
    share = np.divide(by_pattern, children[:, None, None], out=np.zeros_like(by_pattern), where=children[:, None, None] > 0)
    risks = np.array([p != "none" for p in named])
    band = np.array([b for b, (first, last) in enumerate(AGE_BANDS.values()) for _ in range(first, last + 1)])
    data = projection.data["children"].sel(year=list(years), area=area)
    if "sex" in data.dims:
        data = data.sum("sex", skipna=False)
    single = data.transpose("year", "age").values
    cells = single[:, :, None, None] * share[band]  # year, age, pattern, draw
    cells = cells * (driver / cells[:, :, risks].sum((1, 2)))[:, None, None, :]
    return cells, tuple(named)


@dataclass
class Projected:
    """What each authority gave, to be put into nodes."""

    outcomes: list[Outcome]
    bases: dict[str, BaseRates]
    needs: list[Needs] = field(default_factory=list)
    years: dict[str, YearCounts] = field(default_factory=dict)
    fits: dict[str, Fit] = field(default_factory=dict)
    expected: list[Outcome] = field(default_factory=list)
    patterns: tuple[str, ...] = ()


def run_all(
    areas: Sequence[str],
    counts: Mapping[str, Mapping[str, float]],
    needs: Callable[[str, int], Needs],
    pathway: Pathway,
    scenarios: Sequence[Scenario],
    baseline: int,
    first_month: str,
    seed: int,
    noise: bool,
    progress: Callable[[str, int, int], None] | None,
    names: Mapping[str, tuple[str, ...]] | None = None,
    expected: bool = False,
) -> Projected:
    """Calibrate and run every authority, one after the other: with a panel, on the posterior of its rates; without, at its counts."""
    values = {n: p.value for n, p in pathway.layout.items()}
    names = names or {}
    done = Projected([], {}, fits=pooled(pathway.panel, values["entries.dispersion"]) if pathway.panel is not None else {})
    volume = None
    if pathway.early_help_supplied:
        volume = pathway.parameter("early_help.reach").value * pathway.parameter("early_help.children_per_family").value
    for j, area in enumerate(areas):
        need = needs(area, j)
        done.patterns = need.patterns
        by_class, year = need.weighted[0].sum(1).mean(-1), dict(counts[area])
        if done.fits:
            done.years[area] = year_counts(pathway.observed, area, year, done.fits, seed, need.weighted.shape[-1])
            year = done.years[area].point
        known = dict(values)
        if volume is not None:
            known["early_help.per_referral"] = volume / year["referrals"]
        base = base_rates(year, known, by_class)
        spread = rate_draws(base, year, done.years[area].draws, known, by_class, volume) if done.fits else {}
        own = with_layout(pathway, base, pathway.layout)
        given = (need.weighted, need.children, need.affected, own, first_month, seed, spread, need.patterns, need.weight)
        setup = Setup(area, year, base, known, *given)
        here = [s.within(*names.get(area, (area,))) for s in scenarios]
        reform = pathway.family_help_from or None
        done.outcomes.append(run_layout(setup, here, baseline, noise=noise, family_help_from=reform))
        if expected:
            done.expected.append(run_layout(setup, here, baseline, family_help_from=reform, walking=False))
        done.bases[area] = base
        done.needs.append(need)
        if progress:
            progress("projecting", j + 1, len(areas))
    return done


def published_nodes(
    outcomes: Sequence[Outcome], coords: Mapping[str, object], place: Mapping[str, object], attrs: Mapping[str, object]
) -> tuple[xr.Dataset, xr.Dataset]:
    """Flows, with families helped, and caseload, as reports read them."""

    def published(names: Sequence[str]) -> Array:
        values = [np.stack([o.published[n] for n in names]) for o in outcomes]  # service, year, scenario, draw
        return np.stack(values).transpose(3, 2, 0, 1, 4)

    by_service = ("scenario", "year", "area", "service", "draw")
    flow = xr.Dataset({"flow": (by_service, published(FLOWS))}, coords={**coords, "service": list(FLOWS), **place}, attrs=dict(attrs))
    children = np.stack([o.flow["early_help_admitted"] for o in outcomes]).transpose(2, 1, 0, 3)
    flow["families_helped"] = (("scenario", "year", "area", "draw"), children / float(str(attrs["children_per_family"])))
    caseload = xr.Dataset(
        {"caseload": (by_service, published(STOCKS))}, coords={**coords, "service": list(STOCKS), **place}, attrs=dict(attrs)
    )
    return flow, caseload


def nodes(
    done: Projected, coords: Mapping[str, object], place: Mapping[str, object], attrs: Mapping[str, object], drift: Array
) -> dict[str, xr.Dataset]:
    """Nodes of the result: published flows and stocks as reports read them, and the states, counts and waiting of the layout.

    Parameters
    ----------
    done, coords, place, attrs
    drift : ndarray, shape (year + 1, area, draw)
        Affected children over those that demand follows, the base year first: how prevalence drifts.
    """
    outcomes = done.outcomes

    def stacked(values: list[Array]) -> Array:
        return np.stack(values).transpose(3, 1, 0, 2, 4)  # area, year, x, scenario, draw

    by_service = ("scenario", "year", "area", "service", "draw")
    by_state = ("scenario", "year", "area", "state", "draw")
    flow, caseload = published_nodes(outcomes, coords, place, attrs)
    states = xr.Dataset(
        {v: (by_state, stacked([getattr(o, v) for o in outcomes])) for v in ("opening", "entries", "exits", "closing")},
        coords={**coords, "state": list(STATES), **place},
        attrs=dict(attrs),
    )
    zero = np.zeros_like(outcomes[0].flow["referral"])
    counted = np.stack([np.stack([o.flow.get(n, zero) for n in COUNTED], axis=1) for o in outcomes])
    services = xr.Dataset(
        {"pathway_flow": (by_service, counted.transpose(3, 1, 0, 2, 4))},
        coords={**coords, "service": list(COUNTED), **place},
        attrs=dict(attrs),
    )
    waiting = np.stack([o.waiting_months for o in outcomes]).transpose(2, 1, 0, 3)
    services["waiting_months"] = (("scenario", "year", "area", "draw"), waiting)
    # What is counted without regard to pattern has no part at risk: absent, not zero.
    nowhere = {n: np.full_like(zero, np.nan) for n in COUNTED if n not in BY_PATTERN}
    affected = np.stack([np.stack([o.affected.get(n, nowhere.get(n, zero)) for n in COUNTED], axis=1) for o in outcomes])
    services["pathway_flow_affected"] = (by_service, affected.transpose(3, 1, 0, 2, 4))
    return {
        "demand/flows": flow,
        "demand/caseload": caseload,
        "demand/states": states,
        "demand/pathway": services,
        "demand/known": _known(done, coords, place, attrs, drift),
        "demand/closed": _closed(done, coords, place, attrs),
        "demand/groups": _groups(done, coords, place, attrs),
    }


def _closed(done: Projected, coords: Mapping[str, object], place: Mapping[str, object], attrs: Mapping[str, object]) -> xr.Dataset:
    """Referrals closed without early help in the baseline, with or without an assessment, by age band and pattern of risks."""
    values = np.stack([o.closed_by for o in done.outcomes], axis=1)
    own = {k: v for k, v in coords.items() if k != "scenario"}
    return xr.Dataset(
        {"closed_without_help": (("year", "area", "age_band", "pattern", "draw"), values)},
        coords={**own, "age_band": list(AGE_BANDS), "pattern": list(done.patterns), **place},
        attrs=dict(attrs) | {"scenario": "baseline"},
    )


def _known(
    done: Projected, coords: Mapping[str, object], place: Mapping[str, object], attrs: Mapping[str, object], drift: Array
) -> xr.Dataset:
    """Children known to services and children affected at each 31 March, the base year's first."""
    by_service = ("scenario", "year", "area", "service", "draw")
    known = np.stack([o.known for o in done.outcomes])  # area, year, service, kind, scenario, draw
    names = ("known_children", "known_affected", "known_two_or_more")
    parts: dict[str, object] = {n: (by_service, known[:, :, :, i].transpose(3, 1, 0, 2, 4)) for i, n in enumerate(names)}
    risks = np.array([len(risks_of(p)) for p in done.patterns])
    for name, least in (("affected_any", 1), ("affected_two_or_more", 2)):
        values = np.stack([n.children[:, risks >= least].sum(1) for n in done.needs])
        parts[name] = (("year", "area", "draw"), values.transpose(1, 0, 2) * drift)
    years = [str(attrs["base_year"]), *coords["year"]]  # type: ignore[misc]
    return xr.Dataset(parts, coords={**coords, "year": years, "service": list(KNOWN_TO), **place}, attrs=dict(attrs))


def _groups(done: Projected, coords: Mapping[str, object], place: Mapping[str, object], attrs: Mapping[str, object]) -> xr.Dataset:
    """Open episodes by age, and children known to a service by pattern of risks."""

    def stacked(values: list[Array]) -> Array:
        return np.stack(values).transpose(3, 1, 0, 2, 4)  # area, year, x, scenario, draw

    return xr.Dataset(
        {
            "open_by_age": (("scenario", "year", "area", "age_band", "draw"), stacked([o.open_by_age for o in done.outcomes])),
            "known_by_pattern": (("scenario", "year", "area", "pattern", "draw"), stacked([o.known_by_pattern for o in done.outcomes])),
        },
        coords={**coords, "age_band": list(AGE_BANDS), "pattern": list(done.patterns), **place},
        attrs=dict(attrs),
    )


def provenance(done: Projected, pathway: Pathway) -> dict[str, object]:
    """What the layout rests on: assumptions, calibrated rates, and what did not reconcile, by authority."""
    return {
        "layout": "family_help" if pathway.family_help_from else "early_help_and_cin",
        "family_help_from": pathway.family_help_from,
        "parameters": {n: {"value": p.value, "sd": p.sd, "source": p.source, "basis": p.basis} for n, p in pathway.layout.items()},
        "rates": {a: {n: float(v) for n, v in b.rates.items()} for a, b in done.bases.items()},
        "discrepancy": {a: b.discrepancy for a, b in done.bases.items() if b.discrepancy},
        "notes": {a: notes for a, b in done.bases.items() if (notes := [*(done.years[a].notes if a in done.years else ()), *b.notes])},
        "pooled": {n: asdict(f) for n, f in done.fits.items()},
        "learned": {a: y.learned for a, y in done.years.items()},
    }
