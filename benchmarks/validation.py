"""Simulation study: how often the intervals of `estimate` cover truths that are drawn anew, as assumed and otherwise.

``python -m benchmarks.validation [--replicates 2000] [--resume]`` writes ``benchmarks/results/validation.csv`` (coverage),
``validation_tau.csv`` (sensitivity to tau), ``validation_missing.csv`` (what missing areas change) and, from them, ``docs/validation.md``.
England is thinned to a few regions, authorities and MSOAs with a frame of its own. The model's draws do not depend on any data, so that
one fit serves a batch of truths. Each batch has a fit of its own, because limits from 1,000 draws err too; batches are independent, and
Monte Carlo errors are taken over them. A batch done is kept in ``out/`` (outside git), and ``--resume`` goes on from there.
"""

from __future__ import annotations

import argparse
import textwrap
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import lru_cache
from hashlib import sha256
from pathlib import Path
from time import perf_counter

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray
from scipy.special import expit, gammaincinv

import data_sources as src
import jsna_model as jm
from data_sources.frame import build_frame
from jsna_model.conventions import AGE_BANDS
from jsna_model.draws import normals_of, uniforms
from jsna_model.evidence import Evidence, Variation
from jsna_model.methods.joint import pattern_probabilities
from jsna_model.overlap import Overlap
from jsna_model.population import Frame, Population
from jsna_model.result import Result
from jsna_model.verbs import need_model
from jsna_model.verbs.estimate import regenerate
from jsna_model.verbs.need_model import NeedModel

Array = NDArray[np.float64]

ROOT = Path(__file__).resolve().parent.parent
TABLE, TAU = ROOT / "benchmarks/results/validation.csv", ROOT / "benchmarks/results/validation_tau.csv"
MISSING = ROOT / "benchmarks/results/validation_missing.csv"
DOCUMENT, CACHE = ROOT / "docs/validation.md", ROOT / "out/validation_batches.csv"

REGIONS = ("E12000001", "E12000005", "E12000007", "E12000008")
AUTHORITIES, LSOAS = 4, 40
ALONE = ("hazardous_drinking", "severe_parental_mental_illness")
REPLICATES, DRAWS, BATCH, SEED, TRUTH_SEED = 2000, 1000, 50, 2026, 99
INTERVALS = (0.8, 0.95)
LIMITS_95 = (0.93, 0.97)
JOINT = {"any_risk": 1, "two_or_more": 2, "all_three": 3}
PLACES = ("Milton Keynes", "Hackney")
GEOGRAPHY = ("lsoa", "msoa", "ward", "authority", "region", "england")
LEVELS = {
    "lsoa": "LSOA",
    "lsoa_most_deprived": "LSOA, most deprived tenth",
    "lsoa_least_deprived": "LSOA, least deprived tenth",
    "msoa": "MSOA",
    "ward": "ward",
    "authority": "authority",
    "authority_by_age": "authority by age band",
    "region": "region",
    "england": "England",
}
MEAN = "mean"
#: What stands above this line decides which batches may be resumed.
COMPUTED = "# --- what is " + "written"


@dataclass(frozen=True)
class Scenario:
    """How truths are made, and what the model is given.

    Parameters
    ----------
    name, words : str
    variation : callable, optional
        True variation from the assumed one.
    correlation : float, optional
        True correlation of area effects across joint risks; without it, the assumed one.
    tails : int
        Degrees of freedom of the t distribution of area effects, scaled to the same sd; 0 for normal.
    missing : {"", "random", "deprived"}
        Which fifth of each authority's LSOAs the model is not given; the rest are raked to the authority's known total.
    share : bool
        Judge shares of children instead of children.
    """

    name: str
    words: str
    variation: Callable[[Variation], Variation] | None = None
    correlation: float | None = None
    tails: int = 0
    missing: str = ""
    share: bool = False


def _times(field: str, by: float) -> Callable[[Variation], Variation]:
    return lambda v: replace(v, **{field: getattr(v, field) * by})


def _gradient(by: float) -> Callable[[Variation], Variation]:
    return lambda v: replace(v, gradient=v.gradient * by, gradient_sd=0.0)


