"""The joint of several binary risks: marginals and odds ratios to pattern probabilities.

A pattern's index is the sum of ``2**k`` over the risks *k* that are present. In log-linear form

    log P(s) = const + sum_k lambda_k s_k + sum_{j<k} theta_jk s_j s_k + theta_123 s_1 s_2 s_3 + ...

the `theta` are logs of *conditional* odds ratios: feasible for any marginals inside (0, 1), which fix the `lambda`.

References
----------
Agresti 2013, Categorical Data Analysis, 3rd ed., section 9.2 (log-linear models for three-way tables).
Darroch and Ratcliff 1972, Ann. Math. Stat. 43:1470-1480 (iterative scaling, of which the starting sweep here is a case).
"""

from __future__ import annotations

from itertools import combinations

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import expit, logit

from jsna_model.errors import InputError

Array = NDArray[np.float64]

MAX_RISKS = 8
_TOLERANCE = 1e-12  # of the logit of a marginal
_ITERATIONS = 500
_FAST_ITERATIONS = 25


def subsets(n: int) -> list[tuple[int, ...]]:
    """Index sets of the interactions of `n` risks: pairs in order, then triples, and so on.

    Examples
    --------
    >>> subsets(3)
    [(0, 1), (0, 2), (1, 2), (0, 1, 2)]
    """
    return [c for size in range(2, n + 1) for c in combinations(range(n), size)]


def design(n: int) -> tuple[Array, Array]:
    """Indicator matrices of the patterns of `n` risks.

    Returns
    -------
    main : ndarray, shape (2**n, n)
    interactions : ndarray, shape (2**n, number of subsets)
    """
    main = ((np.arange(2**n)[:, None] >> np.arange(n)) & 1).astype(float)
    inter = np.stack([main[:, list(c)].prod(1) for c in subsets(n)], axis=1) if n > 1 else np.zeros((2**n, 0))
    return main, inter


def pattern_probabilities(
    marginals: ArrayLike, odds_ratios: ArrayLike, kind: str = "conditional", higher_order: ArrayLike | None = None
) -> Array:
    """Probabilities of all patterns from marginals and odds ratios.

    Parameters
    ----------
    marginals : array_like, shape (..., R)
        Inside (0, 1).
    odds_ratios : array_like, shape (..., R*(R-1)/2)
        Positive and finite, for pairs (0,1), (0,2), (1,2), ....
    kind : {"conditional", "marginal"}
        ``conditional``: log-linear, the odds ratio of the pair when all other risks are absent; feasible for any marginals.
        ``marginal``: of each pair's own 2 x 2 table; the joint is then the one of maximum entropy given those tables.
    higher_order : array_like, shape (..., number of subsets above pairs), optional
        Log-linear three-way odds ratio and beyond, in the order of `subsets`; 1 by default (no interaction of higher order).

    Returns
    -------
    ndarray, shape (..., 2**R)
        Sums to 1; marginals and odds ratios are met to 1e-10.

    Raises
    ------
    InputError
        For another kind, shapes that do not fit, values outside their range, or pairs that no joint can have (the cell is named).
    """
    p = np.asarray(marginals, dtype=float)
    ratios = np.asarray(odds_ratios, dtype=float)
    n = p.shape[-1]
    pairs = n * (n - 1) // 2
    higher = 2**n - 1 - n - pairs
    top = np.ones(higher) if higher_order is None else np.asarray(higher_order, dtype=float)
    if kind not in ("conditional", "marginal"):
        raise InputError(f"kind={kind!r} is not offered; use 'conditional' (log-linear) or 'marginal' odds ratios.")
    if n > MAX_RISKS or ratios.shape[-1] != pairs or top.shape[-1] != higher:
        raise InputError(
            f"{n} risks need {pairs} odds ratios and {higher} of higher order (at most {MAX_RISKS} risks); "
            f"found {ratios.shape[-1]} and {top.shape[-1]}."
        )
    if not ((p > 0) & (p < 1)).all():
        raise InputError(f"a marginal is {p[~((p > 0) & (p < 1))].ravel()[0]}; each must lie inside (0, 1).")
    if not (np.isfinite(ratios) & (ratios > 0)).all() or not (np.isfinite(top) & (top > 0)).all():
        raise InputError("an odds ratio is zero, negative or infinite; give positive, finite numbers.")
    theta = np.log(_join(ratios, top))
    shape = np.broadcast_shapes(p.shape[:-1], theta.shape[:-1])
    p = np.broadcast_to(p, (*shape, n)).reshape(-1, n)
    theta = np.broadcast_to(theta, (*shape, theta.shape[-1])).reshape(-1, theta.shape[-1])
    if kind == "marginal" and n > 1:
        both = np.stack([pair_probability(p[:, j], p[:, k], np.exp(theta[:, i])) for i, (j, k) in enumerate(subsets(n)[:pairs])], axis=-1)
        cells = both_to_three(p, both, theta[:, 3], shape) if n == 3 else _from_pairs(p, both, theta[:, pairs:], shape)
        return cells.reshape(*shape, 2**n)
    if n == 3:
        found = three_risks([logit(p[:, k]) for k in range(3)], [theta[:, k] for k in range(4)])[0]
        return np.stack(found, axis=-1).reshape(*shape, 8)
    return _general(p, theta).reshape(*shape, 2**n)


