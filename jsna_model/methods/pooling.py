"""Pooling independent estimates of one construct: random-effects meta-analysis with its prediction interval."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import inf, nan, sqrt
from typing import Literal, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special
from scipy.optimize import brentq

from jsna_model.errors import Problem, raise_all
from jsna_model.methods.distributions import quantile_of

Array = NDArray[np.float64]
Method = Literal["paule_mandel", "reml"]

#: Points at which the derivative of the restricted likelihood is looked at for changes of sign, evenly spaced in log tau2.
SCORE_POINTS = 400
#: Roots are found to this share of the smallest sampling variance, or to the last bits of a larger root.
TOLERANCE = 1e-13


@dataclass(frozen=True)
class Pooled:
    """A random-effects mean of several estimates, and how far they disagree.

    Parameters
    ----------
    value : float
        Mean of the distribution of true values, on the scale of the estimates.
    standard_error : float
        Of `value`; Hartung and Knapp's where that was asked for.
    lower, upper : float
        Confidence interval of `value`: where the mean lies.
    prediction_lower, prediction_upper : float
        Interval for the true value of one more study like these: where another place or period may lie. NaN for two estimates.
    tau2 : float
        Variance of the true values between studies, at least 0.
    q : float
        Cochran's Q, with fixed-effect weights ``1 / v``; about ``k - 1`` where estimates differ by sampling error alone.
    i2 : float
        ``tau2 / (tau2 + s2)``, in [0, 1): share of the variance of a typical estimate that lies between studies.
    k : int
        Number of estimates.
    method : str
        How `tau2` was found: ``"paule_mandel"`` or ``"reml"``.
    """

    value: float
    standard_error: float
    lower: float
    upper: float
    prediction_lower: float
    prediction_upper: float
    tau2: float
    q: float
    i2: float
    k: int
    method: Method


def random_effects(
    estimates: ArrayLike,
    variances: ArrayLike,
    method: Method = "paule_mandel",
    level: float = 0.95,
    knapp_hartung: bool = True,
    at_least_one: bool = False,
) -> Pooled:
    r"""Random-effects mean of independent estimates of one construct, with confidence and prediction intervals.

    The model is ``y_i ~ N(theta_i, v_i)``, ``theta_i ~ N(mu, tau2)``, variances `v` known, estimates independent. With
    ``w_i = 1 / (v_i + tau2)``::

        mu    = sum(w y) / sum(w)
        se2   = 1 / sum(w)                                     without knapp_hartung; interval by the normal distribution
        se2   = h / sum(w),  h = sum(w (y - mu)^2) / (k - 1)   with knapp_hartung; interval by t with k - 1 degrees of freedom
        prediction = mu -+ t_{k-2} sqrt(tau2 + 1 / sum(w))     k of 3 or more
        Q     = sum((y - m)^2 / v),  m the fixed-effect mean
        I2    = tau2 / (tau2 + s2),  s2 = (k - 1) sum(1/v) / (sum(1/v)^2 - sum(1/v^2))

    `tau2` is Paule and Mandel's (`paule_mandel_tau2`) or the restricted maximum-likelihood estimate (`reml_tau2`); 0 where the estimates
    differ no more than their sampling errors explain.

    Pool proportions on the logit scale and ratios on the log scale. Whether estimates are of one construct, and share no data, is for
    the caller to establish: nothing in the numbers can tell.

    Parameters
    ----------
    estimates : array_like
        `k` of them, one dimension.
    variances : array_like
        Sampling variances, above 0, as many as estimates, in squared units of the estimates.
    method : {"paule_mandel", "reml"}
    level : float
        Of both intervals, such as 0.95.
    knapp_hartung : bool
        Whether the standard error is scaled by what was seen (`h`) and the interval uses t.
    at_least_one : bool
        Whether `h` is replaced by ``max(1, h)``. This amendment, made afterwards and ad hoc, keeps the interval from being narrower than
        the one by t without `h`. It is off, as Hartung and Knapp (2001) published the method. Says nothing without `knapp_hartung`.

    Returns
    -------
    Pooled

    Raises
    ------
    InputError
        For fewer than two estimates, other shapes or numbers of variances, values that are not finite, variances of 0 or less, an unknown
        method, a level outside (0, 1); and for identical estimates with Hartung and Knapp's interval as published, which would have no
        width. Every problem at once.

    Notes
    -----
    The prediction interval uses ``1 / sum(w)`` whatever `knapp_hartung` says, as Higgins et al. published it. Under Paule and Mandel
    `h` is 1 where `tau2` is above 0, and at most 1 where it is 0: there Hartung and Knapp's standard error is never the larger one, and
    with a small `h` and two or three estimates the interval can be too narrow to be believed; that is what `at_least_one` is for.

    `I2` is Higgins and Thompson's, with their typical sampling variance `s2` and the `tau2` of the chosen method, as the R package
    metafor has it. It equals the ``(Q - (k - 1)) / Q`` of textbooks only for DerSimonian and Laird's `tau2`.

    References
    ----------
    Hartung J, Knapp G (2001). On tests of the overall treatment effect in meta-analysis with normally distributed responses. Statistics
    in Medicine 20(12), 1771-1782.

    Higgins JPT, Thompson SG (2002). Quantifying heterogeneity in a meta-analysis. Statistics in Medicine 21(11), 1539-1558 (`I2`, `s2`).

    Higgins JPT, Thompson SG, Spiegelhalter DJ (2009). A re-evaluation of random-effects meta-analysis. Journal of the Royal Statistical
    Society, Series A 172(1), 137-159 (prediction interval).

    Examples
    --------
    >>> pooled = random_effects([-1.6, -1.2, -1.9], [0.01, 0.02, 0.04])
    >>> round(pooled.value, 3), round(pooled.tau2, 3), pooled.k
    (-1.551, 0.095, 3)
    """
    y, v = _checked(estimates, variances, method, level, knapp_hartung and not at_least_one)
    k = y.size
    origin = y[0]
    y = y - origin  # identical estimates are then exactly 0, and a large common part costs no digits
    tau2 = paule_mandel_tau2(y, v) if method == "paule_mandel" else reml_tau2(y, v)
    w, mean = _weights_and_mean(y, v, tau2)
    total = float(w.sum())
    value = float(origin) + mean
    if knapp_hartung:
        scale = float(w @ (y - mean) ** 2) / (k - 1)
        standard_error = sqrt((max(1.0, scale) if at_least_one else scale) / total)
        half = _t_quantile(k - 1, level) * standard_error
    else:
        standard_error = sqrt(1 / total)
        half = quantile_of(level) * standard_error
    apart = _t_quantile(k - 2, level) * sqrt(tau2 + 1 / total) if k > 2 else nan
    typical = _typical_variance(v)
    return Pooled(
        value=value,
        standard_error=standard_error,
        lower=value - half,
        upper=value + half,
        prediction_lower=value - apart,
        prediction_upper=value + apart,
        tau2=tau2,
        q=_generalised_q(0.0, y, v),
        i2=tau2 / (tau2 + typical),
        k=k,
        method=method,
    )


def paule_mandel_tau2(y: Array, v: Array) -> float:
    """Between-study variance at which the generalised Q equals its expectation (Paule and Mandel).

    The root of ``sum((y - mu)^2 / (v + tau2)) = k - 1``, mu being the weighted mean at the same `tau2`; 0 where the left side is no more
    than that already at 0. The left side falls steadily in `tau2` and is below ``S / tau2``, S the sum of squares about the plain mean, so
    that the one root lies in (0, S / (k - 1)).

    Parameters
    ----------
    y, v : ndarray
        Estimates and their sampling variances (above 0), two or more.

    Returns
    -------
    float

    References
    ----------
    Paule RC, Mandel J (1982). Consensus values and weighting factors. Journal of Research of the National Bureau of Standards 87(5),
    377-385.

    DerSimonian R, Kacker R (2007). Random-effects model for meta-analysis of clinical trials: an update. Contemporary Clinical Trials
    28(2), 105-114.

    Examples
    --------
    >>> round(paule_mandel_tau2(np.array([0.0, 2.0]), np.array([0.5, 0.5])), 12)
    1.5
    """
    degrees = y.size - 1

    def excess(tau2: float) -> float:
        return _generalised_q(tau2, y, v) - degrees

    if excess(0.0) <= 0:
        return 0.0
    upper = float(((y - y.mean()) ** 2).sum()) / degrees
    return _root(excess, 0.0, upper, v) if excess(upper) < 0 else upper


def reml_tau2(y: Array, v: Array) -> float:
    """Between-study variance that maximises the restricted likelihood over ``tau2 >= 0``.

    With ``w = 1 / (v + tau2)``, the restricted log-likelihood is, but for a constant,
    ``-(sum(log(v + tau2)) + log(sum(w)) + sum(w (y - mu)^2)) / 2``, and its derivative
    ``(sum(w^2 (y - mu)^2) - sum(w) + sum(w^2) / sum(w)) / 2``. The likelihood may have more than one peak, so the derivative is looked at
    over `SCORE_POINTS` values, every change from rising to falling is solved, and the highest of these peaks and of the boundary 0 is
    taken. No peak lies above ``max(max(v), 3 range(y)^2)``: there weights differ by a factor of two at most, hence
    ``sum(w^2) / sum(w)^2 <= 2 / (k + 1)``, and the derivative is negative.

    Parameters
    ----------
    y, v : ndarray
        Estimates and their sampling variances (above 0), two or more.

    Returns
    -------
    float

    References
    ----------
    Viechtbauer W (2005). Bias and efficiency of meta-analytic variance estimators in the random-effects model. Journal of Educational and
    Behavioral Statistics 30(3), 261-293.

    Examples
    --------
    >>> round(reml_tau2(np.array([0.0, 2.0]), np.array([0.5, 0.5])), 12)
    1.5
    """

    def score(tau2: float) -> float:
        w, mean = _weights_and_mean(y, v, tau2)
        return float(w**2 @ (y - mean) ** 2) - float(w.sum()) * _not_twice(w)

    def likelihood(tau2: float) -> float:
        w, mean = _weights_and_mean(y, v, tau2)
        return float(np.log(w).sum() - np.log(w.sum()) - w @ (y - mean) ** 2)

    upper = 2 * max(float(v.max()), 3 * float(np.ptp(y)) ** 2)
    points = [0.0, *np.geomspace(1e-3 * float(v.min()), upper, SCORE_POINTS).tolist()]
    slopes = [score(point) for point in points]
    peaks = [0.0]
    for i in range(len(points) - 1):
        if slopes[i] > 0 >= slopes[i + 1]:
            peaks.append(_root(score, points[i], points[i + 1], v))
    return max(peaks, key=likelihood)


def _weights_and_mean(y: Array, v: Array, tau2: float) -> tuple[Array, float]:
    """Weights ``1 / (v + tau2)`` and the mean by them."""
    w = 1 / (v + tau2)
    return w, float(w @ y / w.sum())


def _generalised_q(tau2: float, y: Array, v: Array) -> float:
    """Weighted sum of squares about the weighted mean; Cochran's Q at ``tau2 = 0``."""
    w, mean = _weights_and_mean(y, v, tau2)
    return float(w @ (y - mean) ** 2)


