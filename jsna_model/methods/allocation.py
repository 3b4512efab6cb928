"""Where to put places of a service: the best allocation of a budget over areas, by integer programming."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from jsna_model.errors import InputError, Problem, raise_all

Array = NDArray[np.float64]
Whole = NDArray[np.int64]

#: Segments that a place's curve of reach is cut into where it has more units than that; with fewer the optimum is exact.
SEGMENTS = 40
#: Most draws that a regret is taken over: each is a constraint and an optimum of its own.
MOST_REGRET_DRAWS = 200
#: Relative gap at which the solver may stop.
_GAP_TOLERANCE = 1e-6
#: And for regrets, which take a programme a draw.
_REGRET_GAP_TOLERANCE = 1e-4


@dataclass(frozen=True)
class Allocation:
    """Units of a service in each place, and what they do.

    Parameters
    ----------
    units : ndarray of int, shape (place,)
        Families or places of the service.
    reached : ndarray, shape (place,)
        Expected children in need who are reached.
    value : float
        Reached children, weighted.
    spent : float
        Pounds, within the budget.
    regret : float
        Largest regret over draws, where it was asked for; else NaN.
    """

    units: Whole
    reached: Array
    value: float
    spent: float
    regret: float = np.nan


@dataclass(frozen=True)
class Choice:
    """The best allocation and what it is compared with, all within one budget, capacities and minimum service.

    Parameters
    ----------
    best : Allocation
    by_population, by_current : Allocation or None
        In proportion to children, and to units now, as nearly as whole units, capacities and the budget allow; None where those were not
        given.
    bound : float
        No allocation is worth more: what the solver proved, and what curves cut into segments could hide. NaN for a regret.
    """

    best: Allocation
    by_population: Allocation | None
    by_current: Allocation | None
    bound: float


def reach(units: ArrayLike, need: ArrayLike, children_per_unit: float = 1.0, saturating: bool = True) -> Array:
    """Children in need who are reached by some units of a service: never more than there are.

    ``need * (1 - exp(-children_per_unit * units / need))``, as where help finds children in need at random and some twice, which is how the
    demand model takes early help; or ``min(need, children_per_unit * units)``, where every unit finds children who have none.

    Parameters
    ----------
    units, need : array_like
        Of shapes that broadcast.
    children_per_unit : float
    saturating : bool
        The first formula; the second without it.

    Returns
    -------
    ndarray

    Examples
    --------
    >>> reach([0, 50, 1000], 100).round(1).tolist(), reach([0, 50, 1000], 100, saturating=False).tolist()
    ([0.0, 39.3, 100.0], [0.0, 50.0, 100.0])
    """
    helped, need = children_per_unit * np.asarray(units, dtype=float), np.asarray(need, dtype=float)
    if not saturating:
        return np.minimum(need, helped)
    share = np.divide(helped, need, out=np.zeros(np.broadcast(helped, need).shape), where=need > 0)
    return np.asarray(-need * np.expm1(-share))


def allocate(
    need: ArrayLike,
    budget: float,
    unit_cost: ArrayLike,
    capacity: ArrayLike,
    minimum: ArrayLike = 0,
    *,
    weight: ArrayLike = 1.0,
    children_per_unit: float = 1.0,
    saturating: bool = True,
    population: ArrayLike | None = None,
    current: ArrayLike | None = None,
    regret: bool = False,
) -> Choice:
    """Units of a service by place that reach the most children in need for a budget.

    Maximise ``sum_p w_p reach_p(x_p)`` over whole ``x_p`` with ``minimum_p <= x_p <= capacity_p`` and ``sum_p c_p x_p <= budget``. Reach
    is concave, so that it is a sum of segments that fill in order, and the programme is linear in whole numbers (`scipy.optimize.milp`,
    HiGHS).

    Parameters
    ----------
    need : array_like, shape (place,) or (place, draw)
        Affected children, or those not known to services. With draws the expected reach is maximised.
    budget : float
        Pounds.
    unit_cost : array_like, shape (place,) or one number
        Pounds a unit.
    capacity, minimum : array_like of int, shape (place,) or one number
        Most and fewest units of a place.
    weight : array_like, shape (place,) or one number
        Equity weight of a child reached there; the user's judgement, 1 for all by default.
    children_per_unit, saturating
        As in `reach`.
    population, current : array_like, shape (place,), optional
        Children, and units now, for the allocations to compare with.
    regret : bool
        Minimise the largest regret over draws instead: how much less it is worth than the best for that draw, each to 1 in 10,000. Slow:
        a programme a draw, some 40 seconds for 30 places of 400 units and 100 draws.

    Returns
    -------
    Choice

    Raises
    ------
    InputError
        Listing shapes that do not match, values that are not finite or below zero, a capacity below the minimum, and a budget below the
        cost of the minimum service.

    References
    ----------
    Huangfu and Hall 2018, Math. Program. Comput. 10:119-142 (HiGHS); Savage 1951, J. Am. Stat. Assoc. 46:55-67 (regret).
    """
    plan = _Plan.checked(need, budget, unit_cost, capacity, minimum, weight, children_per_unit, saturating, regret)
    others = {
        name: None if shares is None else proportional(shares, budget, unit_cost, capacity, minimum)
        for name, shares in (("by_population", population), ("by_current", current))
    }
    if regret:
        optima = np.array([plan.worth(plan.solve(gain, _REGRET_GAP_TOLERANCE)[0])[d] for d, gain in enumerate(plan.values.T)])
        units = plan.solve_regret(optima)
        compared = {name: u if u is None else plan.allocation(u, optima) for name, u in others.items()}
        return Choice(plan.allocation(units, optima), **compared, bound=np.nan)
    units, bound = plan.solve(plan.values.mean(-1))
    compared = {name: u if u is None else plan.allocation(u) for name, u in others.items()}
    # Between the breakpoints of long curves an allocation by share can be better by a hair: then it is the best that is known.
    best = max([plan.allocation(units), *(c for c in compared.values() if c is not None)], key=lambda a: a.value)
    return Choice(best, **compared, bound=max(bound, best.value))


def proportional(shares: ArrayLike, budget: float, unit_cost: ArrayLike, capacity: ArrayLike, minimum: ArrayLike = 0) -> Whole:
    """Whole units in proportion to shares: from the minimum on, the next one goes where there are fewest for the share, while money lasts.

    Parameters
    ----------
    shares : array_like, shape (place,)
        Zero or more, such as children; a place without a share keeps its minimum.
    budget, unit_cost, capacity, minimum
        As in `allocate`.

    Returns
    -------
    ndarray of int, shape (place,)

    Raises
    ------
    InputError
        As in `allocate`.

    References
    ----------
    Webster's method of apportionment: Balinski and Young 2001, Fair Representation, 2nd ed.

    Examples
    --------
    >>> proportional([300, 100, 0], 10, 1, 6).tolist()
    [6, 4, 0]
    """
    share = np.atleast_1d(np.asarray(shares, dtype=float))
    plan = _Plan.checked(np.ones(len(share)), budget, unit_cost, capacity, minimum, 1.0, 1.0, False, False)
    if share.ndim != 1 or not np.isfinite(share).all() or (share < 0).any():
        raise InputError(f"shares are {share.tolist()}; give one number of zero or more a place.")
    units, left = plan.minimum.copy(), float(budget) - float(plan.cost @ plan.minimum)
    # No place with a smaller quotient is passed by: what is owed next is found for all places at once.
    while True:
        open_ = (units < plan.capacity) & (share > 0) & (plan.cost <= left * (1 + 1e-12))
        if not open_.any():
            return units
        owed = np.where(open_, (units + 0.5) / np.where(share > 0, share, 1.0), np.inf)
        p = int(owed.argmin())
        units[p] += 1
        left -= float(plan.cost[p])


@dataclass(frozen=True)
class _Plan:
    """A checked problem: every array by place, and the curve of each place and draw at its breakpoints."""

    need: Array  # (place, draw)
    budget: float
    cost: Array
    capacity: Whole
    minimum: Whole
    weight: Array
    children_per_unit: float
    saturating: bool
    steps: list[Whole]  # units at the breakpoints of each place, from its minimum to its capacity
    values: Array  # (segment, draw): gain of each segment, weighted; segments of place after place

    @classmethod
    def checked(
        cls,
        need: ArrayLike,
        budget: float,
        unit_cost: ArrayLike,
        capacity: ArrayLike,
        minimum: ArrayLike,
        weight: ArrayLike,
        children_per_unit: float,
        saturating: bool,
        regret: bool,
    ) -> _Plan:
        n = np.asarray(need, dtype=float)
        n = n[:, None] if n.ndim == 1 else n
        problems = []
        if n.ndim != 2 or 0 in n.shape:
            raise InputError(f"need has shape {np.shape(need)}; give (place,) or (place, draw).")
        given: dict[str, Array] = {}
        for name, value in (("unit_cost", unit_cost), ("capacity", capacity), ("minimum", minimum), ("weight", weight)):
            values = np.asarray(value, dtype=float)
            if values.shape not in ((), (len(n),)):
                problems.append(Problem(f"{name} has shape {values.shape} for {len(n)} places", "give one number, or one a place"))
            else:
                given[name] = np.broadcast_to(values, len(n))
        for name, values in (*given.items(), ("need", n), ("budget", np.asarray(float(budget)))):
            bad = ~np.isfinite(values) | (values < 0)
            if bad.any():
                at = f" in place {int(np.argwhere(bad)[0][0])}" if values.ndim else ""
                problems.append(Problem(f"{name}{at} is {values[bad][0]:g}", "give a number of zero or more"))
        for name in ("capacity", "minimum"):
            values = given.get(name, np.zeros(0))
            if (values[np.isfinite(values)] % 1 != 0).any():
                problems.append(Problem(f"{name} has parts of a unit", "give whole units"))
        if not 0 < children_per_unit < np.inf:
            problems.append(Problem(f"children_per_unit is {children_per_unit}", "give a number above zero"))
        if regret and n.shape[1] > MOST_REGRET_DRAWS:
            problems.append(Problem(f"{n.shape[1]} draws for a regret", f"give {MOST_REGRET_DRAWS} at most, such as the first ones"))
        if {"capacity", "minimum"} <= set(given):
            for p in np.flatnonzero(given["capacity"] < given["minimum"]):
                found = f"the capacity of place {p} is {given['capacity'][p]:g}, below its minimum service of {given['minimum'][p]:g}"
                problems.append(Problem(found, "raise the one or lower the other"))
        if {"unit_cost", "minimum"} <= set(given):
            least = float(given["unit_cost"] @ given["minimum"])
            if budget < least * (1 - 1e-12):
                problems.append(
                    Problem(f"the budget is {budget:,.0f} and the minimum service costs {least:,.0f}", "give more, or ask for less")
                )
        raise_all(problems)
        cost, weights = given["unit_cost"], given["weight"]
        low, high = given["minimum"].astype(np.int64), given["capacity"].astype(np.int64)
        steps = [np.unique(np.linspace(a, b, min(b - a, SEGMENTS) + 1).round().astype(np.int64)) for a, b in zip(low, high, strict=True)]
        gains = [
            w * np.diff(reach(s[:, None], row, children_per_unit, saturating), axis=0) for s, row, w in zip(steps, n, weights, strict=True)
        ]
        return cls(n, float(budget), cost, high, low, weights, children_per_unit, saturating, steps, np.concatenate(gains))

    @property
    def place(self) -> Whole:
        """Place of each segment."""
        return np.repeat(np.arange(len(self.steps)), [len(s) - 1 for s in self.steps])

    @property
    def lengths(self) -> Array:
        """Units of each segment."""
        return np.concatenate([np.diff(s) for s in self.steps]).astype(float)

    def reached(self, units: Whole) -> Array:
        """Expected children reached, by place."""
        return np.asarray(reach(units[:, None], self.need, self.children_per_unit, self.saturating).mean(-1))

    def worth(self, units: Whole) -> Array:
        """Weighted children reached, by draw."""
        return np.asarray(self.weight @ reach(units[:, None], self.need, self.children_per_unit, self.saturating))

    def allocation(self, units: Whole, optima: Array | None = None) -> Allocation:
        """What some units do; with the best worth of each draw, their largest regret too."""
        reached = self.reached(units)
        regret = np.nan if optima is None else float((optima - self.worth(units)).max())
        return Allocation(units, reached, float(self.weight @ reached), float(self.cost @ units), regret)

    def solve(self, gain: Array, gap: float = _GAP_TOLERANCE) -> tuple[Whole, float]:
        """Best units for gains by segment, shape (segment,), and a bound on the true worth."""
        places, segments = len(self.cost), len(gain)
        if not segments:
            return self.minimum.copy(), float(self.weight @ self.reached(self.minimum))
        # Variables: units above the minimum by place (whole), then the filled share of each segment.
        found, dual = self._milp(np.concatenate([np.zeros(places), -gain]), places + segments, [], gap)
        at_minimum = float(self.weight @ self.reached(self.minimum))
        return self._whole(found), at_minimum - dual + self._hidden()

    def solve_regret(self, optima: Array) -> Whole:
        """Units with the smallest largest regret against the best worth of each draw."""
        places, segments = len(self.cost), len(self.lengths)
        if not segments:
            return self.minimum.copy()
        rows = np.column_stack([np.zeros((len(optima), places)), self.values.T, np.ones(len(optima))])
        objective = np.zeros(places + segments + 1)
        objective[-1] = 1.0
        found, _ = self._milp(objective, places + segments + 1, [(rows, optima - self.worth(self.minimum), np.inf)], _REGRET_GAP_TOLERANCE)
        return self._whole(found)

    def _milp(self, objective: Array, variables: int, more: list[tuple[Array, Any, Any]], gap: float) -> tuple[Array, float]:
        from scipy.optimize import Bounds, LinearConstraint, milp
        from scipy.sparse import csr_array

        places, segments = len(self.cost), len(self.lengths)
        money = np.concatenate([self.cost, np.zeros(variables - places)])[None]
        fill = np.zeros((places, variables))
        fill[np.arange(places), np.arange(places)] = -1.0
        fill[self.place, places + np.arange(segments)] = self.lengths
        left = self.budget - float(self.cost @ self.minimum)
        constraints = [LinearConstraint(money, -np.inf, left * (1 + 1e-12)), LinearConstraint(csr_array(fill), 0.0, 0.0)]
        constraints += [LinearConstraint(csr_array(a), low, high) for a, low, high in more]
        upper = np.concatenate([self.capacity - self.minimum, np.ones(segments), np.full(variables - places - segments, np.inf)])
        whole = np.concatenate([np.ones(places), np.zeros(variables - places)])
        done = milp(objective, integrality=whole, bounds=Bounds(0.0, upper), constraints=constraints, options={"mip_rel_gap": gap})
        if done.x is None:
            raise InputError(f"no allocation was found ({done.message}). Check budget, capacity and minimum service.")
        return done.x, float(done.mip_dual_bound)

    def _whole(self, found: Array) -> Whole:
        units: Whole = self.minimum + np.round(found[: len(self.cost)]).astype(np.int64)
        return units

    def _hidden(self) -> float:
        """Most that concave curves can lie above their chords, place by place: the bound's share of cutting them into segments."""
        hidden = 0.0
        for p, steps in enumerate(self.steps):
            units = np.arange(steps[0], steps[-1] + 1)
            curve = reach(units[:, None], self.need[p], self.children_per_unit, self.saturating).mean(-1)
            hidden += float(self.weight[p]) * float((curve - np.interp(units, steps, curve[steps - steps[0]])).max(initial=0.0))
        return hidden
