"""Rates of the pathway's ways that reproduce an authority's published counts from a steady state, and what does not reconcile."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, logit

from jsna_model.counting import published_counts
from jsna_model.errors import Problem, raise_all
from jsna_model.layout import AGELESS, CARE, OPEN, PLAN_BANDS, STAY_AT_18, Layout, Route, compile_layout
from jsna_model.methods.steady_state import plan_hazards, stationary_by_age, transition

Array = NDArray[np.float64]

#: Published duration bands of plans, months (DfE table D5).
PLAN_WIDTHS = np.array([3.0, 3.0, 6.0, 12.0])
#: Months for which a closed case is recent: within three, then within twelve (Ofsted; DfE).
CLOSED_WIDTHS = (3.0, 9.0)
#: Rates that calibration finds, and the count that each answers to.
TARGETS = {
    "contact.rate": "first_referrals",
    "early_help.request_rate": "early_help_accepted",
    "closed.re_referral_rate_0_3": "re_referrals_0_3",
    "closed.re_referral_rate_3_12": "re_referrals_3_12",
    "no_further_action": "no_further_action",
    "assessment.not_in_need": "assessed_not_in_need",
    "assessment.section_47_rate": "section_47_assessment",
    "child_in_need.section_47_rate": "section_47_child_in_need",
    "plan.end": "child_protection_plan_at_31_march",
    "care.emergency_rate": "care_need",
    "assessment.care_rate": "care_assessment",
    "child_in_need.care_rate": "care_child_in_need",
    "plan.care_rate": "care_plan",
    "care.end": "looked_after_at_31_march",
    "child_in_need.closure": "child_in_need_at_31_march",
    "disability.rate": "disabled_in_need",
    "unborn.rate": "unborn",
}
#: Entry to care straight from the community.
EMERGENCY = "care.emergency_rate"
#: Rates that differ by age, and the multiples in ``defaults/layout.toml`` that they take.
AGED = dict.fromkeys(
    (
        EMERGENCY,
        "early_help.care_rate",
        "assessment.care_rate",
        "child_in_need.care_rate",
        "family_help.care_rate",
        "disability.care_rate",
        "plan.care_rate",
    ),
    "care.start_age",
) | dict.fromkeys(("care.leave_rate", "care.return_in_need_rate"), "care.end_age")
#: DfE's bands of the age at which children start and cease to be looked after, by single year of age 0 to 17.
_BAND_OF_AGE = ("0", *("1_4",) * 4, *("5_9",) * 5, *("10_15",) * 6, *("16_17",) * 2)
#: Of them, those that are shares: more cannot be closed than is decided, whatever a draw of the year's counts asks for.
SHARES = frozenset({"no_further_action"})
#: Distance from 1 at which a share's search starts, at least.
MOST_SHARE = 0.02
#: Least rate a month at which assessments lead to a child in need plan.
LEAST_IN_NEED = 0.01
#: Greatest share of care starts that may be unaccompanied children.
MOST_UNACCOMPANIED = 0.5
#: Departure from a target above which it is named.
DISCREPANCY = 0.01


@dataclass(frozen=True)
class BaseRates:
    """Calibrated rates of one authority.

    Parameters
    ----------
    rates : dict of str to float
        By parameter of the layout: children a month for streams from outside, a month for hazards, shares.
    discrepancy : dict of str to float
        Steady state over target, where more than `DISCREPANCY` off: what the counts of the year do not reconcile.
    notes : tuple of str
    solution : dict of str to float
        What was solved for, by name of `TARGETS`: logarithms, but logits of `SHARES`.
    """

    rates: dict[str, float]
    discrepancy: dict[str, float]
    notes: tuple[str, ...]
    solution: dict[str, float] = field(default_factory=dict)


def month_hazard(months: float) -> float:
    """Hazard a month that gives a mean stay of `months`, counted at ends of months: ``-ln(1 - 1 / months)``."""
    return float(-np.log1p(-1 / months))


def age_profile(rate: str, values: Mapping[str, float]) -> Array:
    """How a rate differs by age: its multiple by age reached at the end of the year, shape (19,); ones but for care's (`AGED`).

    Half of a class's months are spent a year younger; bands are DfE's, of the age at which a child starts or ceases to be looked after.
    """
    if rate not in AGED:
        return np.ones(len(_BAND_OF_AGE) + 1)
    by_age = np.array([values[f"{AGED[rate]}_{b}"] for b in _BAND_OF_AGE])
    return np.asarray(np.concatenate([by_age[:1], (by_age[:-1] + by_age[1:]) / 2, by_age[-1:]]))


def entry_ages(by_class: Array, values: Mapping[str, float]) -> dict[str, Array]:
    """Shares of entries by age reached at the end of the year, for each stream from outside, and for ``emergency`` entry to care.

    Parameters
    ----------
    by_class : ndarray, shape (19,)
        Need by class: adds to anything above zero.
    values : mapping of str to float
        Parameters of ``defaults/layout.toml``: of unaccompanied children, a share is aged 16 or 17, and the others are 13 to 15.
    """
    ages = np.arange(len(by_class))
    young, old = ((ages >= 14) & (ages <= 16)).astype(float), (ages >= 17).astype(float)
    need = by_class / by_class.sum()
    emergency = need * age_profile(EMERGENCY, values)
    share_16 = values["unaccompanied.from_16"]
    return {
        "need": need,
        "emergency": emergency / emergency.sum(),
        "disability": need,
        "birth": (ages == 0).astype(float),
        "arrival": (1 - share_16) * young / young.sum() + share_16 * old / old.sum(),
    }


def stream_of(route: Route) -> str:
    """Name in `entry_ages` of the ages of a route from outside."""
    return "emergency" if route.rate == EMERGENCY else route.origin


def age_hazards(layout: Layout, rates: Mapping[str, float], values: Mapping[str, float]) -> Array:
    """Hazards a month of a layout's routes by age, shape (route, 19)."""
    return np.stack([float(r.value(rates)) * age_profile(r.rate, values) for r in layout.routes])