def pair_probability(first: ArrayLike, second: ArrayLike, odds_ratio: ArrayLike) -> Array:
    """Probability that two risks occur together, from their marginals and the odds ratio of their 2 x 2 table.

    The root of ``(w - 1) q^2 - (1 + (w - 1)(p1 + p2)) q + w p1 p2 = 0`` in the stable form ``q = 2 w p1 p2 / (s + sqrt(s^2 - 4 w
    (w - 1) p1 p2))`` with ``s = 1 + (w - 1)(p1 + p2)`` (Plackett 1965, J. Am. Stat. Assoc. 60:516-522).

    Parameters
    ----------
    first, second : array_like
        Marginals, inside (0, 1).
    odds_ratio : array_like
        Positive.

    Returns
    -------
    ndarray
    """
    p, q, w = (np.asarray(x, dtype=float) for x in (first, second, odds_ratio))
    # Above 1, the table with one risk turned round has odds ratio 1/w, whose form loses no digits.
    turned = w > 1
    b, v = np.where(turned, 1 - q, q), np.where(turned, 1 / w, w)
    s = 1 + (v - 1) * (p + b)
    # s^2 - 4 v (v - 1) p b, as a sum of positive terms
    root = np.sqrt(s**2 + 4 * v * (1 - v) * p * b)
    small = 2 * v * p * b / (s + root)
    return np.where(turned, p - small, small)


def both_to_three(p: Array, both: Array, three_way: Array, shape: tuple[int, ...] = ()) -> Array:
    """Patterns of three risks from marginals, pairwise probabilities and the log three-way odds ratio.

    Every cell is linear in ``t = P(all three)``, and the log three-way odds ratio rises with `t` from minus to plus infinity over
    the feasible interval, so there is one root: safeguarded Newton in the logit of the place inside the interval.

    Parameters
    ----------
    p : ndarray, shape (cell, 3)
    both : ndarray, shape (cell, 3)
        Pairs (0,1), (0,2), (1,2).
    three_way : ndarray, shape (cell,)
    shape : tuple of int
        Shape of the cells in the caller's array, to name one that is infeasible.

    Returns
    -------
    ndarray, shape (cell, 8)

    Raises
    ------
    InputError
        Naming the first cell whose pairs no joint can have.
    """
    q01, q02, q12 = both.T
    p0, p1, p2 = p.T
    rising = {1: p0 - q01 - q02, 2: p1 - q01 - q12, 4: p2 - q02 - q12, 7: np.zeros(len(p))}  # cell = value + t
    falling = {3: q01, 5: q02, 6: q12, 0: 1 - p0 - p1 - p2 + q01 + q02 + q12}  # cell = value - t
    low, high = np.max([-v for v in rising.values()], axis=0), np.min(list(falling.values()), axis=0)
    if not (high > low).all():
        _refuse(int(np.flatnonzero(~(high > low))[0]), shape, p, both)
    width = high - low
    u, bottom, top = np.zeros(len(p)), np.full(len(p), -700.0), np.full(len(p), 700.0)
    for _ in range(_ITERATIONS):
        s, r = expit(u), expit(-u)
        up = {k: (v + low) + width * s for k, v in rising.items()}
        down = {k: (v - high) + width * r for k, v in falling.items()}
        error = np.sum(np.log(list(up.values())), axis=0) - np.sum(np.log(list(down.values())), axis=0) - three_way
        active = np.abs(error) > _TOLERANCE
        if not active.any():
            break
        top, bottom = np.where(error > 0, u, top), np.where(error > 0, bottom, u)
        slope = width * s * r * (np.sum(1 / np.array(list(up.values())), axis=0) + np.sum(1 / np.array(list(down.values())), axis=0))
        newton = u - error / slope
        inside = (newton > bottom) & (newton < top)
        settled = top - bottom < 1e-14 * (1 + np.abs(u))  # rounding of nearly deterministic cells
        u = np.where(active & ~settled, np.where(inside, newton, (bottom + top) / 2), u)
        if settled[active].all():
            break
    cells = up | down
    return np.stack([cells[i] for i in range(8)], axis=-1)


