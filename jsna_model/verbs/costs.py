"""What services cost: a unit cost is spent on a published count, by the week or each time; who pays; what stays when one fewer needs it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from jsna_model.draws import normals
from jsna_model.errors import Problem, nearest, raise_all
from jsna_model.group import Group
from jsna_model.methods.economics import child_years, yearly_cost
from jsna_model.pathway import COUNTED_ON, DERIVED, FLOWS, STOCKS
from jsna_model.scenario import Change, month_index

Array = NDArray[np.float64]
#: A unit cost as provenance keeps it.
Cost = Mapping[str, Any]


def spent_on(cost: Cost) -> str:
    """The count that a unit cost is spent on: what it says, or what goes by its name.

    Examples
    --------
    >>> spent_on({"service": "looked_after"}), spent_on({"service": "section_47_enquiries"})
    ('looked_after_at_31_march', 'section_47_enquiries')
    """
    return str(cost.get("of") or COUNTED_ON.get(str(cost["service"]), cost["service"]))


def in_force(scenarios: Sequence[Mapping[str, Any]], years: Sequence[str]) -> dict[str, Array]:
    """Share of each financial year for which each scenario is in force, by name, shape (year,): what a cost of the scenario is spent on.

    A ramp counts as far as it has come; of several changes the one that has come furthest does.
    """
    months = month_index(f"{years[0][:4]}-04") + np.arange(12 * len(years))
    found = {}
    for scenario in scenarios:
        changes = [Change(**(c | {"group": Group.of(c.get("group"))})) for c in scenario.get("changes", ())]
        progress = np.max([c.progress(months) for c in changes], axis=0) if changes else np.zeros(len(months))
        found[str(scenario["name"])] = progress.reshape(len(years), 12).mean(1)
    return found


def cost_problems(costs: Mapping[str, Cost], scenarios: Sequence[str] = ()) -> Iterator[Problem]:
    """Unit costs that are spent on nothing that is counted, and on no scenario."""
    known = [*FLOWS, *STOCKS, *DERIVED, "families_helped", *scenarios]
    for service, cost in costs.items():
        if spent_on(cost) not in known:
            close = nearest(spent_on(cost), known) or ["looked_after_started"]
            yield Problem(f"the unit cost of {service} is spent on {spent_on(cost)!r}", f"give `of`, such as {' or '.join(close[:3])}")


def volume(cost: Cost, difference: xr.DataArray, families: Array, running: Mapping[str, Array] | None = None, to: str = "") -> Array:
    """Units that are bought more or fewer of than under the comparator, (scenario, year, area, draw).

    A stock, or the share of it in a placement, counts in child-weeks where `times` is not given, and otherwise `times` a child-year; a flow
    counts `times` each, once by default; a scenario `times` a year for which it is in force (`in_force`), in each area.
    """
    of, times = spent_on(cost), cost.get("times")
    if running is not None and of in running:
        names = [str(s) for s in difference["scenario"].values]
        own = np.stack([running[of] * ((n == of) - float(to == of)) for n in names])  # (scenario, year)
        return np.broadcast_to(own[:, :, None, None], families.shape) * (1.0 if times is None else float(times))
    if of in STOCKS:
        values = difference.sel(service=of).values * float(cost.get("share", 1.0))
        opening = np.concatenate([np.zeros_like(values[:, :1]), values[:, :-1]], axis=1)
        years = child_years(opening, values)
        return yearly_cost(years, 1.0) if times is None else years * float(times)
    each = 1.0 if times is None else float(times)
    if of == "families_helped":
        return families * each
    return np.asarray(np.sum([difference.sel(service=s).values for s in DERIVED.get(of, (of,))], axis=0) * each)


def in_order(costs: Mapping[str, Cost]) -> list[str]:
    """Services by name: those with published averages and early help first."""
    first = ("social_work", "looked_after", "early_help")
    return [*(s for s in first if s in costs), *(s for s in costs if s not in first)]


def uncertain(amount: float, service: str, sd: float, seed: int, draws: int) -> float | Array:
    """An amount as it is, or its draws where its uncertainty was given: lognormal with the amount as its mean, from its own stream.

    Parameters
    ----------
    amount : float
    service : str
    sd : float
        As a share of the amount.
    seed, draws : int
    """
    if not sd:
        return amount
    spread = np.sqrt(np.log1p(sd**2))
    return np.asarray(amount * np.exp(spread * normals(seed, f"cost/{service}", draws) - spread**2 / 2))


def check_shares(
    costed: Sequence[str], cashable: Mapping[str, float], fixed: Mapping[str, float], sds: Mapping[str, float] | None = None
) -> None:
    """Refuse shares that cannot be: out of range, or more cash released than changes at all; all problems at once."""
    problems = [
        Problem(f"the {name} share of {s} is {v}", "give a share from 0 to 1")
        for name, shares in (("cashable", cashable), ("fixed", fixed))
        for s, v in shares.items()
        if not 0 <= v <= 1
    ]
    problems += [
        Problem(f"the cost uncertainty of {s} is {v}", "write 20 per cent as 0.2") for s, v in (sds or {}).items() if not 0 <= v < np.inf
    ]
    problems += [
        Problem(f"of the cost of {s}, {cashable[s]:g} is cashable and {fixed[s]:g} is fixed", "lower one: they are more than all of it")
        for s in cashable
        if s in fixed and cashable[s] + fixed[s] > 1 + 1e-12
    ]
    raise_all(problems)
    from jsna_model.errors import unknown_name

    for s in (*cashable, *fixed, *(sds or {})):
        if s not in costed:
            raise unknown_name("service with a unit cost", s, costed)
