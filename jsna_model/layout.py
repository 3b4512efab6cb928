"""The pathway as data: where children can be, how they move, what is counted on the way, and which published count is made of what.

Read `STATES`, `WAYS` and `DECISIONS` from top to bottom: that is the model. A state takes time; a decision is made within the month. Every
rate and share is a parameter by name, with its value and source in ``data_sources/defaults/layout.toml``. `compile_layout` makes the
engine's network of it; `published_counts` maps what the engine gives to what DfE publishes. Two layouts: ``early_help_and_cin``, and
``family_help``, in which targeted early help and section 17 are one service.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import TYPE_CHECKING, Literal

from jsna_model.errors import InputError, Problem, raise_all, unknown_name

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from jsna_model.methods.network import Network

    Array = NDArray[np.float64]

LAYOUTS = ("early_help_and_cin", "family_help")
#: What a study takes that names none: change this line to make a layout the default of `jsna report`. Empty for three states without one.
DEFAULT_LAYOUT: Literal["", "early_help_and_cin"] = ""
PLAN_BANDS = ("plan_0_3", "plan_3_6", "plan_6_12", "plan_12_24", "plan_24")
CARE = ("looked_after", "looked_after_on_plan", "unaccompanied")
CLOSED = ("closed_0_3", "closed_3_12")
EARLY_HELP = ("early_help_waiting", "early_help")

#: State: what it holds. All are children, one state each; bands in months.
STATES: dict[str, str] = {
    "early_help_waiting": "Accepted for early help, waiting for a place",
    "early_help": "Early help, active",
    "assessment": "Under assessment (section 17)",
    "child_in_need": "Child in need plan",
    "family_help": "Family help: targeted early help and section 17 as one service",
    "disabled_in_need": "In need because of a disability, a stream of its own",
    "unborn": "Unborn child in need",
    **{band: f"On a child protection plan, {band.removeprefix('plan_').replace('_', ' to ')} months" for band in PLAN_BANDS},
    "looked_after": "Looked after",
    "looked_after_on_plan": "Looked after and still on a plan",
    "unaccompanied": "Looked after, unaccompanied asylum-seeking child: a stream of its own",
    "over_18": "Over 18, episode of need still open",
    "closed_0_3": "Closed in the last three months",
    "closed_3_12": "Closed three to twelve months ago",
}
AGELESS = frozenset({"unborn", "over_18"})
#: Open episodes of need.
OPEN = tuple(s for s in STATES if s not in (*EARLY_HELP, "family_help", *CLOSED))

#: Where children are known to a service: what is taken from the children affected to leave those known to none. Unborn children and young
#: people over 18 are not among the children estimated, and not here.
KNOWN_TO: dict[str, tuple[str, ...]] = {
    "early_help_waiting": ("early_help_waiting",),
    "early_help": ("early_help",),
    "family_help": ("family_help",),
    "child_in_need": ("assessment", "child_in_need", "disabled_in_need"),
    "child_protection_plan": PLAN_BANDS,
    "looked_after": CARE,
}


@dataclass(frozen=True)
class Way:
    """From a state (or a stream from outside) to a state, a decision, outside (None), or nowhere (``stays``), at a monthly rate."""

    origin: str
    to: str | None
    rate: str
    counts: tuple[str, ...] = ()


def _w(origin: str, to: str | None, rate: str, counts: str = "") -> Way:
    return Way(origin, to, rate, tuple(counts.split()))


WAYS: tuple[Way, ...] = (
    # from outside: children a month; `need` follows affected children by pattern, the others do not
    _w("need", "contact", "contact.rate"),
    _w("need", "early_help_waiting", "early_help.request_rate", "early_help_accepted"),
    _w("need", "looked_after", "care.emergency_rate", "contact referral looked_after_started"),
    _w("birth", "unborn", "unborn.rate", "contact referral"),
    _w("disability", "disabled_in_need", "disability.rate", "contact referral assessment_started"),
    _w("arrival", "unaccompanied", "unaccompanied.rate", "contact referral looked_after_started"),
    # early help
    _w("early_help_waiting", "assessment", "early_help.waiting_step_up_rate", "contact referral early_help_stepped_up assessment_started"),
    _w("early_help_waiting", None, "early_help.drop_out_rate", "early_help_dropped_out"),
    _w("early_help", "assessment", "early_help.step_up_rate", "contact referral early_help_stepped_up assessment_started"),
    _w("early_help", "looked_after", "early_help.care_rate", "contact referral looked_after_started"),
    _w("early_help", None, "early_help.closure_rate", "early_help_closed"),
    # assessment
    _w("assessment", "closed_0_3", "assessment.not_in_need_rate", "assessed_not_in_need assessed_closed_without_help"),
    _w("assessment", "early_help_waiting", "assessment.early_help_rate", "assessed_not_in_need early_help_accepted"),
    _w("assessment", "child_in_need", "assessment.in_need_rate"),
    # in need, and the episode ends with the assessment: without these, too few end within three months (benchmarks/durations.py)
    _w("assessment", "closed_0_3", "assessment.brief_closure_rate", "episode_ended"),
    _w("assessment", "early_help_waiting", "assessment.brief_step_down_rate", "episode_ended early_help_accepted"),
    _w("assessment", "section_47", "assessment.section_47_rate"),
    _w("assessment", "looked_after", "assessment.care_rate", "looked_after_started"),
    # child in need
    _w("child_in_need", "section_47", "child_in_need.section_47_rate"),
    _w("child_in_need", "looked_after", "child_in_need.care_rate", "looked_after_started"),
    _w("child_in_need", "early_help_waiting", "child_in_need.step_down_rate", "episode_ended early_help_accepted"),
    _w("child_in_need", "closed_0_3", "child_in_need.closure_rate", "episode_ended"),
    _w("disabled_in_need", "looked_after", "disability.care_rate", "looked_after_started"),
    _w("disabled_in_need", "closed_0_3", "disability.closure_rate", "episode_ended"),
    _w("unborn", "section_47", "unborn.section_47_rate"),
    _w("unborn", "child_in_need", "unborn.birth_rate"),
    _w("unborn", "looked_after", "unborn.care_rate", "looked_after_started"),
    # child protection plan, by duration
    *(_w(a, b, f"plan.progress_{a.removeprefix('plan_')}") for a, b in pairwise(PLAN_BANDS)),
    *(_w(band, "child_in_need", f"plan.end_rate_{band.removeprefix('plan_')}", "plan_ended") for band in PLAN_BANDS),
    *(_w(band, "care_from_plan", "plan.care_rate") for band in PLAN_BANDS),
    # looked after
    _w("looked_after_on_plan", "looked_after", "care.plan_end_rate", "plan_ended"),
    _w("looked_after", "child_in_need", "care.return_in_need_rate", "looked_after_ceased"),
    _w("looked_after", "closed_0_3", "care.leave_rate", "looked_after_ceased episode_ended"),
    _w("unaccompanied", "closed_0_3", "unaccompanied.end_rate", "looked_after_ceased episode_ended"),
    _w("over_18", None, "over_18.end_rate", "episode_ended"),
    # recently closed: a hazard of return of their own
    _w("closed_0_3", "closed_3_12", "closed.progress_0_3"),
    _w("closed_0_3", "re_referral", "closed.re_referral_rate_0_3", "contact return_within_3_months"),
    _w("closed_3_12", None, "closed.progress_3_12"),
    _w("closed_3_12", "re_referral", "closed.re_referral_rate_3_12", "contact"),
)  # fmt: skip


#: Decision: branches (to, share, counts); the last has the rest. ``stays`` leaves a child where the way began.
DECISIONS: dict[str, tuple[Way, ...]] = {
    "contact": (
        _w("contact", "referral", "contact.referral_share", "contact"),
        _w("contact", None, "rest", "contact contact_closed"),
    ),
    "referral": (
        _w("referral", "early_help_waiting", "referral.early_help_share", "referral no_further_action early_help_accepted"),
        _w("referral", "closed_0_3", "referral.no_further_action_share", "referral no_further_action closed_without_help"),
        _w("referral", "assessment", "rest", "referral assessment_started assessed_without_early_help"),
    ),
    "re_referral": (
        _w("re_referral", "early_help_waiting", "referral.early_help_share", "referral re_referral no_further_action early_help_accepted"),
        _w("re_referral", "closed_0_3", "referral.no_further_action_share", "referral re_referral no_further_action closed_without_help"),
        _w("re_referral", "assessment", "rest", "referral re_referral assessment_started assessed_without_early_help"),
    ),
    "section_47": (
        _w("section_47", "conference", "section_47.conference_share", "section_47"),
        _w("section_47", "stays", "rest", "section_47"),
    ),
    "conference": (
        _w("conference", "plan_0_3", "conference.plan_share", "conference plan_started"),
        _w("conference", "stays", "rest", "conference"),
    ),
    "care_from_plan": (
        _w("care_from_plan", "looked_after_on_plan", "plan.care_overlap_share", "looked_after_started"),
        _w("care_from_plan", "looked_after", "rest", "looked_after_started plan_ended"),
    ),
}  # fmt: skip

#: States that become one in the other layout, and its ways. Its rates start as the mix of the two services that it replaces, so that the
#: change of date alone moves few flows; a scenario may then change them.
MERGED = ("early_help", "child_in_need")
FAMILY_HELP_WAYS: tuple[Way, ...] = (
    _w("family_help", "section_47", "family_help.section_47_rate"),
    _w("family_help", "assessment", "family_help.assessment_rate", "contact referral early_help_stepped_up assessment_started"),
    _w("family_help", "looked_after", "family_help.care_rate", "looked_after_started"),
    _w("family_help", "closed_0_3", "family_help.closure_rate", "episode_ended"),
    _w("family_help", None, "family_help.early_closure_rate", "early_help_closed"),
)

#: Unit of what is counted: episodes, assessments, children and families are not added to one another.
UNITS = {
    "contact": "contacts",
    "referral": "referrals",
    "assessment_started": "assessments",
    "section_47": "enquiries",
    "conference": "conferences",
    "plan_started": "plans",
    "early_help_accepted": "children",
    "looked_after_started": "children",
    "looked_after_ceased": "children",
    "episode_ended": "episodes",
}


@dataclass(frozen=True)
class Route:
    """One way through decisions, compiled: a product of parameters, and what is counted on it.

    Parameters
    ----------
    origin : str
        A state, or a stream from outside.
    to : str or None
        A state, outside, or ``stays``.
    rate : str
    shares : tuple of (str or tuple of str)
        Shares that multiply the rate; a tuple of names stands for one less their sum.
    counts : tuple of str
    """

    origin: str
    to: str | None
    rate: str
    shares: tuple[str | tuple[str, ...], ...]
    counts: tuple[str, ...]

    def value(self, parameters: Mapping[str, Array | float]) -> Array:
        """Rate of the route from values of parameters; problems are for `check_shares`."""
        import numpy as np

        out = np.asarray(parameters[self.rate], dtype=float)
        for share in self.shares:
            out = out * (parameters[share] if isinstance(share, str) else 1 - sum(parameters[s] for s in share))
        return out


@dataclass(frozen=True)
class Layout:
    """A compiled layout: the engine's network, and the routes in its order."""

    name: str
    network: Network
    routes: tuple[Route, ...]
    events: tuple[Route, ...]
    entries: tuple[Route, ...]

    @property
    def parameters(self) -> tuple[str, ...]:
        """Names of the parameters that it reads."""
        flat = (n for r in (*self.routes, *self.events, *self.entries) for part in (r.rate, *r.shares) for n in _names(part))
        return tuple(dict.fromkeys((*flat, *STAY_AT_18.values())))