SCENARIOS = (
    Scenario("as_assumed", "as assumed"),
    Scenario("heavy_tails", "area effects t with 4 df, same sd", tails=4),
    Scenario("gradient_0", "no deprivation gradient at all", _gradient(0.0)),
    Scenario("gradient_2", "gradient exactly twice the assumed mean", _gradient(2.0)),
    Scenario("missing_random", "a fifth of LSOAs missing at random", missing="random"),
    Scenario("missing_random_share", "the same, judged on shares of children", missing="random", share=True),
    Scenario("missing_deprived", "the most deprived fifth of each authority missing", missing="deprived"),
    Scenario("authority_sd_2", "authority tau twice", _times("authority_sd", 2.0)),
    Scenario("authority_sd_half", "authority tau half", _times("authority_sd", 0.5)),
    Scenario("small_area_sd_2", "small-area tau twice", _times("small_area_sd", 2.0)),
    Scenario("small_area_sd_half", "small-area tau half", _times("small_area_sd", 0.5)),
    Scenario("age_2", "age profile twice as strong", _times("age_sd", 2.0)),
    Scenario("age_3", "age profile three times as strong", _times("age_sd", 3.0)),
    Scenario("correlation_0", "area effects of the risks uncorrelated (assumed 0.5)", correlation=0.0),
    Scenario("correlation_09", "area effects of the risks correlated 0.9", correlation=0.9),
)


# --- a small England -----------------------------------------------------------------------------------------------------------------


def england_of(data: xr.Dataset, source: str) -> Population:
    """A population that is an England of its own: its frame is built from its areas."""
    points, scale = build_frame(data["deprivation"].values, pd.DataFrame(data["children"].values, columns=list(AGE_BANDS)))
    labels = [f"decile_{d:g}" for d in points["deprivation"]]
    children = xr.DataArray(points[list(AGE_BANDS)].to_numpy(float), {"area": labels, "age_band": list(AGE_BANDS)}, ("area", "age_band"))
    decile = xr.Dataset({"deprivation": ("area", points["deprivation"].to_numpy(float))}, {"area": labels})
    centre, width = ({"deprivation": float(scale[c].iloc[0])} for c in ("centre", "scale"))
    return Population(data, "lsoa", source, frame=Frame(source, children, decile, centre, width))


def thinned_england(regions: Sequence[str] = REGIONS, authorities: int = AUTHORITIES, lsoas: int = LSOAS) -> Population:
    """Whole MSOAs, in code order, of authorities spread over the code order of some regions.

    Parameters
    ----------
    regions : sequence of str
    authorities : int
        In each region, of those with twice `lsoas`.
    lsoas : int
        MSOAs are taken until there are this many.
    """
    data = src.load_population("England").data
    data = data.drop_vars([c for c in data.coords if str(c).startswith("district")])
    owner, msoa, region = (data[c].values.astype(str) for c in ("authority", "msoa", "region"))
    keep = np.zeros(len(owner), dtype=bool)
    for r in regions:
        codes, sizes = np.unique(owner[region == r], return_counts=True)
        codes = codes[sizes >= 2 * lsoas]
        for code in codes[np.linspace(0, len(codes) - 1, authorities).astype(int)]:
            groups, counts = np.unique(msoa[owner == code], return_counts=True)
            taken = groups[: int(np.searchsorted(counts.cumsum(), lsoas)) + 1]
            keep |= (owner == code) & np.isin(msoa, taken)
    return england_of(data.isel(area=np.flatnonzero(keep)), f"England thinned to {int(keep.sum())} LSOAs")