def base_rates(counts: Mapping[str, float], values: Mapping[str, float], by_class: Array) -> BaseRates:
    """Find the rates at which an authority's counts of the base year would come back every year.

    Published stocks and flows determine the rates, given what is assumed about what is not published (`data_sources.load_layout`).
    The steady state is solved by least squares on log ratios, so that counts which do not reconcile leave a named discrepancy.

    Parameters
    ----------
    counts : mapping of str to float
        Published counts of the base year, none missing but perhaps ``child_in_need_ended`` and ``looked_after_ceased``, which steady
        states set equal to what starts.
    values : mapping of str to float
        Parameters of ``defaults/layout.toml``.
    by_class : ndarray, shape (19,)
        Children in need of help by the age they reach in the year, 0 to 18.

    Returns
    -------
    BaseRates

    Raises
    ------
    InputError
        For counts that cannot be, all at once.
    """
    from scipy.optimize import least_squares

    _check(counts, values)
    layout = compile_layout("early_help_and_cin")
    notes: list[str] = []
    fixed, targets = _fixed(counts, values, notes), _targets(counts, values)
    ages = entry_ages(by_class, values)
    free = [n for n, target in TARGETS.items() if targets[target] > 0]
    want = np.array([targets[TARGETS[n]] for n in free])
    start = _start(counts, targets, values)

    def rates(x: Array) -> dict[str, float]:
        return _rates(natural_rates(free, x), fixed, values)

    def off(x: Array) -> Array:
        reached = achieved(rates(x), layout, ages, values)
        return np.log(np.maximum([reached[TARGETS[n]] for n in free], 1e-12) / want)

    x0 = np.array([logit(min(start[n], 1 - MOST_SHARE)) if n in SHARES else np.log(max(start[n], 1e-9)) for n in free])
    solved = least_squares(off, x0, xtol=1e-14, ftol=1e-14, gtol=1e-14, max_nfev=60, bounds=(x0 - 8, x0 + 8))
    found = rates(solved.x)
    if found["assessment.in_need_rate"] <= (1 - values["child_in_need.brief_part"]) * LEAST_IN_NEED:
        notes.append(
            "more assessments end in no need, a plan or care than there are: what is left for a child in need plan is held at a trace."
        )
    end = achieved(found, layout, ages, values)
    notes += [
        f"{t}: none published, but the year's flows imply {end[t]:.1f}." for t in TARGETS.values() if targets[t] <= 0 < round(end[t], 1)
    ]
    ratio = dict(zip([TARGETS[n] for n in free], np.exp(solved.fun), strict=True))
    return BaseRates(
        found,
        {n: float(r) for n, r in ratio.items() if abs(r - 1) > DISCREPANCY},
        tuple(notes),
        dict(zip(free, solved.x.tolist(), strict=True)),
    )


