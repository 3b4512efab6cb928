"""Run a layout of the pathway for one authority: monthly, by age and pattern, draw by draw, for every scenario at once."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from functools import cache
from importlib.util import find_spec

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, logit

from jsna_model.conventions import risks_of
from jsna_model.draws import NOISE_BLOCK, process_noise, uniforms
from jsna_model.errors import InputError
from jsna_model.layout import AGELESS, CARE, MERGED, OPEN, PLAN_BANDS, STAY_AT_18, Layout, check_shares, compile_layout
from jsna_model.methods.network import Rates, Step
from jsna_model.methods.single_stock import whole
from jsna_model.methods.steady_state import stationary_by_age, transition
from jsna_model.methods.stock_flow import simulate
from jsna_model.pathway import HELD, RATIO, Parameter, Pathway
from jsna_model.scenario import Change, Scenario, month_index
from jsna_model.verbs.demand_model import _EarlyHelp, check_scenario, over_time, yearly_walk
from jsna_model.verbs.group_changes import NEED, by_cell, check_moved, grouped, weights_of
from jsna_model.verbs.layout_diverted import NOT_HELPED, Diverted
from jsna_model.verbs.layout_rates import AGED, EMERGENCY, BaseRates, age_hazards, age_profile, entry_ages, stream_of
from jsna_model.verbs.layout_sums import Outcome, Sums, joined
from jsna_model.verbs.need_model import KERNEL

Array = NDArray[np.float64]

#: Multiplier of the older model (`Pathway.parameters`) that moves each rate: its scenarios and its yearly walk hold here too.
MOVED_BY = {
    "contact.rate": "referral.rate",
    "unborn.rate": "referral.rate",
    "disability.rate": "referral.rate",
    "early_help.step_up_rate": "referral.rate",
    "early_help.waiting_step_up_rate": "referral.rate",
    "closed.re_referral_rate_0_3": "referral.rate",
    "closed.re_referral_rate_3_12": "referral.rate",
    "assessment.section_47_rate": "plan.start_rate",
    "child_in_need.section_47_rate": "plan.start_rate",
    "unborn.section_47_rate": "plan.start_rate",
    "care.emergency_rate": "care.start_rate",
    "early_help.care_rate": "care.start_rate",
    "assessment.care_rate": "care.start_rate",
    "child_in_need.care_rate": "care.start_rate",
    "disability.care_rate": "care.start_rate",
    "unborn.care_rate": "care.start_rate",
    "plan.care_rate": "care.start_rate",
    **{f"plan.end_rate_{b.removeprefix('plan_')}": "plan.end_rate" for b in PLAN_BANDS},
    "child_in_need.closure_rate": "in_need.closure_rate",
    "child_in_need.step_down_rate": "in_need.closure_rate",
    "care.leave_rate": "care.end_rate",
    "care.return_in_need_rate": "care.end_rate",
}
#: Multiplier of the odds that who is assessed is found in need; the ways out of an assessment of those who are, and of those who are not.
ACCEPTANCE = "front_door.acceptance"
ACCEPTED = ("assessment.in_need_rate", "assessment.brief_closure_rate", "assessment.brief_step_down_rate")
NOT_ACCEPTED = ("assessment.not_in_need_rate", "assessment.early_help_rate")
#: Draws at a time without process noise: long enough for two threads to work beside each other, small enough for the memory of a laptop.
EXPECTED_BLOCK = 256
#: Rates that take a yearly walk without its scenario: arrivals are in the series that walks of care were fitted to.
WALK_ONLY = {"unaccompanied.rate": "care.start_rate", "unaccompanied.end_rate": "care.end_rate"}
#: Rates that early help's effects act on, by effect.
HELPED = {
    "referral": ("contact.rate",),
    "plan": ("assessment.section_47_rate", "child_in_need.section_47_rate", "unborn.section_47_rate"),
    "care": tuple(n for n, m in MOVED_BY.items() if m == "care.start_rate"),
}
#: Rates that follow need, not the caseload of the baseline (as the yearly walks were fitted: per child).
FOLLOW = (*HELPED["plan"], *(n for n in HELPED["care"] if n != "care.emergency_rate"))
#: Uncertainty of a rate that follows from an assumption, by the assumption's name.
SPREAD = {
    "early_help.request_rate": "early_help.per_referral",
    "early_help.step_up_rate": "early_help.step_up_part",
    "early_help.closure_rate": "early_help.months",
    "unaccompanied.rate": "unaccompanied.per_referral",
}


@cache
def compiled(noise: bool) -> Callable[..., int | None] | None:
    """The numba kernel of whole or expected children, where numba is installed and the environment does not say ``JSNA_KERNEL=numpy``."""
    if os.environ.get(KERNEL, "") == "numpy" or find_spec("numba") is None:
        return None
    from jsna_model.methods.stock_kernel import move_expected, move_whole

    return move_whole if noise else move_expected


@dataclass(frozen=True)
class Setup:
    """One authority, ready to run.

    Parameters
    ----------
    area : str
    counts : mapping of str to float
        Published counts of the base year.
    base : BaseRates
        From `layout_rates.base_rates`.
    values : mapping of str to float
        Central values of ``defaults/layout.toml``.
    need : ndarray, shape (year + 1, age class, pattern, draw)
        Children by the age they reach in the year and pattern, weighted by their rate of contact; the base year first.
    children : ndarray, shape (year + 1, pattern, draw)
        All children by pattern: whoever is known to a service is not met as new.
    affected : ndarray, shape (year + 1, draw)
        Affected children.
    pathway : Pathway
        With the layout's parameters (`with_layout`).
    first_month : str
    seed : int
    spread : mapping of str to ndarray, shape (draw,)
        Of calibrated rates about their central values, from the posterior (`layout_posterior.rate_draws`).
    patterns : tuple of str
        Patterns of risks, ``none`` first, their names joined by ``+``; needed by scenarios for a group.
    weight : ndarray, shape (pattern, draw), optional
        Rate of contact by pattern over that of children with no risk, which `need` holds; needed by scenarios that change need.
    """

    area: str
    counts: Mapping[str, float]
    base: BaseRates
    values: Mapping[str, float]
    need: Array
    children: Array
    affected: Array
    pathway: Pathway
    first_month: str
    seed: int
    spread: Mapping[str, Array] = field(default_factory=dict)
    patterns: tuple[str, ...] = ()
    weight: Array | None = None

    @property
    def masks(self) -> Array:
        """All children, those with a risk, and those with two or more, by pattern; shape (3, pattern)."""
        # The first pattern has no risk; the others name theirs, and without names count as one.
        names = self.patterns or ("none", *("one" for _ in range(self.need.shape[2] - 1)))
        risks = np.array([len(risks_of(n)) for n in names])
        return np.stack([risks >= 0, risks > 0, risks > 1]).astype(float)


def with_layout(pathway: Pathway, base: BaseRates, given: Mapping[str, Parameter]) -> Pathway:
    """A copy whose parameters hold the layout's calibrated rates too, so that scenarios may change them by name."""
    made = {}
    for name, value in base.rates.items():
        source = given.get(SPREAD.get(name, name))
        is_share = name.endswith("_share")
        made[name] = Parameter(
            value,
            source.sd if source else 0.0,
            "logit" if is_share else "log",
            0.0,
            1.0 if is_share else 1e9,
            "share" if is_share else "children a month" if name in _STREAMS else "a month",
            source.source if source else f"calibrated to the counts of {pathway.base_year}",
            source.basis if source else "assumption",
        )
    extra = {n: given[n] for n in HELD if not n.startswith(RATIO)}
    # Their draws are in the weights of need: a scenario moves what all draws have.
    extra |= {n: replace(p, sd=0.0) for n, p in given.items() if n.startswith(RATIO)}
    # The walk of ends was set on all who leave care; here those who reach 18 leave by age, and only the others' rate moves.
    ends = pathway.parameter("care.end_rate")
    extra["care.end_rate"] = replace(ends, yearly_sd=ends.yearly_sd / given["care.ended_before_18"].value)
    return replace(pathway, parameters={**pathway.parameters, **made, **extra})


