"""Local data and known totals: draws conditioned on a direct estimate, and the common logit shift that brings an area to a target."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike, NDArray

from jsna_model.errors import InputError
from jsna_model.methods.distributions import logit

Array = NDArray[np.float64]

_TOLERANCE = 1e-12  # of a shift, logit
_ITERATIONS = 50


def condition(prior: ArrayLike, observed: float, observed_sd: float, noise: ArrayLike) -> tuple[Array, float]:
    """Draws of an area's logit prevalence, conditioned on a direct estimate of it.

    ``y* = y + K (observed + sd z - y)``, ``K = V / (V + sd^2)``, V the variance of the prior draws (Matheron's rule: exact where both are
    normal). The mean is that of Fay and Herriot's composite, with the model's own variance in the place of the area variance.

    Parameters
    ----------
    prior : array_like, shape (draw,)
        Logits.
    observed, observed_sd : float
        Direct estimate on the logit scale and its standard error, above 0.
    noise : array_like, shape (draw,)
        Standard normal draws z.

    Returns
    -------
    conditioned : ndarray, shape (draw,)
    weight : float
        K: how much of the direct estimate is taken, from 0 to 1.

    Raises
    ------
    InputError
        For a standard error that is not above 0.

    References
    ----------
    Wilson JT, Borovitskiy V, Terenin A et al. (2021). Pathwise conditioning of Gaussian processes. JMLR 22(105), theorem 1.

    Fay RE, Herriot RA (1979). Estimates of income for small places. JASA 74(366), 269-277.

    Examples
    --------
    >>> drawn, weight = condition([-1.0, 0.0, 1.0], 0.0, 1.0, [0.0, 0.0, 0.0])
    >>> weight, drawn.tolist()
    (0.5, [-0.5, 0.0, 0.5])
    """
    if not observed_sd > 0:
        raise InputError(f"The standard error of a direct estimate is {observed_sd}; give one above 0.")
    y, z = np.asarray(prior, dtype=np.float64), np.asarray(noise, dtype=np.float64)
    variance = float(y.var(ddof=1))
    weight = variance / (variance + observed_sd**2)
    conditioned: Array = y + weight * (observed + observed_sd * z - y)
    return conditioned, weight


def common_shift(affected: Callable[[Array], tuple[Array, Array]], target: ArrayLike, total: ArrayLike) -> Array:
    """Shift of every logit of an area, draw by draw, that makes the children affected equal a target.

    Solves ``sum_cells n expit(eta + shift) = target`` by Newton's method on the logit of the area's share, which is nearly linear in the
    shift.

    Parameters
    ----------
    affected : callable
        From shifts, shape (draw,), to children affected and their derivative ``sum n p (1 - p)``, each shape (draw,).
    target : array_like, shape (draw,)
        Children, above 0 and below `total`.
    total : array_like, shape (draw,)
        Children of the area.

    Returns
    -------
    ndarray, shape (draw,)

    Raises
    ------
    InputError
        Where a target is not strictly between 0 and the total, or no shift was found.
    """
    wanted, everyone = np.asarray(target, dtype=np.float64), np.asarray(total, dtype=np.float64)
    if not np.all((wanted > 0) & (wanted < everyone)):
        raise InputError("a target is not above 0 and below the children of its area; check the total against the population.")
    shift = np.zeros_like(wanted)
    goal = logit(wanted / everyone)
    for _ in range(_ITERATIONS):
        found, slope = affected(shift)
        share = found / everyone
        step = (goal - logit(share)) * share * (1 - share) * everyone / slope
        shift = shift + step
        if np.abs(step).max() <= _TOLERANCE:
            return shift
    raise InputError("no common shift brings an area to its target; check the direct estimates and totals.")
