"""Whole numbers from uniforms: Poisson, binomial and multinomial counts by inverting their distribution, with common random numbers.

Each takes the uniforms it needs, so that two runs on the same uniforms differ only where their means do (law 5), and each count rises
with its uniform. Where a count is small it is exact: the distribution is inverted by summing it from zero. Where its mean is above
`SMALL` it is a whole number with the mean and variance of the distribution (`matched`).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.special import gammaincinv, ndtri

Array = NDArray[np.float64]

#: Mean up to which a distribution is inverted exactly; above it counts are moment-matched.
SMALL = 30.0
#: Variance that rounding at random adds: of a uniform fraction f, E[f (1 - f)].
_ROUNDING = 1 / 6


def matched(u: Array, mean: Array, variance: Array) -> Array:
    """Whole numbers with a given mean and variance: ``floor(mean + z sd + v)``, a normal value rounded at random.

    The rounding adds 1/6 to the variance, which is taken off before. The two uniforms are the high and the low half of `u`.

    Parameters
    ----------
    u : ndarray
        Uniforms in (0, 1).
    mean, variance : ndarray
        Mean well above zero; variance above 1/6.

    Returns
    -------
    ndarray
        Not below zero.
    """
    grid = 2.0**26
    high = np.floor(u * grid)
    low = u * grid - high
    z = ndtri((high + 0.5) / grid)
    return np.maximum(np.floor(mean + z * np.sqrt(np.maximum(variance - _ROUNDING, 0.0)) + low), 0.0)


def poisson(u: Array, mean: Array) -> Array:
    """Poisson counts from uniforms.

    Parameters
    ----------
    u, mean : ndarray, broadcast together
        Uniforms in (0, 1); means, zero or more.

    Returns
    -------
    ndarray
        Whole numbers as floats.

    Examples
    --------
    >>> poisson(np.array([0.1, 0.5, 0.99]), np.array(1.0))
    array([0., 1., 4.])
    """
    u, mean = np.broadcast_arrays(u, mean)
    out = np.zeros(u.shape)
    none = np.exp(-mean)
    some = np.flatnonzero(u.ravel() >= none.ravel())
    if some.size == 0:
        return out
    m, v, p = mean.ravel()[some], u.ravel()[some], none.ravel()[some]
    k = np.zeros(some.size)
    large = m > SMALL
    k[large] = matched(v[large], m[large], m[large])
    active = np.flatnonzero(~large)
    mass, below = p[active], np.zeros(active.size)
    while active.size:
        below = below + mass
        k[active] += 1
        mass = mass * m[active] / k[active]
        # A uniform within rounding of 1 would go on for ever: where the mass is gone, stop.
        go = (v[active] >= below + mass) & (mass > 0)
        active, mass, below = active[go], mass[go], below[go]
    out.ravel()[some] = k
    return out


def over_dispersion(u: Array, mean: Array, dispersion: float | Array) -> Array:
    """Multiplier common to all entries of a step, so that their total has variance `dispersion` times its mean.

    A gamma variable of mean 1 and shape ``mean / (dispersion - 1)``: Poisson counts on means so multiplied have a negative binomial total,
    the count of children who enter in Poisson groups of logarithmically distributed size (Quenouille 1949, *Biometrics* 5:162).

    Parameters
    ----------
    u : ndarray
        Uniforms in (0, 1).
    mean : ndarray
        Expected total of the step.
    dispersion : float or ndarray
        Variance over mean, 1 or more; 1 is Poisson.

    Returns
    -------
    ndarray
    """
    u, mean, excess = np.broadcast_arrays(u, mean, np.asarray(dispersion, dtype=float) - 1)
    out = np.ones(u.shape)
    where = (excess > 0) & (mean > 0)
    shape = mean[where] / excess[where]
    out[where] = gammaincinv(shape, u[where]) / shape
    return out


def binomial(u: Array, n: Array, p: Array) -> tuple[Array, Array]:
    """Binomial counts from uniforms, and the uniforms that are left over.

    What is left, ``(u - F(k - 1)) / f(k)``, is again uniform and independent of the count: it serves for the next one. Where the count is
    moment-matched it is a fraction of the low bits of `u`.

    Parameters
    ----------
    u : ndarray, shape (n,)
        Uniforms in (0, 1).
    n : ndarray, shape (n,)
        Whole numbers.
    p : ndarray, shape (n,)
        Probabilities in [0, 1].

    Returns
    -------
    count, left : ndarray, shape (n,)
    """
    flip = p > 0.5
    chance = np.where(flip, 1 - p, p)
    v = np.where(flip, 1 - u, u)
    k, left = np.zeros(v.shape), v.copy()
    large = n * chance > SMALL
    if large.any():
        big, q = n[large], chance[large]
        k[large] = np.minimum(matched(v[large], big * q, big * q * (1 - q)), big)
        left[large] = np.modf(v[large] * 2.0**36)[0]
    at = np.flatnonzero(~large & (chance > 0) & (n > 0))
    q, size, rest = chance[at], n[at], v[at]
    mass, count = np.exp(size * np.log1p(-q)), 0
    while at.size:
        # `rest` is what the uniform has above the counts passed over.
        done = (rest < mass) | (size <= count)
        found = at[done]
        k[found] = count
        share = np.divide(rest[done], mass[done], out=np.full(found.size, 0.5), where=mass[done] > 0)
        left[found] = np.where((share > 0) & (share < 1), share, 0.5)
        go = ~done
        at, q, size, rest, mass = at[go], q[go], size[go], rest[go] - mass[go], mass[go]
        mass = mass * (size - count) / (count + 1) * q / (1 - q)
        count += 1
    return np.where(flip, n - k, k), left


def split(u: Array, n: Array, shares: Array) -> Array:
    """Whole numbers split at random by shares: multinomial, by binomials one after the other on what is left of one uniform.

    Parameters
    ----------
    u, n : ndarray, shape (n,)
        Uniforms in (0, 1); whole numbers.
    shares : ndarray, shape (way, n)
        Add to 1 over ways.

    Returns
    -------
    ndarray, shape (way, n)
        Adds to `n`.
    """
    out = np.zeros(shares.shape)
    one = n == 1
    if one.any():
        # A single child goes one way; so do most who move in a month.
        way_of_one = (u[one] > np.cumsum(shares[:-1, one], axis=0)).sum(0)
        out[way_of_one, np.flatnonzero(one)] = 1.0
    if not one.all():
        out[:, ~one] = _split_many(u[~one], n[~one], shares[:, ~one])
    return out


def _split_many(u: Array, n: Array, shares: Array) -> Array:
    out = np.zeros(shares.shape)
    remaining, rest, v = n, np.ones(n.shape), u
    for way in range(len(shares) - 1):
        chance = np.divide(shares[way], rest, out=np.zeros(n.shape), where=rest > 0)
        out[way], v = binomial(v, remaining, np.minimum(chance, 1.0))
        remaining, rest = remaining - out[way], rest - shares[way]
    out[-1] = remaining
    return out


def admit(u: Array, waiting: Array, places: Array) -> Array:
    """Who is admitted from a queue: as many as there are places, chosen at random without replacement.

    Systematic sampling: with ``r`` the share admitted and ``C`` the running count over cells, a cell sends
    ``floor(r C_i + u) - floor(r C_(i-1) + u)``. The total is exact, each cell's expectation is ``r`` times its queue, and no cell sends
    more than it has.

    Parameters
    ----------
    u : ndarray, shape (...)
        Uniforms in (0, 1).
    waiting : ndarray, shape (cell, ...)
        Whole numbers.
    places : ndarray, shape (...)
        Free places, zero or more; a part of a place is none.

    Returns
    -------
    ndarray, shape (cell, ...)
        Whole numbers.
    """
    total = waiting.sum(0)
    taken = np.minimum(total, np.floor(places))
    share = np.divide(taken, total, out=np.zeros(total.shape), where=total > 0)
    running = np.floor(np.cumsum(waiting, axis=0) * share + u)
    # Rounding must not lose or find a place at the end.
    running[-1] = np.where(total > 0, taken, 0.0)
    running = np.minimum(running, running[-1])
    sent = np.minimum(np.diff(running, axis=0, prepend=0.0), waiting)
    return np.where(taken >= total, waiting, sent)
