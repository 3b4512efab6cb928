"""What does each assumption do to the result? Each is changed in a stated way and the model run again on the same draws.

``python -m benchmarks.assumption_effects`` writes ``benchmarks/results/assumption_effects.csv`` and, from it and
``data_sources/defaults/assumptions.toml``, the register in ``docs/assumptions.md``. Milton Keynes, embedded data, seed 2026: need by LSOA
from the higher-harm set with the five defaults; demand from the ready scenarios over five years. Changes are one at a time, so that they
say nothing of two together. Effects are relative to the base: of the value (a mean over draws), and of the width of its 95% interval.
"""

from __future__ import annotations

import csv
import sys
import tomllib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import lru_cache
from math import isnan, nan
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np
import pandas as pd
from scipy.special import expit, logit

import data_sources as src
import jsna_model as jm
from data_sources import evidence as catalogue
from data_sources import population as populations
from data_sources.small_area import small_area_children
from jsna_model import conversions as convert
from jsna_model.evidence import Evidence, Variation
from jsna_model.methods import distributions, forecast, households
from jsna_model.methods.joint import maximum_entropy
from jsna_model.overlap import Overlap, Share
from jsna_model.pathway import Parameter, Pathway
from jsna_model.population import Population
from jsna_model.result import Result
from jsna_model.scenario import Scenario
from jsna_model.verbs import demand_model, need_model

ROOT = Path(__file__).resolve().parent.parent
REGISTER = ROOT / "data_sources/defaults/assumptions.toml"
EFFECTS = ROOT / "benchmarks/results/assumption_effects.csv"
DOCUMENT = ROOT / "docs/assumptions.md"
MARKERS = ("<!-- register -->", "<!-- /register -->")
COLUMNS = ("id", "change", "measure", "base", "changed", "value_change", "width_change", "affects")
HEADER = ("Assumption", "Value", "Covers", "Owner", "Date", "Reason", "Effect on the result")

PLACE, AUTHORITY, DRAWS, SEED, YEARS = "Milton Keynes", "E06000042", 1000, 2026, 5
#: Relative changes below this are called none.
LEAST = 0.005
ABUSE, ILLNESS, DEPENDENCY = "domestic_abuse_last_year", "severe_mental_health_symptoms", "alcohol_or_drug_dependency"
NAMES = {
    "any_risk": "any risk", "two_or_more": "two or more risks", "all_three": "all three risks",
    ABUSE: "abuse in the last year", ILLNESS: "severe symptoms", DEPENDENCY: "alcohol or drug dependency",
    "hazardous_drinking": "hazardous drinking", "dependent_drinking": "dependent drinking", "domestic_abuse": "domestic abuse",
    "domestic_abuse_high_risk": "high-risk abuse", "severe_parental_mental_illness": "severe mental illness",
}  # fmt: skip

#: Value and width of the 95% interval, by measure.
Figures = dict[str, tuple[float, float]]
Run = Callable[[], Figures]


@dataclass(frozen=True)
class Change:
    """An assumption changed in one way, and the measures that are looked at."""

    id: str
    what: str
    measures: tuple[str, ...]
    run: Run
    base: Run


# --- need ----------------------------------------------------------------------------------------------------------------------------


@lru_cache
def _population() -> Population:
    return src.load_population(PLACE)


def _defaults() -> tuple[Evidence, ...]:
    return (*src.load_evidence_set("higher_harm"), *src.default_evidence())


def _need(
    evidence: Sequence[Evidence] | None = None,
    overlap: Overlap | None = None,
    population: Population | None = None,
    draws: int = DRAWS,
    seed: int = SEED,
) -> Result:
    overlap = overlap or src.load_overlap("higher_harm")
    return jm.estimate(population or _population(), evidence or _defaults(), overlap, draws=draws, seed=seed)


def _alone(evidence: Evidence) -> Result:
    return jm.estimate(_population(), [evidence], draws=DRAWS, seed=SEED)


def _figures(result: Result) -> Figures:
    """Every measure of need in the authority, in the average area of each finer level, and in the most deprived LSOAs."""
    found: Figures = {}
    joint = [m for m in ("any_risk", "two_or_more", "all_three") if m in result.measures]
    for measure in [*joint, *result.risks]:
        name = NAMES.get(measure, measure.replace("_", " "))
        found[name] = _spread(result.draws(measure, "authority").values.ravel())
    by_age = result.draws("any_risk", "authority", by=("age_band",)) if joint else None
    if by_age is not None:
        found["any risk (under 1)"] = _spread(by_age.sel(age_band="under_1").values.ravel())
    for level in result.levels:
        if level == "authority":
            continue
        node = result.node(f"need/{level}")
        expected, width = node["expected"].values, (node["upper"] - node["lower"]).values
        deprived = node["deprivation"].values <= 1 if level == "lsoa" else np.zeros(len(expected), dtype=bool)
        for i, component in enumerate(node["component"].values):
            name = NAMES.get(str(component), str(component).replace("_", " "))
            found[f"{name} (average {level if level == 'ward' else level.upper()})"] = (expected[:, i].mean(), width[:, i].mean())
            if deprived.any():
                found[f"{name} (most deprived LSOAs)"] = (expected[deprived, i].mean(), width[deprived, i].mean())
    if len(pattern := _both(result)):
        found["abuse with severe symptoms without dependency"] = _spread(pattern)
    return found