def _from_pairs(p: Array, both: Array, higher: Array, shape: tuple[int, ...]) -> Array:
    """Any number of risks from marginals and pairwise probabilities, interactions of higher order given: damped Newton on the dual."""
    n = p.shape[1]
    main, inter = design(n)
    pairs = n * (n - 1) // 2
    features, offset = np.column_stack([main, inter[:, :pairs]]), higher @ inter[:, pairs:].T
    target = np.column_stack([p, both])
    theta = np.column_stack([logit(p), np.zeros_like(both)])

    def dual(t: Array) -> tuple[Array, Array]:
        logits = offset + t @ features.T
        top = logits.max(1)
        w = np.exp(logits - top[:, None])
        z = w.sum(1)
        return w / z[:, None], top + np.log(z) - (t * target).sum(1)

    w, value = dual(theta)
    size = np.full(len(p), np.inf)
    for _ in range(_ITERATIONS):
        mean = w @ features
        residual = target - mean
        size = np.abs(residual / target).max(1)
        active = size > _TOLERANCE
        if not active.any():
            return w
        hessian = np.einsum("ni,ij,ik->njk", w, features, features) - mean[:, :, None] * mean[:, None, :]
        hessian += 1e-14 * np.trace(hessian, axis1=1, axis2=2)[:, None, None] * np.eye(features.shape[1])
        step = np.where(active[:, None], np.linalg.solve(hessian, residual[..., None])[..., 0], 0.0)
        length = np.ones(len(theta))
        for _ in range(60):
            trial, new = dual(theta + length[:, None] * step)
            worse = ~(new <= value + 1e-12 * np.abs(value))
            if not worse.any():
                break
            length = np.where(worse, length / 2, length)
        theta, w, value = theta + length[:, None] * step, trial, new
    bad = np.flatnonzero(size > 1e-10)
    if bad.size:
        _refuse(int(bad[0]), shape, p, both)
    return w


def _refuse(cell: int, shape: tuple[int, ...], p: Array, both: Array) -> None:
    """Raise for a cell whose pairs contradict each other."""
    place = tuple(int(i) for i in np.unravel_index(cell, shape)) if shape else (cell,)
    raise InputError(
        f"cell {place}: no joint has marginals {np.round(p[cell], 6).tolist()} and pairs {np.round(both[cell], 6).tolist()}; "
        "these marginal odds ratios contradict each other. "
        "Lower the strongest, or use kind='conditional'."
    )


def _join(a: Array, b: Array) -> Array:
    shape = np.broadcast_shapes(a.shape[:-1], b.shape[:-1])
    return np.concatenate([np.broadcast_to(a, (*shape, a.shape[-1])), np.broadcast_to(b, (*shape, b.shape[-1]))], axis=-1)


def _general(p: Array, theta: Array) -> Array:
    """Any number of risks: iterative scaling to start, then Newton on the logits of the marginals, each cell stopping by itself."""
    n = p.shape[1]
    main, inter = design(n)
    offset = theta @ inter.T
    target = logit(p)
    lam = target.copy()

    def evaluate(x: Array) -> tuple[Array, Array, Array]:
        logits = offset + x @ main.T
        w = np.exp(logits - logits.max(1, keepdims=True))
        w /= w.sum(1, keepdims=True)
        residual = target - np.log((w @ main) / (w @ (1 - main)))
        return w, residual, np.abs(residual).max(1)

    w, residual, size = evaluate(lam)
    for i in range(_ITERATIONS):
        active = size > _TOLERANCE
        if not active.any():
            return w
        m = w @ main
        cov = np.einsum("ni,ij,ik->njk", w, main, main) - m[:, :, None] * m[:, None, :]
        cov += 1e-300 * np.eye(n)
        try:
            step = np.linalg.solve(cov, (residual * m * (w @ (1 - main)))[..., None])[..., 0]
        except np.linalg.LinAlgError:
            step = np.full_like(lam, np.inf)
        trial = lam + np.where(np.isfinite(step) & active[:, None], np.clip(step, -5, 5), 0.0)
        w_trial, r_trial, s_trial = evaluate(trial)
        better = s_trial < 0.5 * size
        scaled = lam.copy()  # one margin scaled exactly: slower, but the error can only shrink
        k = i % n
        scaled[:, k] += np.where(active, residual[:, k], 0.0)
        w_scaled, r_scaled, s_scaled = evaluate(scaled)
        lam = np.where(better[:, None], trial, scaled)
        w = np.where(better[:, None], w_trial, w_scaled)
        residual = np.where(better[:, None], r_trial, r_scaled)
        size = np.where(better, s_trial, s_scaled)
    raise InputError("pattern probabilities did not converge; are the odds ratios extreme?")


