"""The demand model of one authority: from affected children to monthly flows and stocks, draw by draw, for any scenario."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, logit

from jsna_model.draws import normals
from jsna_model.errors import InputError, Problem, UnknownNameError, nearest, raise_all
from jsna_model.methods.stock_flow import Move, hazards, step
from jsna_model.pathway import FLOWS, PUBLISHED, STATES, STOCKS, Parameter, Pathway
from jsna_model.scenario import Scenario, month_index
from jsna_model.verbs.group_changes import NEED, need_level

Array = NDArray[np.float64]

PLAN = ("in_need_only", "on_plan")
CARE = ("in_need_only", "looked_after")
CARE_FROM_PLAN = ("on_plan", "looked_after")
STEP_DOWN = ("on_plan", "in_need_only")
CLOSE = ("in_need_only", None)
LEAVE_CARE = ("looked_after", None)

#: Multiplier of each move's hazard.
MOVE_PARAMETERS: dict[Move, str] = {
    PLAN: "plan.start_rate",
    CARE: "care.start_rate",
    CARE_FROM_PLAN: "care.start_rate",
    STEP_DOWN: "plan.end_rate",
    CLOSE: "in_need.closure_rate",
    LEAVE_CARE: "care.end_rate",
}


@dataclass(frozen=True)
class Demand:
    """Yearly outcome of one authority under one scenario; arrays of shape (year, ..., draw)."""

    flow: Array
    opening: Array
    entries: Array
    exits: Array
    closing: Array
    families_helped: Array
    path: Array  # (month, 2, draw): children in need only, and open cases out of care, at the start of each month

    @property
    def caseload(self) -> Array:
        """Published stocks at the end of each year, shape (year, service, draw): sums of the closing states."""
        return np.stack([self.closing[:, [STATES.index(s) for s in PUBLISHED[stock]]].sum(1) for stock in STOCKS], axis=1)


#: Parameters that hold for the whole horizon: set them under [parameters], not in a scenario.
LASTING = ("early_help.children_per_family", "early_help.relative_risk", "early_help.effect_months", "need.drift")


def parameter_draws(parameter: Parameter, name: str, seed: int, draws: int) -> Array:
    """Draws of a parameter, shape (draw,), inside its range by construction of its scale (law 10)."""
    z = normals(seed, f"pathway/{name}", draws)
    if parameter.scale == "log":
        return np.asarray(parameter.value * np.exp(parameter.sd * z - parameter.sd**2 / 2))
    if parameter.scale == "duration":
        return np.asarray(parameter.value * np.exp(parameter.sd * z + parameter.sd**2 / 2))
    if parameter.scale == "logit":
        if parameter.value in (0.0, 1.0):
            return np.full(draws, parameter.value)
        return np.asarray(expit(logit(parameter.value) + parameter.sd * z))
    return np.asarray(parameter.value + parameter.sd * z)


def yearly_walk(parameter: Parameter, name: str, area: str, years: int, seed: int, draws: int) -> Array:
    """Multiplier of a rate that moves by itself, shape (year, draw): ``exp(e_t - Var(e_t)/2)``, mean 1.

    ``e_t = persistence e_(t-1) + yearly_sd z_t`` from ``e_0 = 0`` in the base year.
    """
    out, last, variance = np.empty((years, draws)), np.zeros(draws), 0.0
    for t in range(years):
        last = parameter.persistence * last + parameter.yearly_sd * normals(seed, f"pathway/{name}/{area}/{t}", draws)
        variance = parameter.persistence**2 * variance + parameter.yearly_sd**2
        out[t] = np.exp(last - variance / 2)
    return out


def check_scenario(scenario: Scenario, pathway: Pathway, last_month: str, later: Collection[str] = ()) -> None:
    """Refuse a scenario that names an unknown parameter, takes one out of its range, or could have no effect; all problems at once.

    Parameters
    ----------
    scenario, pathway
    last_month : str
        Of the horizon.
    later : collection of str
        Parameters whose values are not known yet, so that their ranges are checked when they are.

    Raises
    ------
    UnknownNameError
        Where nothing is wrong but names.
    InputError
    """
    problems, names = [], 0
    first_month = f"{int(pathway.base_year[:4]) + 1}-04"
    for i, change in enumerate(scenario.changes):
        key = ("scenario", scenario.name, "change", i)
        known = change.parameter in pathway.parameters
        if not known and change.parameter not in later:
            close = nearest(change.parameter, [*pathway.parameters, *later])
            found = f"No pathway parameter is called {change.parameter!r}"
            fix = f"Did you mean {' or '.join(repr(c) for c in close)}" if close else "jsna scenarios show NAME has some"
            problems.append(Problem(found, fix, key=(*key, "parameter")))
            names += 1
            continue
        if change.parameter in LASTING or change.parameter.startswith("early_help.effect."):
            problems.append(
                Problem(
                    f"scenario {scenario.name!r} changes {change.parameter}, which holds for the whole horizon",
                    "give it under [parameters] in study.toml, or to load_pathway(parameters=...)",
                    key=(*key, "parameter"),
                )
            )
        if month_index(change.start) > month_index(last_month):
            problems.append(
                Problem(
                    f"scenario {scenario.name!r} changes {change.parameter} from {change.start}, after the horizon ends in {last_month}",
                    "start it earlier, or project more years",
                    key=(*key, "start"),
                )
            )
        if month_index(change.start) < month_index(first_month):
            problems.append(
                Problem(
                    f"scenario {scenario.name!r} changes {change.parameter} from {change.start}, before the horizon's {first_month}",
                    f"start it then or later: the counts of {pathway.base_year} hold what was done before",
                    key=(*key, "start"),
                )
            )
        if not known:
            continue
        p = pathway.parameter(change.parameter)
        after = {"scale": p.value * change.value, "add": p.value + change.value, "set": change.value}[change.op]
        if not p.low <= after <= p.high:
            problems.append(
                Problem(
                    f"scenario {scenario.name!r} takes {change.parameter} to {after:g}, outside {p.low:g} to {p.high:g} {p.unit}",
                    "choose a smaller change; nothing is clipped",
                    key=(*key, "value"),
                )
            )
    raise_all(problems, UnknownNameError if names and names == len(problems) else InputError)


def over_time(scenario: Scenario, pathway: Pathway, months: NDArray[np.int64], seed: int, draws: int) -> dict[str, Array]:
    """Every parameter in every month, shape (month or 1, draw); all that leave their range are named at once."""
    out: dict[str, Array] = {}
    problems: list[Problem] = []
    for name, parameter in pathway.parameters.items():
        values = parameter_draws(parameter, name, seed, draws)[None, :]
        last = -1
        for i, change in enumerate(scenario.changes):
            if change.parameter == name and not change.group.parts:
                values, last = change.apply(np.broadcast_to(values, (len(months), draws)), months), i
        outside = ((values < parameter.low) | (values > parameter.high)).any(0)
        if outside.any():
            span = f"{parameter.low:g} to {parameter.high:g} {parameter.unit}"
            found = f"scenario {scenario.name!r} takes some draws of {name} ({outside.mean():.1%}) outside {span}"
            key = ("scenario", scenario.name, "change", last, "value") if last >= 0 else ("parameters", name)
            problems.append(Problem(found, "choose a smaller change; nothing is clipped", key=key))
        out[name] = values
    raise_all(problems)
    return out


def run(
    area: str,
    counts: Mapping[str, float],
    ratio: Array,
    affected: Array,
    pathway: Pathway,
    scenario: Scenario,
    first_month: str,
    seed: int,
    reference: Array | None = None,
    cells: Array | None = None,
    patterns: Sequence[str] = (),
    walking: bool = True,
) -> Demand:
    """Run one authority month by month.

    Base-year rates are the authority's own counts per child in need of them; they then move by themselves (`yearly_walk`), with need,
    and with the scenario. Hazards out of each state reproduce the year's flows from stocks held steady: published ends differ from
    starts, and that difference says nothing about later stocks (benchmarks/closing_gap.py). Plans and care starts follow need, as
    referrals do, and a scenario moves them as far as it moves the open cases of the baseline.

    Parameters
    ----------
    area : str
    counts : mapping of str to float
        Published counts of the base year by service (`FLOWS`, `STOCKS`); `FLOWS` may be NaN where nothing is derived from them.
    ratio : ndarray, shape (year, draw)
        Affected children in each year of the horizon over those in the base year.
    affected : ndarray, shape (draw,)
        Affected children in the base year.
    pathway, scenario
    first_month : str
        First month of the horizon, ``"2025-04"``.
    seed : int
    reference : ndarray, shape (month, 2, draw), optional
        `Demand.path` of the baseline; without it, this is the baseline.
    cells, patterns
        Children by age and pattern of risks (`group_changes.need_level`), for changes of need that are for a group. A change of need acts
        through referrals, and through the open cases that they make.
    walking : bool
        Whether rates move by themselves; otherwise each is at the mean of its walk.

    Returns
    -------
    Demand
    """
    years, draws = ratio.shape
    months = month_index(first_month) + np.arange(12 * years)
    theta = over_time(scenario, pathway, months, seed, draws)
    base = over_time(Scenario("baseline"), pathway, months[:1], seed, draws)
    moving = {n: p for n, p in pathway.parameters.items() if p.yearly_sd} if walking else {}
    walk = {n: yearly_walk(p, n, area, years, seed, draws) for n, p in moving.items()}
    level = need_level(scenario, pathway, theta.get(NEED, np.ones((1, draws))), cells, patterns, months)

    def at(name: str, m: int) -> Array:
        values = theta[name]
        here = values[m] if len(values) > 1 else values[0]
        return here * walk[name][m // 12] if name in walk else here

    stock = {
        "in_need_only": counts[STOCKS[0]] - counts[STOCKS[1]] - counts[STOCKS[2]],
        "on_plan": counts[STOCKS[1]],
        "looked_after": counts[STOCKS[2]],
    }
    state = {s: np.full(draws, float(v)) for s, v in stock.items()}
    hazard0 = steady_hazards(counts, stock)
    help_ = _EarlyHelp(theta, base, len(months), draws)
    flow = np.zeros((years, len(FLOWS), draws))
    opening, entries, exits, closing = (np.zeros((years, len(STATES), draws)) for _ in range(4))
    families = np.zeros((years, draws))
    path = np.empty((len(months), 2, draws))
    open0 = np.array([stock["in_need_only"], stock["in_need_only"] + stock["on_plan"]])
    accepted0 = counts["child_in_need_started"] / counts["referrals"]

    for m in range(len(months)):
        y = m // 12
        if m % 12 == 0:
            opening[y] = [state[s] for s in STATES]
        need = ratio[y] * level[m if len(level) > 1 else 0]
        exposure = help_.exposure(m, affected * need)
        path[m] = state["in_need_only"], state["in_need_only"] + state["on_plan"]
        base_path = path[m] if reference is None else reference[m]
        follow = np.divide(open0[:, None] * ratio[y], base_path, out=np.zeros_like(base_path), where=base_path > 0)
        referral = counts["referrals"] / 12 * need * at("referral.rate", m) * exposure["referral"]
        odds = accepted0 / (1 - accepted0) * at("front_door.acceptance", m) if accepted0 < 1 else np.full(draws, np.inf)
        accepted_share = 1 / (1 + 1 / odds)
        returning = counts["re_referrals"] / counts["referrals"] * referral
        closed = referral * (1 - accepted_share)
        referral, returning = help_.follow_up(m, referral, returning, closed, at("referral.re_referral_share", m))
        accepted = referral * accepted_share
        hazard = {move: h * at(MOVE_PARAMETERS[move], m) for move, h in hazard0.items()}
        hazard[PLAN] = hazard[PLAN] * exposure["plan"] * follow[0]
        for move in (CARE, CARE_FROM_PLAN):
            hazard[move] = hazard[move] * exposure["care"] * follow[1]
        state, moved = step(state, {"in_need_only": accepted}, hazard)

        plans, care = moved[PLAN], moved[CARE] + moved[CARE_FROM_PLAN]
        month = {
            "referrals": referral,
            "re_referrals": returning,
            "referrals_no_further_action": (referral - accepted) * _share(counts, "referrals_no_further_action"),
            "referrals_assessed_not_in_need": (referral - accepted) * _share(counts, "referrals_assessed_not_in_need"),
            "section_47_enquiries": plans * at("section_47.rate", m) * _ratio(counts, "section_47_enquiries"),
            "initial_child_protection_conferences": plans
            * at("conference.rate", m)
            * _ratio(counts, "initial_child_protection_conferences"),
            "child_in_need_started": accepted,
            "child_in_need_ended": moved[CLOSE] + moved[LEAVE_CARE],
            "child_protection_plan_started": plans,
            "looked_after_started": care,
            "looked_after_ceased": moved[LEAVE_CARE],
        }
        flow[y] += np.stack([month[s] for s in FLOWS])
        families[y] += help_.families(m)
        entries[y] += [accepted + moved[STEP_DOWN], plans, care]
        exits[y] += [plans + moved[CARE] + moved[CLOSE], moved[STEP_DOWN] + moved[CARE_FROM_PLAN], moved[LEAVE_CARE]]
        if m % 12 == 11:
            closing[y] = [state[s] for s in STATES]
    return Demand(flow, opening, entries, exits, closing, families, path)


def steady_hazards(counts: Mapping[str, float], stock: Mapping[str, float]) -> dict[Move, Array]:
    """Hazards that reproduce the year's starts from stocks held steady; what leaves each state equals what enters it."""
    open_cases = stock["in_need_only"] + stock["on_plan"]
    care = counts["looked_after_started"]
    from_plan = care * stock["on_plan"] / open_cases if open_cases else 0.0
    plans = counts["child_protection_plan_started"]
    flows: dict[Move, float] = {
        PLAN: plans,
        CARE: care - from_plan,
        CARE_FROM_PLAN: from_plan,
        STEP_DOWN: max(plans - from_plan, 0.0),
        CLOSE: max(counts["child_in_need_started"] - care, 0.0),
        LEAVE_CARE: care,
    }
    return hazards({m: np.atleast_1d(f) for m, f in flows.items()}, {s: np.atleast_1d(v) for s, v in stock.items()})


