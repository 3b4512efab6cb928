"""Variance by source of what a decision rests on: which of evidence, need, effect, rates, volume and cost makes it uncertain."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
import xarray as xr
from numpy.typing import NDArray
from scipy.special import logit

from jsna_model.conventions import risks_of
from jsna_model.draws import normals
from jsna_model.errors import InputError, unknown_name
from jsna_model.group import Group
from jsna_model.methods.attribution import NOISE, UNEXPLAINED, variance_by_source
from jsna_model.methods.smooth import design, ridge_fit
from jsna_model.pathway import Parameter
from jsna_model.result import Result
from jsna_model.verbs.costs import uncertain
from jsna_model.verbs.demand_model import parameter_draws

if TYPE_CHECKING:
    import pandas as pd

Array = NDArray[np.float64]

#: Sources, in order, and what each is in words: "what is not known about ...".
SOURCES: dict[str, str] = {
    "evidence": "the national figures of how many children are affected",
    "need": "how the area differs from what those figures and its deprivation suggest",
    "population": "how many children there will be",
    "effect": "what early help does",
    "volume": "how many children a family helped stands for, and how much more at risk they are",
    "calibration": "the authority's rates in the base year: its counts are of one year",
    "pathway": "the durations and other rates of services",
    "unit_cost": "what services cost",
    UNEXPLAINED: "all else, and what a regression on these does not catch",
    NOISE: "chance: how rates move from year to year, and which children come",
}


def inputs(result: Result, area: str, uncertainty: Mapping[str, float]) -> dict[str, Array]:
    """Draws of every uncertain parameter by source, (parameter, draw); sources that do not vary are left out."""
    seed, draws = int(result.provenance["seed"]), int(result.provenance["draws"])
    pathway = result.provenance["pathway"]
    found: dict[str, list[Array]] = {name: [] for name in SOURCES}
    for name, fields in pathway["parameters"].items():
        found[_source(name)].append(parameter_draws(Parameter(**fields), name, seed, draws))
    layout = pathway.get("layout", {})
    varied = {n for n, p in layout.get("parameters", {}).items() if p["sd"] > 0}
    for name in layout.get("rates", {}).get(area, {}):
        if name not in pathway["parameters"] and (name in varied or _assumed(name) in varied):
            found["pathway"].append(normals(seed, f"pathway/{name}", draws))
    for flow in layout.get("learned", {}).get(area, {}):  # what `calibrate.year_counts` drew the year's rates with
        found["calibration"].append(normals(seed, f"calibration/{area}/{flow}", draws))
    found["need"] += [normals(seed, name, draws) for name in layout.get("rates_by_pattern", {}).get("streams", ())]
    for service, sd in uncertainty.items():
        if sd:
            found["unit_cost"].append(np.asarray(uncertain(1.0, service, sd, seed, draws)))
    population = result.node("demand/population")
    children = population["children_projected"].sel(area=area).isel(year=-1).sum("age_band", skipna=False).values
    found["population"].append(children)
    need = str(population.attrs["need"])
    level = logit(np.clip(result.draws(need, "authority").sel(area=area).values / _children(result, area), 1e-12, 1 - 1e-12))
    national = _national(result, need)
    found["evidence"] += list(national)
    basis = design(np.stack(national)) if national else np.ones((draws, 1))
    mixed = [level, *(_part(result, risk, need, area) for risk in _risks_changed(result))]
    found["need"] += [x - (basis @ ridge_fit(basis, x[:, None]))[:, 0] for x in mixed]
    kept = {name: np.stack([x for x in rows if np.ptp(x) > 0]) for name, rows in found.items() if any(np.ptp(x) > 0 for x in rows)}
    return {name: kept[name] for name in SOURCES if name in kept}


def _source(parameter: str) -> str:
    if parameter.startswith("early_help.effect."):
        return "effect"
    if parameter.startswith("early_help."):
        return "volume"
    return "need" if parameter.startswith("need.") else "pathway"


def _assumed(rate: str) -> str:
    from jsna_model.verbs.layout_run import SPREAD

    return SPREAD.get(rate, rate)


def _children(result: Result, area: str) -> float:
    return float(result.node("need/authority")["children"].sel(area=area).sum())


def _risks_changed(result: Result) -> list[str]:
    """Risks of the set, where a scenario is for children with some of them: how many these are is not known either."""
    changes = [c for s in result.provenance.get("scenarios", ()) for c in s.get("changes", ())]
    groups = [Group.of(c.get("group")) for c in changes]
    named = {r for g in groups for r in (g.risk, *g.pattern.split("+")) if r}
    return [r for r in result.risks if r in named]


def _part(result: Result, risk: str, need: str, area: str) -> Array:
    """Logarithm of the children with a risk over those with the need, shape (draw,)."""
    both = [result.draws(m, "authority").sel(area=area).values for m in (risk, need)]
    return np.asarray(np.log(np.maximum(both[0], 1e-12) / np.maximum(both[1], 1e-12)))


def _national(result: Result, need: str) -> list[Array]:
    """Logits of the national figures that a measure of need rests on, each of shape (draw,)."""
    values = result.node("need/parameters")["national_prevalence"]
    held = [str(r) for r in values["risk"].values]
    data = result.data["need"].ds
    patterns = [str(p) for p in data["pattern"].values] if "pattern" in data.coords else []
    joint = {r for p in patterns for r in risks_of(p)}
    return [logit(values.sel(risk=r).values) for r in held if r == need or (need not in held and r in joint)]


def sources(
    result: Result,
    outcomes: Mapping[str, tuple[Array, Array]],
    names: Sequence[str],
    areas: xr.Dataset,
    uncertainty: Mapping[str, float],
) -> dict[str, xr.Dataset]:
    """Variance by source of outcomes, each a node.

    Parameters
    ----------
    result : Result
    outcomes : mapping of str to (ndarray, ndarray), shape (scenario, area, draw)
        As it may happen, and with process noise averaged out.
    names : sequence of str
        Scenarios.
    areas : xarray.Dataset
    uncertainty : mapping of str to float
        Of unit costs.
    """
    codes = [str(a) for a in areas["area"].values]
    labels = list(SOURCES)
    values = {what: np.zeros((len(names), len(codes), len(labels))) for what in outcomes}
    for a, area in enumerate(codes):
        given = inputs(result, area, uncertainty)
        happens = np.concatenate([both[0][:, a] for both in outcomes.values()])
        averaged = np.concatenate([both[1][:, a] for both in outcomes.values()])
        parts = variance_by_source(given, averaged, happens)
        for name, rows in parts.items():
            for what, row in zip(outcomes, rows.reshape(len(outcomes), len(names)), strict=True):
                values[what][:, a, labels.index(name)] = row
    coords = {"scenario": list(names), "area": areas["area"], "area_name": areas["area_name"], "component": labels}
    dims = ("scenario", "area", "component")
    return {
        f"decision/sources/{what}": xr.Dataset({"variance": (dims, rows)}, coords=coords, attrs={"basis": "scenario"})
        for what, rows in values.items()
    }


def explain_decision(result: Result, measure: str, areas: Sequence[str] | None = None) -> pd.DataFrame:
    """Share of each source in the variance of what a decision rests on; see `Result.explain`."""
    import pandas as pd

    known = [p.rpartition("/")[2] for p in result.nodes("decision") if p.startswith("decision/sources/")]
    if measure not in known:
        raise unknown_name("measure of a decision", measure, known)
    node = result.node(f"decision/sources/{measure}")
    held = [str(a) for a in node["area"].values]
    wanted = held if areas is None else [areas] if isinstance(areas, str) else list(areas)
    if not wanted:
        raise InputError("areas is empty; give codes of areas, or leave it out for all of them.")
    for code in wanted:
        if code not in held:
            raise unknown_name("area", code, held)
    rows = []
    for code in wanted:
        for scenario in [str(s) for s in node["scenario"].values]:
            at = node["variance"].sel(area=code, scenario=scenario)
            total = float(at.sum())
            if total <= 0:
                continue
            for name in [str(c) for c in at["component"].values]:
                part = float(at.sel(component=name))
                if part:
                    said = f"{part / total:.0%} of the variance: {SOURCES[name]}."
                    rows.append((code, str(at["area_name"].values), scenario, name, part, part / total, said, total))
    columns = ["area", "area_name", "scenario", "source", "variance", "share", "sentence", "total_variance"]
    out = pd.DataFrame(rows, columns=columns).assign(unit=str(node.attrs.get("unit", "")), basis="scenario")
    most = out.sort_values("share", ascending=False, kind="stable").drop_duplicates(["area", "scenario"]).sort_index()
    told = (f"{r.scenario}, {r.area_name}: most of it ({r.share:.0%}) is {SOURCES[str(r.source)]}." for r in most.itertuples())
    out.attrs["text"] = " ".join(told)
    return out