def _both(result: Result) -> np.ndarray:
    node = result.node("need/authority")
    if "children_by_pattern" not in node:
        return np.zeros(0)
    return node["children_by_pattern"].transpose("area", "age_band", "pattern", "draw").values[0].sum(0)[3]


def _spread(draws: np.ndarray) -> tuple[float, float]:
    lower, upper = np.quantile(draws, [0.025, 0.975])
    return float(draws.mean()), float(upper - lower)


@lru_cache
def need() -> Figures:
    """Base of every change of need."""
    return _figures(_need())


def with_evidence(change: Callable[[Evidence], Evidence], *keys: str) -> Run:
    """Need with some estimates changed; all where no keys are given."""
    return lambda: _figures(_need([change(e) if not keys or e.key in keys else e for e in _defaults()]))


def with_overlap(**changes: Any) -> Run:
    """Need with another two-or-more or all-three share."""
    return lambda: _figures(_need(overlap=replace(src.load_overlap("higher_harm"), **changes)))


def halved(e: Evidence | Share) -> Any:
    """The interval, half as wide on the logit scale."""
    middle = logit(e.value)
    lower, upper = (float(expit(middle + (logit(x) - middle) / 2)) for x in (e.lower, e.upper))
    return replace(e, lower=lower, upper=upper)


def times(factor: float) -> Callable[[Evidence], Evidence]:
    """The share and its limits times a factor."""
    return lambda e: replace(e, value=e.value * factor, lower=e.lower * factor, upper=e.upper * factor)


def varied(**changes: Any) -> Callable[[Evidence], Evidence]:
    """Variation with some of its parts set."""
    return lambda e: replace(e, variation=replace(e.variation, **changes))


def scaled(field: str, factor: float) -> Callable[[Evidence], Evidence]:
    """Variation with one of its parts multiplied."""
    return lambda e: replace(e, variation=replace(e.variation, **{field: getattr(e.variation, field) * factor}))


def relevance(**changes: Any) -> Callable[[Evidence], Evidence]:
    """Relevance with its mean or sd set."""
    return lambda e: replace(e, relevance=replace(e.relevance, **changes))


def without_widening(e: Evidence) -> Evidence:
    """Gradient sd without the half of the gradient that stands for recording."""
    v = e.variation
    sd = max(v.gradient_sd**2 - (v.gradient / 2) ** 2, 0.0) ** 0.5
    return replace(e, variation=replace(v, gradient_sd=sd)) if "recorded" in v.source else e


@contextmanager
def patched(owner: Any, name: str, value: object) -> Iterator[None]:
    """A constant or function of the package set to something else; whatever was kept in memory is forgotten before and after."""
    kept = getattr(owner, name)
    try:
        setattr(owner, name, value)
        _forget()
        yield
    finally:
        setattr(owner, name, kept)
        _forget()


def _forget() -> None:
    need_model.fit_need.cache_clear()
    catalogue._catalogue.cache_clear()


def with_patch(owner: Any, name: str, value: object, run: Run | None = None) -> Run:
    """A run, of need unless another is given, with a constant or function of the package set to something else."""

    def patched_run() -> Figures:
        with patched(owner, name, value):
            return run() if run else _figures(_need())

    return patched_run


def _joint(even: bool) -> Figures:
    """Need with one national joint: pairs by maximum entropy, or exactly-two shared evenly between the three pairs."""
    evidence, overlap = src.load_evidence_set("higher_harm"), src.load_overlap("higher_harm")
    assert overlap.two_or_more
    assert overlap.all_three
    singles = np.array([e.value for e in evidence])
    two, three = overlap.two_or_more.value, overlap.all_three.value
    if even:
        pair = (two - three) / 3
        ones = singles - 2 * pair - three
        cells = np.array([1 - ones.sum() - two, ones[0], ones[1], pair, ones[2], pair, pair, three])
    else:
        cells = maximum_entropy(singles[None], np.array([two]), np.array([three]))[0][0]
    joint = {format(i, "03b")[::-1]: float(p) for i, p in enumerate(cells)}
    return _figures(_need(overlap=replace(Overlap.from_joint(overlap.risks, joint), set_name="")))


def _flattened() -> Figures:
    """Need with every LSOA half way to the authority's mean deprivation: half the slope within it, all of it between authorities."""
    population = _population()
    decile, weight = population.data["deprivation"], population.data["children"].sum("age_band")
    halfway = (decile + float((decile * weight).sum() / weight.sum())) / 2
    result = _need(population=replace(population, data=population.data.assign(deprivation=halfway)))
    node = result.node("need/lsoa")
    # The most deprived LSOAs are those of the base.
    order = decile.sel(area=node["area"].values).values
    return _figures(jm.Result(_with_deprivation(result, order), result.provenance))


def _with_deprivation(result: Result, decile: np.ndarray) -> Any:
    tree = result.data.copy()
    tree["need/lsoa"] = result.node("need/lsoa").assign(deprivation=("area", decile))
    return tree


