"""Display rules: what is rounded, flagged or suppressed before anything is shown (law 14).

Modelled estimates are not personal data: they are rounded, never suppressed. Published counts are shown as published.
A user's own unpublished counts are suppressed by the rule of DfE's *Children in need*: 1 to 5 become ``[c]``, with as many
further cells as it takes for none of them to be worked out from the totals; true zeros are shown.
"""

from __future__ import annotations

from math import floor, isfinite, log10
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from jsna_model.errors import InputError, Problem, raise_all

if TYPE_CHECKING:
    import pandas as pd

#: Levels whose estimates are large enough to be rounded to 100.
LARGE_LEVELS = ("district", "authority", "region", "england")
#: A modelled number of children below this is shown in words.
FEWEST = 10
FEW = "fewer than 10"
ABSENT = "[x]"
SUPPRESSED = "[c]"
#: Display rule: an interval wider than this multiple of the estimate is flagged. 1.5 is a coefficient of variation of about 38%.
UNRELIABLE_WIDTH = 1.5
RELIABILITY = {True: "[u] low", False: "usual"}

#: The rules in words, for the pages that carry them.
RULES = (
    "Modelled numbers of children in an authority or a district are rounded to the nearest 100, or to the nearest 10 where they are below 100.",
    "Modelled numbers of children in smaller areas, and projected numbers of cases, are rounded to the nearest 10.",
    "A modelled number of children below 10 is shown as 'fewer than 10'. It is not suppressed: it is an estimate, not a count of known children.",
    "Percentages and rates have one decimal place and are worked out before rounding.",
    f"[u] marks low reliability: the credible interval is wider than {UNRELIABLE_WIDTH:g} times the estimate. This is a display rule of this report.",
    "Differences between scenarios are rounded to whole numbers below 100 and to the nearest 10 above; costs to three significant figures.",
    "Published counts are shown as published, with the publisher's symbols in brackets.",
    "Numbers are rounded one by one, so figures may not sum.",
)

SHORTHAND = {
    "[c]": "suppressed by the publisher to protect people's identity",
    "[low]": "rounds to zero but is not zero",
    "[u]": "low reliability: a wide credible interval",
    "[x]": "not available",
    "[z]": "not applicable",
}


def is_absent(value: object) -> bool:
    """Whether a value is missing: None, NaN or infinite."""
    return value is None or (isinstance(value, (float, np.floating)) and not isfinite(float(value)))


def nearest(value: float, step: float) -> int:
    """The multiple of `step` nearest to `value`, halves away from zero.

    Examples
    --------
    >>> nearest(4349, 100), nearest(-25, 10), nearest(0.5, 1)
    (4300, -30, 1)
    """
    return int(floor(abs(value) / step + 0.5) * step) * (1 if value >= 0 else -1)


def step_for(value: float, level: str) -> int:
    """Rounding step of a modelled number of children at a geographic level.

    Examples
    --------
    >>> step_for(4300, "authority"), step_for(64, "authority"), step_for(4300, "ward")
    (100, 10, 10)
    """
    return 100 if level in LARGE_LEVELS and value >= 100 else 10


def modelled(value: float | None, level: str) -> int | str:
    """A modelled number of children as it is shown.

    Parameters
    ----------
    value : float or None
        Children.
    level : str
        Geographic level, one of `jsna_model.conventions.LEVELS`.

    Returns
    -------
    int or str
        Rounded number, ``"fewer than 10"``, or ``"[x]"`` where absent.

    Examples
    --------
    >>> modelled(4333.2, "authority"), modelled(47.0, "authority"), modelled(3.1, "ward"), modelled(float("nan"), "ward")
    (4300, 50, 'fewer than 10', '[x]')
    """
    if value is None or is_absent(value):
        return ABSENT
    return FEW if value < FEWEST else nearest(float(value), step_for(float(value), level))


def difference(value: float | None) -> int | str:
    """A difference between scenarios as it is shown: whole below 100, nearest 10 above.

    Examples
    --------
    >>> difference(-3.4), difference(127.0)
    (-3, 130)
    """
    if value is None or is_absent(value):
        return ABSENT
    return nearest(float(value), 1 if abs(value) < 100 else 10)


