"""A compiled form of the heart of `estimate`: eight patterns of three risks, cell by cell. Needs numba.

Without it `joint.three_risks` does the same in numpy; the two agree to about 1e-12 relative. The unknowns are three odds factors, so that
a Newton step takes no logarithm and no exponential, and the inner loop, over draws, is one that a compiler turns into vector instructions.
"""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

Array = NDArray[np.float64]

_TOLERANCE = 1e-13  # of a marginal, relative to its variance p (1 - p): steps are quadratic, so that what is left is smaller
_ITERATIONS = 30
_LARGEST_STEP = 1.5  # of a log odds factor; the rational form of exp holds below 2


@njit(cache=True, nogil=True, error_model="numpy")
def patterns_of_three(base: Array, local: Array, odds_ratios: Array, start: Array, counts: Array, out: Array) -> int:
    """Children by pattern in a block of areas, written into `out`.

    The odds of risk *k* in a cell are ``base * local``. With odds factors ``a, b, c`` of the three risks, the patterns are in proportion to
    ``1, a, b, a b r01, c, a c r02, b c r12, a b c r01 r02 r12 r012``; the factors are solved so that the marginals hold (Newton's method on
    their logarithms, ``Cov(s) step = p - m``; ``exp(step)`` by its (1, 1) Pade approximant). Each cell stops by itself.

    Parameters
    ----------
    base : ndarray, shape (age_band, 3, draw)
    local : ndarray, shape (area, 3, draw)
    odds_ratios : ndarray, shape (4, draw)
        Conditional: of pairs (0,1), (0,2), (1,2), and the three-way one.
    start : ndarray, shape (3, draw)
        Odds factor over odds, as a first guess.
    counts : ndarray, shape (area, age_band, draw)
        Children.
    out : ndarray, shape (area, age_band, 8, draw)

    Returns
    -------
    int
        Cells that did not settle, whose patterns are NaN: for the safe route.
    """
    areas, bands, draws = counts.shape
    unsettled = 0
    p0, p1, p2 = np.empty(draws), np.empty(draws), np.empty(draws)
    f0, f1, f2 = np.empty(draws), np.empty(draws), np.empty(draws)
    o01, o02, o12 = odds_ratios[0], odds_ratios[1], odds_ratios[2]
    o012 = o01 * o02 * o12 * odds_ratios[3]
    for i in range(areas):
        for g in range(bands):
            for d in range(draws):
                e0, e1, e2 = base[g, 0, d] * local[i, 0, d], base[g, 1, d] * local[i, 1, d], base[g, 2, d] * local[i, 2, d]
                p0[d], p1[d], p2[d] = e0 / (1 + e0), e1 / (1 + e1), e2 / (1 + e2)
                f0[d], f1[d], f2[d] = e0 * start[0, d], e1 * start[1, d], e2 * start[2, d]
            moving = 0
            for _ in range(_ITERATIONS):
                moving = 0
                for d in range(draws):
                    a, b, c = f0[d], f1[d], f2[d]
                    ab, ac, bc, abc = a * b * o01[d], a * c * o02[d], b * c * o12[d], a * b * c * o012[d]
                    w = 1 / (1 + a + b + c + ab + ac + bc + abc)
                    m0, m1, m2 = (a + ab + ac + abc) * w, (b + ab + bc + abc) * w, (c + ac + bc + abc) * w
                    r0, r1, r2 = p0[d] - m0, p1[d] - m1, p2[d] - m2
                    v0, v1, v2 = m0 * (1 - m0), m1 * (1 - m1), m2 * (1 - m2)
                    c01, c02, c12 = (ab + abc) * w - m0 * m1, (ac + abc) * w - m0 * m2, (bc + abc) * w - m1 * m2
                    a00, a01, a02 = v1 * v2 - c12 * c12, c02 * c12 - c01 * v2, c01 * c12 - c02 * v1
                    a11, a12, a22 = v0 * v2 - c02 * c02, c01 * c02 - v0 * c12, v0 * v1 - c01 * c01
                    scale = 0.5 / (v0 * a00 + c01 * a01 + c02 * a02)
                    limit = 0.5 * _LARGEST_STEP
                    s0 = max(-limit, min(limit, (a00 * r0 + a01 * r1 + a02 * r2) * scale))
                    s1 = max(-limit, min(limit, (a01 * r0 + a11 * r1 + a12 * r2) * scale))
                    s2 = max(-limit, min(limit, (a02 * r0 + a12 * r1 + a22 * r2) * scale))
                    still = (abs(r0) <= _TOLERANCE * v0) & (abs(r1) <= _TOLERANCE * v1) & (abs(r2) <= _TOLERANCE * v2)
                    moving += 0 if still else 1
                    f0[d] = a if still else a * (1 + s0) / (1 - s0)
                    f1[d] = b if still else b * (1 + s1) / (1 - s1)
                    f2[d] = c if still else c * (1 + s2) / (1 - s2)
                if moving == 0:
                    break
            for d in range(draws):
                a, b, c = f0[d], f1[d], f2[d]
                ab, ac, bc, abc = a * b * o01[d], a * c * o02[d], b * c * o12[d], a * b * c * o012[d]
                n = counts[i, g, d] / (1 + a + b + c + ab + ac + bc + abc)
                out[i, g, 0, d], out[i, g, 1, d], out[i, g, 2, d], out[i, g, 3, d] = n, n * a, n * b, n * ab
                out[i, g, 4, d], out[i, g, 5, d], out[i, g, 6, d], out[i, g, 7, d] = n * c, n * ac, n * bc, n * abc
            if moving:
                unsettled += 1
                out[i, g] = np.nan
    return unsettled