def _aged(age_on: bool) -> Figures:
    """Need on children of LSOAs made from the embedded Census tables, scaled to mid-2024 or aged on first."""
    folder = ROOT / "data_sources/figures"
    bands = pd.read_csv(folder / "milton_keynes_lsoa.csv").rename(columns=lambda c: c.removeprefix("census2021_"))
    msoa = pd.read_csv(folder / "milton_keynes_msoa_age_census2021.csv")
    single = pd.read_csv(folder / "england_upper_tier_single_year_2024.csv.gz")
    ages = [f"age_{a}" for a in range(18)]
    totals = single[single["utla23_code"] == AUTHORITY][ages].sum().to_frame().T.assign(ltla24_code=AUTHORITY)
    table = small_area_children(bands.assign(ltla24_code=AUTHORITY), msoa, totals, age_on).set_index("lsoa21_code")
    data = _population().data
    columns = [f"children_{b}" for b in data["age_band"].values]
    children = data["children"].copy(data=table.loc[data["area"].values, columns].to_numpy(float))
    return _figures(_need(population=replace(_population(), data=data.assign(children=children))))


def _severe_mental_illness(drop: str = "", **values: float) -> Run:
    """Need with MH-07C converted again: factors set, or the range of one left out."""
    rows = tomllib.loads((ROOT / "data_sources/evidence/severe_mental_illness.toml").read_text(encoding="utf-8"))["conversion"]["MH-07C"]
    value = {k: values.get(k, r["value"]) for k, r in rows.items()}
    names = ("adult_prevalence", "adults", "coresident_share", "children_per_adult", "both_share")
    children = float(households.children_exposed(*(value[n] for n in names)))
    ranges = {n: (rows[n]["lower"], rows[n]["upper"]) for n in ("adult_prevalence", "coresident_share", "children_per_adult")}
    ranges["both_share"] = (1 - rows["both_share"]["upper"], 1 - rows["both_share"]["lower"])
    sds = [0.0 if n == drop else households.log_sd_from_range(*r) for n, r in ranges.items()]
    share, lower, upper = households.lognormal_product([children / value["children"], 1, 1, 1], sds)
    return with_evidence(lambda e: replace(e, value=share, lower=lower, upper=upper), "MH-07C")


def _share(e: Evidence) -> Figures:
    return {"the converted share": (e.value, e.upper - e.lower)}


def _of_16_17() -> convert.Factor:
    children = src.load_frame().children
    return convert.Factor(float(children.sel(age_band="16_17").sum() / children.sum()), "the England frame")


def _key(key: str) -> Evidence:
    return src.load_evidence(key)[0]


def _borrowed(key: str, row: str) -> Change:
    rows = tomllib.loads((ROOT / "data_sources/evidence/_variation.toml").read_text(encoding="utf-8"))
    e = _key(key)
    risk = e.risk.replace("_", " ")
    measures = (f"{risk} (most deprived LSOAs)",)
    other = replace(e, variation=Variation(**rows[row]))
    return Change("gradient-borrowed", f"{key}: row of {row}", measures, lambda: _figures(_alone(other)), lambda: _figures(_alone(e)))


