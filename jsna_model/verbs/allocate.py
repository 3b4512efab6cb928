"""Where to put places of early help: from estimated children by small area, a budget and a unit cost to families by place."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from jsna_model.errors import Problem, nearest, raise_all, unknown_name
from jsna_model.methods.allocation import SEGMENTS, Allocation, Choice
from jsna_model.methods.allocation import allocate as best_units
from jsna_model.result import Result

Array = NDArray[np.float64]

#: Times that a coarse optimum is looked at again, unit by unit.
REFINING_STEPS = 5


@dataclass(frozen=True)
class Placement:
    """An allocation over places, with what it was asked for; arrays of shape (place,).

    Parameters
    ----------
    codes, names : tuple of str
    children, need : ndarray
        Children, and expected children in need, modelled.
    choice : Choice
        Families by place: the best, by population, and by current share where that was given.
    level, measure : str
    budget : float
        Pounds.
    unit_cost, capacity, minimum, weight : ndarray
    children_per_family : float
    by_regret : bool
    """

    codes: tuple[str, ...]
    names: tuple[str, ...]
    children: Array
    need: Array
    choice: Choice
    level: str
    measure: str
    budget: float
    unit_cost: Array
    capacity: Array
    minimum: Array
    weight: Array
    children_per_family: float
    by_regret: bool


def allocate(
    result: Result,
    budget: float,
    unit_cost: float | Mapping[str, float],
    *,
    children_per_family: float,
    level: str = "ward",
    measure: str = "any_risk",
    capacity: Mapping[str, float] | None = None,
    minimum: float | Mapping[str, float] = 0,
    weight: Mapping[str, float] | None = None,
    current: Mapping[str, float] | None = None,
    saturating: bool = True,
    regret: bool = False,
) -> Placement:
    """Families given early help by place that reach the most children in need for a budget.

    Parameters
    ----------
    result : Result
        From `estimate`, of areas below the authority.
    budget : float
        Pounds.
    unit_cost : float or mapping of str to float
        Pounds per family helped; by place code where it differs.
    children_per_family : float
        Children in a family helped.
    level, measure : str
        Places, and the children who are to be reached.
    capacity, minimum, weight, current : mapping of str to float
        By place code: most and fewest families, equity weight of a child, families helped now. A place without a capacity may take what
        the budget pays for, and without a weight counts 1; `current` is of every place or of none.
    saturating, regret
        As in `jsna_model.methods.allocation.allocate`.

    Returns
    -------
    Placement

    Raises
    ------
    UnknownNameError
        For an unknown level or measure.
    InputError
        For places that are not there or lack a number, values out of range, a capacity below the minimum, and a budget below the minimum
        service; all at once.

    Notes
    -----
    Need is modelled: between small areas it follows deprivation because the model assumes so. The allocation inherits that.
    """
    levels = [lv for lv in result.levels if lv not in ("authority", "region", "england")]
    if level not in levels:
        raise unknown_name("level below the authority", level, levels)
    if measure not in result.measures:
        raise unknown_name("measure", measure, result.measures)
    node = result.node(f"need/{level}")
    codes = [str(a) for a in node["area"].values]
    costs = dict.fromkeys(codes, unit_cost) if isinstance(unit_cost, (int, float)) else unit_cost
    least = dict.fromkeys(codes, minimum) if isinstance(minimum, (int, float)) else minimum
    given = {"unit_cost": costs, "capacity": capacity, "minimum": least, "weight": weight, "current": current}
    raise_all(
        [
            *_strangers(given, codes),
            *_absent("unit_cost", costs, codes),
            *(_absent("current", current, codes) if current is not None else ()),
            *_not_numbers(budget, given),
        ]
    )
    cost = np.array([costs[c] for c in codes], dtype=float)
    floor = np.array([least.get(c, 0) for c in codes], dtype=float)
    # What the budget pays for beyond everyone's minimum is the most that a place without a capacity can take.
    free = max(float(budget) - float(cost @ floor), 0.0)
    most = floor + np.floor(np.divide(free, cost, out=np.full(len(cost), np.inf), where=cost > 0) * (1 + 1e-12))
    raise_all(
        Problem(f"{c} costs nothing and has no capacity", "give it a capacity or a cost", column="capacity")
        for c, m in zip(codes, most, strict=True)
        if not np.isfinite(m) and c not in (capacity or {})
    )
    room = np.array([(capacity or {}).get(c, m) for c, m in zip(codes, most, strict=True)], dtype=float)
    weights = np.array([(weight or {}).get(c, 1.0) for c in codes], dtype=float)
    children = node["children"].sum("age_band", skipna=False).values.astype(float)
    draws = result.draws(measure, level).transpose("area", "draw").sel(area=codes).values
    need = draws.mean(-1)
    how: dict[str, Any] = {"weight": weights, "children_per_unit": children_per_family, "saturating": saturating}
    now = None if current is None else [current[c] for c in codes]
    found = best_units(draws if regret else need, budget, cost, room, floor, population=children, current=now, regret=regret, **how)
    if not regret:
        found = replace(found, best=_refined(found.best, need, budget, cost, room, floor, how))
    names = tuple(str(n) for n in node["area_name"].values)
    return Placement(
        tuple(codes), names, children, need, found, level, measure, float(budget), cost, room, floor, weights, children_per_family, regret
    )


def _refined(best: Allocation, need: Array, budget: float, cost: Array, room: Array, floor: Array, how: dict[str, Any]) -> Allocation:
    """The best within half a curve's segments of what was found, unit by unit: curves of many units were cut into long ones."""
    for _ in range(REFINING_STEPS):
        low, high = np.maximum(floor, best.units - SEGMENTS // 2), np.minimum(room, best.units + SEGMENTS // 2)
        nearer = best_units(need, budget, cost, high, low, **how).best
        if nearer.value <= best.value * (1 + 1e-12):
            return best
        best = nearer
    return best


def _strangers(given: Mapping[str, Mapping[str, float] | None], codes: list[str]) -> list[Problem]:
    """Places that are not among those of the result."""
    out = []
    for column, values in given.items():
        for code in values or {}:
            if code not in codes:
                close = nearest(code, codes)
                out.append(Problem(f"no place has the code {code!r}", f"use {' or '.join(close or codes[:2])}", row=code, column=column))
    return out


def _absent(column: str, values: Mapping[str, float], codes: list[str]) -> list[Problem]:
    return [Problem("nothing there", "give a number for every place", row=c, column=column) for c in codes if c not in values]


def _not_numbers(budget: float, given: Mapping[str, Mapping[str, float] | None]) -> list[Problem]:
    """Numbers below zero or not finite, by place."""
    bad = [] if np.isfinite(budget) and budget >= 0 else [Problem(f"the budget is {budget}", "give pounds, zero or more")]
    for column, values in given.items():
        for code, value in (values or {}).items():
            if not np.isfinite(value) or value < 0:
                bad.append(Problem(f"found {value}", "give a number of zero or more", row=code, column=column))
            elif column in ("capacity", "minimum") and value % 1:
                bad.append(Problem(f"found {value}", "give whole families", row=code, column=column))
    return bad
