"""One stock of interchangeable children: the engine called simply, and its mean and variance in closed form."""

from __future__ import annotations

from itertools import repeat

import numpy as np
from numpy.typing import NDArray

from jsna_model.methods.network import Network, Rates
from jsna_model.methods.stock_flow import Noise, simulate

Array = NDArray[np.float64]


def simulate_stock(
    initial: float, exit_rate: float, entries_mean: float, steps: int, noise: Noise, entries: str = "poisson", dispersion: float = 1.0
) -> Array:
    """Children in one service over time, with process noise.

    Parameters
    ----------
    initial : float
        Children at the start.
    exit_rate : float
        Hazard of leaving, a step.
    entries_mean : float
        Expected entries, a step.
    steps : int
    noise : callable
        Uniforms by name and step, such as `jsna_model.draws.process_noise`; its lanes are the draws.
    entries : {"poisson", "fixed", "siblings"}
        ``fixed``: as many as expected in every step. ``siblings``: negative binomial, variance `dispersion` times the mean.
    dispersion : float

    Returns
    -------
    ndarray, shape (steps + 1, draw)

    Examples
    --------
    >>> from jsna_model.draws import process_noise
    >>> stock = simulate_stock(500, 0.002, 1.0, 730, process_noise(2026, "example", 1000))
    >>> stock.shape, bool(abs(stock[-1].std() - 21.7) < 2)
    ((731, 1000), True)
    """
    lanes = noise("lanes", 0, ()).shape
    network = Network(("in",), (("in", None),), entries=(("outside", "in"),))
    rates = Rates((np.full((1,) * (2 + len(lanes)), exit_rate),), (), (np.full((1,) * (2 + len(lanes)), entries_mean),))
    opening = np.full((1, 1, 1, *lanes), float(initial))
    out = np.empty((steps + 1, *lanes))
    out[0] = initial
    for step in simulate(network, opening, repeat(rates, steps), noise=noise, entries=entries, dispersion=dispersion):
        out[step.number + 1] = step.closing[0, 0]
    return out


def stock_moments(initial: float, exit_rate: float, entries_mean: float, steps: int, dispersion: float = 1.0) -> tuple[float, float]:
    """Mean and variance of one stock after some steps.

    With survival ``s = exp(-exit_rate)`` a step, ``E' = s E + m`` and ``V' = s^2 V + s (1 - s) E + m D``: those who stay are binomial,
    entries (which are not exposed in their own step) have variance `dispersion` times their mean. D = 1 is Poisson, 0 a fixed number.

    Parameters
    ----------
    initial, exit_rate, entries_mean, steps
        As for `simulate_stock`.
    dispersion : float
        Variance over mean of entries.

    Returns
    -------
    mean, variance : float

    Examples
    --------
    >>> [round(stock_moments(500, 0.002, 1.0, 730, d)[1] ** 0.5, 2) for d in (1.0, 0.0)]
    [21.76, 15.38]
    """
    survival = float(np.exp(-exit_rate))
    mean, variance = float(initial), 0.0
    for _ in range(steps):
        variance = survival**2 * variance + survival * (1 - survival) * mean + entries_mean * dispersion
        mean = survival * mean + entries_mean
    return mean, variance


def whole(expected: Array, u: Array) -> Array:
    """Whole children in cells, close to their expectation and with the same total to within one (systematic rounding).

    Parameters
    ----------
    expected : ndarray, shape (cell, ...)
    u : ndarray, shape (...)
        Uniforms in (0, 1).

    Returns
    -------
    ndarray, shape (cell, ...)
        Each cell's mean over `u` is its expectation.
    """
    return np.diff(np.floor(np.cumsum(expected, axis=0) + u), axis=0, prepend=np.floor(u)[None] if np.ndim(u) else np.floor([u]))