def natural_rates(names: Sequence[str], x: Array) -> dict[str, float]:
    """What is solved for, by name of `TARGETS`, from `BaseRates.solution`'s scale: shares stay below 1 by construction (law 10)."""
    found = {n: float(expit(v)) if n in SHARES else float(np.exp(v)) for n, v in zip(names, x, strict=True)}
    return dict.fromkeys(TARGETS, 0.0) | found


@dataclass(frozen=True)
class SteadyYear:
    """A year that comes back, by age reached at its end.

    Parameters
    ----------
    place : dict of str to int
        Places of states.
    stock : ndarray, shape (19, state)
        At the start of the year, after birthdays: whoever reaches *a* in the year is *a* - 1 on 31 March.
    aged_out : ndarray, shape (state,)
        Children a year who reach 18 there.
    flows : tuple of (Route, ndarray of shape (19,))
        Children a year on each route, event and entry.
    """

    place: dict[str, int]
    stock: Array
    aged_out: Array
    flows: tuple[tuple[Route, Array], ...]


def steady_year(rates: Mapping[str, float], layout: Layout, ages: Mapping[str, Array], values: Mapping[str, float]) -> SteadyYear:
    """Stocks and flows by age of the steady state at given rates; with no limit on places, whoever waits is admitted within the month."""
    states = layout.network.states
    place = {s: i for i, s in enumerate(states)}
    origin = np.array([place[r.origin] for r in layout.routes])
    to = np.array([-1 if r.to is None else place[r.to] for r in layout.routes])
    matrix, chance, there = transition(age_hazards(layout, rates, values), origin, to, len(states))
    entries = np.zeros((len(ages["need"]), len(states)))
    entering = [float(r.value(rates)) for r in layout.entries]
    for route, amount in zip(layout.entries, entering, strict=True):
        if route.to is not None:
            entries[:, place[route.to]] += amount * ages[stream_of(route)]
    wait, active = place["early_help_waiting"], place["early_help"]
    matrix[:, active] += matrix[:, wait]
    matrix[:, wait] = 0.0
    entries[:, active] += entries[:, wait]
    entries[:, wait] = 0.0
    stock, exposure, aged_out = stationary_by_age(matrix, entries, np.array([s in AGELESS for s in states]))
    flows = (
        *((r, exposure[:, o] * c) for r, o, c in zip(layout.routes, origin, chance, strict=True)),
        *((r, exposure[:, place[r.origin]] * there[place[r.origin]] * float(r.value(rates))) for r in layout.events),
        *((r, 12 * amount * ages[stream_of(r)]) for r, amount in zip(layout.entries, entering, strict=True)),
    )
    return SteadyYear(place, stock, aged_out, flows)


