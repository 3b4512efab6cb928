"""Suppression of a user's own small counts: by the policy of a source, and as far as it takes that none can be worked out.

Cells of one publication hang together: a ward's wards-of-an-authority, ages of all ages, plans within children in need. All of that is
given as linear relations between cells, and an attacker is given every number shown, every relation, totals that are published elsewhere,
and what a model that was fitted to the counts shows of them. Method: cell suppression with an attacker's audit in whole numbers,
Hundepool et al. (2012), *Statistical Disclosure Control*, chapter 4.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from jsna_model.errors import InputError, Problem, raise_all
from reports.disclosure import ABSENT, SUPPRESSED, nearest
from reports.fewest import fewest
from reports.policies import POLICIES, Policy, policy

if TYPE_CHECKING:
    from collections.abc import Hashable

    import pandas as pd

__all__ = ["POLICIES", "Cells", "Policy", "UnprotectableError", "hide", "interval", "policy", "suppress", "suppress_cells", "width"]

Array = NDArray[np.float64]
_UNBOUNDED = 1e7  # more than any count of children here
Flags = NDArray[np.bool_]


class UnprotectableError(InputError):
    """What is published elsewhere, or shown beside it, gives a small count away whatever else is hidden."""


@dataclass(frozen=True)
class Cells:
    """Counts of one publication and how they hang together.

    Parameters
    ----------
    values : ndarray, shape (cell,)
        Whole and not negative; NaN where absent.
    relations : ndarray, shape (relation, cell)
        Each row, times the cells, is zero: 1 for parts, -1 for their total.
    names : tuple of str
        For messages.
    margin : ndarray of bool, shape (cell,)
        Totals, which are hidden last.
    public : ndarray of bool, shape (cell,)
        Published elsewhere: always shown, and known to anyone.
    lower, upper : ndarray, shape (cell,)
        What is known of each cell from elsewhere, such as a rounded model output that was fitted to it.
    """

    values: Array
    relations: Array
    names: tuple[str, ...]
    margin: Flags
    public: Flags
    lower: Array
    upper: Array

    @classmethod
    def of(
        cls,
        counts: Mapping[Hashable, float],
        totals: Iterable[tuple[Hashable, Sequence[Hashable]]] = (),
        public: Iterable[Hashable] = (),
        bounds: Mapping[Hashable, tuple[float, float]] | None = None,
    ) -> Cells:
        """Cells by key, with what is the total of what.

        Parameters
        ----------
        counts : mapping
            Every cell of the publication by a key of any kind, such as ``("plans", "E05009406", "5_9")``; NaN where absent.
        totals : iterable of (total, parts)
            Keys: the areas of an area, the ages of all ages, the parts of a measure. A key that `counts` lacks is an absent cell.
        public : iterable
            Keys whose counts are published elsewhere.
        bounds : mapping, optional
            Key to (lower, upper): what a fitted model's rounded output says of a count.

        Raises
        ------
        InputError
            For negative or fractional counts, totals that do not add up and bounds that do not hold the count; all at once.
        """
        totals = list(totals)
        keys = list(dict.fromkeys([*counts, *(k for total, parts in totals for k in (total, *parts))]))
        place = {k: i for i, k in enumerate(keys)}
        values = np.array([float(counts.get(k, np.nan)) for k in keys])
        relations = np.zeros((len(totals), len(keys)))
        for row, (total, parts) in zip(relations, totals, strict=True):
            for part in parts:
                row[place[part]] += 1.0
            row[place[total]] -= 1.0
        margin, shown = np.zeros(len(keys), dtype=bool), np.zeros(len(keys), dtype=bool)
        margin[[place[total] for total, _ in totals]] = True
        shown[[place[k] for k in public]] = True
        lower, upper = np.zeros(len(keys)), np.full(len(keys), np.inf)
        for key, (low, high) in (bounds or {}).items():
            lower[place[key]], upper[place[key]] = low, high
        out = cls(values, relations, tuple(_name(k) for k in keys), margin, shown, lower, upper)
        out.check()
        return out

    def check(self) -> None:
        """Raise where counts are negative or fractional, totals do not add up, or bounds contradict them."""
        problems = [
            Problem(f"count {v:g}", "give a whole number, zero or more", row=name)
            for v, name in zip(self.values, self.names, strict=True)
            if not np.isnan(v) and (v < 0 or v != np.floor(v))
        ]
        for relation in self.relations:
            used = relation != 0
            gap = float(relation[used] @ self.values[used])
            if np.isfinite(gap) and abs(gap) > 0:
                total = int(np.flatnonzero(relation < 0)[0])
                what = f"the total is {self.values[total]:g} and its cells add up to {self.values[total] + gap:g}"
                problems.append(Problem(what, "correct the total or leave it out", row=self.names[total]))
        outside = (self.values < self.lower) | (self.values > self.upper)
        for i in np.flatnonzero(outside):
            what = f"the count {self.values[i]:g} lies outside {self.lower[i]:g} to {self.upper[i]:g}"
            problems.append(Problem(what, "give bounds that hold it", row=self.names[i]))
        raise_all(problems, InputError)


def hide(cells: Cells, rule: Policy) -> Flags:
    """Which cells are suppressed: small ones, and the fewest others that make an attacker's interval wide enough for every one.

    Where the publication is too large for that programme (`reports.fewest`): others one by one, smallest first, until it is wide enough;
    then, largest first, those that are not needed are shown again.

    Parameters
    ----------
    cells : Cells
    rule : Policy

    Returns
    -------
    ndarray of bool, shape (cell,)

    Raises
    ------
    UnprotectableError
        Where what is published elsewhere gives a small count away whatever is hidden.
    """
    best = fewest(cells, rule)
    if best is not None:
        return best
    absent = np.isnan(cells.values)
    hidden = small(cells, rule)
    safe: set[int] = set()
    while True:
        exposed = None
        for cell in np.flatnonzero(hidden):
            # An interval only widens as more is hidden, so a cell that was safe stays so.
            if int(cell) not in safe and width(cells, hidden, int(cell), rule) < rule.protection - 1e-6:
                exposed = int(cell)
                break
            safe.add(int(cell))
        if exposed is None:
            return _shown_again(cells, hidden, rule)
        hidden[_next_cell(cells, exposed, hidden, absent)] = True


def _shown_again(cells: Cells, hidden: Flags, rule: Policy) -> Flags:
    """Without the further cells that turn out not to be needed, largest first: what was hidden early may be covered by what came later."""
    further = [c for c in np.flatnonzero(hidden) if not rule.low <= cells.values[c] <= rule.high]
    for cell in sorted(further, key=lambda c: -cells.values[c]):
        tried = hidden.copy()
        tried[cell] = False
        if all(width(cells, tried, int(c), rule) >= rule.protection - 1e-6 for c in np.flatnonzero(tried)):
            hidden = tried
    return hidden


def width(cells: Cells, hidden: Flags, cell: int, rule: Policy) -> float:
    """Width of the interval that an attacker can deduce for a hidden cell; infinite where nothing bounds it above.

    The attacker knows what is shown (to its rounding), every relation, every bound, that ``[c]`` is not zero where zeros are shown, that
    small counts are never shown, and that a count is not negative.
    """
    low, high = interval(cells, hidden, cell, rule)
    return high - low


def interval(cells: Cells, hidden: Flags, cell: int, rule: Policy) -> tuple[float, float]:
    """The interval itself: two programmes in whole numbers, since an attacker knows that they are counts."""
    from scipy.optimize import Bounds, LinearConstraint, milp

    lower, upper = known(cells, hidden, rule)
    if not cells.relations[:, cell].any():
        return float(lower[cell]), float(upper[cell])
    free = lower < upper
    free[cell] = True
    fixed = ~free
    use = np.abs(cells.relations[:, free]).sum(1) > 0
    a, b = cells.relations[np.ix_(use, free)], -cells.relations[np.ix_(use, fixed)] @ lower[fixed]
    limits = Bounds(np.ceil(lower[free] - 1e-9), np.minimum(np.floor(upper[free] + 1e-9), _UNBOUNDED))
    objective = (np.flatnonzero(free) == cell).astype(float)
    found = []
    for sign in (1.0, -1.0):
        solved = milp(sign * objective, constraints=LinearConstraint(a, b, b), bounds=limits, integrality=np.ones(int(free.sum())))
        if solved.status != 0:
            raise InputError("The counts and their totals contradict each other once absent cells are filled. Check the totals.")
        found.append(float(round(sign * solved.fun)))
    return found[0], np.inf if found[1] > _UNBOUNDED / 10 else found[1]


def known(cells: Cells, hidden: Flags, rule: Policy) -> tuple[Array, Array]:
    """Limits of each cell by itself, as an attacker has them from what is shown of it; each of shape (cell,)."""
    absent = np.isnan(cells.values)
    loose = hidden | absent
    # What is shown of a count, which its own value is not: to the nearest base, but for what is published elsewhere.
    rounded = rule.base * np.floor(np.nan_to_num(cells.values) / rule.base + 0.5)
    shown = np.where(loose, 0.0, np.where(cells.public, cells.values, rounded))
    # A number shown to the nearest base, halves upwards, is one of `base` counts; zeros are true, and small counts are never shown.
    rough = ~loose & ~cells.public & (cells.values > 0)
    above = shown + np.where(rough, rule.base - 1 - rule.base // 2, 0)
    below = shown - np.where(rough, rule.base // 2, 0)
    below = np.where(rough & (rule.low <= 1), np.maximum(below, rule.high + 1), below)
    lower = np.where(hidden, min(rule.low, 1), np.where(absent, 0.0, np.maximum(below, 0.0)))
    upper = np.where(loose, np.inf, above)
    return np.maximum(lower, cells.lower), np.minimum(upper, cells.upper)


def small(cells: Cells, rule: Policy) -> Flags:
    """Cells suppressed for their own sake; a small count that is published elsewhere is shown, as it is no secret."""
    return (cells.values >= rule.low) & (cells.values <= rule.high) & ~cells.public


def _next_cell(cells: Cells, exposed: int, hidden: Flags, absent: Flags) -> int:
    """The next cell to hide: in a relation of the exposed one, not a total where that can be helped, then the smallest."""
    free = ~hidden & ~absent & ~cells.public & (cells.values > 0)
    relations = cells.relations
    for centre in (relations[:, exposed] != 0, (relations[:, hidden] != 0).any(1), np.ones(len(relations), dtype=bool)):
        near = free & (relations[centre] != 0).any(0)
        candidates = np.flatnonzero(near & ~cells.margin) if (near & ~cells.margin).any() else np.flatnonzero(near)
        if candidates.size:
            alone = (relations != 0) @ hidden.astype(float) == 1
            rescue = ((relations[alone & (relations[:, exposed] != 0)] != 0).any(0))[candidates]
            order = np.lexsort((candidates, cells.values[candidates], ~rescue))
            return int(candidates[order[0]])
    raise UnprotectableError(
        f"{cells.names[exposed]} cannot be protected: everything around it is suppressed, published elsewhere or zero. Do not publish this table."
    )


def suppress_cells(
    counts: Mapping[Hashable, float],
    totals: Iterable[tuple[Hashable, Sequence[Hashable]]] = (),
    rule: str | Policy = "dfe_cin",
    public: Iterable[Hashable] = (),
    bounds: Mapping[Hashable, tuple[float, float]] | None = None,
    wide: Iterable[Hashable] = (),
) -> dict[Hashable, int | str]:
    """Every count of one publication as it may be shown; arguments as in `Cells.of`, and `wide`: keys of regions and England.

    Returns
    -------
    dict
        Whole numbers, ``"[c]"`` and ``"[x]"``, for every key of `counts`; true zeros are shown, and counts published elsewhere as they are.
    """
    rule = policy(rule)
    cells = Cells.of(counts, totals, public, bounds)
    hidden, elsewhere, large = hide(cells, rule), set(public), set(wide)
    out: dict[Hashable, int | str] = {}
    for key, value, gone in zip(counts, cells.values, hidden, strict=False):
        base = 1 if key in elsewhere else rule.wide_base if key in large else rule.base
        out[key] = ABSENT if np.isnan(value) else SUPPRESSED if gone else nearest(float(value), base)
    return out


def suppress(
    table: pd.DataFrame, total_row: str | None = "Total", total_column: str | None = "Total", rule: str | Policy = "dfe_cin"
) -> pd.DataFrame:
    """`suppress_cells` of one table with margins.

    Parameters
    ----------
    table : pandas.DataFrame
        Counts, rows by columns, whole and not negative; NaN where absent (shown ``[x]``).
    total_row, total_column : str or None
        Labels of the margins; None, or a label that is not there, for a table without one.
    rule : str or Policy

    Returns
    -------
    pandas.DataFrame
        Whole numbers, ``"[c]"`` and ``"[x]"``; true zeros are shown.

    Raises
    ------
    InputError
        For negative or fractional counts and totals that do not add up, all problems at once.
    """
    rows, columns = list(table.index), list(table.columns)
    values = table.to_numpy(dtype=float)
    counts: dict[Hashable, float] = {(r, c): float(values[i, j]) for i, r in enumerate(rows) for j, c in enumerate(columns)}
    totals: list[tuple[Hashable, Sequence[Hashable]]] = []
    if total_column in columns:
        totals += [((r, total_column), [(r, c) for c in columns if c != total_column]) for r in rows]
    if total_row in rows:
        totals += [((total_row, c), [(r, c) for r in rows if r != total_row]) for c in columns]
    shown = suppress_cells(counts, totals, rule)
    out = table.astype(object).copy()
    for j, c in enumerate(columns):
        out.isetitem(j, [shown[r, c] for r in rows])
    return out


def _name(key: Hashable) -> str:
    return ", ".join(map(str, key)) if isinstance(key, tuple) else str(key)