def without(population: Population, kind: str, batch: int) -> Population:
    """Population less a fifth of each authority's LSOAs, the rest raked to its known total in each age band."""
    data = population.data
    owner, children = data["authority"].values.astype(str), data["children"].values
    tie = np.array([uniforms(TRUTH_SEED, f"missing/{a}", batch + 1)[batch] for a in data["area"].values])
    order = tie if kind == "random" else data["deprivation"].values + tie
    keep, raked = np.ones(len(owner), dtype=bool), children.copy()
    for code in np.unique(owner):
        here = np.flatnonzero(owner == code)
        keep[here[np.argsort(order[here])[: len(here) // 5]]] = False
        left = here[keep[here]]
        raked[left] *= children[here].sum(0) / children[left].sum(0)
    data = data.assign(children=(("area", "age_band"), raked)).isel(area=np.flatnonzero(keep))
    return replace(population, data=data, source=f"{population.source}, a fifth missing")


# --- truths --------------------------------------------------------------------------------------------------------------------------


@contextmanager
def _correlation(value: float | None) -> Iterator[None]:
    kept = need_model.AREA_CORRELATION
    need_model.AREA_CORRELATION = kept if value is None else value
    try:
        yield
    finally:
        need_model.AREA_CORRELATION = kept


class Truths:
    """Truths of every scenario: parameters calibrated by the package with another seed, the rest written out plainly here.

    Area effects, numbers of children and patterns do not go through `NeedModel` or its kernel; as assumed, they must equal its draws.

    Parameters
    ----------
    population : Population
    evidence : tuple of Evidence
    overlap : Overlap
    replicates : int
    seed : int
    """

    def __init__(self, population: Population, evidence: tuple[Evidence, ...], overlap: Overlap, replicates: int, seed: int) -> None:
        assert population.frame is not None
        data = population.data.isel(area=np.argsort(population.data["area"].values)).transpose("area", "age_band", ...)
        self.evidence, self.overlap, self.replicates, self.seed = evidence, overlap, replicates, seed
        self.frame, self.codes = population.frame, data["area"].values.astype(str)
        self.owner, self.msoa = (data[c].values.astype(str) for c in ("authority", "msoa"))
        self.children = data["children"].values
        self.log_sd = np.broadcast_to(data["children_log_sd"].values, self.children.shape)
        self.x = population.frame.standardise("deprivation", data["deprivation"].values)[:, None]
        self._kept: dict[str, NeedModel] = {}
        self._streams = lru_cache(maxsize=None)(self._normals)

    def parameters(self, scenario: Scenario) -> NeedModel:
        """National draw, relevance, gradient, age profile and overlap of every replicate; the national level follows the evidence."""
        key = scenario.name if scenario.variation or scenario.correlation is not None else ""
        if key not in self._kept:
            given = self.evidence
            if scenario.variation:
                given = tuple(replace(e, variation=scenario.variation(e.variation)) for e in given)
            with _correlation(scenario.correlation):
                model = need_model.fit_need.__wrapped__(given, self.overlap, self.frame, self.replicates, self.seed)
                self._kept[key] = replace(model, correlation=need_model.AREA_CORRELATION)
        return self._kept[key]

    def _normals(self, prefix: str, codes: tuple[str, ...], names: tuple[str, ...]) -> Array:
        """Standard normals, shape (code, name, replicate)."""
        flat = normals_of(self.seed, [f"{prefix}/{c}/{n}" for c in codes for n in names], self.replicates)
        return flat.reshape(len(codes), len(names), -1)

    def _effects(self, codes: NDArray[np.str_], sd: Array, model: NeedModel, tails: int, part: slice) -> Array:
        """Area effects, shape (code, risk, replicate); the risks of one area share their t's divisor."""
        z = self._streams("area", tuple(codes), model.risks)[..., part].copy()
        joint = list(model.joint)
        rho = np.full((len(joint), len(joint)), model.correlation) + (1 - model.correlation) * np.eye(len(joint))
        z[:, joint] = np.einsum("jk,akr->ajr", np.linalg.cholesky(rho), z[:, joint])
        if tails:
            u = np.stack([uniforms(self.seed, f"tails/{c}", self.replicates)[part] for c in codes])
            z *= np.sqrt((tails - 2) / (2 * gammaincinv(tails / 2, u)))[:, None]  # sd 1: (tails - 2) over a chi-squared
        return np.asarray(sd[None, :, None] * z)

    def counts(self, part: slice) -> Array:
        """True children, shape (area, age_band, replicate): log-normal errors raked to each authority's total."""
        bands = tuple(AGE_BANDS)
        groups, index = np.unique(self.msoa, return_inverse=True)
        own = self._streams("children", tuple(self.codes), bands)[..., part]
        common = self._streams("children", tuple(groups), bands)[..., part][index]
        rho, sd = need_model.PARENT_CORRELATION, self.log_sd[..., None]
        out = self.children[..., None] * np.exp(sd * (np.sqrt(1 - rho) * own + np.sqrt(rho) * common) - sd**2 / 2)
        for code in np.unique(self.owner):
            here = self.owner == code
            out[here] *= (self.children[here].sum(0) / out[here].sum(0).T).T[None]
        return np.asarray(out)

    def affected(self, scenario: Scenario, part: slice, counts: Array) -> Array:
        """Children of every measure, shape (area, age_band, measure, replicate): `JOINT`, then the risks."""
        model = self.parameters(scenario)
        owners, index = np.unique(self.owner, return_inverse=True)
        places = self._effects(owners, model.authority_sd, model, scenario.tails, part)[index]
        places = places + self._effects(self.codes, model.small_area_sd, model, scenario.tails, part)
        level = model.intercept[:, part] + model.relevance[:, part] + model.gradient[:, 0, part] * self.x[..., None] + places
        p = expit(level[:, None] + model.age_effect[None, ..., part])  # area, age_band, risk, replicate
        odds = np.exp(model.log_linear[:, part]).T
        cells = pattern_probabilities(np.moveaxis(p[:, :, list(model.joint)], 2, -1), odds[:, :3], higher_order=odds[:, 3:])
        size = np.array([bin(i).count("1") for i in range(cells.shape[-1])])
        joint = np.stack([cells[..., size >= least].sum(-1) for least in JOINT.values()], axis=2)
        return np.asarray(np.concatenate([joint, p], axis=2) * counts[:, :, None])


# --- intervals -----------------------------------------------------------------------------------------------------------------------


def _labels(base: xr.Dataset) -> dict[str, NDArray[np.str_]]:
    """Group of every LSOA at every level; empty where it has none."""
    out = {level: base[level].values.astype(str) for level in GEOGRAPHY[1:-1]}
    decile = base["deprivation"].values
    for name, value in (("lsoa_most_deprived", 1), ("lsoa_least_deprived", 10)):
        out[name] = np.where(decile == value, base["area"].values.astype(str), "")
    return out | {"lsoa": base["area"].values.astype(str), "england": np.full(len(decile), "England")}


def grouped(values: Array, labels: dict[str, NDArray[np.str_]]) -> dict[str, tuple[NDArray[np.str_], Array]]:
    """Sums of LSOA values (area, age_band, ...) over the areas of each level and, but for one level, over age bands, with their codes."""
    out = {}
    whole = values.sum(1)
    for level, codes in (labels | {"authority_by_age": labels["authority"]}).items():
        part = values if level == "authority_by_age" else whole
        groups, index = np.unique(codes, return_inverse=True)
        sums = np.zeros((len(groups), *part.shape[1:]))
        np.add.at(sums, index, part)
        out[level] = (groups[groups != ""], sums[groups != ""])
    return out


def limits(result: Result) -> tuple[dict[str, tuple[NDArray[np.str_], Array]], dict[str, NDArray[np.str_]]]:
    """Limits of `INTERVALS` per level, shape (interval, 2, group, [age_band], measure), and the levels' groups.

    Draws are added first, then summarised (law 6); 95% limits must be those of the package's own summaries.
    """
    base = result.node("need/lsoa").sortby("area")  # the package keeps them by authority
    draws = regenerate(result, "lsoa").sel(area=base["area"].values)
    labels = _labels(base)
    patterns, affected = (draws[v].values for v in ("children_by_pattern", "affected"))
    size = np.array([bin(i).count("1") for i in range(patterns.shape[2])])
    joint = np.stack([patterns[:, :, size >= least].sum(2) for least in JOINT.values()], axis=2)
    out = {}
    for level, (codes, values) in grouped(np.concatenate([joint, affected], axis=2), labels).items():
        out[level] = (codes, np.stack([np.quantile(values, [(1 - i) / 2, (1 + i) / 2], axis=-1) for i in INTERVALS]))
        if level in result.levels:
            for m, measure in enumerate((*JOINT, *result.risks)):
                own = result.summary(measure, level=level)
                if level != "england":
                    own = own.set_index("area").loc[list(codes)]
                np.testing.assert_allclose(out[level][1][1, ..., m], own[["lower", "upper"]].to_numpy().T, rtol=1e-9)
    return out, labels


# --- the study -----------------------------------------------------------------------------------------------------------------------


def batch_coverage(
    batch: int, size: int, population: Population, truths: Truths, draws: int, scenarios: Sequence[Scenario] = SCENARIOS
) -> pd.DataFrame:
    """Coverage in one batch: a fit of its own for every set of areas given, and `size` truths of every scenario.

    Returns
    -------
    pandas.DataFrame
        ``batch``, ``scenario``, ``level``, ``measure``, ``places``, ``coverage_80``, ``coverage_95``: means over places and truths.
    """
    part = slice(batch * size, (batch + 1) * size)
    counts = truths.counts(part)
    names = (*JOINT, *(e.risk for e in truths.evidence))
    made: dict[str, tuple[dict[str, tuple[NDArray[np.str_], Array]], dict[str, NDArray[np.str_]], Population]] = {}
    for missing in dict.fromkeys(["", *(s.missing for s in scenarios)]):
        given = without(population, missing, batch) if missing else population
        result = jm.estimate(given, truths.evidence, truths.overlap, draws=draws, seed=SEED + batch, threads=1)
        made[missing] = (*limits(result), given)
    labels = made[""][1]
    true_children = grouped(counts[:, :, None], labels)
    kept: dict[tuple[str, int], Array] = {}
    rows = []
    for scenario in scenarios:
        key = (scenario.name if scenario.variation or scenario.correlation is not None else "", scenario.tails)
        if key not in kept:
            kept[key] = truths.affected(scenario, part, counts)
        found, own_labels, given = made[scenario.missing]
        order = np.argsort(given.data["area"].values)
        known = grouped(given.data["children"].transpose("area", "age_band").values[order][:, :, None], own_labels)
        for level, (codes, truth) in grouped(kept[key], labels).items():
            own, limit = found[level]
            if not len(own):
                continue
            same = np.searchsorted(codes, own)
            assert (codes[same] == own).all()
            truth = truth[same]
            if scenario.share:
                truth = truth / true_children[level][1][same]
                limit = limit / known[level][1]
            inside = (truth >= limit[:, 0, ..., None]) & (truth <= limit[:, 1, ..., None])
            share = inside.mean(-1).reshape(len(INTERVALS), -1, len(names)).mean(1)
            for m, measure in enumerate(names):
                rows.append((batch, scenario.name, level, measure, len(own), *share[:, m]))
            rows.append((batch, scenario.name, level, MEAN, len(own), *share.mean(1)))
    return pd.DataFrame(rows, columns=["batch", "scenario", "level", "measure", "places", "coverage_80", "coverage_95"])


def summarised(batches: pd.DataFrame) -> pd.DataFrame:
    """Coverage over batches with its Monte Carlo standard error, from the spread between batches."""
    groups = batches.groupby(["scenario", "level", "measure"], sort=False)
    out = groups["places"].first().to_frame()
    for column in ("coverage_80", "coverage_95"):
        out[column] = groups[column].mean()
        out[column.replace("coverage", "se")] = groups[column].std(ddof=1) / np.sqrt(groups.size())
    order = {level: i for i, level in enumerate(LEVELS)}
    out = out.reset_index()
    place = out["scenario"].map({s.name: i for i, s in enumerate(SCENARIOS)}) * len(order) + out["level"].map(order)
    return out.iloc[np.argsort(place, kind="stable")].round(4).reset_index(drop=True)


def study(
    population: Population,
    evidence: tuple[Evidence, ...],
    overlap: Overlap,
    replicates: int,
    size: int = BATCH,
    draws: int = DRAWS,
    cache: Path | None = None,
    resume: bool = False,
) -> pd.DataFrame:
    """Coverage of every scenario, in whole batches.

    Parameters
    ----------
    population : Population
        All of its England.
    evidence : tuple of Evidence
    overlap : Overlap
    replicates : int
        Truths of each scenario, a multiple of `size`.
    size : int
        Truths to a fit.
    draws : int
        Draws of each fit.
    cache : path, optional
        Where batches are appended as they are done.
    resume : bool
        Go on from the batches that are there, where their settings are these.

    Returns
    -------
    pandas.DataFrame
        As `batch_coverage`, for all batches.
    """
    if replicates < 2 * size or replicates % size:
        raise SystemExit(f"--replicates must be a multiple of {size}, at least {2 * size}; found {replicates}.")
    code = Path(__file__).read_text(encoding="utf-8").split(COMPUTED)[0]
    settings = sha256(f"{jm.__version__}|{population.hash}|{draws}|{size}|{evidence!r}|{overlap!r}|{code}".encode()).hexdigest()[:12]
    done: dict[int, pd.DataFrame] = {}
    if cache and resume and cache.is_file():
        before = pd.read_csv(cache)
        before = before[before["settings"] == settings].drop(columns="settings")
        rows = len(SCENARIOS) * len(LEVELS) * (len(JOINT) + len(evidence) + 1)
        done = {int(b): t for b, t in before.groupby("batch") if len(t) == rows}
    elif cache:
        cache.unlink(missing_ok=True)
    truths = Truths(population, evidence, overlap, replicates, TRUTH_SEED)
    for batch in range(replicates // size):
        if batch in done:
            continue
        started = perf_counter()
        done[batch] = batch_coverage(batch, size, population, truths, draws)
        if cache:
            cache.parent.mkdir(exist_ok=True)
            done[batch].assign(settings=settings).to_csv(cache, mode="a", header=not cache.is_file(), index=False)
            print(f"batch {batch + 1} of {replicates // size}: {perf_counter() - started:.1f} s", flush=True)
    return pd.concat([done[b] for b in range(replicates // size)], ignore_index=True)


def package_evidence() -> tuple[tuple[Evidence, ...], Overlap]:
    """The higher-harm set and two risks that stand alone."""
    alone = [e for e in src.default_evidence() if e.risk in ALONE]
    return (*src.load_evidence_set("higher_harm"), *alone), src.load_overlap("higher_harm")


def tau_sensitivity(places: Sequence[str] = PLACES, draws: int = DRAWS) -> pd.DataFrame:
    """Value and relative width of the 95% interval as tau changes, per authority and over its wards, on the same draws.

    Returns
    -------
    pandas.DataFrame
        ``authority``, ``level``, ``tau``, ``factor``, ``measure``, ``value`` (children; mean over wards), ``relative_width`` (median over
        wards), ``value_change`` (of the authority, or of the ward that changes most, against tau as assumed).
    """
    evidence, overlap = package_evidence()
    rows = []
    for place in places:
        population = src.load_population(place)
        base: dict[tuple[str, str], Array] = {}
        for tau, factor in (("", 1.0), *((t, f) for t in ("authority_sd", "small_area_sd") for f in (0.5, 2.0))):
            given = tuple(replace(e, variation=_times(tau, factor)(e.variation)) for e in evidence) if tau else evidence
            result = jm.estimate(population, given, overlap, draws=draws, seed=SEED, threads=1)
            for level in ("authority", "ward"):
                for measure in (*JOINT, *result.risks):
                    table = result.summary(measure, level=level)
                    value = table["value"].to_numpy()
                    change = value / base.setdefault((level, measure), value) - 1
                    width = (table["upper"] - table["lower"]) / table["value"]
                    most = float(change[np.abs(change).argmax()])
                    rows.append((place, level, tau or "as assumed", factor, measure, value.mean(), width.median(), most))
    table = pd.DataFrame(rows, columns=["authority", "level", "tau", "factor", "measure", "value", "relative_width", "value_change"])
    return table.round({"value": 2, "relative_width": 4, "value_change": 4})


# --- what is written --------------------------------------------------------------------------------------------------------------------


def missing_bias(population: Population, draws: int = DRAWS) -> pd.DataFrame:
    """Change of the value where areas are missing, on the same draws: over authorities, and of England.

    Returns
    -------
    pandas.DataFrame
        ``scenario``, ``level``, ``measure``, ``mean``, ``lowest``, ``highest``: changes over the areas of the level, relative.
    """
    evidence, overlap = package_evidence()

    def made(given: Population) -> Result:
        return jm.estimate(given, evidence, overlap, draws=draws, seed=SEED, threads=1)

    base, rows = made(population), []
    for kind in ("random", "deprived"):
        found = made(without(population, kind, batch=0))
        for level in ("authority", "england"):
            for measure in (*JOINT, *base.risks):
                change = (found.summary(measure, level=level)["value"] / base.summary(measure, level=level)["value"] - 1).to_numpy()
                rows.append((f"missing_{kind}", level, measure, change.mean(), change.min(), change.max()))
    return pd.DataFrame(rows, columns=["scenario", "level", "measure", "mean", "lowest", "highest"]).round(4)


def _row(cells: Sequence[object]) -> str:
    return f"| {' | '.join(str(c) for c in cells)} |"


def _markdown(header: Sequence[str], rows: Sequence[Sequence[object]], text: int = 1) -> str:
    rule = ["---"] * text + ["---:"] * (len(header) - text)
    return "\n".join([_row(header), _row(rule), *map(_row, rows)])


def _name(measure: str) -> str:
    short = {
        "domestic_abuse_last_year": "abuse",
        "severe_mental_health_symptoms": "illness",
        "alcohol_or_drug_dependency": "dependency",
        "hazardous_drinking": "hazardous drinking*",
        "severe_parental_mental_illness": "severe illness*",
    }
    return short.get(measure, measure.replace("_", " "))


def document(table: pd.DataFrame, tau: pd.DataFrame, missing: pd.DataFrame) -> str:
    """``docs/validation.md`` from the committed tables."""
    cell = table.set_index(["scenario", "level", "measure"])
    measures = [m for m in table["measure"].drop_duplicates() if m != MEAN]

    def percent(scenario: str, level: str, measure: str, interval: int, error: bool = True) -> str:
        c = cell.loc[(scenario, level, measure)]
        return f"{100 * c[f'coverage_{interval}']:.1f}" + (f" ({100 * c[f'se_{interval}']:.1f})" if error else "")

    def first(interval: int) -> str:
        rows = [[words, *(percent("as_assumed", level, m, interval) for m in measures)] for level, words in LEVELS.items()]
        return _markdown(["level", *map(_name, measures)], rows)

    def low(scenario: str, level: str, interval: int) -> str:
        worst = min(measures, key=lambda m: cell.loc[(scenario, level, m), f"coverage_{interval}"])
        value = percent(scenario, level, MEAN, interval, error=False)
        value = f"**{value}**" if cell.loc[(scenario, level, MEAN), f"coverage_{interval}"] < (0.93, 0.78)[interval == 80] else value
        return f"{value}; {percent(scenario, level, worst, interval, error=False)}"

    def others(interval: int) -> str:
        rows = [[s.words, *(low(s.name, level, interval) for level in LEVELS)] for s in SCENARIOS]
        return _markdown(["truth", *LEVELS.values()], rows)

    def sensitivity(measure: str) -> str:
        rows = []
        for (place, level), part in tau[tau["measure"] == measure].groupby(["authority", "level"], sort=False):
            for kind, words in (("authority_sd", "authority"), ("small_area_sd", "small area")):
                row = [place, level if level == "authority" else "wards", words]
                for factor in (0.5, 1.0, 2.0):
                    here = part[(part["factor"] == factor) & (part["tau"] == (kind if factor != 1.0 else "as assumed"))].iloc[0]
                    change = "" if factor == 1.0 else f" ({100 * here['value_change']:+.1f}%)".replace("-", "−")
                    row.append(f"{here['value']:,.0f}{change}; {100 * here['relative_width']:.0f}%")
                rows.append(row)
        return _markdown(["place", "level", "tau changed", "× 0.5", "× 1", "× 2"], rows, 3)

    base = table[(table["scenario"] == "as_assumed") & (table["measure"] != MEAN)]
    worst_se = 100 * base["se_95"].max()
    replicates = int(table["replicates"].iloc[0])
    bias = missing.set_index(["scenario", "level", "measure"])

    def c(scenario: str, level: str, interval: int = 95) -> str:
        return f"{percent(scenario, level, MEAN, interval, error=False)}%"

    def b(scenario: str, measure: str, column: str) -> str:
        return f"{100 * bias.loc[(scenario, 'authority', measure), column]:+.1f}%".replace("-", "−")

    found = [
        f"""**A wrong gradient** is the worst failure, and averages hide it. Without any gradient, intervals of the least deprived tenth of
        LSOAs cover {c("gradient_0", "lsoa_least_deprived")} and those of the most deprived {c("gradient_0", "lsoa_most_deprived")}; with
        twice the gradient, {c("gradient_2", "lsoa_least_deprived")} and {c("gradient_2", "lsoa_most_deprived")}. Authorities:
        {c("gradient_0", "authority")} and {c("gradient_2", "authority")}. Both truths are about two of the assumed standard deviations
        away, for all risks at once. A ranking of places by these estimates is the assumed gradient, not a finding.""",
        f"""**Authority tau twice** as large: authorities {c("authority_sd_2", "authority")}, and everything within them
        ({c("authority_sd_2", "lsoa")} of LSOAs). England hardly notices ({c("authority_sd_2", "england")}).""",
        f"""**Small-area tau twice** as large: LSOAs {c("small_area_sd_2", "lsoa")}, wards {c("small_area_sd_2", "ward")}; authorities and
        above do not notice ({c("small_area_sd_2", "authority")}).""",
        f"""Half of either tau makes intervals too wide: authorities {c("authority_sd_half", "authority")}, LSOAs
        {c("small_area_sd_half", "lsoa")}.""",
        f"""**Missing areas**: raking gives their children to the areas that are left, so that counts of LSOAs
        ({c("missing_random", "lsoa")}), MSOAs ({c("missing_random", "msoa")}) and wards ({c("missing_random", "ward")}) are off; shares
        of children are not ({c("missing_random_share", "ward")} of wards). Where the most deprived fifth is missing, wards cover
        {c("missing_deprived", "ward")}. Authorities still cover {c("missing_deprived", "authority")}, because their intervals are wide
        and not because they are right: any risk changes by {b("missing_deprived", "any_risk", "lowest")} to
        {b("missing_deprived", "any_risk", "highest")}, all three risks by {b("missing_deprived", "all_three", "lowest")} to
        {b("missing_deprived", "all_three", "highest")} (`validation_missing.csv`). At random, any risk changes by
        {b("missing_random", "any_risk", "lowest")} to {b("missing_random", "any_risk", "highest")}.""",
        f"""**A stronger age profile** shows only by age: authority by age band {c("age_2", "authority_by_age")} at twice and
        {c("age_3", "authority_by_age")} at three times; all ages together {c("age_3", "authority")}.""",
        f"""**Correlation of area effects** matters little: LSOAs {c("correlation_0", "lsoa")} where there is none,
        {c("correlation_09", "lsoa")} where it is 0.9. Single risks hardly change; any, two or more and all three do.""",
        f"""**Heavier tails** of the same sd do not show ({c("heavy_tails", "lsoa")} of LSOAs): such a t lies within 1.96 sd 95.0% of the
        time, as a normal does. It is the rare places far out that are missed by more, and coverage does not count by how much.""",
    ]
    falls_short = "\n".join(
        textwrap.fill(" ".join(f.split()), 140, initial_indent="- ", subsequent_indent="  ", break_on_hyphens=False) for f in found
    )
    size = cell.loc[("as_assumed", "lsoa", MEAN), "places"]
    count = {lv: cell.loc[("as_assumed", lv, MEAN), "places"] for lv in LEVELS}
    return f"""# Validation by simulation

Written by `python -m benchmarks.validation` from `benchmarks/results/validation*.csv`; not edited by hand.

**What this shows.** The model's draws do not depend on any data: evidence goes in as distributions, and no local outcome is fitted. A truth
drawn from the same distributions must therefore be covered. The first scenario shows that the arithmetic fits together: draws,
calibration, quadrature, overlap, raking, sums and quantiles. It does not show that the assumptions hold, and no simulation can. The other
scenarios show what happens to the intervals where an assumption fails in a stated way. Their failures are examples, not bounds.

## Design

- {replicates:,} replicates of each scenario. A replicate draws anew, from another seed, everything that the model does not know: national
  prevalence, relevance, gradient, age profile, overlap, area effects at both levels, and children in small areas.
- An England thinned to {size} LSOAs ({count["msoa"]} MSOAs, {count["ward"]} wards or parts of wards, {count["authority"]} authorities,
  {count["region"]} regions) with real children and deprivation, and a frame of its own. Its authorities are smaller than real ones, so
  small-area effects average out less in them; it has fewer, so authority effects average out less in its England.
- Intervals are those of `estimate` with {DRAWS:,} draws. Each batch of {BATCH} replicates has a fit with a seed of its own: limits made of
  {DRAWS:,} draws err too (by about 0.7 points of coverage in one fit), and this is averaged over. Expected coverage of a 95% interval
  from {DRAWS:,} draws is 94.8%, not 95.
- Parameters of the truth are calibrated by the package; area effects, children and patterns are written out again in the benchmark, not
  through the package's kernel. As assumed, they equal the package's draws of that seed (tested).
- In every scenario the national level still follows the evidence: intercepts and overlap of the truth are calibrated to the evidence
  under the truth's own gradient, tau, ages and correlation (heavy tails: under normal effects of the same sd).
- Coverage is the mean over places and replicates. Monte Carlo standard errors are from the spread between batches, which are independent;
  places of one replicate are not. Up to {worst_se:.1f} points in the first scenario.
- Measures: the three risks of the higher-harm set, any, two or more and all three of them; * risks that stand alone.

## As assumed: 95% intervals

Coverage in percent (Monte Carlo standard error). Required: 93 to 97 at every level.
Found: {100 * base["coverage_95"].min():.1f} to {100 * base["coverage_95"].max():.1f}.

{first(95)}

## As assumed: 80% intervals

Found: {100 * base["coverage_80"].min():.1f} to {100 * base["coverage_80"].max():.1f}.

{first(80)}

## Where assumptions fail: 95% intervals

Mean over measures; then the measure covered least. Bold: the mean is under 93.

{others(95)}

## Where assumptions fail: 80% intervals

Bold: the mean is under 78.

{others(80)}

## What falls short

Means over measures of 95% intervals; the tables have the rest.

{falls_short}

Authority, region and England share one national draw. Coverage is over replicates: in any one truth all areas may err together.

## Sensitivity to tau

Any risk of the higher-harm set, on the same draws: children (wards: mean over wards) with the change against tau as assumed (wards: the
ward that changes most); then width of the 95% interval over the value (wards: median). Other measures are in `validation_tau.csv`.

{sensitivity("any_risk")}

Two or more risks:

{sensitivity("two_or_more")}
"""


def apart(text: str) -> tuple[str, str]:
    """The document and what `benchmarks.backtest` appended to it, from the blank line before its marker."""
    place = text.find("\n<!-- backtest:")
    return (text, "") if place < 0 else (text[:place], text[place:])


def main(arguments: Sequence[str] | None = None) -> None:
    """Run, write and print."""
    parser = argparse.ArgumentParser(description="Simulation study of coverage.")
    parser.add_argument("--replicates", type=int, default=REPLICATES, help=f"truths of each scenario, a multiple of {BATCH}")
    parser.add_argument("--resume", action="store_true", help=f"go on from {CACHE.relative_to(ROOT)}")
    options = parser.parse_args(arguments)
    population = thinned_england()
    batches = study(population, *package_evidence(), options.replicates, cache=CACHE, resume=options.resume)
    table = summarised(batches).assign(replicates=options.replicates)
    table.to_csv(TABLE, index=False, lineterminator="\n")
    tau_sensitivity().to_csv(TAU, index=False, lineterminator="\n")
    missing_bias(population).to_csv(MISSING, index=False, lineterminator="\n")
    _, others = apart(DOCUMENT.read_text(encoding="utf-8"))
    DOCUMENT.write_text(document(*(pd.read_csv(t) for t in (TABLE, TAU, MISSING))) + others, encoding="utf-8")
    print(table[table["measure"] == MEAN].pivot(index="scenario", columns="level", values="coverage_95").to_string())


if __name__ == "__main__":
    main()
