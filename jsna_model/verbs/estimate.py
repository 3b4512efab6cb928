"""The first verb: population + evidence + overlap -> children affected now."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import nullcontext
from dataclasses import asdict
from functools import partial
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

import jsna_model
from jsna_model.conventions import ENGLAND
from jsna_model.direct import Direct
from jsna_model.evidence import Evidence, covariates_of
from jsna_model.overlap import Overlap
from jsna_model.population import Population
from jsna_model.result import JOINT_MEASURES, Result, check_tree, frame_node
from jsna_model.verbs.local_data import with_local
from jsna_model.verbs.need_areas import BANDS, areas_of, check_arguments, groups_of, log_sd_of, parents_of
from jsna_model.verbs.need_assumptions import assumptions_of, local_assumption
from jsna_model.verbs.need_model import NeedModel, compiled_kernel, fit_need

Array = NDArray[np.float64]
Progress = Callable[[str, int, int], None]

INTERVAL = 0.95


def estimate(
    population: Population,
    evidence: Sequence[Evidence],
    overlap: Overlap | None = None,
    *,
    draws: int = 1000,
    seed: int = 2026,
    local: Sequence[Direct] = (),
    by_age: bool = False,
    threads: int | None = None,
    executor: Executor | None = None,
    progress: Progress | None = None,
) -> Result:
    """Estimate children affected, by area, age band, risk and combination of risks.

    Parameters
    ----------
    population : Population
        Children by area and DfE age band, with deprivation and the England frame (`data_sources.load_population`).
    evidence : sequence of Evidence
        Risks of a coherent set, risks that stand alone, or both.
    overlap : Overlap, optional
        How the risks that it names occur together; all others stand alone. Without one, every risk stands alone.
    draws : int
        Number of draws, at least 2.
    seed : int
        Seed of every named stream.
    local : sequence of Direct
        Direct estimates of areas, on which their draws are conditioned, and known totals, to which areas are benchmarked
        (`data_sources.load_direct`).
    by_age : bool
        Keep summaries by age band, and of every pattern, for areas finer than authorities too: six times as many.
    threads : int, optional
        Authorities worked on at once; without it, as many as the machine has cores, or the environment's ``JSNA_THREADS``. The answer is
        the same to the last bit.
    executor : concurrent.futures.Executor, optional
        Where authorities are worked on instead: other processes or machines, such as
        ``dask.distributed.Client(address).get_executor()`` (extra ``dask``). The answer is the same.
    progress : callable, optional
        Called with (what, done, of) after each authority.

    Returns
    -------
    Result
        Group ``need``: draws for authorities and above, summaries for finer areas.

    Raises
    ------
    InputError
        For draws that are not a whole number above 1, or a population without deprivation or frame.
    ConstructError
        For an overlap whose constructs are not those of its marginals.
    """
    check_arguments(population, covariates_of(evidence), draws, seed)
    assert population.frame is not None
    model = fit_need(tuple(evidence), overlap, population.frame, int(draws), int(seed))
    base = areas_of(population, model.covariates)
    x = base["x"].values
    known = population.known_total

    codes = list(population.authorities)
    levels: dict[str, list[xr.Dataset]] = {}
    totals = []
    places: dict[str, list[int]] = {}
    for place, owner in enumerate(base["authority"].values.astype(str).tolist()):
        places.setdefault(owner, []).append(place)

    def counts(authority: str) -> tuple[list[str], Array, Array]:
        here = base.isel(area=places[authority])
        areas = here["area"].values.tolist()
        drawn = model.child_counts(areas, parents_of(here), here["children"].values, log_sd_of(here), known)
        return areas, x[here["place"].values], drawn

    model, combined = with_local(model, base, local, counts)

    work = partial(_authority, model, known_total=known, by_age=by_age)
    own = None if executor else ThreadPoolExecutor(threads or int(os.environ.get("JSNA_THREADS", "0")) or os.cpu_count() or 1)
    with own or nullcontext():
        done = (executor or own).map(work, codes, [base.isel(area=places[a]) for a in codes])  # type: ignore[union-attr]
        for i, (parts, total) in enumerate(done):
            for level, data in parts.items():
                levels.setdefault(level, []).append(data)
            totals.append(total)
            if progress:
                progress("estimating", i + 1, len(codes))

    tree = {
        "need": _coordinates(model, overlap),
        "need/parameters": _parameters(model, population),
        "need/frame": frame_node(population.frame),
    }
    finer = [level for level in levels if level != "authority"]
    for level in finer:
        tree[f"need/{level}"] = xr.concat(levels[level], dim="area", join="exact", combine_attrs="identical")
    authority_data = xr.concat(totals, dim="area", join="exact")
    tree["need/authority"] = authority_data
    england = {}
    if abs(population.total() / float(population.frame.children.sum()) - 1) < 1e-9:
        tree |= _above(authority_data)
        england = _departure(model, tree["need/england"])
    provenance = {
        "package": f"jsna_model {jsna_model.__version__}",
        "seed": int(seed),
        "draws": int(draws),
        "interval": INTERVAL,
        "set": overlap.set_name if overlap else "",
        "focus": population.focus,
        "evidence": [e.record() for e in evidence],
        "overlap": asdict(overlap) if overlap else {},
        "population": {"source": population.source, "level": population.level, "hash": population.hash, "known_total": known},
        "frame": {"version": population.frame.version, "hash": population.frame.hash},
        "rejected_share": model.rejected,
        "local": combined,
        "kernel": "numba" if len(model.joint) == 3 and compiled_kernel() else "numpy",
        "england": england,
        "assumptions": [*assumptions_of(evidence, overlap, population), *(local_assumption(r) for r in combined)],
    }
    return Result(check_tree(xr.DataTree.from_dict(tree)), json.loads(json.dumps(provenance)))


def regenerate(result: Result, level: str) -> xr.Dataset:
    """Draws of every area of a level, made again by name from what the result keeps.

    Parameters
    ----------
    result : Result
    level : str

    Returns
    -------
    xarray.Dataset
        ``children_by_pattern`` (area, age_band, pattern, draw) and ``affected`` (area, age_band, risk, draw).
    """
    need = result.node("need")
    data = xr.concat([part for _, part in regenerated(result, level)], dim="area", join="exact")
    return data.assign_coords({c: need[c].values for c in need.coords}).sel(area=result.node(f"need/{level}")["area"].values)


def regenerated(result: Result, level: str) -> Iterator[tuple[str, xr.Dataset]]:
    """Draws of the areas of a level, one authority at a time, with its code."""
    model, known = model_of(result)
    finest = result.levels[0]
    base = result.node(f"need/{finest}")
    x = base["x"].values
    for authority in sorted(set(base["authority"].values.tolist())):
        places = np.flatnonzero(base["authority"].values == authority)
        here = base.isel(area=places)
        counts = model.child_counts(here["area"].values.tolist(), parents_of(here), here["children"].values, log_sd_of(here), known)
        codes, labels, _ = groups_of(here, level, finest)
        pattern_count = 2 ** len(model.joint) if model.joint else 0
        patterns = np.zeros((len(labels), len(BANDS), pattern_count, model.draws))
        affected = np.zeros((len(labels), len(BANDS), len(model.risks), model.draws))
        for part, p, a in model.blocks(authority, here["area"].values.tolist(), x[places], counts):
            np.add.at(patterns, codes[part], p)
            np.add.at(affected, codes[part], a)
        yield authority, _draws_dataset(model, labels, patterns, affected)


def _authority(
    model: NeedModel, authority: str, here: xr.Dataset, known_total: bool, by_age: bool
) -> tuple[dict[str, xr.Dataset], xr.Dataset]:
    """Summaries of every finer level of one authority, and the authority's draws."""
    codes, x = here["area"].values.tolist(), here["x"].values
    finest = str(here.attrs["level"])
    counts = model.child_counts(codes, parents_of(here), here["children"].values, log_sd_of(here), known_total)
    names, weights = components_of(model, by_age)
    wanted = [lv for lv in ("msoa", "ward", "locality", "district") if lv in here.coords and lv != finest]
    groups = {lv: groups_of(here, lv, finest) for lv in wanted}
    groups = {lv: g for lv, g in groups.items() if lv != "district" or set(g[1]) != {authority}}
    bands = len(BANDS) + 1 if by_age else 1
    sums = {lv: np.zeros((len(labels), bands, len(names), model.draws)) for lv, (_, labels, _) in groups.items()}
    patterns = np.zeros((len(BANDS), weights.shape[1], model.draws))
    affected = np.zeros((len(BANDS), len(model.risks), model.draws))
    of_areas = []
    for part, p, a in model.blocks(authority, codes, x, counts):
        # Areas are added one by one in code order, so that the sum does not depend on how they are blocked.
        for one_p, one_a in zip(p, a, strict=True):
            patterns += one_p
            affected += one_a
        if finest == "authority":
            continue
        measures = measured(p, a, weights, by_age)
        of_areas.append(summarised(measures))
        for lv, (index, _, _) in groups.items():
            for i, values in zip(range(part.start, part.stop), measures, strict=True):
                sums[lv][index[i]] += values
    finer = {}
    if finest != "authority":
        own = {key: np.concatenate([s[key] for s in of_areas]) for key in of_areas[0]}
        finer[finest] = _summaries(here, own, *groups_of(here, finest, finest), names, keep=True)
        for lv, group in groups.items():
            finer[lv] = _summaries(here, summarised(sums.pop(lv)), *group, names, keep=False)
    total = _draws_dataset(model, [authority], patterns[None], affected[None])
    total["children"] = (("area", "age_band"), here["children"].values.sum(0)[None])
    return finer, _place(total, here, np.zeros(len(codes), dtype=int), [str(here["authority_name"].values[0])])