def achieved(rates: Mapping[str, float], layout: Layout, ages: Mapping[str, Array], values: Mapping[str, float]) -> dict[str, float]:
    """Counts of a steady year at given rates: what is published, and what `TARGETS` names beside."""
    year = steady_year(rates, layout, ages, values)
    place, stock, aged_out, yearly = year.place, year.stock, year.aged_out, [(r, v.sum()) for r, v in year.flows]
    kept = sum(aged_out[place[s]] for s in STAY_AT_18) * values["care.open_over_18_share"]
    flows: dict[str, float] = {
        "left_care_at_18": float(sum(aged_out[place[s]] for s in CARE)),
        "left_at_18": float(sum(aged_out[place[s]] for s in OPEN) - kept),
    }
    for route, amount in yearly:
        for name in route.counts:
            flows[name] = flows.get(name, 0.0) + float(amount)
    at_end = {s: float(stock[:, i].sum()) for s, i in place.items()}
    at_end["over_18"] = float(kept / 12 * values["over_18.months"])
    flows["episode_ended"] += kept
    out = {n: float(v) for n, v in published_counts(_arrays(at_end), _arrays(flows)).items()}

    def from_(count: str, *origins: str) -> float:
        return float(sum(v for r, v in yearly if count in r.counts and r.origin in origins))

    re_referrals = {f"re_referrals_{b}": from_("re_referral", f"closed_{b}") for b in ("0_3", "3_12")}
    return (
        flows
        | at_end
        | out  # where a flow and a published count share a name, the count: it has those who reach 18
        | re_referrals
        | {
            "first_referrals": flows["referral"] - flows["re_referral"],
            "section_47_assessment": from_("section_47", "assessment", "unborn"),
            "section_47_child_in_need": from_("section_47", "child_in_need"),
            "care_need": from_("looked_after_started", "need", "early_help", "early_help_waiting"),
            "care_assessment": from_("looked_after_started", "assessment", "unborn"),
            "care_child_in_need": from_("looked_after_started", "child_in_need", "disabled_in_need"),
            "care_plan": from_("looked_after_started", *PLAN_BANDS),
        }
    )


def _arrays(flows: Mapping[str, float]) -> dict[str, Array]:
    return {n: np.asarray(v) for n, v in flows.items()}


def _check(counts: Mapping[str, float], values: Mapping[str, float]) -> None:
    stock, plans, care = (counts[f"{s}_at_31_march"] for s in ("child_in_need", "child_protection_plan", "looked_after"))
    problems = []
    if plans + care > stock:
        problems.append(
            Problem(
                f"{plans:,.0f} children on a plan and {care:,.0f} looked after are more than the {stock:,.0f} in need at 31 March",
                "every open episode is in need: correct the counts",
            )
        )
    ended = counts["referrals_no_further_action"] + counts["referrals_assessed_not_in_need"]
    if ended > counts["referrals"]:
        problems.append(
            Problem(
                f"{ended:,.0f} referrals closed or assessed not in need are more than the {counts['referrals']:,.0f} referrals",
                "correct the counts",
            )
        )
    if counts["re_referrals"] > counts["referrals"]:
        problems.append(
            Problem(f"{counts['re_referrals']:,.0f} re-referrals of {counts['referrals']:,.0f} referrals", "correct the counts")
        )
    parts = [f"care.from_{s}" for s in ("need", "assessment", "plan")]
    if sum(values[n] for n in parts) > 1:
        problems.append(Problem(f"{', '.join(parts)} add up to {sum(values[n] for n in parts):g}", "lower one; nothing is rescaled"))
    raise_all(problems)


def _targets(counts: Mapping[str, float], values: Mapping[str, float]) -> dict[str, float]:
    """What each calibrated rate answers to."""
    stock, referrals, again = counts["child_in_need_at_31_march"], counts["referrals"], counts["re_referrals"]
    unaccompanied = _unaccompanied(counts, values)
    care = counts["looked_after_started"] - unaccompanied
    part = {s: values[f"care.from_{s}"] for s in ("need", "assessment", "plan")}
    early, assessed = values["closed.early_part"], values["section_47.from_assessment"]
    return {
        "first_referrals": referrals - again,
        "early_help_accepted": values["early_help.per_referral"] * referrals,
        "re_referrals_0_3": early * again,
        "re_referrals_3_12": (1 - early) * again,
        "no_further_action": counts["referrals_no_further_action"],
        "assessed_not_in_need": counts["referrals_assessed_not_in_need"],
        "section_47_assessment": assessed * counts["section_47_enquiries"],
        "section_47_child_in_need": (1 - assessed) * counts["section_47_enquiries"],
        "child_protection_plan_at_31_march": counts["child_protection_plan_at_31_march"],
        "care_need": part["need"] * care,
        "care_assessment": part["assessment"] * care,
        "care_plan": part["plan"] * care,
        "care_child_in_need": (1 - sum(part.values())) * care,
        "looked_after_at_31_march": counts["looked_after_at_31_march"],
        "child_in_need_at_31_march": stock,
        "disabled_in_need": values["disability.stock_share"] * stock,
        "unborn": values["unborn.stock_share"] * stock,
    }


