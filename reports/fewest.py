"""The fewest cells that protect a small publication: one programme in whole numbers, after Fischetti and Salazar (2001)."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from reports.suppression import Cells, Flags, Policy

#: Publications beyond these are protected without this programme: cells, and cells times those to protect (size of the programme).
MOST_CELLS, MOST_WORK = 250, 12_000
#: Branches tried: a number, not a time, so that the same table is suppressed alike on every machine.
NODES = 2000
_ROUNDS = 8


def fewest(cells: Cells, rule: Policy) -> Flags | None:
    """The smallest set of suppressed cells that protects every one of them; None where the programme finds none.

    A cell ``j`` is hidden where ``y_j`` is 1. For every cell ``i`` that is small, or hidden for another's sake, two tables that an attacker
    cannot rule out must lie ``rule.protection`` apart in that cell: each obeys every relation, and differs from what is shown only where
    ``y`` says so. The sum of ``y`` is made as small as can be; among equals, small counts and those that are no totals are hidden. Cells
    hidden for another's sake are added to the ``i`` as they turn up. Fischetti and Salazar (2001), *Solving the cell suppression problem
    on tabular data with linear constraints*, Management Science 47(7): 1008-1027.

    Parameters
    ----------
    cells : Cells
    rule : Policy

    Returns
    -------
    ndarray of bool, shape (cell,), or None
        Checked in whole numbers by `reports.suppression.width`, as the programme itself relaxes the attacker's tables to fractions.
    """
    from reports.suppression import small

    first = small(cells, rule)
    if len(cells.values) > MOST_CELLS:
        return None
    protect = [int(i) for i in np.flatnonzero(first)]
    if not protect:
        return first
    for _ in range(_ROUNDS):
        if len(protect) * len(cells.values) > MOST_WORK:
            return None
        chosen = _solve(cells, rule, first, protect)
        if chosen is None:
            return None
        exposed = _exposed(cells, rule, chosen)
        if not exposed:
            return chosen
        more = [i for i in exposed if i not in protect]
        if not more:
            return None  # in whole numbers it is narrower than in fractions
        protect += more
    return None


def _exposed(cells: Cells, rule: Policy, hidden: Flags) -> list[int]:
    """Hidden cells whose interval is too narrow."""
    from reports.suppression import width

    return [int(i) for i in np.flatnonzero(hidden) if width(cells, hidden, int(i), rule) < rule.protection - 1e-6]


@contextmanager
def _without_remarks() -> Iterator[None]:
    """Nothing on standard output: HiGHS 1.12 prints a line of its own while it repairs a solution, whatever it is told."""
    sys.stdout.flush()
    kept, nowhere = os.dup(1), os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    try:
        yield
    finally:
        os.dup2(kept, 1)
        os.close(kept)
        os.close(nowhere)


def _solve(cells: Cells, rule: Policy, first: Flags, protect: list[int]) -> Flags | None:
    """The programme for some cells to protect."""
    from scipy.optimize import Bounds, LinearConstraint, milp
    from scipy.sparse import block_diag, csr_matrix, hstack, kron

    from reports.suppression import known

    n, k, values = len(cells.values), len(protect), np.nan_to_num(cells.values)
    may = first | (~np.isnan(cells.values) & ~cells.public & (cells.values > 0))
    low, high = known(cells, np.zeros(n, dtype=bool), rule)
    low_hidden, high_hidden = known(cells, may, rule)
    # No table needs to differ by more than what is claimed: a smaller reach makes the programme tighter, and what it finds is checked.
    reach = rule.protection
    low_hidden = np.where(may, np.maximum(low_hidden, np.minimum(low, values - reach)), low)
    high_hidden = np.where(may, np.minimum(high_hidden, np.maximum(high, values + reach)), high)
    absent = np.isinf(high)
    high, high_hidden = np.where(absent, values + 10 * reach, high), np.where(absent, values + 10 * reach, high_hidden)
    eye, tables = csr_matrix(np.eye(n)), 2 * k
    nothing = csr_matrix((tables * len(cells.relations), n))
    relations = hstack([nothing, block_diag([csr_matrix(cells.relations)] * tables)]) if len(cells.relations) else None
    ones = csr_matrix(np.ones((tables, 1)))
    upper = hstack([kron(ones, csr_matrix(np.diag(high - high_hidden))), kron(csr_matrix(np.eye(tables)), eye)])
    lower = hstack([kron(ones, csr_matrix(np.diag(low - low_hidden))), kron(csr_matrix(np.eye(tables)), eye)])
    apart = np.zeros((k, n + tables * n))
    for row, i in enumerate(protect):
        apart[row, i] = -rule.protection
        apart[row, n + 2 * row * n + i] = 1.0
        apart[row, n + (2 * row + 1) * n + i] = -1.0
    constraints = [
        LinearConstraint(upper, -np.inf, np.tile(high, tables)),
        LinearConstraint(lower, np.tile(low, tables), np.inf),
        LinearConstraint(csr_matrix(apart), 0.0, np.inf),
    ]
    if relations is not None:
        constraints.append(LinearConstraint(relations, 0.0, 0.0))
    order = np.argsort(np.argsort(values, kind="stable"), kind="stable") / n
    weight = 1.0 + (0.3 * cells.margin + 0.2 * order) / n  # among equals; all of it together is less than one cell
    free = np.zeros(tables * n)
    with _without_remarks():
        solved = milp(
            np.concatenate([weight, free]),
            constraints=constraints,
            bounds=Bounds(np.concatenate([first.astype(float), free]), np.concatenate([may.astype(float), free + np.inf])),
            integrality=np.concatenate([np.ones(n), free]),
            options={"node_limit": NODES},
        )
    return None if solved.x is None else np.asarray(solved.x[:n] > 0.5)