_STREAMS = ("contact.rate", "early_help.request_rate", "care.emergency_rate", "unborn.rate", "disability.rate", "unaccompanied.rate")


def run_layout(
    setup: Setup,
    scenarios: Sequence[Scenario],
    baseline: int = 0,
    *,
    noise: bool = False,
    family_help_from: str | None = None,
    walking: bool = True,
) -> Outcome:
    """Run every scenario of an authority on the same draws and the same noise.

    Parameters
    ----------
    setup : Setup
    scenarios : sequence of Scenario
    baseline : int
        Place of the baseline among them.
    noise : bool
        Whole children, drawn at random, with siblings entering together; otherwise expected flows.
    family_help_from : str, optional
        Month from which early help and children in need are one service, in every scenario.
    walking : bool
        Whether rates move by themselves from year to year; otherwise each is at the mean of its walk.

    Returns
    -------
    Outcome
    """
    years, draws = setup.need.shape[0] - 1, setup.need.shape[-1]
    last = f"{int(setup.first_month[:4]) + years}-03"
    for scenario in scenarios:
        check_scenario(scenario, setup.pathway, last)
    block = NOISE_BLOCK if noise else EXPECTED_BLOCK
    parts = [slice(start, min(start + block, draws)) for start in range(0, draws, block)]

    def one(part: slice) -> Outcome:
        return _Block(setup, scenarios, baseline, part, draws, noise, family_help_from, walking).run()

    # Blocks of draws do not depend on one another: the answer is the same for any number of threads.
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        blocks = list(pool.map(one, parts))

    return joined(blocks)