def components_of(model: NeedModel, patterns: bool) -> tuple[list[str], Array]:
    """Names of the measures, and the patterns that make each joint one, shape (joint measures, pattern).

    Joint measures first, then, where asked for, each pattern by itself (``a+b_only``, ``none``), then the risks.
    """
    if not model.joint:
        return list(model.risks), np.zeros((0, 0))
    size = np.array([bin(i).count("1") for i in range(2 ** len(model.joint))])
    weights = np.stack([((size >= least) & (size <= most)).astype(float) for least, most in JOINT_MEASURES.values()])
    names = list(JOINT_MEASURES)
    if patterns:
        weights = np.concatenate([weights, np.eye(len(size))])
        names += [pattern_measure([model.risks[k] for place, k in enumerate(model.joint) if i >> place & 1]) for i in range(len(size))]
    return [*names, *model.risks], weights


def pattern_measure(present: Sequence[str]) -> str:
    """Name of a pattern as a measure: just these risks, and no other of the set.

    Examples
    --------
    >>> pattern_measure(["a", "b"]), pattern_measure([])
    ('a+b_only', 'none')
    """
    return f"{'+'.join(present)}_only" if present else "none"


def measured(patterns: Array, affected: Array, weights: Array, by_age: bool) -> Array:
    """Draws of every measure, shape (area, age band, measure, draw): of all ages, and before them of each band where asked for."""
    areas, bands, risks, draws = affected.shape
    joint = len(weights)
    out = np.empty((areas, bands + 1 if by_age else 1, joint + risks, draws))
    if joint:
        np.einsum("mp,npd->nmd", weights, patterns.sum(1), out=out[:, -1, :joint])
    affected.sum(1, out=out[:, -1, joint:])
    if by_age:
        if joint:
            np.einsum("mp,nbpd->nbmd", weights, patterns, out=out[:, :-1, :joint])
        out[:, :-1, joint:] = affected
    return out


