"""Rates by pattern of risks, from factors that services record: how far the counts tell them, and what is left to the prior.

A child with pattern *p* of risks is assessed at a rate in proportion to ``rho_p``, ``log rho_p = sum of b_r over risks in p + i_p``. Of
authority *a*'s children the share ``N_ap`` has the pattern. For risk *r*, among those assessed::

    logit P_ar = log sum_{p with r} N_ap rho_p - log sum_{p without r} N_ap rho_p
    logit p_ar = logit P_ar + c_ar,         c_ar ~ N(m_r, sigma_r^2)         p_ar the share recorded, c_ar the log odds ratio of recording
    x_ar       = logit p_ar + e_ar,         e_ar ~ N(0, v_ar)                what the count says of it (`normal_of`)
    b_r ~ N(beta_r, s_b^2),  m_r ~ N(mu_r, s_r^2),  i_p ~ N(0, s_i^2) for each pair in p

``exp(c)`` may exceed one, because what is recorded may be of a lesser degree than the risk is defined by; on the logit scale the recorded
share stays a share whatever `c` (law 10). Two things are *cut*, that is, not learned from these counts: the need ``N`` and the interactions
``i`` are drawn beforehand, and `b` follows given each draw of them. And only the level over authorities enters, with
``w_ar ~ 1 / (sigma_r^2 + v_ar)``::

    sum_a w_ar x_ar = g_r(b) + m_r + e_r,   g_r(b) = sum_a w_ar logit P_ar(b),   e_r ~ N(0, 1 / sum_a 1 / (sigma_r^2 + v_ar))

How shares differ from authority to authority is left to recording: it would tell a rate ratio only by the curvature of `g`, if recording
were known not to move with need. One equation for each risk has two unknowns, ``b`` and ``m``: the sum is learned, and each of them as far
as the other is known beforehand. `g` is smooth, ``dg_r/db_r = 1`` and ``dg_r/db_s = P(s | r) - P(s | not r)``, so that the posterior is
taken as normal about its mode (Gauss-Newton; tested against a grid).

References
----------
Plummer 2015, Statistics and Computing 25:37-43 (cut models). Gustafson 2015, Bayesian Inference for Partially Identified Models.
Gelman et al. 2013, Bayesian Data Analysis, 4.1 (normal approximation) and 13.9.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from jsna_model.errors import InputError
from jsna_model.methods.calibration import Counts, fit, posterior
from jsna_model.methods.pooling import reml_tau2

Array = NDArray[np.float64]

#: Most Gauss-Newton steps to the mode, and the step at which it has settled; `g` is nearly linear: some six steps at the default priors.
NEWTON_STEPS = 60
STEP_TOLERANCE = 1e-8
#: Times that weights of authorities and the ratios they imply are worked out in turn.
WEIGHT_STEPS = 3


@dataclass(frozen=True)
class Level:
    """What the counts of all authorities say of one risk's recorded share, on the logit scale.

    Parameters
    ----------
    x, v : ndarray, shape (area,)
        Each count as a normal likelihood; `v` infinite where nothing is published.
    weight : ndarray, shape (area,)
        Of authorities in the level; sums to 1.
    sigma : float
        Spread of recording over authorities.
    """

    x: Array
    v: Array
    weight: Array
    sigma: float

    @property
    def value(self) -> float:
        """Weighted mean of the logits."""
        return float(self.weight @ self.x)

    @property
    def variance(self) -> float:
        """Of the level, about the recording of England."""
        return float(1 / (1 / (self.sigma**2 + self.v)).sum())


def either(low: Array, high: Array, size: Array) -> tuple[Counts, float]:
    """Assessments with any of several factors, each counted by itself.

    At least the largest of them and at most their sum: the middle is taken, and how far the limits are apart is uncertainty that all
    authorities share.

    Parameters
    ----------
    low, high : ndarray, shape (factor, area)
        Equal for a published count; the ends of the interval of a suppressed one; NaN where nothing is known.
    size : ndarray, shape (area,)
        Assessments.

    Returns
    -------
    counts : Counts
    sd : float
        Of a logit that is anywhere between the limits over all areas, ``(logit upper - logit lower) / sqrt(12)``; 0 for one factor.
    """
    most = np.fmin(np.stack([low.sum(0), high.sum(0)]), size)
    middle = (np.stack([low.max(0), high.max(0)]) + most) / 2
    known = np.isfinite(low).all(0) & np.isfinite(high).all(0) & (size > 0)
    ends = np.array([low.max(0)[known].sum(), most[0][known].sum()]) / size[known].sum()
    inside = (ends > 0) & (ends < 1)
    sd = float(np.diff(np.log(ends / (1 - ends)))[0] / np.sqrt(12)) if inside.all() else 0.0
    return Counts(middle[0], middle[1], size), sd


def normal_of(counts: Counts, dispersion: float) -> tuple[Array, Array]:
    """Each count as a normal likelihood of the logit of its share: that which makes the same posterior of the prior of all areas.

    ``1/v = 1/sd^2 - 1/tau^2`` and ``x/v = mean/sd^2 - mu/tau^2``, from `jsna_model.methods.calibration.posterior`; a suppressed count,
    which is an interval, has one too.

    Parameters
    ----------
    counts : Counts
    dispersion : float
        Variance of a count over that of independent events; above 1.

    Returns
    -------
    x, v : ndarray, shape (area,)
        0 and infinity where the count says nothing.

    Raises
    ------
    InputError
        For fewer than three areas that say anything.
    """
    fitted = fit(counts, "logit", dispersion)
    own = posterior(counts, "logit", fitted.mu, fitted.tau, dispersion)
    precision = np.where(counts.known, 1 / own.sd**2 - 1 / fitted.tau**2, 0.0)
    told = precision > 1e-9 / fitted.tau**2
    v = np.divide(1.0, precision, out=np.full(len(told), np.inf), where=told)
    x = np.where(told, (own.mean / own.sd**2 - fitted.mu / fitted.tau**2) * np.where(told, v, 0.0), 0.0)
    return x, v


def assessed_logits(shares: Array, log_rate: Array, main: Array) -> tuple[Array, Array]:
    """Logit of the share with each risk among those assessed, and how it moves with the rate ratios.

    Parameters
    ----------
    shares : ndarray, shape (..., pattern)
        Of children; need not sum to 1.
    log_rate : ndarray, broadcasting to shape (..., pattern)
    main : ndarray, shape (pattern, risk)
        Which risks a pattern has (`jsna_model.methods.joint.design`).

    Returns
    -------
    logit : ndarray, shape (..., risk)
    slope : ndarray, shape (..., risk, risk)
        Derivative with respect to the log rate ratio of each risk: ``P(s | r) - P(s | not r)``.
    """
    weight = shares * np.exp(log_rate)
    having = np.einsum("...p,pr,ps->...rs", weight, main, main, optimize=True)
    lacking = np.einsum("...p,pr,ps->...rs", weight, 1 - main, main, optimize=True)
    have = np.einsum("...rr->...r", having)
    lack = weight.sum(-1)[..., None] - have
    return np.log(have) - np.log(lack), having / have[..., None] - lacking / lack[..., None]


def level(x: Array, v: Array, logit: Array) -> Level:
    """Spread of recording over authorities, given the share with the risk among those assessed, and the weights it makes.

    Parameters
    ----------
    x, v : ndarray, shape (area,)
        From `normal_of`.
    logit : ndarray, shape (area,)
        From `assessed_logits`.
    """
    told = np.isfinite(v)
    sigma2 = reml_tau2((x - logit)[told], v[told])
    weight = 1 / (sigma2 + v)
    return Level(x, v, weight / weight.sum(), float(np.sqrt(sigma2)))


def rate_posterior(
    seen: Array, variance: Array, prior_mean: Array, prior_sd: Array, shares: Array, weights: Array, extra: Array, main: Array
) -> tuple[Array, Array]:
    """Posterior of the log rate ratios, given each draw of need and interactions: its mode, and a root of its covariance.

    Parameters
    ----------
    seen : ndarray, shape (risk,)
        `Level.value` less the prior mean of recording.
    variance : ndarray, shape (risk,)
        `Level.variance` and that of recording in England beforehand; infinite where no factor is recorded, so that the prior stands.
    prior_mean, prior_sd : ndarray, shape (risk,)
        Of the log rate ratios.
    shares : ndarray, shape (draw, area, pattern)
        Of children.
    weights : ndarray, shape (risk, area)
        `Level.weight`.
    extra : ndarray, shape (draw, pattern)
        Interactions.
    main : ndarray, shape (pattern, risk)

    Returns
    -------
    mode : ndarray, shape (draw, risk)
    root : ndarray, shape (draw, risk, risk)
        Lower triangle ``L``, ``L L'`` the covariance: ``mode + L z`` is a draw.

    Raises
    ------
    InputError
        Where no mode is found: priors that the counts all but rule out.
    """
    told = np.where(np.isfinite(variance), 1 / variance, 0.0)
    before = np.diag(1 / prior_sd**2)
    b = np.broadcast_to(prior_mean, (len(shares), len(prior_mean))).copy()
    for _ in range(NEWTON_STEPS):
        logit, slope = assessed_logits(shares, (b @ main.T + extra)[:, None], main)
        g = np.einsum("ra,dar->dr", weights, logit, optimize=True)
        to = np.einsum("ra,dars->drs", weights, slope, optimize=True)
        inverse = np.linalg.inv(before + np.einsum("drs,r,drt->dst", to, told, to))
        score = (prior_mean - b) / prior_sd**2 + np.einsum("drs,r,dr->ds", to, told, seen - g)
        step = np.einsum("dst,dt->ds", inverse, score)
        b = b + step
        if np.abs(step).max() < STEP_TOLERANCE:
            break
    else:
        raise InputError(
            "the rates by pattern that make the recorded factors were not found: the priors are too far from the counts. "
            "Give need.rate_ratio, or recording of each risk, nearer to one."
        )
    return b, np.linalg.cholesky(inverse)


def normal_update(mean: Array | float, variance: Array | float, seen: Array | float, error: Array | float) -> tuple[Array, Array]:
    """Mean and variance of a normal after one look at it; an infinite `error` leaves it, and a variance of 0 keeps it."""
    gain = np.asarray(variance) / np.maximum(np.asarray(variance) + np.asarray(error), np.finfo(float).tiny)
    gain = np.where(np.isfinite(error), gain, 0.0)
    return np.asarray(mean + gain * (np.asarray(seen) - mean)), np.asarray((1 - gain) * variance)