def need_changes() -> list[Change]:
    """Changes of what `estimate` rests on."""

    def change(id: str, what: str, measures: str, run: Run, base: Run = need) -> Change:
        return Change(id, what, tuple(measures.split("; ")), run, base)

    overlap = src.load_overlap("higher_harm")
    assert overlap.two_or_more
    assert overlap.all_three
    half_two, half_three = halved(overlap.two_or_more), halved(overlap.all_three)
    rescaled, crime_survey = (_scaled_share(overlap.all_three, x) for x in (0.0105, 0.002))
    members = ("OV-20", "OV-21", "OV-22")
    hazard, dependent, abuse = "hazardous drinking", "dependent drinking", "domestic abuse"
    high, illness = "high-risk abuse", "severe mental illness"
    doubled = 2 * populations.LSOAS_PER_MSOA
    known = convert.Factor(1.0, "taken as known")
    deprived, lsoa = " (most deprived LSOAs)", " (average LSOA)"
    return [
        change("interval-sets", "intervals halved", "any risk; abuse in the last year", with_evidence(halved, *members)),
        change(
            "interval-overlap",
            "intervals halved",
            "two or more risks; all three risks",
            with_overlap(two_or_more=half_two, all_three=half_three),
        ),
        change("interval-hazardous-drinking", "interval halved", hazard, with_evidence(halved, "ALC-01")),
        change("interval-dependent-drinking", "interval halved", dependent, with_evidence(halved, "ALC-23")),
        change("interval-domestic-abuse", "interval halved", abuse, with_evidence(halved, "DA-30")),
        change("interval-high-risk-abuse", "interval halved", high, with_evidence(halved, "DA-10")),
        change("interval-severe-mental-illness", "interval halved", illness, with_evidence(halved, "MH-07C")),
        change(
            "interval-severe-mental-illness",
            "range of the co-resident share left out",
            illness,
            _severe_mental_illness(drop="coresident_share"),
        ),
        change(
            "interval-catalogue",
            "ALC-04 without its design effect",
            "dependent drinking",
            lambda: _figures(_alone(_simple(_key("ALC-04")))),
            lambda: _figures(_alone(_key("ALC-04"))),
        ),
        change("interval-shape", "beta", f"{high}; {illness}", with_evidence(lambda e: replace(e, distribution="beta"), "DA-10", "MH-07C")),
        change(
            "interval-shape",
            "split logit-normal",
            f"{high}; {illness}",
            with_evidence(lambda e: replace(e, distribution="split logit-normal"), "DA-10", "MH-07C"),
        ),
        change(
            "conversion-denominators", "ALC-23 over mid-2024 children", dependent, with_evidence(times(11_535_489 / 12_183_016), "ALC-23")
        ),
        change("conversion-denominators", "DA-30 over 11.75 million (its rounding)", abuse, with_evidence(times(11.8 / 11.75), "DA-30")),
        change("conversion-denominators", "DA-10 over 14 million (UK, 0 to 17)", high, with_evidence(times(12.7 / 14), "DA-10")),
        change("conversion-severe-mental-illness", "30% co-resident (MH-02)", illness, _severe_mental_illness(coresident_share=0.3)),
        change(
            "conversion-severe-mental-illness",
            "everyone on a register an adult (1.17%)",
            illness,
            _severe_mental_illness(adult_prevalence=0.0117399),
        ),
        change(
            "conversion-to-england",
            "ratio taken as known, ALC-01",
            "the converted share",
            lambda: _share(convert.to_england(_key("ALC-01"), known)),
            lambda: _share(convert.to_england(_key("ALC-01"))),
        ),
        change(
            "conversion-ages",
            "ratio taken as known, ALC-01",
            "the converted share",
            lambda: _share(convert.under_16_to_under_18(_key("ALC-01"), _of_16_17(), known)),
            lambda: _share(convert.under_16_to_under_18(_key("ALC-01"), _of_16_17())),
        ),
        change(
            "conversion-ages",
            "odds ratio 1.5, ALC-01",
            "the converted share",
            lambda: _share(convert.under_16_to_under_18(_key("ALC-01"), _of_16_17(), convert.Factor(1.5, "alternative"))),
            lambda: _share(convert.under_16_to_under_18(_key("ALC-01"), _of_16_17())),
        ),
        change("relevance-drift", "no drift", f"any risk; {hazard}", with_patch(distributions, "DRIFT_SD", 0.0)),
        change("relevance-geography", "no term", f"{hazard}; {high}", with_patch(distributions, "GEOGRAPHY_SD", 0.0)),
        change("relevance-ages", "no term", f"any risk; {hazard}", with_patch(distributions, "AGES_SD", 0.0)),
        change("relevance-construct", "no term", f"any risk; {abuse}", with_patch(distributions, "CONSTRUCT_SD", 0.0)),
        change("relevance-construct", "relevance sd 0, all terms", f"any risk; {abuse}", with_evidence(relevance(sd=0.0))),
        change("relevance-centre", "mean 0.1", f"any risk; {hazard}", with_evidence(relevance(mean=0.1))),
        change(
            "gradient-domestic-abuse",
            "gradient 0",
            f"abuse in the last year{deprived}; {abuse}; {abuse}{deprived}",
            with_evidence(varied(gradient=0.0, gradient_sd=0.0), "OV-20", "DA-30"),
        ),
        change(
            "gradient-mental-illness",
            "gradient 0",
            f"severe symptoms{deprived}; {illness}; {illness}{deprived}",
            with_evidence(varied(gradient=0.0, gradient_sd=0.0), "OV-21", "MH-07C"),
        ),
        change(
            "gradient-dependent-drinking",
            "gradient 0",
            f"{dependent}; {dependent}{deprived}",
            with_evidence(varied(gradient=0.0, gradient_sd=0.0), "ALC-23"),
        ),
        change(
            "gradient-alcohol-and-drugs",
            "gradient 0",
            f"alcohol or drug dependency; alcohol or drug dependency{deprived}",
            with_evidence(varied(gradient=0.0, gradient_sd=0.0), "OV-22"),
        ),
        change(
            "gradient-any-substance-misuse",
            "dependency gradient in full, wider set",
            f"any alcohol or drug misuse{deprived}",
            lambda: _wider_misuse(2.0),
            lambda: _wider_misuse(1.0),
        ),
        change(
            "gradient-drugs",
            "gradient 0, ALC-13",
            f"{_key('ALC-13').risk.replace('_', ' ')}{deprived}",
            lambda: _figures(_alone(varied(gradient=0.0, gradient_sd=0.0)(_key("ALC-13")))),
            lambda: _figures(_alone(_key("ALC-13"))),
        ),
        change(
            "gradient-hazardous-drinking",
            "gradient 0",
            f"{hazard}; {hazard}{deprived}",
            with_evidence(varied(gradient=0.0, gradient_sd=0.0), "ALC-01"),
        ),
        change(
            "gradient-hazardous-drinking",
            "income gradient in full",
            f"{hazard}; {hazard}{deprived}",
            with_evidence(scaled("gradient", 2.0), "ALC-01"),
        ),
        change(
            "gradient-widening", "no widening", f"abuse in the last year{deprived}; {dependent}{deprived}", with_evidence(without_widening)
        ),
        change("gradient-small-areas", "half the slope within the authority", f"any risk{deprived}; {hazard}{deprived}", _flattened),
        _borrowed("ALC-03", "dependent drinking"),
        _borrowed("ALC-07", "any substance misuse"),
        _borrowed("ALC-12", "alcohol and drugs"),
        change("authority-sd", "halved", f"any risk; {dependent}", with_evidence(scaled("authority_sd", 0.5))),
        change(
            "small-area-sd",
            "0",
            f"any risk{lsoa}; any risk (average MSOA); any risk; all three risks",
            with_evidence(varied(small_area_sd=0.0)),
        ),
        change("age-sd", "0", "any risk (under 1); any risk", with_evidence(varied(age_sd=0.0))),
        change("area-correlation", "0", "any risk; two or more risks; all three risks", with_patch(need_model, "AREA_CORRELATION", 0.0)),
        change("group-correlation", "0", "any risk; two or more risks", with_evidence(lambda e: replace(e, group_correlation=0.0))),
        change(
            "overlap",
            "independence",
            "any risk; two or more risks; all three risks",
            lambda: _figures(_need(overlap=Overlap.independent(overlap.risks))),
        ),
        change("overlap", "all three 1.05%", "all three risks", with_overlap(all_three=rescaled)),
        change("overlap", "all three 0.2% (OV-04-ALL)", "all three risks; any risk", with_overlap(all_three=crime_survey)),
        change(
            "overlap",
            "exactly two shared evenly by the pairs",
            "abuse with severe symptoms without dependency; any risk; all three risks",
            lambda: _joint(even=True),
            lambda: _joint(even=False),
        ),
        change("overlap-ages", "0 to 15", "any risk; all three risks", with_evidence(lambda e: replace(e, ages=(0, 15)), *members)),
        change("coherent-set", "wider_exposure", "any risk; all three risks", _wider),
        change(
            "child-count-error", "0", f"any risk{lsoa}; any risk (average MSOA); any risk", lambda: _figures(_need(population=_erring(0.0)))
        ),
        change("child-count-error", "doubled", f"any risk{lsoa}", lambda: _figures(_need(population=_erring(2.0)))),
        change(
            "child-count-correlation", "0", f"any risk{lsoa}; any risk (average MSOA)", with_patch(need_model, "PARENT_CORRELATION", 0.0)
        ),
        change(
            "child-count-above-msoa",
            "errors as if wards had half as many MSOAs",
            "any risk (average ward)",
            with_patch(populations, "LSOAS_PER_MSOA", doubled, _wards),
            _wards,
        ),
        change("child-count-ageing", "aged on", f"any risk{deprived}; any risk", lambda: _aged(True), lambda: _aged(False)),
        change("draws-and-seed", "seed 2027", "any risk; all three risks", lambda: _figures(_need(seed=SEED + 1))),
        change("draws-and-seed", "seed 2028", "any risk; all three risks", lambda: _figures(_need(seed=SEED + 2))),
    ]