def _typical_variance(v: Array) -> float:
    """Typical sampling variance, equation 9 of Higgins and Thompson (2002); the common one where all are equal."""
    return (v.size - 1) / (float((1 / v).sum()) * _not_twice(1 / v))


def _not_twice(w: Array) -> float:
    """``1 - sum(w^2) / sum(w)^2``, summed over pairs so that one dominant weight does not cancel it to 0."""
    share = w / w.sum()
    return 2 * float(share[1:] @ np.cumsum(share)[:-1])


def _t_quantile(degrees: int, level: float) -> float:
    """Quantile of Student's t that bounds a central interval of the given level."""
    return float(special.stdtrit(degrees, (1 + level) / 2))


def _root(function: Callable[[float], float], lower: float, upper: float, v: Array) -> float:
    """Root inside a bracket, by Brent's method."""
    return float(brentq(function, lower, upper, xtol=TOLERANCE * float(v.min()), rtol=8 * np.finfo(np.float64).eps, maxiter=1000))


def _checked(estimates: ArrayLike, variances: ArrayLike, method: str, level: float, as_published: bool) -> tuple[Array, Array]:
    """Estimates and variances as arrays, or one error with all that is wrong."""
    y, v = np.asarray(estimates, dtype=np.float64), np.asarray(variances, dtype=np.float64)
    problems = []
    if y.ndim != 1 or y.shape != v.shape:
        problems.append(Problem(f"estimates have shape {y.shape} and variances {v.shape}", "give two lists of the same length"))
    elif y.size < 2:
        found = f"{y.size} estimate{'' if y.size == 1 else 's'} to pool"
        problems.append(Problem(found, "the variance between studies needs two or more: use a single estimate as it is, without pooling"))
    problems += [Problem(f"estimate {i} is {x}", "give a finite number, on the logit scale for a proportion") for i, x in _bad(y, -inf)]
    problems += [
        Problem(f"variance {i} is {x}", "give a finite sampling variance above 0, the square of a standard error") for i, x in _bad(v, 0.0)
    ]
    if method not in get_args(Method):
        problems.append(Problem(f"method is {method!r}", f"give one of {', '.join(get_args(Method))}"))
    if not 0 < level < 1:
        problems.append(Problem(f"level is {level}", "give the level of the interval, such as 0.95"))
    if not problems and as_published and np.ptp(y) == 0:
        problems.append(
            Problem(
                f"all {y.size} estimates are {y[0]}, so that Hartung and Knapp's interval has no width",
                "set at_least_one=True, or knapp_hartung=False, so that sampling error is kept",
            )
        )
    raise_all(problems)
    return y, v


def _bad(values: Array, above: float) -> list[tuple[int, float]]:
    """Place, from 1, and value of everything that is not finite or not above a bound."""
    flat = values.ravel()
    return [(int(i) + 1, float(flat[i])) for i in np.flatnonzero(~(np.isfinite(flat) & (flat > above)))]