def _share(counts: Mapping[str, float], service: str) -> float:
    """Share of referrals not accepted that ended so; NaN where either count is suppressed."""
    both = counts["referrals_no_further_action"] + counts["referrals_assessed_not_in_need"]
    return counts[service] / both if both > 0 else (0.0 if both == 0 else float("nan"))


def _ratio(counts: Mapping[str, float], service: str) -> float:
    plans = counts["child_protection_plan_started"]
    return counts[service] / plans if plans > 0 else float("nan")


class _EarlyHelp:
    """Children helped in recent months, beyond those helped before the horizon, and what that does to hazards.

    Early help of the base year is already in the base year's rates, so only the difference from it acts. A family's effect lasts
    ``early_help.effect_months``; a rise in plans in months 7-18 (detection) and a change in care from month 7 follow EF-03 and EF-01.
    """

    def __init__(self, theta: Mapping[str, Array], base: Mapping[str, Array], months: int, draws: int) -> None:
        self.theta, self.months = theta, months
        self.children_per_family = theta["early_help.children_per_family"][0]
        reach = np.broadcast_to(theta["early_help.reach"], (months, draws))
        self.reach = reach / 12
        self.extra = (reach - base["early_help.reach"][0]) / 12 * self.children_per_family  # children a month, may be negative
        self.followed = np.zeros((months, draws))
        self.effect_months = round(float(np.median(theta["early_help.effect_months"])))

    def _recent(self, m: int, first: int, last: int, followed: bool) -> Array:
        """Children helped from `first` to `last` months ago (0: this month), those followed up from a referral included or not."""
        last = min(last, self.effect_months)
        started = self.extra + self.followed if followed else self.extra
        rows = started[max(0, m - last + 1) : max(0, m - first + 1)]
        return np.asarray(rows.sum(0))

    def exposure(self, m: int, affected: Array) -> dict[str, Array]:
        """Multipliers of referral, plan and care in a month: ``1 + share helped * (exp(effect) - 1)``.

        Help that falls at random on affected children reaches ``1 - exp(-helped / affected)`` of them, which stays below 1.
        """
        weight = self.theta["early_help.relative_risk"][0]
        out = {}
        for what, first, last in (("referral", 0, 999), ("plan", 6, 18), ("care", 6, 999)):
            # Children followed up from a referral have an effect on re-referral of their own (`follow_up`).
            helped = self._recent(m, first, last, followed=what != "referral") * weight / affected
            share = -np.sign(helped) * np.expm1(-np.abs(helped))
            out[what] = 1 + share * np.expm1(self.theta[f"early_help.effect.{what}"][0])
        return out

    def follow_up(self, m: int, referral: Array, returning: Array, closed: Array, share_returning: Array) -> tuple[Array, Array]:
        """Referrals after those followed up in the last twelve months return more or less often."""
        share = self.theta["referral.follow_up_share"]
        self.followed[m] = closed * (share[m] if len(share) > 1 else share[0])
        recent = self.followed[max(0, m - 11) : m + 1].sum(0) / 12
        change = recent * share_returning * np.expm1(self.theta["early_help.effect.re_referral"][0])
        return referral + change, returning + change

    def families(self, m: int) -> Array:
        """Families given early help in the month."""
        return np.asarray(self.reach[m] + self.followed[m] / self.children_per_family)