class _Block:
    """A block of draws: parameters of every month, opening stocks, and the run itself."""

    def __init__(
        self,
        setup: Setup,
        scenarios: Sequence[Scenario],
        baseline: int,
        part: slice,
        draws: int,
        noise: bool,
        reform: str | None,
        walking: bool,
    ) -> None:
        self.setup, self.part, self.noise, self.reform, self.baseline = setup, part, noise, reform, baseline
        self.years = setup.need.shape[0] - 1
        self.months = month_index(setup.first_month) + np.arange(12 * self.years)
        pathway, seed = setup.pathway, setup.seed
        theta = [over_time(s, pathway, self.months, seed, draws) for s in scenarios]
        base = over_time(Scenario("baseline"), pathway, self.months[:1], seed, draws)
        self.theta = [{n: v[:, part] for n, v in t.items()} for t in theta]
        self.base = {n: v[:, part] for n, v in base.items()}
        moving = {n: p for n, p in pathway.parameters.items() if p.yearly_sd} if walking else {}
        walks = {n: yearly_walk(p, n, setup.area, self.years, seed, draws) for n, p in moving.items()}
        self.walk = {n: w[:, part] for n, w in walks.items()}
        self.size = (len(scenarios), part.stop - part.start)
        self.help = [_EarlyHelp(t, self.base, len(self.months), self.size[1]) for t in self.theta]
        self.need, self.children, self.affected = setup.need[..., part], setup.children[..., part], setup.affected[:, part]
        self.ages = entry_ages(setup.need[0].mean((1, 2)), setup.values)
        self.profile = {n: age_profile(n, setup.values)[:, None, None, None] for n in AGED}
        weight = age_profile(EMERGENCY, setup.values)[:, None, None]
        self.emergency = weight / (weight * self.need[0] / self.need[0].sum((0, 1))).sum((0, 1))
        self.follow = np.ones(self.size[1])
        self.new = np.ones((self.need.shape[2], *self.size))
        self.mix = np.zeros(self.size)
        mean = setup.need[0].mean(-1)  # of all draws: a draw's answer does not turn on its block
        self.diverted = Diverted(self.size, baseline, mean / mean.sum())
        self.scenarios, self.grouped = scenarios, self._grouped(scenarios)
        self.need_changes = any(c.parameter == NEED for s in scenarios for c in s.changes)
        self.ratio_changes = [
            n for n in pathway.parameters if n.startswith(RATIO) and any(c.parameter == n for s in scenarios for c in s.changes)
        ]

    def _grouped(self, scenarios: Sequence[Scenario]) -> dict[str, list[tuple[Scenario, tuple[Change, ...], list[Array]]]]:
        """By parameter that some scenario changes for a group: each scenario's changes, and the cells that they are of."""
        names = dict.fromkeys(c.parameter for s in scenarios for c in s.changes if c.group.parts)
        if names and not self.setup.patterns:
            raise InputError("a change for a group needs the patterns of risks; run it with project(), which gives them.")
        return {
            n: [(s, of := grouped(s, n), weights_of(of, self.setup.patterns, classes=True)) for s in scenarios]
            for n in names
        }  # fmt: skip

    def at(self, name: str, m: int) -> Array:
        """Value of a parameter in a month, shape (scenario, draw); by age class and pattern before these where a group's is changed."""
        values = [t[name][m if len(t[name]) > 1 else 0] for t in self.theta]
        if name not in self.grouped:
            return np.stack(values)
        parameter, month = self.setup.pathway.parameter(name), int(self.months[m])
        cells = self.need.shape[1:3]
        parts = [
            by_cell(v, changes, month, weights, parameter, name, s.name)
            if changes
            else np.broadcast_to(v, (*cells, len(v)))
            for v, (s, changes, weights) in zip(values, self.grouped[name], strict=True)
        ]  # fmt: skip
        return np.stack(parts, axis=2)

    def needed(self, m: int) -> tuple[Array, Array]:
        """Need in a month: weighted children, (age class, pattern, scenario or 1, draw); and affected ones, (scenario, draw).

        More or fewer affected children take the place of children of their age with none of the risks.
        """
        year = m // 12 + 1
        now, affected = self.need[year][:, :, None, :], np.broadcast_to(self.affected[year], self.size)
        ratio = self.ratio(m)
        if not self.need_changes:
            return now * ratio, affected
        level = self.at(NEED, m)
        if level.ndim == 2:
            level = np.broadcast_to(level, (*now.shape[:2], *level.shape))
        weight = self.setup.weight
        if weight is None:
            raise InputError("a change of need needs the rates of contact by pattern; run it with project(), which gives them.")
        children = now / weight[None, :, None, self.part]
        after = children * level
        none = children[:, :1] + (children[:, 1:] - after[:, 1:]).sum(1, keepdims=True)
        for i, scenario in enumerate(self.scenarios):
            check_moved(none[:, :, i], scenario.name)
        share = after[:, 1:].sum((0, 1)) / children[:, 1:].sum((0, 1))
        return np.concatenate([none, after[:, 1:]], axis=1) * weight[None, :, None, self.part] * ratio, affected * share

    def ratio(self, m: int) -> Array:
        """What scenarios make of the rate of contact by pattern, broadcasting to (age class, pattern, scenario, draw)."""
        out = np.ones((1, 1, 1, 1))
        for name in self.ratio_changes:
            risk = name.removeprefix(RATIO).removeprefix(".")
            of = [float(risk in risks_of(p)) if risk else len(risks_of(p)) for p in self.setup.patterns]
            change = self.at(name, m) / self.setup.pathway.parameter(name).value
            out = out * change[None, None] ** np.array(of)[None, :, None, None]
        return out

    def _accept(self, rates: dict[str, Array], m: int) -> None:
        """Move the threshold of need in an assessment: its odds change, and enquiries, care and how long it takes stay as they are.

        With rates ``a`` to in need and ``o`` to what is not, and odds times ``f``, ``a o (1 - f) / (a f + o)`` moves from one to the other.
        """
        factor = self.at(ACCEPTANCE, m)
        accepted, others = (np.sum([rates[n] for n in names], axis=0) for names in (ACCEPTED, NOT_ACCEPTED))
        below = accepted * factor + others
        moved = np.divide(accepted * others * (1 - factor), below, out=np.zeros_like(below), where=below > 0)
        for names, all_of, by in ((ACCEPTED, accepted, -moved), (NOT_ACCEPTED, others, moved)):
            for name in names:
                rates[name] = rates[name] + by * np.divide(rates[name], all_of, out=np.zeros_like(below), where=all_of > 0)

    def parameters(self, m: int) -> dict[str, Array]:
        """Rates and shares of a month, shape (scenario, draw)."""
        year = m // 12
        out = {name: self.at(name, m) for name in self.setup.base.rates}
        for name, by in self.setup.spread.items():
            out[name] = expit(logit(out[name]) + by[self.part]) if name.endswith("_share") else out[name] * np.exp(by[self.part])
        for name, mover in MOVED_BY.items():
            out[name] = out[name] * self.at(mover, m)
            if mover in self.walk:
                out[name] = out[name] * self.walk[mover][year]
        self._accept(out, m)
        for name, mover in WALK_ONLY.items():
            out[name] = out[name] * self.walk.get(mover, np.ones((self.years, 1)))[year]
        exposure = [h.exposure(m, affected) for h, affected in zip(self.help, self.needed(m)[1], strict=True)]
        for effect, names in HELPED.items():
            factor = np.stack([e[effect] for e in exposure])
            for name in names:
                out[name] = out[name] * factor
        for name in FOLLOW:
            out[name] = out[name] * self.follow
        per_family = self.at("early_help.children_per_family", m)
        reach, before = self.at("early_help.reach", m), self.base["early_help.reach"][0]
        # More families are found beside those who come already; fewer are taken alike from every way in.
        kept = np.minimum(np.divide(reach, before, out=np.ones_like(reach), where=before > 0), 1.0)
        out["early_help.request_rate"] = out["early_help.request_rate"] * kept + np.maximum(reach - before, 0.0) / 12 * per_family
        for way, instead in NOT_HELPED.items():
            lost = out[way] * (1 - kept)
            out[way], out[instead] = out[way] - lost, out[instead] + lost
        followed = self.at("referral.follow_up_share", m) * out["referral.no_further_action_share"]
        out["referral.early_help_share"] = out["referral.early_help_share"] + followed
        out["referral.no_further_action_share"] = out["referral.no_further_action_share"] - followed
        ratio = np.stack([t["early_help.effect.re_referral"][0] for t in self.theta])
        for name, factor in self.diverted.factors(ratio).items():
            out[name] = out[name] * factor
        enquiry, conference = self.at("section_47.rate", m), self.at("conference.rate", m)
        for name in HELPED["plan"]:
            out[name] = out[name] * enquiry
        out["section_47.conference_share"] = out["section_47.conference_share"] * conference / enquiry
        out["conference.plan_share"] = out["conference.plan_share"] / conference
        if "section_47.rate" in self.walk:
            # What enquiries do beyond plans: more of them lead to fewer conferences each, on the logit scale, so that shares stay shares.
            beyond = self.walk["section_47.rate"][year]
            for name in HELPED["plan"]:
                out[name] = out[name] * beyond
            share = out["section_47.conference_share"]
            inside = np.where(share < 1, share, 0.5)
            with np.errstate(divide="ignore"):
                out["section_47.conference_share"] = np.where(share < 1, expit(logit(inside) - np.log(beyond)), share)
        w = self.mix
        out["family_help.section_47_rate"] = (1 - w) * out["child_in_need.section_47_rate"]
        out["family_help.care_rate"] = (1 - w) * out["child_in_need.care_rate"] + w * out["early_help.care_rate"]
        out["family_help.closure_rate"] = (1 - w) * out["child_in_need.closure_rate"]
        out["family_help.early_closure_rate"] = w * out["early_help.closure_rate"]
        out["family_help.assessment_rate"] = w * out["early_help.step_up_rate"]
        check_shares(out)
        return out

    def rates(self, layout: Layout, m: int) -> Rates:
        """What drives a month."""
        p, year = self.parameters(m), m // 12
        self.parameters_now = p
        lanes = (1, 1, *self.size)
        # Streams from outside move with the children of their ages; those of need with what the patterns weigh as well.
        now = self.needed(m)[0] / self.need[0].sum((0, 1))
        size = self.need[year + 1].sum((0, 1)) / self.need[0].sum((0, 1))
        patterns = self.need[0].sum(0) / self.need[0].sum((0, 1))
        cells = {"need": now * self.new}
        for stream in ("disability", "birth", "arrival"):
            cells[stream] = (self.ages[stream][:, None, None] * patterns * size)[:, :, None, :]
        cells["emergency"] = cells["need"] * self.emergency[:, :, None, :]
        entry = tuple(cells[stream_of(r)] * r.value(p) for r in layout.entries)
        places = self.at("early_help.places", m)
        service = layout.network.queues["early_help_waiting"]
        limits = {service: places} if (places < 1e9).any() else {}
        stay = {s: p[n] for s, n in STAY_AT_18.items()}
        return Rates(
            tuple(_lanes(r.value(p), lanes) * self.profile.get(r.rate, 1.0) for r in layout.routes),
            tuple(_lanes(r.value(p), lanes) for r in layout.events),
            entry,
            limits,
            stay,
        )

    def opening(self, layout: Layout) -> Array:
        """Opening stocks by age and pattern: those of a steady state, scaled to the published stocks, which hold in every draw."""
        states, place = layout.network.states, {s: i for i, s in enumerate(layout.network.states)}
        central = self.setup.base.rates
        origin = np.array([place[r.origin] for r in layout.routes])
        to = np.array([-1 if r.to is None else place[r.to] for r in layout.routes])
        matrix, _, _ = transition(age_hazards(layout, central, self.setup.values), origin, to, len(states))
        wait, active = place["early_help_waiting"], place["early_help"]
        matrix[:, active] += matrix[:, wait]
        matrix[:, wait] = 0.0
        weight = self.need[0] / self.need[0].sum((0, 1))
        patterns = self.need[0].sum(0) / self.need[0].sum((0, 1))
        entries = np.zeros((weight.shape[0], len(states), *weight.shape[1:]))
        for route in layout.entries:
            if route.to is not None:
                cell = weight if route.origin == "need" else self.ages[route.origin][:, None, None] * patterns
                cell = cell * self.emergency if route.rate == EMERGENCY else cell
                entries[:, active if route.to == "early_help_waiting" else place[route.to]] += float(route.value(central)) * cell
        stock, _, aged_out = stationary_by_age(matrix, entries, np.array([s in AGELESS for s in states]))
        stock = np.moveaxis(stock, 1, 0)
        kept = sum(aged_out[place[s]] for s in STAY_AT_18) * self.setup.values["care.open_over_18_share"]
        stock[place["over_18"], -1] = kept / 12 * self.setup.values["over_18.months"]
        return self._scaled(stock, place)

    def _scaled(self, stock: Array, place: Mapping[str, int]) -> Array:
        in_need, plans, care = (self.setup.counts[f"{s}_at_31_march"] for s in ("child_in_need", "child_protection_plan", "looked_after"))
        overlap = np.minimum(stock[place["looked_after_on_plan"]].sum((0, 1)), 0.5 * min(plans, care))
        groups: list[tuple[Sequence[str], Array]] = [
            (PLAN_BANDS, plans - overlap),
            (("looked_after_on_plan",), overlap),
            (tuple(s for s in CARE if s != "looked_after_on_plan"), care - overlap),
            (tuple(s for s in OPEN if s not in (*PLAN_BANDS, *CARE)), in_need - plans - care + overlap),
        ]
        out = stock.copy()
        for names, total in groups:
            at = [place[s] for s in names]
            have = stock[at].sum((0, 1, 2))
            if ((have <= 0) & (total > 0)).any():
                raise InputError(
                    f"{self.setup.area}: children are published in {', '.join(names)}, but no way leads there at the rates of the year. "
                    "Check the flows that enter."
                )
            out[at] = stock[at] * np.divide(total, have, out=np.zeros_like(have), where=have > 0)
        return out

    def run(self) -> Outcome:
        """All months; early help and children in need merge at the month of reform."""
        before, after = compile_layout("early_help_and_cin"), compile_layout("family_help")
        opening = self.opening(before)
        noise, dispersion = None, 1.0
        if self.noise:
            block = self.part.start // NOISE_BLOCK
            u = uniforms(self.setup.seed, f"process/{self.setup.area}/opening/{block}", NOISE_BLOCK)[: self.size[1]]
            groups = opening.reshape(-1, self.size[1])
            opening = whole(groups, u).reshape(opening.shape)
            noise = process_noise(self.setup.seed, self.setup.area, self.size[1], scenarios=True, first_block=block)
            dispersion = float(self.setup.values["entries.dispersion"])
        stock = np.repeat(opening[:, :, :, None, :], self.size[0], axis=3)
        change = len(self.months)
        if self.reform:
            change = int(np.clip(month_index(self.reform) - self.months[0], 0, len(self.months)))
        result = Sums(self.years, before.network.states, self.size, self.setup.masks, self.baseline)
        result.know(0, stock.sum(1))
        self.open0 = self._open(stock, before.network.states)
        for layout, first, last in ((before, 0, change), (after, change, len(self.months))):
            if first == last:
                continue
            if layout is after:
                merged = self._merge(stock, before.network.states)
                result.transfer(first // 12, (merged - stock).sum((1, 2)))
                stock = merged
            steps = simulate(
                layout.network,
                stock,
                self._feed(layout, first, last),
                noise=noise,
                dispersion=dispersion,
                ageing="cohort",
                first=first,
                kernel=compiled(self.noise),
            )
            for step in steps:
                result.add(step, layout, self.now)
                self._divert(step, layout)
                self.new = self._new(step.closing, step.number)
                if step.number % 12 == 11:
                    result.close(step, layout, 1 - self.mix)
                    year = min((step.number + 1) // 12, self.years - 1)
                    ratio = self.need[year + 1].sum((0, 1)) / self.need[0].sum((0, 1))
                    now = self._open(step.stock, layout.network.states)
                    # Once a year: within one, a stock moves with the months of birth.
                    self.follow = np.divide(self.open0 * ratio, now, out=np.ones_like(now), where=now > 0)
                stock = step.stock
        return result.outcome()

    def _divert(self, step: Step, layout: Layout) -> None:
        """Those diverted into early help are helped, as more families reached are; fewer families reached are counted there already."""
        place = {s: i for i, s in enumerate(layout.network.states)}
        into = self.diverted.add(step, layout, self.parameters_now, place)
        for i, help_ in enumerate(self.help):
            fewer = (help_.extra[step.number] < 0).any()
            help_.followed[step.number] = 0.0 if fewer else into[i]

    def _new(self, stock: Array, number: int) -> Array:
        """Share of children who are not known to a service, over that of the baseline: ``exp(-(k / N - k0 / N))`` by pattern.

        The baseline's own share stays: the yearly walks were fitted per child, known or not.
        """
        year = min(number // 12 + 1, self.years)
        known = stock.sum(0) / self.children[year][:, None, :]
        return np.asarray(np.exp(known[:, [self.baseline]] - known))

    def _feed(self, layout: Layout, first: int, last: int) -> Iterator[Rates]:
        for m in range(first, last):
            self.now = self.rates(layout, m)
            yield self.now

    def _open(self, stock: Array, states: Sequence[str]) -> Array:
        """Open cases out of care in the baseline; of family help, those under section 17."""
        at = [states.index(s) for s in OPEN if s not in CARE]
        merged = stock[states.index("family_help")][:, :, self.baseline].sum((0, 1)) * (1 - self.mix[self.baseline])
        return np.asarray(stock[at][:, :, :, self.baseline].sum((0, 1, 2)) + merged)

    def _merge(self, stock: Array, states: Sequence[str]) -> Array:
        out = stock.copy()
        help_, need, merged = states.index(MERGED[0]), states.index(MERGED[1]), states.index("family_help")
        sizes = [out[i].sum((0, 1)) for i in (help_, need)]
        both = sizes[0] + sizes[1]
        self.mix = np.divide(sizes[0], both, out=np.zeros_like(both), where=both > 0)
        out[merged] += out[help_] + out[need]
        out[[help_, need]] = 0.0
        return out


def _lanes(value: Array, lanes: tuple[int, ...]) -> Array:
    """A rate as the engine takes it: for all ages and patterns, or by age and pattern already."""
    return value.reshape(lanes) if value.ndim == 2 else value
