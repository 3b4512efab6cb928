"""Changes of a scenario for a group: which parameters know ages and patterns of risks, and what a change for some does to all."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cache, partial

import numpy as np
from numpy.typing import NDArray

from jsna_model.errors import InputError, Problem, gathered, nearest, raise_all, unknown_name
from jsna_model.group import Group
from jsna_model.pathway import RATIO, Parameter, Pathway
from jsna_model.scenario import Change, Scenario, month_index

Array = NDArray[np.float64]

#: Children affected, in place of children with none of the risks: known by age and pattern with or without a layout.
NEED = "need.affected"
#: Of streams that parental risk does not drive.
_WITHOUT_PATTERN = ("disability.", "unborn.", "unaccompanied.")
#: That hold for everybody in a layout too: one volume, one queue, one age.
_WHOLE = ("early_help.", "over_18.", "care.open_over_18_share")
_OF_EARLY_HELP = (
    "early_help.request_rate",
    "early_help.step_up_rate",
    "early_help.waiting_step_up_rate",
    "early_help.drop_out_rate",
    "early_help.care_rate",
    "early_help.closure_rate",
)


@cache
def _by_cell() -> frozenset[str]:
    """Parameters of a layout that are read by age and pattern: its own, and the multipliers that move them."""
    from jsna_model.layout import compile_layout
    from jsna_model.verbs.layout_run import ACCEPTANCE, MOVED_BY

    read = {*compile_layout("early_help_and_cin").parameters, *MOVED_BY.values(), ACCEPTANCE}
    read |= {"referral.follow_up_share", "section_47.rate", "conference.rate"}
    return frozenset({n for n in read if not n.startswith(_WHOLE)} | set(_OF_EARLY_HELP))


def dims_of(parameter: str, layout: bool) -> tuple[str, ...]:
    """What a group of a parameter may be of, besides area.

    Examples
    --------
    >>> dims_of("need.affected", False), dims_of("referral.rate", False), dims_of("referral.rate", True)
    (('age', 'pattern'), (), ('age', 'pattern'))
    """
    if parameter == NEED:
        return ("age", "pattern")
    if not layout or parameter not in _by_cell():
        return ()
    return ("age",) if parameter.startswith(_WITHOUT_PATTERN) else ("age", "pattern")


def group_problems(
    scenarios: Sequence[Scenario], areas: Mapping[str, str], patterns: Sequence[str], layout: bool, risk: str = ""
) -> Iterator[Problem]:
    """Groups that cannot be: an area that is not projected, ages or risks that a parameter does not know, names that are unknown.

    Parameters
    ----------
    scenarios : sequence of Scenario
    areas : mapping of str to str
        Code to name of the authorities that are projected.
    patterns : sequence of str
        Patterns of risks; empty where demand follows one risk alone.
    layout : bool
        Whether the pathway has a layout.
    risk : str
        The measure of need, for the message.
    """
    names = {n.casefold() for pair in areas.items() for n in pair}
    for scenario in scenarios:
        for i, change in enumerate(scenario.changes):
            at = partial(Problem, key=("scenario", scenario.name, "change", i, "group"))
            group, what = change.group, f"scenario {scenario.name!r} changes {change.parameter} for {change.group}"
            if group.area and group.area.casefold() not in names:
                close = nearest(group.area, [*areas.values(), *areas]) or list(areas.values())
                yield at(f"{what}: {group.area!r} is not projected", f"name an authority: {' or '.join(close[:3])}")
            lacking = [p for p in group.parts if p not in dims_of(change.parameter, layout)]
            if lacking:
                has = dims_of(change.parameter, True)
                fix = "leave the group out" if any(p not in has for p in lacking) else "project with a layout of the pathway"
                yield at(f"{what}, and it is not known by {' or '.join(lacking)}", fix)
            elif change.parameter == NEED and group.pattern == "none":
                yield at(f"{what}, who are children not affected", "name a pattern of risks, or a risk")
            elif "pattern" in group.parts and not patterns:
                yield at(f"{what}, and demand follows {risk} alone", "project need='any_risk', or leave risk and pattern out")
            elif "pattern" in group.parts:
                yield from _unknown(group, patterns, what, at)


def _unknown(group: Group, patterns: Sequence[str], what: str, at: Callable[..., Problem]) -> Iterator[Problem]:
    from jsna_model.errors import UnknownNameError

    try:
        group.patterns(patterns)
    except UnknownNameError as error:
        found, _, fix = str(error).rstrip(".?").partition(". ")
        yield at(f"{what}: {found[:1].lower()}{found[1:]}", fix or f"use the names of the set: {', '.join(patterns[1:])}")


def grouped(scenario: Scenario, parameter: str) -> tuple[Change, ...]:
    """Its changes of a parameter for ages or patterns."""
    return tuple(c for c in scenario.changes if c.parameter == parameter and c.group.parts)


def by_cell(
    value: Array, changes: Sequence[Change], month: int, weights: Sequence[Array], parameter: Parameter, name: str, scenario: str
) -> Array:
    """A parameter after changes for groups, in a month.

    Parameters
    ----------
    value : ndarray, shape (draw,)
        What all children have.
    changes : sequence of Change
        In order.
    month : int
        As `month_index`.
    weights : sequence of ndarray, shape (age, pattern)
        Share of each cell that is in each change's group.
    parameter, name, scenario
        For its range.

    Returns
    -------
    ndarray, shape (age, pattern, draw)

    Raises
    ------
    InputError
        Where it leaves its range; nothing is clipped.
    """
    out = np.broadcast_to(value, (*weights[0].shape, value.shape[-1]))
    for change, weight in zip(changes, weights, strict=True):
        out = out + weight[..., None] * (change.apply(out[None], np.array([month]))[0] - out)
    if (out < parameter.low).any() or (out > parameter.high).any():
        span = f"{parameter.low:g} to {parameter.high:g} {parameter.unit}"
        raise InputError(
            f"scenario {scenario!r} takes some draws of {name} for a group outside {span}. Choose a smaller change; nothing is clipped."
        )
    return out


def weights_of(changes: Sequence[Change], patterns: Sequence[str], classes: bool) -> list[Array]:
    """Share of each age (or age class) and pattern that is in each change's group, each of shape (age, pattern)."""
    names = patterns or ("none", "affected")
    return [np.outer(c.group.classes() if classes else c.group.ages(), c.group.patterns(names)) for c in changes]


