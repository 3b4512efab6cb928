"""How much more than independent events counts vary, told from what rates do by themselves: by the size of the count.

For a count ``y`` of authority *a* in year *t* whose rate moves by itself (`jsna_model.verbs.demand_model.yearly_walk`)::

    Var(log y[t + h] - log y[t]) = V_h + D (1 / y[t] + 1 / y[t + h])

``D`` is variance over mean given the rate: 1 for independent events, ``E[n²] / E[n]`` for families of ``n`` who come together. What a rate
does over ``h`` years, ``V_h``, is the same share of a large count and of a small one; noise of events is not. The two are told apart by
size alone, so that no form of the walk is assumed; where small authorities' rates move more than large ones', ``D`` takes it in.

References
----------
McCullagh and Nelder 1989, Generalized Linear Models, 2nd edition, 6.2 (over-dispersed counts, clusters). Davidian and Carroll 1987, JASA
82:1079-1091 (variance functions from squared residuals, weights ``1 / variance²``).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from jsna_model.errors import InputError

Array = NDArray[np.float64]

#: Changes beyond as many sd are left out (a change of recording is no walk), and the share of a normal's variance that the others hold.
TRIM_SD = 3.0
KEPT_VARIANCE = 0.9733
_ROUNDS = 30
_LEAST = 1e-6
#: Median of the square of a standard normal.
_MEDIAN_SQUARE = 0.455


@dataclass(frozen=True)
class Dispersion:
    """What counts vary by.

    Parameters
    ----------
    dispersion : float
        Variance over mean, given the rate; below 1 where the counts do not tell it.
    walk_sd : ndarray, shape (lag,)
        Log sd of the rate's own change over each lag; zero where none is seen.
    changes : int
        Changes used.
    left_out : float
        Share of changes left out as beyond `TRIM_SD`.
    """

    dispersion: float
    walk_sd: Array
    changes: int
    left_out: float


def count_dispersion(counts: Array, lags: tuple[int, ...] = (1, 2, 3), weight: Array | None = None) -> Dispersion:
    """Dispersion of counts over authorities and years, and the walk of their rates, by squared changes (equation above).

    Changes are less their year's median over authorities (what all share is trend). Weighted least squares on squared changes, weights
    ``1 / variance²`` from the fit before, until they settle.

    Parameters
    ----------
    counts : ndarray, shape (area, year)
        Years in a row; NaN where missing; above zero.
    lags : tuple of int
        Years between the counts of a change.
    weight : ndarray, shape (area,), optional
        How often each authority is taken (a bootstrap's draw); once by default.

    Returns
    -------
    Dispersion

    Raises
    ------
    InputError
        For counts of zero or less, and for fewer than three authorities with a change.
    """
    counts = np.asarray(counts, dtype=float)
    if (counts <= 0).any():
        raise InputError(f"{int((counts <= 0).sum())} counts are zero or less, which have no logarithm. Leave them out (NaN).")
    taken = np.ones(len(counts)) if weight is None else np.asarray(weight, dtype=float)
    square, inverse, lag, times = [], [], [], []
    for k, h in enumerate(lags):
        change = np.log(counts[:, h:] / counts[:, :-h])
        there = np.isfinite(change)
        middle = np.zeros(change.shape[1])
        seen = there.any(0)
        middle[seen] = np.nanmedian(change[:, seen], axis=0)
        a, _ = np.nonzero(there)
        square.append(((change - middle) ** 2)[there])
        inverse.append((1 / counts[:, h:] + 1 / counts[:, :-h])[there])
        lag.append(np.full(len(a), k))
        times.append(taken[a])
    if len({*np.nonzero(np.isfinite(counts).sum(1) > 1)[0].tolist()}) < 3:
        raise InputError("fewer than three authorities have counts of two years. Give a longer panel.")
    s, z, k_, n = (np.concatenate(v) for v in (square, inverse, lag, times))
    design = np.column_stack([*(k_ == j for j in range(len(lags))), z]).astype(float)
    variance = np.full(len(s), max(np.median(s) / _MEDIAN_SQUARE, _LEAST))
    kept = np.ones(len(s), dtype=bool)
    found = np.zeros(design.shape[1])
    for _ in range(_ROUNDS):
        kept = s < TRIM_SD**2 * variance
        root = np.sqrt(n * kept) / variance
        found = np.linalg.lstsq(design * root[:, None], s / KEPT_VARIANCE * root, rcond=None)[0]
        variance = np.maximum(design @ found, _LEAST)
    return Dispersion(float(found[-1]), np.sqrt(np.maximum(found[:-1], 0.0)), int(n.sum()), float(1 - kept.mean()))