def _unaccompanied(counts: Mapping[str, float], values: Mapping[str, float]) -> float:
    """Unaccompanied children entering in a year: not more than half of those who start to be looked after."""
    return min(values["unaccompanied.per_referral"] * counts["referrals"], MOST_UNACCOMPANIED * counts["looked_after_started"])


def _fixed(counts: Mapping[str, float], values: Mapping[str, float], notes: list[str]) -> dict[str, float]:
    """Rates that follow from assumptions and single ratios of counts."""
    enquiries, conferences, plans = (
        counts[n] for n in ("section_47_enquiries", "initial_child_protection_conferences", "child_protection_plan_started")
    )
    conference = conferences / enquiries if enquiries > 0 else 0.0
    plan = plans / conferences if conferences > 0 else 0.0
    if plan > 1 or conference > 1:
        both = min(plans / enquiries, 1.0) if enquiries > 0 else 0.0
        notes.append(
            f"{plans:,.0f} plans from {conferences:,.0f} conferences from {enquiries:,.0f} enquiries make no shares. Every conference is "
            "taken to make a plan: plans started are met and conferences are not (children who move in with a plan; counts by child)."
        )
        conference, plan = both, 1.0
    if _unaccompanied(counts, values) < values["unaccompanied.per_referral"] * counts["referrals"]:
        notes.append("unaccompanied children per referral would be most of those starting to be looked after: held at half of them.")
    bands = np.array([values[f"plan.stock_{b.removeprefix('plan_')}"] for b in PLAN_BANDS])
    leave, progress = plan_hazards(bands / bands.sum(), PLAN_WIDTHS)
    out = {"section_47.conference_share": conference, "conference.plan_share": plan}
    out |= {f"profile_{b}": float(h) for b, h in zip(PLAN_BANDS, leave, strict=True)}
    out |= {f"plan.progress_{b.removeprefix('plan_')}": float(h) for b, h in zip(PLAN_BANDS, progress, strict=False)}
    leaving_help = month_hazard(values["early_help.months"])
    step_up = values["early_help.step_up_part"] * leaving_help
    unborn = month_hazard(values["unborn.months"])
    out |= {
        "contact.referral_share": values["contact.referral_share"],
        "early_help.step_up_rate": step_up,
        "early_help.waiting_step_up_rate": values["early_help.waiting_step_up"] * step_up,
        "early_help.closure_rate": leaving_help - step_up,
        "early_help.drop_out_rate": values["early_help.drop_out_rate"],
        "early_help.care_rate": values["early_help.care_rate"],
        "disability.care_rate": values["disability.care_rate"],
        "disability.closure_rate": month_hazard(values["disability.months"]) - values["disability.care_rate"],
        "unborn.care_rate": values["unborn.care_part"] * unborn,
        "unborn.birth_rate": (1 - values["unborn.care_part"]) * unborn,
        "plan.care_overlap_share": values["plan.care_overlap_share"],
        "care.plan_end_rate": month_hazard(values["care.plan_end_months"]),
        "care.open_over_18_share": values["care.open_over_18_share"],
        "over_18.end_rate": month_hazard(values["over_18.months"]),
        "unaccompanied.rate": _unaccompanied(counts, values) / 12,
        "unaccompanied.end_rate": values["unaccompanied.end_rate"],
        "closed.progress_0_3": 1 / CLOSED_WIDTHS[0],
        "closed.progress_3_12": 1 / CLOSED_WIDTHS[1],
    }
    return out