#: Share of those reaching 18 in a state whose episode stays open.
STAY_AT_18 = {"looked_after": "care.open_over_18_share", "unaccompanied": "care.open_over_18_share"}
QUEUES = {"early_help_waiting": "early_help"}


def _names(part: str | tuple[str, ...]) -> tuple[str, ...]:
    return (part,) if isinstance(part, str) else part


def ways_of(layout: str) -> tuple[Way, ...]:
    """Ways of a layout, by name."""
    if layout not in LAYOUTS:
        raise unknown_name("layout", layout, LAYOUTS)
    if layout == "early_help_and_cin":
        return WAYS
    kept = [w for w in WAYS if w.origin not in MERGED]
    return (*(replace(w, to="family_help") if w.to in MERGED else w for w in kept), *FAMILY_HELP_WAYS)


def compile_layout(name: str) -> Layout:
    """Follow every way through its decisions, and build the engine's network.

    Parameters
    ----------
    name : {"early_help_and_cin", "family_help"}

    Raises
    ------
    UnknownNameError
    InputError
        For a way that leads to no known place.
    """
    from jsna_model.methods.network import Network

    routes: list[Route] = []

    def follow(origin: str, to: str | None, rate: str, shares: tuple[str | tuple[str, ...], ...], counts: tuple[str, ...]) -> None:
        if to in DECISIONS:
            branches = DECISIONS[to]
            rest = tuple(b.rate for b in branches[:-1])
            for branch in branches:
                share = rest if branch.rate == "rest" else branch.rate
                follow(origin, branch.to, rate, (*shares, share), tuple(dict.fromkeys((*counts, *branch.counts))))
            return
        if to not in (None, "stays", *STATES):
            raise InputError(f"the way from {origin} leads to {to!r}, which is no state and no decision. Correct the table of ways.")
        # A child who is closed again, having been closed, stays in the same state.
        routes.append(Route(origin, "stays" if to == origin else to, rate, shares, counts))

    for way in ways_of(name):
        follow(way.origin, way.to, way.rate, (), way.counts)
    inside = [r for r in routes if r.origin in STATES]
    moves, events = [r for r in inside if r.to != "stays"], [r for r in inside if r.to == "stays"]
    entries = [r for r in routes if r.origin not in STATES]
    queues = QUEUES if name == "early_help_and_cin" else {"early_help_waiting": "family_help"}
    network = Network(
        tuple(STATES),
        tuple((r.origin, r.to) for r in moves),
        tuple(r.origin for r in events),
        # Siblings go the same way: each stream is over-dispersed by itself, and so are referrals as a whole.
        tuple((f"{r.rate}/{r.to}", r.to) for r in entries),
        queues,
        AGELESS,
        dict.fromkeys(STAY_AT_18, "over_18"),
    )
    return Layout(name, network, tuple(moves), tuple(events), tuple(entries))


def check_shares(parameters: Mapping[str, Array | float]) -> None:
    """Refuse shares below 0 or above 1, and branches that add up to more than 1; by name, never rescaled.

    Raises
    ------
    InputError
        Listing all.
    """
    import numpy as np

    problems = []
    for decision, branches in DECISIONS.items():
        names = [b.rate for b in branches[:-1]]
        for n in names:
            if bool((np.asarray(parameters[n]) < 0).any() or (np.asarray(parameters[n]) > 1).any()):
                problems.append(
                    Problem(f"{n} goes from {np.min(parameters[n]):g} to {np.max(parameters[n]):g}", "give a share from 0 to 1")
                )
        total = sum(np.asarray(parameters[n]) for n in names)
        if len(names) > 1 and bool((np.asarray(total) > 1).any()):
            problems.append(
                Problem(f"the shares of {decision}, {' and '.join(names)}, add up to {np.max(total):g}", "lower one; nothing is rescaled")
            )
    raise_all(dict.fromkeys(problems))