def three_risks(target: list[Array], theta: list[Array], start: list[Array] | None = None) -> tuple[list[Array], list[Array]]:
    """Eight pattern probabilities of three risks: the fast path.

    Newton's method on the logits of the marginals (linear for independent risks, so few steps), each cell stopping by itself so
    that the answer does not depend on how cells are blocked.

    Parameters
    ----------
    target : list of 3 ndarray, each shape S
        Logits of the marginals.
    theta : list of 4 ndarray, broadcastable to S
        Log odds ratios of pairs (0,1), (0,2), (1,2), and the three-way one.
    start : list of 3 ndarray, broadcastable to S, optional
        What to add to `target` for a first guess of the main effects.

    Returns
    -------
    patterns : list of 8 ndarray, shape S
    shift : list of 3 ndarray, shape S
        Main effects less `target`: a good `start` for cells alike.
    """
    o01, o02, o12 = (np.exp(t) for t in theta[:3])
    o012 = o01 * o02 * o12 * np.exp(theta[3])
    lam = [t + s for t, s in zip(target, start, strict=True)] if start is not None else [t.copy() for t in target]
    odds = [np.exp(t) for t in target]
    with np.errstate(all="ignore"):  # cells that overflow are left to the slow route below
        for _ in range(_FAST_ITERATIONS):
            a, b, c = (np.exp(x) for x in lam)
            ab, ac, bc, abc = a * b * o01, a * c * o02, b * c * o12, a * b * c * o012
            on = (a + ab + ac + abc, b + ab + bc + abc, c + ac + bc + abc)
            off = (1 + b + c + bc, 1 + a + c + ac, 1 + a + b + ab)
            residual = [np.log(odds[k] * off[k] / on[k]) for k in range(3)]
            size = np.maximum(np.maximum(np.abs(residual[0]), np.abs(residual[1])), np.abs(residual[2]))
            active = ~(size <= _TOLERANCE)
            z = on[0] + off[0]
            if not active.any():
                break
            step = _newton_step(on, (ab + abc, ac + abc, bc + abc), z, residual)
            for k in range(3):
                lam[k] += np.where(active, step[k], 0.0)
        patterns = [x / z for x in (np.ones_like(z), a, b, ab, c, ac, bc, abc)]
    if active.any():  # nearly deterministic cells: leave them to the slow, safe route
        p = np.stack([expit(t[active]) for t in target], axis=-1)
        cells = _general(p, np.stack([np.broadcast_to(t, z.shape)[active] for t in theta], axis=-1))
        for k in range(8):
            patterns[k][active] = cells[:, k]
        for k in range(3):
            lam[k][active] = np.log(cells[:, 1 << k] / cells[:, 0])
    return patterns, [x - t for x, t in zip(lam, target, strict=True)]


def _newton_step(on: tuple[Array, ...], both: tuple[Array, ...], z: Array, residual: list[Array]) -> list[Array]:
    """Solve Cov(s) step = Var(s) * residual for three risks, by the adjugate."""
    m = [x / z for x in on]
    v0, v1, v2 = (x * (1 - x) for x in m)
    c01, c02, c12 = both[0] / z - m[0] * m[1], both[1] / z - m[0] * m[2], both[2] / z - m[1] * m[2]
    r0, r1, r2 = v0 * residual[0], v1 * residual[1], v2 * residual[2]
    a00, a01, a02 = v1 * v2 - c12 * c12, c02 * c12 - c01 * v2, c01 * c12 - c02 * v1
    a11, a12, a22 = v0 * v2 - c02 * c02, c01 * c02 - v0 * c12, v0 * v1 - c01 * c01
    det = v0 * a00 + c01 * a01 + c02 * a02
    return [(a00 * r0 + a01 * r1 + a02 * r2) / det, (a01 * r0 + a11 * r1 + a12 * r2) / det, (a02 * r0 + a12 * r1 + a22 * r2) / det]