def summarised(values: Array) -> dict[str, Array]:
    """Expected value and interval of draws that were added first (law 6); draws are the last axis."""
    tail = (1 - INTERVAL) / 2
    lower, upper = np.quantile(values, [tail, 1 - tail], axis=-1)
    return {"expected": values.mean(-1), "lower": lower, "upper": upper}


def _summaries(
    here: xr.Dataset,
    stats: Mapping[str, Array],
    index: NDArray[np.int64],
    labels: list[str],
    names: list[str],
    components: list[str],
    keep: bool,
) -> xr.Dataset:
    """Summaries of the groups of a level as a dataset; by age band too where `stats` has them."""
    expected = stats["expected"][:, -1]
    width = np.divide(stats["upper"][:, -1] - stats["lower"][:, -1], expected, out=np.full_like(expected, np.nan), where=expected > 0)
    children = np.zeros((len(labels), len(BANDS)))
    np.add.at(children, index, here["children"].values)
    dims = ("area", "component")
    variables: dict[str, Any] = {key: (dims, values[:, -1]) for key, values in stats.items()}
    variables |= {"relative_width": (dims, width), "children": (("area", "age_band"), children)}
    if stats["expected"].shape[1] > 1:
        variables |= {f"{key}_by_age": (("area", "age_band", "component"), values[:, :-1]) for key, values in stats.items()}
    data = xr.Dataset(variables, coords={"area": labels, "component": components}, attrs={"interval": INTERVAL})
    if keep:
        parents = [c for c in here.coords if c not in ("area", "age_band", "place", "easting", "northing", "authority", "authority_name")]
        data = data.assign_coords({str(c): ("area", here[c].values) for c in parents if here[c].dims == ("area",)})
        if "children_log_sd" in here:
            data["children_log_sd"] = (("area", "age_band"), np.array(log_sd_of(here)))
        data["deprivation"] = ("area", here["deprivation"].values)
        data = data.assign(x=here["x"].variable).assign_coords(covariate=here["covariate"].values)
    return _place(data, here, index, names)