def _start(counts: Mapping[str, float], targets: Mapping[str, float], values: Mapping[str, float]) -> dict[str, float]:
    """First guesses, from single ratios."""
    referrals = counts["referrals"]
    assessed = max((referrals - counts["referrals_no_further_action"]) / 12 * values["assessment.months"], 1e-6)
    plain = max(targets["child_in_need_at_31_march"] - counts["child_protection_plan_at_31_march"] - counts["looked_after_at_31_march"], 1)
    plans, care = max(counts["child_protection_plan_at_31_march"], 1e-6), max(counts["looked_after_at_31_march"], 1e-6)
    return {
        "contact.rate": targets["first_referrals"] / 12 / values["contact.referral_share"],
        "early_help.request_rate": targets["early_help_accepted"] / 12 * 0.7,
        "closed.re_referral_rate_0_3": 0.08,
        "closed.re_referral_rate_3_12": 0.04,
        "no_further_action": max(counts["referrals_no_further_action"] / referrals, 1e-6),
        "assessment.not_in_need": max(targets["assessed_not_in_need"] / 12 / assessed, 1e-6),
        "assessment.section_47_rate": targets["section_47_assessment"] / 12 / assessed,
        "child_in_need.section_47_rate": targets["section_47_child_in_need"] / 6 / plain,
        "plan.end": 1.0,
        "care.emergency_rate": targets["care_need"] / 12,
        "assessment.care_rate": targets["care_assessment"] / 12 / assessed,
        "child_in_need.care_rate": targets["care_child_in_need"] / 6 / plain,
        "plan.care_rate": targets["care_plan"] / 12 / plans,
        "care.end": counts["looked_after_started"] / 20 / care,
        "child_in_need.closure": counts["child_in_need_started"] / 8 / plain,
        "disability.rate": targets["disabled_in_need"] / values["disability.months"],
        "unborn.rate": targets["unborn"] / values["unborn.months"],
    }


def _rates(found: Mapping[str, float], fixed: Mapping[str, float], values: Mapping[str, float]) -> dict[str, float]:
    """All parameters of the layout from what is solved and what is fixed."""
    to_help, closing, end = values["referral.early_help_part"], found["child_in_need.closure"], found["care.end"]
    home = values["care.return_in_need_part"]
    out = {n: v for n, v in fixed.items() if not n.startswith("profile_")} | {n: found[n] for n in TARGETS if n in _PLAIN}
    assessed_help = values["assessment.early_help_part"]
    out |= {
        "referral.early_help_share": to_help * found["no_further_action"],
        "referral.no_further_action_share": (1 - to_help) * found["no_further_action"],
        "assessment.not_in_need_rate": (1 - assessed_help) * found["assessment.not_in_need"],
        "assessment.early_help_rate": assessed_help * found["assessment.not_in_need"],
        "child_in_need.step_down_rate": values["child_in_need.step_down_part"] * closing,
        "child_in_need.closure_rate": (1 - values["child_in_need.step_down_part"]) * closing,
        "care.return_in_need_rate": home * end,
        "care.leave_rate": (1 - home) * end,
        "unborn.section_47_rate": values["section_47.unborn"] * found["assessment.section_47_rate"],
    }
    out |= {f"plan.end_rate_{b.removeprefix('plan_')}": fixed[f"profile_{b}"] * found["plan.end"] for b in PLAN_BANDS}
    to_plan = found["assessment.section_47_rate"] * fixed["section_47.conference_share"] * fixed["conference.plan_share"]
    others = found["assessment.not_in_need"] + to_plan + found["assessment.care_rate"]
    # What is left of the assessments: not below a trace, so that the solver may pass through what cannot be; named if it ends there.
    in_need = max(month_hazard(values["assessment.months"]) - others, LEAST_IN_NEED)
    brief, step_down = values["child_in_need.brief_part"], values["child_in_need.step_down_part"]
    out["assessment.in_need_rate"] = (1 - brief) * in_need
    out["assessment.brief_closure_rate"] = brief * (1 - step_down) * in_need
    out["assessment.brief_step_down_rate"] = brief * step_down * in_need
    return out


_PLAIN = frozenset(
    n for n in TARGETS if n not in ("no_further_action", "assessment.not_in_need", "plan.end", "care.end", "child_in_need.closure")
)