def _scaled_share(share: Share, value: float) -> Share:
    ratio = value / share.value
    return replace(share, value=value, lower=share.lower * ratio, upper=share.upper * ratio)


def _simple(e: Evidence) -> Evidence:
    lower, upper = distributions.interval_from_sample(e.value, e.sample_size)
    return replace(e, lower=lower, upper=upper)


def _wider() -> Figures:
    return _figures(_need((*src.load_evidence_set("wider_exposure"), *src.default_evidence()), src.load_overlap("wider_exposure")))


def _wards() -> Figures:
    return _figures(_need(population=src.load_population(PLACE, level="ward")))


def _wider_misuse(factor: float) -> Figures:
    e = next(e for e in src.load_evidence_set("wider_exposure") if e.key == "OV-32")
    return {
        k.replace(e.risk.replace("_", " "), "any alcohol or drug misuse"): v
        for k, v in _figures(_alone(scaled("gradient", factor)(e))).items()
    }


def _erring(factor: float) -> Population:
    data = _population().data
    return replace(_population(), data=data.assign(children_log_sd=data["children_log_sd"] * factor))


# --- demand --------------------------------------------------------------------------------------------------------------------------


@lru_cache
def _base_need() -> Result:
    return _need()


def _projected(
    pathway: Pathway | None = None,
    scenarios: Sequence[Scenario] | None = None,
    projection: Population | None = None,
    need: str = "any_risk",
    years: int = YEARS,
) -> Figures:
    """Measures of a projection of the base estimate, and differences of each scenario from the baseline."""
    pathway, projection = pathway or _pathway(), projection or src.load_projection(PLACE)
    scenarios = scenarios or _ready(pathway)
    result = jm.compare(jm.project(_base_need(), projection, pathway, scenarios, years=years, need=need))
    flows, stocks = result.node("demand/flows"), result.node("demand/caseload")["caseload"]
    people = result.node("demand/population")
    found: Figures = {
        "children in 2029": _spread(people["children_projected"].isel(year=YEARS, area=0).sum("age_band").values),
        "affected children in 2029": _spread(people["affected_projected"].isel(year=YEARS, area=0).values),
    }
    baseline = {"scenario": "baseline", "area": AUTHORITY}
    last = flows["flow"].sel(baseline).isel(year=YEARS - 1)
    for service, name in (
        ("referrals", "referrals in 2029-30"),
        ("looked_after_started", "starts in care in 2029-30"),
        ("child_protection_plan_started", "plans started in 2029-30"),
    ):
        found[name] = _spread(last.sel(service=service).values)
    end = stocks.sel(baseline).isel(year=YEARS - 1)
    for service, name in (
        ("child_in_need_at_31_march", "children in need (March 2030)"),
        ("child_protection_plan_at_31_march", "plans (March 2030)"),
        ("looked_after_at_31_march", "looked after (March 2030)"),
    ):
        found[name] = _spread(end.sel(service=service).values)
    outcomes, costs = result.node("decision/outcomes"), result.node("decision/costs")["cost_difference"]
    for scenario in (s.name for s in scenarios):
        where = {"scenario": scenario, "area": AUTHORITY}
        moved = outcomes["difference"].sel(where).isel(year=slice(YEARS)).sum("year")
        suffix = "" if scenario == "early_help_reach" else f" ({scenario})"
        for service, name in (
            ("referrals", "referrals"),
            ("re_referrals", "re-referrals"),
            ("child_protection_plan_started", "plans"),
            ("looked_after_started", "starts in care"),
        ):
            found[f"difference in {name}{suffix}"] = _spread(moved.sel(service=service).values)
        for service, name in (("looked_after", "care"), ("social_work", "social work")):
            spent = costs.sel(where | {"service": service}).isel(year=slice(YEARS)).sum("year")
            found[f"difference in cost of {name}{suffix}"] = _spread(spent.values)
        found[f"families helped{suffix}"] = _spread(outcomes["families_helped"].sel(where).isel(year=slice(YEARS)).sum("year").values)
    return found


