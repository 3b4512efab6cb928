"""The area model of one risk, and its calibration to a national draw over a fixed frame.

    logit p(area, age) = mu + delta + age(g) + beta * x(area) + v(authority) + w(small area)

`mu` is solved, draw by draw, so that the mean over the frame (restricted to the evidence's own ages, `delta` left out, area effects
integrated out) equals the national draw; `delta` then carries the evidence to children in England today.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, logit

from jsna_model.errors import InputError
from jsna_model.methods.joint import three_risks

Array = NDArray[np.float64]

_TOLERANCE = 1e-13
_ITERATIONS = 100
_BLOCK = 20  # cells at a time: what fits the processor's cache


def cubature(covariance: Array) -> tuple[Array, Array]:
    """Few nodes that integrate a function of correlated normal effects.

    One effect: 15-node Gauss-Hermite. Two or three: the nodes ``0`` and ``+-sqrt(3)`` along each column of the Cholesky factor, with
    weights ``(3 - R)/3`` and ``1/6`` (exact to degree three, and to degree four along each column). More: ``+-sqrt(R)`` with weight
    ``1/(2R)``.

    Parameters
    ----------
    covariance : ndarray, shape (R, R)

    Returns
    -------
    nodes : ndarray, shape (R, Q)
    weights : ndarray, shape (Q,)
        Sum to 1.

    References
    ----------
    Julier and Uhlmann 2004, Proc. IEEE 92:401-422 (sigma points); Golub and Welsch 1969 (Gauss quadrature).
    """
    n = len(covariance)
    if n == 1:
        x, w = np.polynomial.hermite_e.hermegauss(15)
        return np.sqrt(covariance[0, 0]) * x[None, :], w / w.sum()
    factor = np.linalg.cholesky(covariance + 1e-18 * np.eye(n))
    radius = np.sqrt(max(n, 3.0))
    nodes = radius * np.concatenate([factor, -factor], axis=1)
    weights = np.full(2 * n, 1 / (2 * radius**2))
    if n < 3:
        nodes = np.concatenate([nodes, np.zeros((n, 1))], axis=1)
        weights = np.append(weights, 1 - weights.sum())
    return nodes, weights


def covariance_factor(covariance: Array) -> Array:
    """Lower-triangular factor of a covariance, ``L L' = C``, in which variances may be zero (Cholesky, without pivoting).

    Parameters
    ----------
    covariance : ndarray, shape (n, n)
        Symmetric.

    Returns
    -------
    ndarray, shape (n, n)
        The first row is the first standard deviation, so that its draws do not depend on the others.

    Raises
    ------
    InputError
        Where it is no covariance: a correlation beyond 1, or a negative variance.

    Examples
    --------
    >>> covariance_factor(np.array([[4.0, 2.0], [2.0, 2.0]]))
    array([[2., 0.],
           [1., 1.]])
    """
    c = np.asarray(covariance, dtype=float)
    # On the scale of correlations, so that covariates of very different units are treated alike.
    sd = np.sqrt(np.maximum(np.diag(c), 0.0))
    unit = np.where(sd > 0, sd, 1.0)
    r, factor = c / np.outer(unit, unit), np.zeros_like(c)
    for j in range(len(r)):
        rest = r[j:, j] - factor[j:, :j] @ factor[j, :j]
        if not np.isfinite(rest).all() or rest[0] < -1e-10 or (rest[0] <= 1e-10 and (np.abs(rest[1:]) > 1e-5).any()):
            raise InputError("the covariance of the coefficients is not one: check its variances, and that no correlation is beyond 1.")
        if rest[0] > 1e-10:
            factor[j:, j] = rest / np.sqrt(rest[0])
    return factor * unit[:, None]


def linear_predictor(x: Array, coefficients: Array) -> Array:
    """What covariates add to the logit, ``sum_c x_c beta_c``, shape (area, draw).

    Added in order of covariates: one more, with a coefficient of zero, changes no bit.

    Parameters
    ----------
    x : ndarray, shape (area, covariate)
        Standardised.
    coefficients : ndarray, shape (covariate, draw)
    """
    out = x[:, 0, None] * coefficients[0]
    for c in range(1, len(coefficients)):
        out = out + x[:, c, None] * coefficients[c]
    return np.asarray(out)


def keep_mean(p: float, sd: float) -> float:
    """Shift that keeps the mean of a proportion when its logit is given noise, to second order: ``sd^2 (1 - 2 p) / 2``.

    Without it, noise of mean zero on the logit scale raises the expectation of every share below a half, and the expected number of
    children would exceed the published share for no reason but uncertainty.

    Examples
    --------
    >>> round(keep_mean(0.066, 0.3), 4)
    0.0391
    """
    return sd**2 * (1 - 2 * p) / 2


def solve_intercepts(target: Array, linear: Array, weights: Array, nodes: Array, node_weights: Array) -> Array:
    """Intercepts that make the frame's mean equal the national draws: ``sum_p w_p sum_q u_q expit(mu + l_p + z_q) = target``.

    Parameters
    ----------
    target : ndarray, shape (draw,)
        National prevalence, inside (0, 1).
    linear : ndarray, shape (point, draw)
        Everything but intercept and area effects.
    weights : ndarray, shape (point,)
    nodes, node_weights : ndarray, shape (node,)

    Returns
    -------
    ndarray, shape (draw,)

    Raises
    ------
    InputError
        For targets outside (0, 1).
    """
    if not ((target > 0) & (target < 1)).all():
        raise InputError("a national prevalence draw lies outside (0, 1); check the evidence and its interval.")
    w = (weights / weights.sum())[:, None, None] * node_weights[None, :, None]
    eta = linear[:, None, :] + nodes[None, :, None]
    mu = logit(target)
    for _ in range(_ITERATIONS):
        p = expit(mu + eta)
        mean = (w * p).sum((0, 1))
        residual = logit(target) - logit(mean)
        active = np.abs(residual) > _TOLERANCE
        if not active.any():
            break
        slope = (w * p * (1 - p)).sum((0, 1)) / (mean * (1 - mean))
        mu = mu + np.where(active, residual / slope, 0.0)
    return mu


def frame_mean(intercept: Array, linear: Array, weights: Array, nodes: Array, node_weights: Array) -> Array:
    """Expectation over the frame at given intercepts, shape (draw,); arguments as in `solve_intercepts`."""
    w = (weights / weights.sum())[:, None, None] * node_weights[None, :, None]
    mean: Array = (w * expit(intercept + linear[:, None, :] + nodes[None, :, None])).sum((0, 1))
    return mean


def calibrate_overlap(
    eta: Array, weights: Array, national: Array, log_linear: Array, tolerance: float = 1e-12
) -> tuple[Array, Array, Array]:
    """Shift log-linear parameters so that the frame reproduces the national joint of three risks.

    Differences in marginals between places make risks occur together even where they are independent in each place; odds ratios
    read off the national joint would count that twice. Newton's method on the four interactions; the derivative of the frame's
    pairwise and three-way shares, with each cell's marginals held, is the Schur complement of the covariance of the indicators.

    Parameters
    ----------
    eta : ndarray, shape (3, cell, draw)
        Logits of the marginals at each point and node of the frame.
    weights : ndarray, shape (cell,)
        Sum to 1.
    national : ndarray, shape (draw, 8)
        Pattern probabilities to reproduce.
    log_linear : ndarray, shape (draw, 4)
        Starting interactions, of the national joint itself.
    tolerance : float
        Of the four shares.

    Returns
    -------
    log_linear : ndarray, shape (draw, 4)
    shift : ndarray, shape (3, draw)
        Typical main effects less logits of the marginals: a start for `three_risks`.
    reproduced : ndarray, shape (draw, 8)
        Frame's mean pattern probabilities.

    Raises
    ------
    InputError
        Where some draw does not converge.
    """
    goal = _shares([national[:, k] for k in range(8)])
    theta = log_linear.copy()
    blocks = [slice(i, i + _BLOCK) for i in range(0, eta.shape[1], _BLOCK)]
    starts: list[list[Array] | None] = [None] * len(blocks)
    jacobian, last = np.empty(0), 0.0
    for _ in range(_ITERATIONS):
        reproduced, patterns = [np.zeros(eta.shape[2])] * 8, []
        for i, block in enumerate(blocks):
            cells, starts[i] = three_risks(list(eta[:, block]), [theta[:, k] for k in range(4)], starts[i])
            reproduced = [r + (weights[block, None] * c).sum(0) for r, c in zip(reproduced, cells, strict=True)]
            patterns.append(cells)
        residual = goal - _shares(reproduced)
        active = np.abs(residual).max(0) > tolerance
        if not active.any():
            shift = sum(np.stack([(weights[b, None] * x).sum(0) for x in s]) for b, s in zip(blocks, starts, strict=True) if s is not None)
            return theta, np.asarray(shift), np.stack(reproduced, axis=-1)
        error = np.abs(residual).max()
        if error > 0.01 * last:  # the derivative hardly changes: make it anew only where the last one no longer serves
            jacobian = np.sum([_interaction_jacobian(c, weights[b, None]) for c, b in zip(patterns, blocks, strict=True)], axis=0)
        last = error
        try:
            step = np.linalg.solve(jacobian, residual.T[..., None])[..., 0]
        except np.linalg.LinAlgError:  # on the edge of what is feasible no interaction moves the shares
            break
        theta = theta + np.where(active[:, None], np.clip(step, -1, 1), 0.0)
    raise InputError(
        "it could not be calibrated to the England frame: its shares lie on the edge of what the single shares allow, or beyond it once "
        "places differ. Check two-or-more and all-three, and their intervals."
    )


def _shares(cells: list[Array]) -> Array:
    """Shares with pairs (0,1), (0,2), (1,2) and all three, shape (4, ...)."""
    return np.stack([cells[3] + cells[7], cells[5] + cells[7], cells[6] + cells[7], cells[7]])


def _interaction_jacobian(cells: list[Array], w: Array) -> Array:
    """Derivative of the frame's four shares in the four interactions, marginals held, shape (draw, 4, 4)."""
    m = [cells[1] + cells[3] + cells[5] + cells[7], cells[2] + cells[3] + cells[6] + cells[7], cells[4] + cells[5] + cells[6] + cells[7]]
    s = _shares(cells)
    pair = {(0, 1): s[0], (0, 2): s[1], (1, 2): s[2]}
    sets: list[tuple[int, ...]] = [(0, 1), (0, 2), (1, 2), (0, 1, 2)]

    def both(a: tuple[int, ...], b: tuple[int, ...]) -> Array:
        union = tuple(sorted(set(a) | set(b)))
        return s[3] if len(union) == 3 else pair[union] if len(union) == 2 else m[union[0]]

    main = np.stack([np.stack([both((j,), (k,)) - m[j] * m[k] for k in range(3)], -1) for j in range(3)], -2)
    cross = np.stack([np.stack([both(a, (k,)) - s[i] * m[k] for k in range(3)], -1) for i, a in enumerate(sets)], -2)
    inner = np.stack([np.stack([both(a, b) - s[i] * s[j] for j, b in enumerate(sets)], -1) for i, a in enumerate(sets)], -2)
    schur = inner - cross @ np.linalg.solve(main, np.swapaxes(cross, -1, -2))
    return (w[..., None, None] * schur).sum(0)