def _place(data: xr.Dataset, here: xr.Dataset, index: NDArray[np.int64], names: list[str]) -> xr.Dataset:
    """Names, authority, region and child-weighted centroid of each group."""
    n = data.sizes["area"]
    weights = here["children"].values.sum(1) + 1e-9
    coords: dict[str, tuple[str, Any]] = {"area_name": ("area", names)}
    for axis in ("easting", "northing"):
        if axis in here.coords:
            total = np.bincount(index, weights=weights, minlength=n)
            coords[axis] = ("area", np.bincount(index, weights=weights * here[axis].values, minlength=n) / total)
    for parent in ("authority", "authority_name", "region", "region_name"):
        if parent in here.coords:
            coords[parent] = ("area", np.repeat(here[parent].values[:1], n))
    for parent in ("district", "district_name"):
        if parent in here.coords and parent not in data.coords:
            found = [sorted(set(here[parent].values[index == i].astype(str))) for i in range(n)]
            coords[parent] = ("area", np.array([f[0] if len(f) == 1 else "" for f in found]))  # empty where it lies in several
    return data.assign_coords(coords)


def _draws_dataset(model: NeedModel, labels: list[str], patterns: Array, affected: Array) -> xr.Dataset:
    data = {"affected": (("area", "age_band", "risk", "draw"), affected)}
    if model.joint:
        data["children_by_pattern"] = (("area", "age_band", "pattern", "draw"), patterns)
    return xr.Dataset(data, coords={"area": labels})


def _coordinates(model: NeedModel, overlap: Overlap | None) -> xr.Dataset:
    coords: dict[str, Any] = {"risk": list(model.risks), "age_band": BANDS, "draw": np.arange(model.draws)}
    if overlap:
        coords["pattern"] = list(overlap.patterns())
    return xr.Dataset(coords=coords)