def _ready(
    pathway: Pathway, start: str = "2026-04", names: tuple[str, ...] = ("early_help_reach", "follow_up", "threshold_up")
) -> list[Scenario]:
    return src.ready_scenarios(pathway, names, start)


@lru_cache
def _pathway() -> Pathway:
    return src.load_pathway(PLACE)


@lru_cache
def demand() -> Figures:
    """Base of every change of demand."""
    return _projected()


def with_parameters(names: Sequence[str], **changes: Any) -> Run:
    """Demand with some fields of some parameters set; `value_sds` moves the value by so many sds (of its own scale)."""

    def moved(p: Parameter) -> Parameter:
        given = dict(changes)
        sds = given.pop("value_sds", 0.0)
        value = p.value + sds * p.sd if p.scale == "identity" else p.value * np.exp(sds * p.sd)
        return replace(p, **{"value": float(value), **given})

    def run() -> Figures:
        pathway = replace(_pathway(), parameters={n: moved(p) if n in names else p for n, p in _pathway().parameters.items()})
        return _projected(pathway)

    return run


def _rescaled(name: str, scenario: str, factor: float) -> Run:
    """Demand with the size of a ready scenario multiplied."""
    ready = _ready(_pathway())
    new = [replace(s, changes=tuple(replace(c, value=c.value * factor) for c in s.changes)) if s.name == scenario else s for s in ready]
    assert any(c.parameter == name for s in new for c in s.changes)
    return lambda: _projected(scenarios=new)


def _costlier(factor: float) -> Figures:
    costs = tuple(replace(c, amount=c.amount * factor) for c in _pathway().unit_costs)
    return _projected(replace(_pathway(), unit_costs=costs))


def _unpublished(service: str) -> Figures:
    observed = _pathway().observed.copy(deep=True)
    observed["observed"].loc[{"area": AUTHORITY, "service": service}] = nan
    observed["status"].loc[{"area": AUTHORITY, "service": service}] = "c"
    return _projected(replace(_pathway(), observed=observed))


def _certain() -> Figures:
    projection = src.load_projection(PLACE)
    data = projection.data.assign_attrs(projection.data.attrs | {"projection_error_sd_6yr": 0.0})
    return _projected(projection=replace(projection, data=data))


def _as_projected() -> Figures:
    """Births after mid-2024 as projected, without the ratio of the youngest ages."""
    original = src.load_projection(PLACE)
    rebase = forecast.rebase_by_cohort

    def unmoved(projection: np.ndarray, base: np.ndarray) -> np.ndarray:
        out, ages = rebase(projection, base), np.arange(projection.shape[-1])
        for t in range(1, projection.shape[-2]):
            out[..., t, :] = np.where(ages >= t, out[..., t, :], projection[..., t, :])
        return out

    from data_sources import projection as module

    with patched(module, "rebase_by_cohort", unmoved):
        changed = src.load_projection(PLACE)
    assert not changed.data["children"].equals(original.data["children"])
    return _projected(projection=changed)


def _from_the_first_month() -> Run:
    recent = demand_model._EarlyHelp._recent

    def earlier(self: Any, m: int, first: int, last: int, followed: bool) -> np.ndarray:
        return recent(self, m, 0, 999, followed)

    return with_patch(demand_model._EarlyHelp, "_recent", earlier, _projected)