def significant(value: float | None, digits: int = 3) -> int | str:
    """A sum of money as it is shown: whole pounds to `digits` significant figures.

    Examples
    --------
    >>> significant(1234567.0), significant(-89.6)
    (1230000, -90)
    """
    if value is None or is_absent(value):
        return ABSENT
    if abs(value) < 0.5:
        return 0
    return nearest(float(value), max(1.0, 10.0 ** (floor(log10(abs(value))) - digits + 1)))


def decimal(value: float | None, scale: float = 1.0) -> float | str:
    """A percentage or rate as it is shown: one decimal place of ``value * scale``."""
    if value is None or is_absent(value):
        return ABSENT
    return nearest(float(value) * scale * 10, 1) / 10


def published(value: float | None, status: str = "") -> int | float | str:
    """A published figure as published: the number, or the publisher's symbol in brackets.

    Examples
    --------
    >>> published(1386.0), published(float("nan"), "c"), published(float("nan"), "")
    (1386, '[c]', '[x]')
    """
    if value is None or is_absent(value):
        symbol = status if status in ("c", "x", "z", "u") else ("low" if status in ("low", "k") else "x")
        return f"[{symbol}]"
    number = float(value)
    return int(number) if number.is_integer() else number


def reliability(relative_width: float | None) -> str:
    """Flag of an estimate by the width of its interval over its value; absent widths are flagged."""
    wide = relative_width is None or is_absent(relative_width) or float(relative_width) > UNRELIABLE_WIDTH
    return RELIABILITY[wide]


# -- a user's own unpublished counts -------------------------------------------------------------------------------------


def suppress(
    table: pd.DataFrame,
    total_row: str | None = "Total",
    total_column: str | None = "Total",
    low: int = 1,
    high: int = 5,
    protection: int = 4,
) -> pd.DataFrame:
    """Suppress small counts of a table, and others so that none can be worked out from its totals.

    Primary: every count from `low` to `high` (a total too). Secondary: further cells, smallest first, until the interval that
    an attacker can deduce for each suppressed cell is at least `protection` wide. The attacker is given every shown number, all
    row and column totals, and that ``[c]`` is never zero; the interval is the solution of two linear programs a cell.

    Parameters
    ----------
    table : pandas.DataFrame
        Counts, rows by columns, whole and not negative; NaN where absent (shown ``[x]``).
    total_row, total_column : str or None
        Labels of the margins; None, or a label that is not there, for a table without one.
    low, high : int
        Range of the primary rule.
    protection : int
        Least width of the deducible interval; 4 is that of "1 to 5".

    Returns
    -------
    pandas.DataFrame
        Whole numbers, ``"[c]"`` and ``"[x]"``; true zeros are shown.

    Raises
    ------
    InputError
        For negative or fractional counts and totals that do not add up, all problems at once.

    Notes
    -----
    Method: cell suppression with an attacker audit, Hundepool et al. (2012) *Statistical Disclosure Control*, chapter 4.
    """
    row_total = total_row if total_row in table.index else None
    column_total = total_column if total_column in table.columns else None
    values = table.to_numpy(dtype=float)
    constraints = _constraints(table, row_total, column_total)
    _check_counts(table, values, constraints)
    absent = np.isnan(values)
    hidden = ((values >= low) & (values <= high)).ravel()
    is_total = np.zeros(table.shape, dtype=bool)
    if row_total is not None:
        is_total[table.index.get_loc(row_total), :] = True
    if column_total is not None:
        is_total[:, table.columns.get_loc(column_total)] = True
    flat, missing, margin = values.ravel(), absent.ravel(), is_total.ravel()
    while True:
        exposed = next(
            (int(i) for i in np.flatnonzero(hidden) if _width(int(i), flat, hidden, missing, constraints) < protection - 1e-6), None
        )
        if exposed is None:
            break
        hidden[_next_cell(exposed, flat, hidden, missing, margin, constraints)] = True
    shown = np.empty(values.size, dtype=object)
    for i, value in enumerate(flat):
        shown[i] = ABSENT if missing[i] else SUPPRESSED if hidden[i] else int(value)
    out = table.astype(object).copy()
    out.iloc[:, :] = shown.reshape(values.shape)
    return out


