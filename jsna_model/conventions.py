"""The conventions that data keep: dimensions, their order, variables and what they add up over.

Laws are numbered as in ``docs/conventions.md``.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from jsna_model.errors import LabelError, Problem, raise_all

if TYPE_CHECKING:
    import xarray as xr

# Law 1: registered dimensions in registered order; `draw` is last.
DIMS = (
    "scenario", "year", "month", "area", "age", "age_band", "sex", "pattern", "risk", "state", "service", "agency", "covariate",
    "component", "draw",
)  # fmt: skip

#: DfE age bands: label -> (first, last) single year of age.
AGE_BANDS: dict[str, tuple[int, int]] = {
    "under_1": (0, 0),
    "1_4": (1, 4),
    "5_9": (5, 9),
    "10_15": (10, 15),
    "16_17": (16, 17),
}

#: Geographic levels, finest first; `locality` is the user's own footprint.
LEVELS = ("lsoa", "msoa", "ward", "locality", "district", "authority", "region", "england")

#: Law 15: what a number rests on.
BASES = ("observed", "estimated", "projected", "scenario")

#: Rules of suppression that a file may name; `reports.policies` holds them.
POLICIES = ("dfe_cin", "dfe_cla", "nhs")

#: Law 3: why a value is absent (publishers' symbols on the left).
STATUS = {
    "": "present",
    "c": "suppressed",
    "x": "not available",
    "z": "not applicable",
    "low": "rounds to zero",
    "k": "rounds to zero",
    "u": "low reliability",
}

ENGLAND = "E92000001"


@dataclass(frozen=True)
class Variable:
    """A registered variable.

    Parameters
    ----------
    dims : tuple of str
        Its dimensions in registered order; those in `optional` may be missing.
    unit : str
    long_name : str
    additive_over : frozenset of str
        Dimensions over which it may be summed (law 7).
    optional : frozenset of str
        Dimensions it may come without.
    """

    dims: tuple[str, ...]
    unit: str
    long_name: str
    additive_over: frozenset[str] = frozenset()
    optional: frozenset[str] = frozenset()


def _v(dims: str, unit: str, long_name: str, additive: str = "", optional: str = "") -> Variable:
    return Variable(tuple(dims.split()), unit, long_name, frozenset(additive.split()), frozenset(optional.split()))


VARIABLES: dict[str, Variable] = {
    # population
    "children": _v("year area age age_band sex", "children", "children aged 0-17", "area age age_band sex", "year age age_band sex"),
    "deprivation": _v("area", "decile", "IMD 2025 decile, 1 = most deprived"),
    "social_rented_share": _v("area", "proportion", "share of households renting socially, Census 2021"),
    "rural_share": _v("area", "proportion", "share of children in rural areas (Rural Urban Classification 2021)"),
    "covariate_value": _v("area covariate", "as published", "further covariates of each area"),
    "x": _v("area covariate", "sd over England's children", "standardised covariates of the area model"),
    "children_log_sd": _v("area age_band", "log", "sd of the log error of small-area child counts", "", "area"),
    # need
    "children_by_pattern": _v(
        "area age_band pattern draw", "children", "children by pattern of risks", "area age_band pattern", "age_band"
    ),
    "affected": _v("area age_band risk draw", "children", "children affected by each risk", "area age_band", "age_band"),
    "expected": _v("area component", "children", "expected children affected, by measure", "area"),
    "lower": _v("area component", "children", "lower limit of the interval, by measure"),
    "upper": _v("area component", "children", "upper limit of the interval, by measure"),
    "expected_by_age": _v("area age_band component", "children", "expected children affected, by age band and measure", "area age_band"),
    "lower_by_age": _v("area age_band component", "children", "lower limit of the interval, by age band and measure"),
    "upper_by_age": _v("area age_band component", "children", "upper limit of the interval, by age band and measure"),
    "relative_width": _v("area component", "ratio", "width of the interval over its expected value"),
    # parameters of a fitted need model, enough to regenerate any area's draws
    "national_prevalence": _v("risk draw", "proportion", "national draw, in the evidence's own population"),
    "frame_prevalence": _v("risk draw", "proportion", "expectation over the England frame, relevance included"),
    "intercept": _v("risk draw", "logit", "intercept of the area model"),
    "relevance": _v("risk draw", "logit", "relevance discrepancy"),
    "gradient": _v("risk covariate draw", "logit per sd", "change with each covariate, deprivation first", "", "covariate"),
    "age_effect": _v("age_band risk draw", "logit", "age profile"),
    "shift": _v("area risk draw", "logit", "what local data adds to an area, or to all areas of an authority"),
    "log_linear": _v("component draw", "log odds ratio", "log-linear interactions of the overlap"),
    # demand
    "flow": _v("scenario year area service draw", "count a year", "events in the financial year", "area year", "draw"),
    "caseload": _v("scenario year area service draw", "children", "open at 31 March that ends the financial year", "area", "draw"),
    "placed": _v("scenario year area component draw", "children", "looked after at 31 March by placement", "area component", "draw"),
    "opening": _v("scenario year area state draw", "children", "stock at the start of the year", "area state"),
    "entries": _v("scenario year area state draw", "children", "entries in the year", "area year"),
    "exits": _v("scenario year area state draw", "children", "exits in the year", "area year"),
    "closing": _v("scenario year area state draw", "children", "stock at the end of the year", "area state"),
    "children_projected": _v("year area age_band draw", "children", "projected children", "area age_band", "draw"),
    "affected_projected": _v("year area draw", "children", "projected children affected by any risk of the set", "area"),
    "families_helped": _v("scenario year area draw", "families", "families given early help in the year", "area year"),
    "pathway_flow": _v("scenario year area service draw", "count a year", "counted on ways of the pathway", "area year", "draw"),
    "waiting_months": _v("scenario year area draw", "months", "mean wait of children admitted to early help"),
    "pathway_flow_affected": _v("scenario year area service draw", "count a year", "part of it with a risk", "area year", "draw"),
    "closed_without_help": _v(
        "year area age_band pattern draw", "referrals", "closed without early help or statutory work", "year area age_band pattern"
    ),
    "known_children": _v("scenario year area service draw", "children", "known to a service at 31 March", "area service", "draw"),
    "known_affected": _v("scenario year area service draw", "children", "part of them with a risk", "area service", "draw"),
    "known_two_or_more": _v("scenario year area service draw", "children", "part of them with two risks or more", "area service", "draw"),
    "affected_any": _v("year area draw", "children", "with any risk", "area", "draw"),
    "affected_two_or_more": _v("year area draw", "children", "with two risks or more", "area", "draw"),
    "expected_count": _v("scenario year area service draw", "count", "flow or caseload, process noise averaged out", "area", "draw"),
    "expected_families_helped": _v("scenario year area draw", "families", "families helped, process noise averaged out", "area year"),
    "open_by_age": _v("scenario year area age_band draw", "children", "open episodes at 31 March by age", "area age_band"),
    "known_by_pattern": _v("scenario year area pattern draw", "children", "in early help or an open episode, by risks", "area pattern"),
    "affected_by_age": _v("scenario year area age_band draw", "children", "children affected in a scenario, by age", "area age_band"),
    "affected_by_pattern": _v("scenario year area pattern draw", "children", "children affected, by pattern of risks", "area pattern"),
    "observed": _v("area service", "count", "published count", "", ""),
    "observed_per_10000": _v("area service", "per 10,000 children", "published count per 10,000 children"),
    # decision
    "difference": _v("scenario year area service draw", "count", "difference from the comparator", "area"),
    **{
        f"{n}_difference": _v(f"scenario year area {g} draw", "children", f"difference from the comparator, {w}", f"area {g}")
        for n, g, w in (
            ("open_by_age", "age_band", "open episodes by age"),
            ("known_by_pattern", "pattern", "known to a service, by risks"),
            ("affected_by_age", "age_band", "affected, by age"),
            ("affected_by_pattern", "pattern", "affected, by pattern"),
        )
    },
    "cost_difference": _v("scenario year area service draw", "pounds", "difference in average cost", "area year service"),
    "cost_by_agency": _v("scenario year area agency draw", "pounds", "difference in average cost by who pays", "area year agency"),
    "cashable_difference": _v("scenario year area agency draw", "pounds", "part of it that can be saved in cash", "area year agency"),
    "fixed_difference": _v("scenario year area agency draw", "pounds", "part that stays however many need it", "area year agency"),
    "marginal_difference": _v("scenario year area agency draw", "pounds", "part that changes with how many need it", "area year agency"),
    "present_value": _v("scenario area agency draw", "pounds", "present value of the difference in average cost", "area agency"),
    "break_even_cost": _v("scenario area draw", "pounds a family", "most that one more family helped may cost for services to pay for it"),
    "payback": _v("scenario area draw", "years", "until savings have paid for spending; absent where they do not within the horizon"),
    "net_cost": _v("scenario area draw", "pounds", "difference in average cost over the horizon, all agencies", "area"),
    "effect_difference": _v("scenario area draw", "count", "effect gained over the horizon", "area"),
    "probability_best": _v("scenario area component", "probability", "has the most net benefit, by threshold"),
    "most_expected": _v("scenario area component", "share", "1 where expected net benefit is highest, by threshold"),
    "probability_on_frontier": _v("scenario area", "probability", "neither dominated nor dominated by extension"),
    "icer": _v("scenario area", "pounds a unit of effect", "incremental cost-effectiveness ratio"),
    "frontier_order": _v("scenario area", "place", "place on the frontier of expected values, -1 off it"),
    "quadrant": _v("scenario area component", "probability", "quadrant of the cost-effectiveness plane"),
    "evpi": _v("area component", "pounds", "expected value of perfect information, by threshold"),
    "evppi": _v("area component", "pounds", "expected value of perfect information on a group of parameters"),
    "evppi_error": _v("area component", "pounds", "its bootstrap standard error"),
    "evppi_stable": _v("area component", "flag", "1 where doubling the draws moves it by less than a tenth: show no other"),
    "variance": _v("scenario area component", "unit squared", "variance by source; adds up over sources", "component"),
    "at_low": _v("scenario area component", "count", "expected effect where a parameter is at its 10% quantile"),
    "at_high": _v("scenario area component", "count", "expected effect where a parameter is at its 90% quantile"),
    "swing_error": _v("scenario area component", "count", "standard error of at_high less at_low, from the number of draws"),
    "change_part": _v("scenario area service component draw", "count", "part of the change from base to horizon", "area component"),
}  # fmt: skip


def in_order(dims: Iterable[str]) -> bool:
    """Whether dimensions are registered and stand in the registered order (law 1).

    Examples
    --------
    >>> in_order(("area", "draw")), in_order(("draw", "area"))
    (True, False)
    """
    try:
        places = [DIMS.index(d) for d in dims]
    except ValueError:
        return False
    return places == sorted(places)


def validate(data: xr.Dataset, name: str = "dataset") -> xr.Dataset:
    """Check a dataset against the registry; every failure is reported at once.

    Parameters
    ----------
    data : xarray.Dataset
    name : str
        What to call it in messages.

    Returns
    -------
    xarray.Dataset
        The same object.

    Raises
    ------
    LabelError
        Listing unknown variables, wrong dimensions or order, duplicate labels.
    """
    problems = []
    for key, values in data.data_vars.items():
        variable = VARIABLES.get(str(key))
        if variable is None:
            problems.append(Problem(f"variable {key!r} is not registered", f"use one of {sorted(VARIABLES)}", file=name))
            continue
        dims = tuple(str(d) for d in values.dims)
        required = set(variable.dims) - variable.optional
        if not in_order(dims) or not set(dims) <= set(variable.dims) or not required <= set(dims):
            problems.append(
                Problem(f"variable {key!r} has dims {dims}, registered as {variable.dims}", "transpose or rename them", file=name)
            )
    for dim in data.indexes:
        index = data.indexes[dim]
        if not index.is_unique:
            twice = sorted({str(x) for x in index[index.duplicated()]})
            problems.append(Problem(f"{dim} has duplicate labels {twice[:5]}", "keep each label once", file=name, column=str(dim)))
    raise_all(problems, LabelError)
    return data


def risks_of(pattern: str) -> tuple[str, ...]:
    """Risks that a pattern has, from its label.

    Examples
    --------
    >>> risks_of("a+b"), risks_of("a"), risks_of("none")
    (('a', 'b'), ('a',), ())
    """
    return () if pattern == "none" else tuple(pattern.split("+"))


def require_additive(variable: str, over: Iterable[str]) -> None:
    """Refuse a sum over dimensions that a variable does not add up over (law 7).

    Raises
    ------
    MeasureError
    """
    from jsna_model.errors import MeasureError

    bad = sorted(set(over) - VARIABLES[variable].additive_over)
    if bad:
        raise MeasureError(
            f"{variable} does not add up over {', '.join(bad)} (law 7): a child with two risks would be counted twice. "
            "Ask for 'any_risk', 'two_or_more' or a single risk."
        )