def demand_changes() -> list[Change]:
    """Changes of what `project` and `compare` rest on."""

    def change(id: str, what: str, measures: str, run: Run, base: Run = demand) -> Change:
        return Change(id, what, tuple(measures.split("; ")), run, base)

    care, plans, referrals, re_referrals = (f"difference in {n}" for n in ("starts in care", "plans", "referrals", "re-referrals"))
    rates = ("referral.rate", "plan.start_rate", "care.start_rate")
    stocks = "children in need (March 2030); plans (March 2030); looked after (March 2030)"
    closing = ("plan.end_rate", "in_need.closure_rate", "care.end_rate")
    again = f"{re_referrals} (follow_up)"
    return [
        change(
            "rates-of-base-year", "no yearly walk", "referrals in 2029-30; starts in care in 2029-30", with_parameters(rates, yearly_sd=0.0)
        ),
        change(
            "rates-of-base-year",
            "every rate a tenth higher",
            "referrals in 2029-30; plans started in 2029-30; starts in care in 2029-30",
            with_parameters(rates, value=1.1),
        ),
        change("stocks-steady", "sd 0", stocks, with_parameters(closing, sd=0.0)),
        change("stocks-steady", "closing rates one sd higher", stocks, with_parameters(closing, value_sds=1.0)),
        change("closing-walk", "none", "children in need (March 2030); plans (March 2030)", with_parameters(closing, yearly_sd=0.0)),
        change(
            "need-drift", "yearly sd 0", "affected children in 2029; referrals in 2029-30", with_parameters(["need.drift"], yearly_sd=0.0)
        ),
        change(
            "need-drift",
            "trend of \N{MINUS SIGN}0.03 a year (logit)",
            "affected children in 2029; referrals in 2029-30",
            with_parameters(["need.drift"], value=-0.03),
        ),
        change("need-that-drives", "two_or_more", f"{referrals}; {care}", lambda: _projected(need="two_or_more")),
        change("projection", "births as projected", "children in 2029; referrals in 2029-30", _as_projected),
        change("projection", "no error", "children in 2029; referrals in 2029-30", _certain),
        change(
            "not-published",
            "plans at 31 March 2025 suppressed",
            "plans (March 2030); children in need (March 2030)",
            lambda: _unpublished("child_protection_plan_at_31_march"),
        ),
        change(
            "not-published",
            "starts in care suppressed",
            "starts in care in 2029-30; looked after (March 2030)",
            lambda: _unpublished("looked_after_started"),
        ),
        change("early-help-reach", "200 families a year", f"{care}; families helped", with_parameters(["early_help.reach"], value=200.0)),
        change(
            "early-help-reach",
            "200 more families in the scenario",
            f"{care}; families helped",
            _rescaled("early_help.reach", "early_help_reach", 2.0),
        ),
        change("early-help-children", "2 children", f"{care}; {referrals}", with_parameters(["early_help.children_per_family"], value=2.0)),
        change("early-help-relative-risk", "2", f"{care}; {referrals}", with_parameters(["early_help.relative_risk"], value=2.0)),
        change("early-help-months", "12 months", f"{care}; {referrals}", with_parameters(["early_help.effect_months"], value=12.0)),
        change("early-help-months", "48 months", f"{care}; {referrals}", with_parameters(["early_help.effect_months"], value=48.0)),
        change("early-help-phases", "from the first month, as long as any effect", f"{care}; {plans}", _from_the_first_month()),
        change(
            "early-help-effect-referral",
            "one sd higher (+0.10)",
            f"{referrals}; {care}",
            with_parameters(["early_help.effect.referral"], value_sds=1.0),
        ),
        change("early-help-effect-referral", "sd halved", referrals, with_parameters(["early_help.effect.referral"], sd=0.075)),
        change(
            "early-help-effect-re-referral",
            "one sd higher (+0.10)",
            again,
            with_parameters(["early_help.effect.re_referral"], value_sds=1.0),
        ),
        change("early-help-effect-plan", "one sd higher (+0.25)", plans, with_parameters(["early_help.effect.plan"], value_sds=1.0)),
        change("early-help-effect-plan", "none", plans, with_parameters(["early_help.effect.plan"], value=0.0, sd=0.0)),
        change("early-help-effect-care", "one sd higher (+0.10)", care, with_parameters(["early_help.effect.care"], value_sds=1.0)),
        change(
            "early-help-effect-care",
            "as EF-01 (\N{MINUS SIGN}0.386)",
            f"{care}; difference in cost of care",
            with_parameters(["early_help.effect.care"], value=float(np.log(1.7 / 2.5))),
        ),
        change(
            "re-referral-share",
            "a quarter higher",
            again,
            with_parameters(["referral.re_referral_share"], value=1.25 * _pathway().parameter("referral.re_referral_share").value),
        ),
        change("follow-up", "one in ten followed up already", again, with_parameters(["referral.follow_up_share"], value=0.1)),
        change(
            "follow-up", "scenario 0.15", f"{again}; families helped (follow_up)", _rescaled("referral.follow_up_share", "follow_up", 0.5)
        ),
        change("unit-costs", "a tenth higher", "difference in cost of care; difference in cost of social work", lambda: _costlier(1.1)),
        change(
            "start-and-horizon", "a year later", f"{care}; families helped", lambda: _projected(scenarios=_ready(_pathway(), "2027-04"))
        ),
        change("start-and-horizon", "11 years projected", f"{care}; looked after (March 2030)", lambda: _projected(years=11)),
    ]