def _parameters(model: NeedModel, population: Population) -> xr.Dataset:
    """What is needed to draw any area again."""
    by_risk = {
        "national_prevalence": model.national,
        "frame_prevalence": model.frame,
        "intercept": model.intercept,
        "relevance": model.relevance,
    }
    data: dict[str, Any] = {name: (("risk", "draw"), values) for name, values in by_risk.items()}
    data["age_effect"] = (("age_band", "risk", "draw"), model.age_effect)
    data["gradient"] = (("risk", "covariate", "draw"), model.gradient)
    coords = {"covariate": list(model.covariates)}
    if len(model.log_linear):
        data["log_linear"] = (("component", "draw"), np.concatenate([model.log_linear, model.start]))
        coords["component"] = [f"interaction_{i}" for i in range(len(model.log_linear))] + [f"start_{i}" for i in range(len(model.start))]
    if model.shifts:
        data["shift"] = (("area", "risk", "draw"), np.stack(list(model.shifts.values())))
        coords["area"] = list(model.shifts)
    attrs = {
        "joint": list(model.joint) or [-1],
        "streams": ",".join(model.streams),
        "authority_sd": model.authority_sd,
        "small_area_sd": model.small_area_sd,
        "correlation": model.correlation,
        "seed": model.seed,
        "rejected": model.rejected,
        "known_total": int(population.known_total),
    }
    return xr.Dataset(data, coords=coords, attrs=attrs)


def model_of(result: Result) -> tuple[NeedModel, bool]:
    """The fitted model of an estimate, from its stored parameters, and whether the areas' total is known."""
    node = result.node("need/parameters")
    joint = tuple(int(j) for j in np.atleast_1d(node.attrs["joint"]) if j >= 0)
    draws = node.sizes["draw"]
    log_linear, start = np.zeros((0, draws)), np.zeros((3, draws))
    if "log_linear" in node:
        rows = node["log_linear"].values
        log_linear, start = rows[:-3], rows[-3:]
    model = NeedModel(
        risks=result.risks,
        streams=tuple(str(node.attrs.get("streams", ",".join(result.risks))).split(",")),
        joint=joint,
        national=node["national_prevalence"].values,
        frame=node["frame_prevalence"].values,
        intercept=node["intercept"].values,
        relevance=node["relevance"].values,
        covariates=tuple(node["covariate"].values.tolist()),
        gradient=node["gradient"].values,
        age_effect=node["age_effect"].values,
        log_linear=log_linear,
        start=start,
        authority_sd=np.atleast_1d(node.attrs["authority_sd"]),
        small_area_sd=np.atleast_1d(node.attrs["small_area_sd"]),
        correlation=float(node.attrs["correlation"]),
        seed=int(node.attrs["seed"]),
        rejected=float(node.attrs["rejected"]),
        shifts=dict(zip(node["area"].values.tolist(), node["shift"].values, strict=True)) if "shift" in node else {},
    )
    return model, bool(node.attrs["known_total"])


def _above(authorities: xr.Dataset) -> dict[str, xr.Dataset]:
    """Regions and England, where every authority is there: sums of authorities in code order."""
    out = {}
    for level, codes, names in (
        ("region", authorities["region"].values, authorities["region_name"].values),
        ("england", np.full(authorities.sizes["area"], ENGLAND), np.full(authorities.sizes["area"], "England")),
    ):
        labels, first, index = np.unique(codes, return_index=True, return_inverse=True)
        parts = []
        for i in range(len(labels)):
            part = authorities.isel(area=np.flatnonzero(index == i))
            total = part.sum("area", skipna=False).expand_dims(area=[str(labels[i])])
            parts.append(total.assign_coords(area_name=("area", [str(names[first[i]])])))
        out[f"need/{level}"] = xr.concat(parts, dim="area", join="exact").transpose("area", ...)
    return out


def _departure(model: NeedModel, england: xr.Dataset) -> dict[str, Any]:
    """How the realised England row, the sum of its areas, departs from the expectation over the frame."""
    children = float(england["children"].sum())
    realised = england["affected"].sum(["area", "age_band"], skipna=False).values / children
    ratio = realised / model.frame - 1
    return {
        risk: {
            "expected": float(model.frame[k].mean()),
            "realised": float(realised[k].mean()),
            "departure_mean": float(ratio[k].mean()),
            "departure_sd": float(ratio[k].std(ddof=1)),
        }
        for k, risk in enumerate(model.risks)
    }