def _constraints(table: pd.DataFrame, row_total: str | None, column_total: str | None) -> NDArray[np.float64]:
    """Linear relations between cells: each row of the result, times the cells, is zero; shape (relation, cell)."""
    n_rows, n_columns = table.shape
    grid = np.arange(table.size).reshape(table.shape)
    relations = []
    if column_total is not None:
        total = table.columns.get_loc(column_total)
        relations += [(grid[i], grid[i, total]) for i in range(n_rows)]
    if row_total is not None:
        total = table.index.get_loc(row_total)
        relations += [(grid[:, j], grid[total, j]) for j in range(n_columns)]
    out = np.zeros((len(relations), table.size))
    for k, (cells, margin) in enumerate(relations):
        out[k, cells] = 1.0
        out[k, margin] = -1.0
    return out


def _check_counts(table: pd.DataFrame, values: NDArray[np.float64], constraints: NDArray[np.float64]) -> None:
    """Raise where counts are negative or fractional, or totals do not add up."""
    problems = []
    for i, j in np.argwhere(~np.isnan(values) & ((values < 0) | (values != np.floor(values)))):
        problems.append(
            Problem(f"count {values[i, j]:g}", "give a whole number, zero or more", row=str(table.index[i]), column=str(table.columns[j]))
        )
    for relation in constraints:
        used = relation != 0
        if np.isfinite(values.ravel()[used]).all() and abs(relation[used] @ values.ravel()[used]) > 0:
            margin = int(np.flatnonzero(relation < 0)[0])
            i, j = divmod(margin, table.shape[1])
            problems.append(
                Problem(
                    f"the total is {values[i, j]:g} and its cells add up to {values[i, j] + relation[used] @ values.ravel()[used]:g}",
                    "correct the total or leave it out",
                    row=str(table.index[i]),
                    column=str(table.columns[j]),
                )
            )
    raise_all(problems, InputError)


def _width(
    cell: int, values: NDArray[np.float64], hidden: NDArray[np.bool_], missing: NDArray[np.bool_], constraints: NDArray[np.float64]
) -> float:
    """Width of the interval that an attacker can deduce for a hidden cell; infinite where nothing bounds it above."""
    from scipy.optimize import linprog

    unknown = np.flatnonzero(hidden | missing)
    known = ~(hidden | missing)
    use = np.abs(constraints[:, unknown]).sum(1) > 0
    if not use.any() or not constraints[:, cell].any():
        return float("inf")
    a = constraints[np.ix_(use, unknown)]
    b = -constraints[np.ix_(use, known)] @ values[known]
    bounds = [(1.0 if hidden[i] else 0.0, None) for i in unknown]
    objective = (unknown == cell).astype(float)
    limits = []
    for sign in (1.0, -1.0):
        solved = linprog(sign * objective, A_eq=a, b_eq=b, bounds=bounds, method="highs")
        if solved.status == 3:
            return float("inf")
        if solved.status != 0:
            raise InputError("The counts and their totals contradict each other once absent cells are filled. Check the totals.")
        limits.append(sign * solved.fun)
    return float(limits[1] - limits[0])


def _next_cell(
    exposed: int,
    values: NDArray[np.float64],
    hidden: NDArray[np.bool_],
    missing: NDArray[np.bool_],
    margin: NDArray[np.bool_],
    constraints: NDArray[np.float64],
) -> int:
    """The next cell to hide: in a relation that touches a hidden cell, not a total where that can be helped, then the smallest."""
    free = ~hidden & ~missing & (values > 0)
    for centre in (constraints[:, exposed] != 0, (constraints[:, hidden] != 0).any(1), np.ones(len(constraints), dtype=bool)):
        near = free & (constraints[centre] != 0).any(0)
        candidates = np.flatnonzero(near & ~margin) if (near & ~margin).any() else np.flatnonzero(near)
        if candidates.size:
            alone = (constraints != 0) @ hidden.astype(float) == 1
            rescue = ((constraints[alone & (constraints[:, exposed] != 0)] != 0).any(0))[candidates]
            order = np.lexsort((candidates, values[candidates], ~rescue))
            return int(candidates[order[0]])
    raise InputError("This table cannot be protected: every count is already suppressed. Do not publish it.")