# --- measuring and writing -----------------------------------------------------------------------------------------------------------


def measured(change: Change) -> list[dict[str, str]]:
    """One row of the table a measure."""
    before, after = change.base(), change.run()
    rows = []
    for measure in change.measures:
        (value, width), (new, new_width) = before[measure], after[measure]
        moved, wider = _relative(value, new), _relative(width, new_width)
        affects = " and ".join(n for n, x in (("value", moved), ("width", wider)) if not isnan(x) and abs(x) >= LEAST) or "neither"
        rows.append(
            dict(
                zip(
                    COLUMNS,
                    (change.id, change.what, measure, f"{value:.6g}", f"{new:.6g}", _cell(moved), _cell(wider), affects),
                    strict=True,
                )
            )
        )
    return rows


def _relative(base: float, changed: float) -> float:
    return changed / base - 1 if base else (0.0 if changed == base else nan)


def _cell(x: float) -> str:
    return "" if isnan(x) else f"{x:.4f}".replace("-0.0000", "0.0000")


def register() -> list[dict[str, Any]]:
    """Entries of assumptions.toml."""
    return list(tomllib.loads(REGISTER.read_text(encoding="utf-8"))["assumption"])


def effects() -> list[dict[str, str]]:
    """Rows of assumption_effects.csv."""
    with EFFECTS.open(encoding="utf-8", newline="") as f:
        return list(csv.DictReader(f))


def in_words(rows: Sequence[dict[str, str]]) -> str:
    """Effects of one assumption: each change with its measures, such as ``no drift: any risk interval 12% narrower``."""
    changes: dict[str, list[str]] = {}
    for row in rows:
        changes.setdefault(row["change"], []).append(f"{row['measure']} {_effect(row)}")
    return "; ".join(f"*{what}*: {', '.join(found)}" for what, found in changes.items())


def _effect(row: dict[str, str]) -> str:
    parts = []
    moved = float(row["value_change"] or "nan")
    if isnan(moved) or abs(moved) >= 1:
        parts.append(f"{_number(row['base'])} becomes {_number(row['changed'])}")
    elif abs(moved) >= LEAST:
        parts.append(_percent(moved, sign=True))
    if row["width_change"] and abs(wider := float(row["width_change"])) >= LEAST:
        parts.append(f"interval {_percent(abs(wider))} {'wider' if wider > 0 else 'narrower'}")
    return " and ".join(parts) or "unchanged"


def _number(text: str) -> str:
    x = float(text)
    return f"{x:,.0f}".replace("-", "\N{MINUS SIGN}") if abs(x) >= 100 else f"{x:.1f}".replace("-", "\N{MINUS SIGN}")


def _percent(x: float, sign: bool = False) -> str:
    digits = 1 if abs(x) < 0.0995 else 0
    text = f"{x:+.{digits}%}" if sign else f"{x:.{digits}%}"
    return text.replace("-", "\N{MINUS SIGN}")


def table(entries: Sequence[dict[str, Any]], rows: Sequence[dict[str, str]]) -> str:
    """The register as a Markdown table."""
    lines = [f"| {' | '.join(HEADER)} |", f"|{'---|' * len(HEADER)}"]
    for e in entries:
        own = [r for r in rows if r["id"] == e["id"]]
        effect = in_words(own) if own else f"not measured: {e['not_measured']}"
        covers = ", ".join(f"`{c}`" for c in e["covers"])
        cells = (e["statement"], e["value"], covers, e["owner"], e["date"], e["reason"], effect)
        lines.append(f"| {' | '.join(c.replace('|', '/') for c in cells)} |")
    return "\n".join(lines)


def document(text: str, content: str) -> str:
    """The document with the register between its markers replaced."""
    start, end = text.index(MARKERS[0]) + len(MARKERS[0]), text.index(MARKERS[1])
    return f"{text[:start]}\n{content}\n{text[end:]}"


def rewrite(rows: list[dict[str, str]]) -> None:
    """Write the register into the document."""
    text = document(DOCUMENT.read_text(encoding="utf-8"), table(register(), rows))
    DOCUMENT.write_text(text, encoding="utf-8", newline="\n")


def main() -> None:
    """Measure every change, write the table of effects, and rewrite the register; ``--register`` rewrites it from the last table."""
    if "--register" in sys.argv[1:]:
        with EFFECTS.open(encoding="utf-8", newline="") as f:
            rewrite(list(csv.DictReader(f)))
        return
    began = perf_counter()
    rows = []
    for change in [*need_changes(), *demand_changes()]:
        start = perf_counter()
        rows += measured(change)
        print(f"{perf_counter() - start:5.1f} s  {change.id}: {change.what}", flush=True)
    order = [e["id"] for e in register()]
    rows.sort(key=lambda r: order.index(r["id"]))  # stable: changes of one assumption stay in order
    with EFFECTS.open("w", encoding="utf-8", newline="") as f:
        writer = csv.DictWriter(f, COLUMNS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    rewrite(rows)
    print(f"{perf_counter() - began:.0f} s in all, {len(rows)} effects of {len({r['id'] for r in rows})} assumptions")


if __name__ == "__main__":
    main()
