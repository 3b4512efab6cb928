"""A compiled form of the moves out of one state, cell by cell. Needs numba; without it `stock_flow` does the same in numpy.

`move_expected` gives the same flows to rounding, in one pass over the stocks. `move_whole` follows `discrete.binomial` and `discrete.split`
step by step, so that both give the same children; cells whose counts are large enough to be moment-matched are left to numpy.
"""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

Array = NDArray[np.float64]


@njit(cache=True, nogil=True, error_model="numpy")
def _binomial(u: float, n: float, p: float) -> tuple[float, float]:
    """Count and what is left of the uniform: `discrete.binomial` for one small cell."""
    flip = p > 0.5
    q = 1 - p if flip else p
    rest = 1 - u if flip else u
    left = rest
    k = 0.0
    if q > 0 and n > 0:
        mass = np.exp(n * np.log1p(-q))
        while not (rest < mass or n <= k):
            rest -= mass
            mass = mass * (n - k) / (k + 1) * q / (1 - q)
            k += 1
        left = rest / mass if mass > 0 else 0.5
        if not 0 < left < 1:
            left = 0.5
    return (n - k if flip else k), left


@njit(cache=True, nogil=True, error_model="numpy")
def move_expected(
    stock: Array, hazard: Array, event: Array, to: NDArray[np.int64], after: Array, origin: int, moved: Array, happened: Array
) -> None:
    """Move expected children out of one state, and count its events, in place.

    Parameters
    ----------
    stock : ndarray, shape (age, pattern, lane)
        Opening children of the state.
    hazard : ndarray, shape (route, age or 1, pattern or 1, lane)
    event : ndarray, shape (event, age or 1, pattern or 1, lane)
        Rates of events, for as long as a child is there.
    to : ndarray of int, shape (route,)
        States, -1 for outside.
    after : ndarray, shape (state, age, pattern, lane)
        Stocks that the moves change.
    origin : int
    moved : ndarray, shape (route, pattern, lane)
        Added to.
    happened : ndarray, shape (event, pattern, lane)
        Added to.
    """
    ages, patterns, lanes = stock.shape
    total = hazard.sum(0)
    there, stay = np.empty(total.shape), np.empty(lanes)
    for a in range(total.shape[0]):
        for p in range(total.shape[1]):
            for lane in range(lanes):
                h = total[a, p, lane]
                there[a, p, lane] = -np.expm1(-h) / h if h > 0 else 1.0
    by_age, by_pattern = total.shape[0] > 1, total.shape[1] > 1
    event_by_age, event_by_pattern = event.shape[1] > 1, event.shape[2] > 1
    for a in range(ages):
        for p in range(patterns):
            i, j = a if by_age else 0, p if by_pattern else 0
            # Rows, and one sum at a time, so that loops over lanes become vector instructions.
            here, share, out, whole = stock[a, p], there[i, j], after[origin, a, p], total[i, j]
            for lane in range(lanes):
                stay[lane] = here[lane] * share[lane]
                out[lane] -= stay[lane] * whole[lane]
            for r in range(len(to)):
                rate, booked = hazard[r, i, j], moved[r, p]
                if to[r] < 0:
                    for lane in range(lanes):
                        booked[lane] += stay[lane] * rate[lane]
                    continue
                into = after[to[r], a, p]
                for lane in range(lanes):
                    move = stay[lane] * rate[lane]
                    booked[lane] += move
                    into[lane] += move
            for e in range(len(event)):
                rate, seen = event[e, a if event_by_age else 0, p if event_by_pattern else 0], happened[e, p]
                for lane in range(lanes):
                    seen[lane] += stay[lane] * rate[lane]


@njit(cache=True, nogil=True, error_model="numpy")
def move_whole(
    stock: Array,
    u: Array,
    hazard: Array,
    to: NDArray[np.int64],
    small: float,
    after: Array,
    origin: int,
    moved: Array,
    large: NDArray[np.bool_],
) -> int:
    """Move whole children out of one state, in place.

    Parameters
    ----------
    stock : ndarray, shape (age, pattern, lane)
        Opening children of the state.
    u : ndarray, shape (age, pattern, draw)
        Uniforms, the same for every scenario: lanes are scenarios by draws.
    hazard : ndarray, shape (route, age or 1, pattern or 1, lane)
    to : ndarray of int, shape (route,)
        States, -1 for outside.
    small : float
        `discrete.SMALL`.
    after : ndarray, shape (state, age, pattern, lane)
        Stocks that the moves change.
    origin : int
    moved : ndarray, shape (route, pattern, lane)
        Added to.
    large : ndarray of bool, shape (age, pattern, lane)
        Set where a cell is left to numpy.

    Returns
    -------
    int
        Cells left to numpy.
    """
    routes, by_age, by_pattern = hazard.shape[0], hazard.shape[1] > 1, hazard.shape[2] > 1
    ages, patterns, lanes = stock.shape
    left_over = 0
    h = np.empty(routes)
    totals = np.zeros(hazard.shape[1:])
    for r in range(routes):
        totals += hazard[r]
    for a in range(ages):
        for p in range(patterns):
            for lane in range(lanes):
                n = stock[a, p, lane]
                if n == 0:
                    continue
                total = totals[a if by_age else 0, p if by_pattern else 0, lane]
                v = u[a, p, lane % u.shape[2]]
                if v < np.exp(-n * total):
                    continue
                for r in range(routes):
                    h[r] = hazard[r, a if by_age else 0, p if by_pattern else 0, lane]
                leave = -np.expm1(-total)
                if n * min(leave, 1 - leave) > small:
                    large[a, p, lane] = True
                    left_over += 1
                    continue
                count, v = _binomial(v, n, leave)
                if count > 2 * small:
                    large[a, p, lane] = True
                    left_over += 1
                    continue
                after[origin, a, p, lane] -= count
                if count == 1:
                    way, below = 0, 0.0
                    for r in range(routes - 1):
                        below += h[r] / total
                        if v > below:
                            way += 1
                    moved[way, p, lane] += 1
                    if to[way] >= 0:
                        after[to[way], a, p, lane] += 1
                    continue
                remaining, rest = count, 1.0
                for r in range(routes):
                    took = remaining
                    if r < routes - 1:
                        share = h[r] / total
                        chance = min(share / rest, 1.0) if rest > 0 else 0.0
                        took, v = _binomial(v, remaining, chance)
                        rest -= share
                    remaining -= took
                    moved[r, p, lane] += took
                    if to[r] >= 0:
                        after[to[r], a, p, lane] += took
    return left_over