def check_moved(none: Array, name: str) -> None:
    """Refuse more affected children than there are children."""
    if (none < 0).any():
        raise InputError(f"scenario {name!r} makes more children affected than there are children of an age. Choose a smaller change.")


def need_level(
    scenario: Scenario, pathway: Pathway, whole: Array, cells: Array | None, patterns: Sequence[str], months: NDArray[np.int64]
) -> Array:
    """Affected children over those of the baseline, month by month.

    Parameters
    ----------
    scenario : Scenario
    pathway : Pathway
    whole : ndarray, shape (month or 1, draw)
        `NEED` as it is for all children.
    cells : ndarray, shape (year + 1, age, pattern, draw), optional
        Children by single year of age and pattern, ``none`` first; needed where the scenario changes need for a group.
    patterns : sequence of str
    months : ndarray of int

    Returns
    -------
    ndarray, shape (month or 1, draw)

    Raises
    ------
    InputError
        Where more children would be affected than there are.
    """
    changes = grouped(scenario, NEED)
    if not changes:
        return whole
    assert cells is not None
    weights = weights_of(changes, patterns, classes=False)
    out = np.empty((len(months), whole.shape[-1]))
    seen: dict[tuple[int, bytes, tuple[float, ...]], Array] = {}
    for m, month in enumerate(months):
        now = whole[m if len(whole) > 1 else 0]
        key = (m // 12, now.tobytes(), tuple(float(c.progress(np.array([month]))[0]) for c in changes))
        if key not in seen:
            level = by_cell(now, changes, int(month), weights, pathway.parameter(NEED), NEED, scenario.name)
            here = cells[m // 12 + 1]
            after = here[:, 1:] * level[:, 1:]
            check_moved(here.sum(1) - after.sum(1), scenario.name)
            seen[key] = after.sum((0, 1)) / here[:, 1:].sum((0, 1))
        out[m] = seen[key]
    return out


def check_scenarios(
    pathway: Pathway, scenarios: Sequence[Scenario], years: int, risks: Sequence[str] = (), seed: int = 0, draws: int = 0
) -> None:
    """Refuse, before anything is run, scenarios that could not be: their parameters, ranges, months and groups; all problems at once.

    Parameters
    ----------
    pathway : Pathway
        Parameters of a layout that are calibrated when it is run are checked then.
    scenarios : sequence of Scenario
    years : int
        Financial years after the base year.
    risks : sequence of str
        Of the set that is combined: with a layout, names are checked against its own rates by risk.
    seed, draws : int
        Of the run: draws of the parameters that are changed are looked at too; none without.

    Raises
    ------
    InputError, UnknownNameError
    """
    from itertools import combinations

    from jsna_model.verbs.demand_model import check_scenario, over_time

    last = f"{int(pathway.base_year[:4]) + 1 + years}-03"
    months = month_index(f"{int(pathway.base_year[:4]) + 1}-04") + np.arange(12 * years)
    observed = pathway.observed
    own = observed["role"].values == "authority"
    areas = dict(zip(observed["area"].values[own].astype(str), observed["area_name"].values[own].astype(str), strict=True))
    patterns = ["none", *("+".join(p) for n in range(1, len(risks) + 1) for p in combinations(risks, n))]

    known = pathway.changeable
    if pathway.layout and risks:
        known = frozenset(n for n in known if not n.startswith(f"{RATIO}.")) | {f"{RATIO}.{r}" for r in risks}

    def one(scenario: Scenario) -> None:
        check_scenario(scenario, pathway, last, known)
        if draws:
            over_time(scenario, pathway, months, seed, draws)

    def given(name: str) -> None:
        if name not in known:
            raise unknown_name("pathway parameter", name, known)

    calls = [*(partial(one, s) for s in scenarios), *(partial(given, n) for n in pathway.layout if n.startswith(f"{RATIO}."))]
    gathered(*calls, lambda: raise_all(group_problems(scenarios, areas, patterns, bool(pathway.layout))))
