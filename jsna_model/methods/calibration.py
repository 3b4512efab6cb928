"""Annual flows as over-dispersed counts with rates pooled over authorities, and how far the counts narrow what was assumed.

For authority *a* with size ``n`` (children, referrals) and count ``y``::

    theta ~ N(mu, tau²),    y | theta ~ NB(mean n exp(theta), variance D mean)                     a ratio, scale "log"
                            y | theta ~ beta-binomial(n, expit(theta), variance D n p (1 - p))      a share, scale "logit"

``mu`` and ``tau`` maximise the marginal likelihood of all authorities; each authority's posterior follows, given them. A count published
as an interval enters by the probability of the interval; a count that is missing leaves the prior. ``D`` is given: one year of counts does
not tell it from ``tau``, but for the smallest authorities. Integrals are trapezoid sums on a grid about each posterior.

References
----------
Morris 1983, JASA 78:47-55 (empirical Bayes, and what it leaves out: the uncertainty of ``mu`` and ``tau``).
Efron 2010, Large-Scale Inference, chapter 1. Gelman et al. 2013, Bayesian Data Analysis, 6.3 (predictive checks) and 5.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import minimize
from scipy.special import bdtr, betainc, betaincinv, betaln, expit, gammaln, logit, logsumexp, ndtr, ndtri

from jsna_model.errors import Problem, raise_all, unknown_name
from jsna_model.methods.counts import concentration

Array = NDArray[np.float64]

SCALES = ("log", "logit")
#: Nodes about each posterior, and how many of its standard deviations they reach to either side.
NODES_GRID = 121
_REACH_GRID = 8.0
#: Gauss-Legendre nodes over the quantiles of a beta.
QUANTILE_POINTS = 12
#: Bounds of tau, on the scale of theta: below the first, authorities are alike.
TAU_GRID = (1e-3, 10.0)
#: A prior is called identified where the data have taken away more than this share of its variance (DESIGN §4).
IDENTIFIED = 0.5


@dataclass(frozen=True)
class Counts:
    """Counts of one flow over authorities, exact or within an interval.

    Parameters
    ----------
    low, high : ndarray, shape (area,)
        Equal for a published count; the ends of the interval of a suppressed one; NaN where nothing is known.
    size : ndarray, shape (area,)
        What the count is a rate or a share of; NaN where not known, so that the count says nothing of the rate.

    Raises
    ------
    InputError
        For counts that cannot be, all at once; nothing is rescaled.
    """

    low: Array
    high: Array
    size: Array

    def __post_init__(self) -> None:
        bad = (self.low < 0) | (self.high < self.low) | (self.size < 0) | ((self.size == 0) & (self.low > 0))
        raise_all(
            Problem(
                f"row {i}: a count from {self.low[i]:g} to {self.high[i]:g} of {self.size[i]:g}",
                "give counts of zero or more, the lower end first, of something that is there",
            )
            for i in np.flatnonzero(bad)
        )

    @property
    def known(self) -> NDArray[np.bool_]:
        """Where the count says something of the rate."""
        return np.isfinite(self.low) & np.isfinite(self.high) & (np.nan_to_num(self.size) > 0)

    @property
    def exact(self) -> NDArray[np.bool_]:
        """Where it is published."""
        return self.known & (self.low == self.high)


@dataclass(frozen=True)
class Fit:
    """Hyperparameters of a flow: rates are ``N(mu, tau²)`` on `scale`, counts vary `dispersion` times as much as independent ones.

    Parameters
    ----------
    scale : {"log", "logit"}
    mu, tau, dispersion : float
    log_likelihood : float
        Marginal, of all authorities.
    areas : int
        That said something.
    """

    scale: str
    mu: float
    tau: float
    dispersion: float
    log_likelihood: float
    areas: int


@dataclass(frozen=True)
class Posterior:
    """Rates of authorities given their counts, on a grid each.

    Parameters
    ----------
    scale : {"log", "logit"}
    theta, weight : ndarray, shape (area, node)
        Nodes and their probabilities.
    tau : float
        Of the prior.
    """

    scale: str
    theta: Array
    weight: Array
    tau: float

    @property
    def mean(self) -> Array:
        """Of theta, shape (area,)."""
        return np.asarray((self.theta * self.weight).sum(-1))

    @property
    def sd(self) -> Array:
        """Of theta, shape (area,)."""
        return np.asarray(np.sqrt(((self.theta - self.mean[:, None]) ** 2 * self.weight).sum(-1)))

    @property
    def contraction(self) -> Array:
        """``1 - var(posterior) / var(prior)`` by authority: 0 where nothing was learned."""
        return np.asarray(1 - self.sd**2 / self.tau**2)

    @property
    def rate(self) -> Array:
        """Mean of the rate itself, shape (area,)."""
        return np.asarray((natural(self.theta, self.scale) * self.weight).sum(-1))

    def draws(self, z: Array) -> Array:
        """Rates from standard normals by the inverse of the posterior's distribution function.

        Parameters
        ----------
        z : ndarray, shape (area, draw)

        Returns
        -------
        ndarray, shape (area, draw)
            Monotone in `z`.
        """
        up = np.cumsum(self.weight, axis=-1) - self.weight / 2
        out = np.stack([np.interp(ndtr(v), u, t) for v, u, t in zip(z, up, self.theta, strict=True)])
        return natural(out, self.scale)


def natural(theta: Array, scale: str) -> Array:
    """A rate from its logarithm, or a share from its logit."""
    return np.asarray(np.exp(theta) if scale == "log" else expit(theta))


def log_likelihood(theta: Array, counts: Counts, scale: str, dispersion: float) -> Array:
    """Log-probability of each count, or interval, given its rate.

    Parameters
    ----------
    theta : ndarray, shape (area, node)
    counts : Counts
    scale : {"log", "logit"}
    dispersion : float
        Variance over that of independent events; above 1.

    Returns
    -------
    ndarray, shape (area, node)
        Zero where the count says nothing.
    """
    out = np.zeros(theta.shape)
    exact, between = counts.exact, counts.known & ~counts.exact
    if exact.any():
        out[exact] = _log_pmf(counts.low[exact, None], counts.size[exact, None], theta[exact], scale, dispersion)
    for i in np.flatnonzero(between):
        inside = np.arange(counts.low[i], counts.high[i] + 1)[:, None]
        out[i] = logsumexp(_log_pmf(inside, counts.size[[i]], theta[i], scale, dispersion), axis=0)
    return out


def _log_pmf(y: Array, n: Array, theta: Array, scale: str, dispersion: float) -> Array:
    if scale == "log":
        r = n * np.exp(theta) / (dispersion - 1)
        return np.asarray(gammaln(y + r) - gammaln(r) - gammaln(y + 1) - r * np.log(dispersion) + y * np.log1p(-1 / dispersion))
    a, b = _beta(n, theta, dispersion)
    out = betaln(y + a, n - y + b) - betaln(a, b) - betaln(y + 1, n - y + 1) - np.log1p(n)
    return np.where(y <= n, out, -np.inf)


def _beta(n: Array, theta: Array, dispersion: float) -> tuple[Array, Array]:
    """Parameters of the beta of a beta-binomial count; a trace where all of a size go the same way."""
    c = np.maximum(concentration(n, dispersion), 1e-6)
    return c * np.maximum(expit(theta), 1e-12), c * np.maximum(expit(-theta), 1e-12)


def posterior(counts: Counts, scale: str, mu: float, tau: float, dispersion: float) -> Posterior:
    """Posterior of each authority's rate, given the hyperparameters (equations above).

    Parameters
    ----------
    counts : Counts
    scale : {"log", "logit"}
    mu, tau, dispersion : float

    Returns
    -------
    Posterior

    Raises
    ------
    UnknownNameError, InputError
    """
    theta, log_weight, total = _grid(counts, scale, mu, tau, dispersion)
    return Posterior(scale, theta, np.exp(log_weight - total[:, None]), tau)


def _grid(counts: Counts, scale: str, mu: float, tau: float, dispersion: float) -> tuple[Array, Array, Array]:
    """Nodes, log of prior times likelihood times step, and its sum by authority."""
    _check(counts, scale, dispersion)
    at, width = _near(counts, scale, mu, tau, dispersion)
    theta = at[:, None] + width[:, None] * np.linspace(-_REACH_GRID, _REACH_GRID, NODES_GRID)
    prior = -0.5 * ((theta - mu) / tau) ** 2 - np.log(tau * np.sqrt(2 * np.pi))
    step = np.log(width * 2 * _REACH_GRID / (NODES_GRID - 1))
    log_weight = prior + log_likelihood(theta, counts, scale, dispersion) + step[:, None]
    return theta, log_weight, logsumexp(log_weight, axis=1)


def _near(counts: Counts, scale: str, mu: float, tau: float, dispersion: float) -> tuple[Array, Array]:
    """Where each posterior is about, and how wide: normal prior times normal likelihood on the scale of theta."""
    known = counts.known
    y = np.where(known, (counts.low + counts.high) / 2, 1.0)
    n = np.where(known, counts.size, 2.0)
    if scale == "log":
        m, v = np.log((y + 0.5) / n), dispersion / (y + 0.5)
    else:
        p = np.clip((y + 0.5) / (n + 1), 1e-9, 1 - 1e-9)
        m, v = logit(p), dispersion / ((n + 1) * p * (1 - p))
    # An interval is as wide as what it allows.
    v = v + np.where(known & (counts.high > counts.low), np.log((counts.high + 0.5) / (counts.low + 0.5)) ** 2 / 12, 0.0)
    w = np.where(known, 1 / v, 0.0)
    return (w * m + mu / tau**2) / (w + 1 / tau**2), 1 / np.sqrt(w + 1 / tau**2)


def fit(counts: Counts, scale: str, dispersion: float) -> Fit:
    """Hyperparameters of a flow by marginal maximum likelihood over authorities.

    Parameters
    ----------
    counts : Counts
    scale : {"log", "logit"}
    dispersion : float
        Above 1.

    Returns
    -------
    Fit

    Raises
    ------
    UnknownNameError, InputError
        For fewer than three authorities that say anything.
    """
    _check(counts, scale, dispersion)
    known = counts.known
    if known.sum() < 3:
        raise_all([Problem(f"{known.sum()} authorities have a count that says something", "give at least three, to pool over")])
    used = Counts(counts.low[known], counts.high[known], counts.size[known])
    middle = (used.low + used.high) / 2
    start = np.log((middle + 0.5) / used.size) if scale == "log" else logit((middle + 0.5) / (used.size + 1))

    def lost(x: Array) -> float:
        return -float(_grid(used, scale, float(x[0]), float(np.clip(np.exp(x[1]), *TAU_GRID)), dispersion)[2].sum())

    x0 = np.array([np.median(start), np.log(max(float(start.std()), 0.05))])
    found = minimize(lost, x0, method="Nelder-Mead", options={"xatol": 1e-5, "fatol": 1e-6})
    tau = float(np.clip(np.exp(found.x[1]), *TAU_GRID))
    return Fit(scale, float(found.x[0]), tau, dispersion, -float(found.fun), int(known.sum()))


def _check(counts: Counts, scale: str, dispersion: float) -> None:
    if scale not in SCALES:
        raise unknown_name("scale", scale, SCALES)
    problems = []
    if not 1 < dispersion < np.inf:
        problems.append(Problem(f"dispersion is {dispersion}", "give variance over mean, above 1"))
    if scale == "logit":
        over = counts.known & (counts.low > counts.size)
        problems += [
            Problem(f"row {i}: {counts.low[i]:g} of {counts.size[i]:g} is a share above 1", "correct the counts; nothing is rescaled")
            for i in np.flatnonzero(over)
        ]
    raise_all(problems)


def predictive(counts: Counts, at: Posterior, dispersion: float) -> tuple[Array, Array]:
    """Probability that a new count is below the one seen, and that it is no greater.

    Parameters
    ----------
    counts : Counts
    at : Posterior
        Where rates are: each authority's own posterior (posterior predictive), or the prior (what the others say of it).
    dispersion : float

    Returns
    -------
    below, up_to : ndarray, shape (area,)
        NaN where the count is not published.
    """
    exact = counts.exact
    out = np.full((2, len(counts.low)), np.nan)
    for k, less in enumerate((1, 0)):
        y = counts.low[exact, None] - less
        chance = _cdf(y, counts.size[exact, None], at.theta[exact], at.scale, dispersion)
        out[k, exact] = (chance * at.weight[exact]).sum(-1)
    return out[0], np.minimum(out[1], 1.0)


def _cdf(y: Array, n: Array, theta: Array, scale: str, dispersion: float) -> Array:
    if scale == "log":
        found = betainc(n * np.exp(theta) / (dispersion - 1), np.maximum(y, 0) + 1, 1 / dispersion)
        return np.where(y >= 0, found, 0.0)
    # Binomial over the beta's quantiles: Gauss-Legendre nodes of its probability.
    a, b = _beta(n, theta, dispersion)
    nodes, weights = np.polynomial.legendre.leggauss(QUANTILE_POINTS)
    total = np.zeros(theta.shape)
    for u, w in zip((nodes + 1) / 2, weights / 2, strict=True):
        total += w * bdtr(np.maximum(y, 0), n.astype(np.int64), betaincinv(a, b, u))
    return np.where(y >= 0, total, 0.0)


def prior_of(fitted: Fit, areas: int) -> Posterior:
    """The prior as a `Posterior` of as many authorities that have said nothing."""
    nothing = np.full(areas, np.nan)
    return posterior(Counts(nothing, nothing, nothing), fitted.scale, fitted.mu, fitted.tau, fitted.dispersion)


def residuals(counts: Counts, fitted: Fit) -> Array:
    """Standardised residuals: the normal score of each count within what other authorities say of it (mid-probability).

    Parameters
    ----------
    counts : Counts
    fitted : Fit

    Returns
    -------
    ndarray, shape (area,)
        NaN where the count is not published.
    """
    below, up_to = predictive(counts, prior_of(fitted, len(counts.low)), fitted.dispersion)
    return np.asarray(ndtri(np.clip((below + up_to) / 2, 1e-15, 1 - 1e-15)))


def covered(below: ArrayLike, up_to: ArrayLike, level: float = 0.9) -> NDArray[np.bool_]:
    """Whether a count lies in its central predictive interval: neither tail that holds it is smaller than ``(1 - level) / 2``."""
    tail = (1 - level) / 2
    return np.asarray((np.asarray(up_to) >= tail) & (1 - np.asarray(below) >= tail))


def product_contraction(prior_sd: ArrayLike, standard_error: float) -> tuple[float, Array]:
    """How far one measured product narrows the product, and each of its factors.

    On the log scale ``x = b_1 + b_2 + ... + e``, ``b_k ~ N(m_k, s_k²)``, ``e ~ N(0, v)``: a rate by pattern and the sensitivity with which
    its risk is recorded are seen in this sum alone. With ``S = sum of s_k²`` the product's variance falls by the share
    ``S / (S + v)`` and that of factor *k* by ``s_k² / (S + v)``. Contractions of the factors add to that of the product, so that at most
    one factor can be identified, and none of two that are known equally well beforehand.

    Parameters
    ----------
    prior_sd : array_like, shape (factor,)
        On the log scale.
    standard_error : float
        Of the logarithm of the measured product; infinite where it is not measured (interactions).

    Returns
    -------
    product : float
    factors : ndarray, shape (factor,)

    Examples
    --------
    >>> product, factors = product_contraction([0.3, 0.3], 0.1)
    >>> round(product, 3), factors.round(3).tolist()
    (0.947, [0.474, 0.474])
    """
    sd = np.asarray(prior_sd, dtype=float)
    raise_all(
        [Problem(f"a prior sd is {s:g}", "give more than zero") for s in sd if not 0 < s < np.inf]
        + ([] if standard_error >= 0 else [Problem(f"the standard error is {standard_error:g}", "give zero or more")])
    )
    factors = sd**2 / ((sd**2).sum() + standard_error**2)
    return float(factors.sum()), factors
