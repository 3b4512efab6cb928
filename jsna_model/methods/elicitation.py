"""Structured expert judgement: quantiles of several people to one distribution, for what no publication gives."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import isfinite
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy import optimize, special

from jsna_model.errors import Problem, raise_all
from jsna_model.methods.distributions import expit, logit, quantile_of

Array = NDArray[np.float64]
Scale = Literal["logit", "log", "identity"]
_TO: Mapping[str, Callable[[Array], Array]] = {"logit": logit, "log": np.log, "identity": np.asarray}
_FROM: Mapping[str, Callable[[Array], Array]] = {"logit": expit, "log": np.exp, "identity": np.asarray}


@dataclass(frozen=True)
class Elicited:
    """Several judgements as one distribution.

    Parameters
    ----------
    value, lower, upper : float
        Median and central limits of the equally weighted mixture of the judgements (linear opinion pool), in the unit asked for.
    means, sds : tuple of float
        Of the normal distribution fitted to each judgement, on the scale.
    misfit : tuple of float
        Greatest distance between a judgement's quantile and the fitted one, on the scale.
    between : float
        Share of the mixture's variance that is disagreement between people.
    """

    value: float
    lower: float
    upper: float
    means: tuple[float, ...]
    sds: tuple[float, ...]
    misfit: tuple[float, ...]
    between: float


def pool_judgements(judgements: Sequence[Mapping[float, float]], scale: Scale, level: float = 0.95) -> Elicited:
    """Linear opinion pool of judgements given as quantiles.

    Each judgement is fitted by a normal distribution on the scale: least squares of ``scale(x_q) = mean + sd z_q`` over its quantiles,
    exact for two. The pool is the mixture of the fitted distributions with equal weights: it keeps disagreement as uncertainty, where an
    average of the quantiles would hide it. Its limits solve ``mean_i Phi((scale(x) - mean_i) / sd_i) = q``.

    Parameters
    ----------
    judgements : sequence of mapping of probability to value
        Such as ``{0.05: 0.02, 0.5: 0.05, 0.95: 0.12}``; two or more quantiles each.
    scale : {"logit", "log", "identity"}
        Logit for proportions, log for what is above zero.
    level : float
        Of the limits.

    Returns
    -------
    Elicited

    Raises
    ------
    InputError
        Listing every judgement with fewer than two quantiles, probabilities outside (0, 1), values outside the scale, or values that do not
        rise with their probabilities.

    References
    ----------
    Stone M (1961). The opinion pool. Annals of Mathematical Statistics 32(4), 1339-1342.

    O'Hagan A, Buck CE, Daneshkhah A et al. (2006). Uncertain Judgements: Eliciting Experts' Probabilities. Wiley, chapters 6 and 9.

    Examples
    --------
    >>> one = pool_judgements([{0.05: 10.0, 0.95: 40.0}], "log", level=0.9)
    >>> [round(x, 6) for x in (one.lower, one.value, one.upper)]
    [10.0, 20.0, 40.0]
    """
    z = quantile_of(level)
    raise_all(_problems(judgements, scale))
    fits = [_fit(j, scale) for j in judgements]
    means, sds = np.array([f[0] for f in fits]), np.array([f[1] for f in fits])
    lower, value, upper = _FROM[scale](np.array([_quantile(means, sds, q) for q in (special.ndtr(-z), 0.5, special.ndtr(z))]))
    between = float(means.var())
    total = between + float((sds**2).mean())
    return Elicited(
        float(value), float(lower), float(upper), tuple(means.tolist()), tuple(sds.tolist()), tuple(f[2] for f in fits), between / total
    )


def _fit(judgement: Mapping[float, float], scale: Scale) -> tuple[float, float, float]:
    """Mean, sd and greatest misfit of the normal distribution nearest to the quantiles."""
    q = np.array(sorted(judgement))
    z, x = special.ndtri(q), _TO[scale](np.array([judgement[p] for p in q]))
    sd, mean = np.polyfit(z, x, 1)
    return float(mean), float(sd), float(np.abs(mean + sd * z - x).max())


def _quantile(means: Array, sds: Array, q: float) -> float:
    """Quantile of the equally weighted mixture: it lies between those of its parts."""
    own = means + sds * special.ndtri(q)
    if own.max() - own.min() <= 1e-12 * max(1.0, float(np.abs(own).max())):
        return float(own[0])
    return float(optimize.brentq(lambda x: float(special.ndtr((x - means) / sds).mean()) - q, own.min(), own.max(), xtol=1e-12))


def _problems(judgements: Sequence[Mapping[float, float]], scale: Scale) -> list[Problem]:
    found = [] if judgements else [Problem("no judgement", "give at least one")]
    if scale not in _TO:
        return [*found, Problem(f"scale is {scale!r}", "use logit, log or identity")]
    top = {"logit": 1.0}.get(scale, np.inf)
    bottom = -np.inf if scale == "identity" else 0.0
    for i, judgement in enumerate(judgements, 1):
        probabilities, values = sorted(judgement), [judgement[q] for q in sorted(judgement)]
        if len(probabilities) < 2:
            found.append(
                Problem(f"{len(probabilities)} quantile", "give two or more, such as the 5th, 50th and 95th", row=f"judgement {i}")
            )
        if not all(0 < q < 1 for q in probabilities):
            found.append(Problem(f"probabilities {probabilities}", "give them inside (0, 1): 0.05 for the 5th", row=f"judgement {i}"))
        if not all(isfinite(v) and bottom < v < top for v in values):
            found.append(
                Problem(f"values {values} on the {scale} scale", f"give values above {bottom:g} and below {top:g}", row=f"judgement {i}")
            )
        if any(b <= a for a, b in pairwise(values)):
            found.append(Problem(f"values {values} do not rise with their probabilities", "check the order", row=f"judgement {i}"))
    return found