def maximum_entropy(singles: Array, two_or_more: Array, all_three: Array) -> tuple[Array, Array]:
    """The joint of three risks of maximum entropy, given each single share, the share with two or more and that with all three.

    With features s_1, s_2, s_3, [two or more], [all three] the joint is log-linear in them, so its three pairwise conditional odds
    ratios are equal: pairwise joints are unpublished, and this is the assumption made for them.

    Parameters
    ----------
    singles : ndarray, shape (draw, 3)
    two_or_more, all_three : ndarray, shape (draw,)

    Returns
    -------
    patterns : ndarray, shape (draw, 8)
    log_linear : ndarray, shape (draw, 4)
        Log odds ratios of pairs (0,1), (0,2), (1,2), and the three-way one.

    Raises
    ------
    InputError
        Where shares are infeasible (see `feasible_shares`).
    """
    if not feasible_shares(singles, two_or_more, all_three).all():
        raise InputError("the singles, two-or-more and all-three shares contradict each other; no joint has them all.")
    main, _ = design(3)
    count = main.sum(1)
    features = np.column_stack([main, count >= 2, count == 3])
    target = np.column_stack([singles, two_or_more, all_three])
    theta = np.column_stack([logit(singles), np.zeros((len(singles), 2))])

    def dual(t: Array) -> tuple[Array, Array]:
        logits = t @ features.T
        top = logits.max(1)
        w = np.exp(logits - top[:, None])
        z = w.sum(1)
        return w / z[:, None], top + np.log(z) - (t * target).sum(1)

    w, value = dual(theta)
    for _ in range(_ITERATIONS):
        mean = w @ features
        residual = target - mean
        active = np.abs(residual / target).max(1) > _TOLERANCE
        if not active.any():
            pair = theta[:, 3]
            return w, np.column_stack([pair, pair, pair, theta[:, 4] - 2 * pair])
        hessian = np.einsum("ni,ij,ik->njk", w, features, features) - mean[:, :, None] * mean[:, None, :]
        step = np.where(active[:, None], np.linalg.solve(hessian, residual[..., None])[..., 0], 0.0)
        length = np.ones(len(theta))
        for _ in range(60):  # backtracking on the convex dual
            trial, new = dual(theta + length[:, None] * step)
            worse = new > value + 1e-13 * np.abs(value)
            if not worse.any():
                break
            length = np.where(worse, length / 2, length)
        theta, w, value = theta + length[:, None] * step, trial, new
    raise InputError("the national joint did not converge; are the shares on the edge of what is feasible?")


def feasible_shares(singles: Array, two_or_more: Array, all_three: Array) -> NDArray[np.bool_]:
    """Whether some joint of three risks, positive everywhere, has these shares.

    With ``a_i = p_i - all_three`` and ``e = two_or_more - all_three`` (exactly two), a joint exists iff ``e > 0``, every ``a_i > 0``,
    ``2 e < sum_i min(a_i, e)`` and ``sum_i p_i - two_or_more - all_three < 1``.

    Parameters
    ----------
    singles : ndarray, shape (draw, 3)
    two_or_more, all_three : ndarray, shape (draw,)

    Returns
    -------
    ndarray of bool, shape (draw,)
    """
    a = singles - all_three[:, None]
    e = two_or_more - all_three
    inside = (all_three > 0) & (e > 0) & (a > 0).all(1)
    anyone = singles.sum(1) - two_or_more - all_three
    ok: NDArray[np.bool_] = inside & (2 * e < np.minimum(a, e[:, None]).sum(1)) & (anyone < 1)
    return ok


def frechet_bounds(marginals: ArrayLike) -> tuple[Array, Array]:
    """Least and greatest probability that all risks occur together, whatever their dependence.

    ``max(0, sum p - (R - 1)) <= P(all) <= min p`` (Frechet 1935).

    Parameters
    ----------
    marginals : array_like, shape (..., R)

    Returns
    -------
    lower, upper : ndarray, shape (...)
    """
    p = np.asarray(marginals, dtype=float)
    return np.maximum(0.0, p.sum(-1) - (p.shape[-1] - 1)), p.min(-1)
