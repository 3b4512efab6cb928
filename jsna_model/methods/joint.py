"""The joint of several binary risks: marginals and odds ratios to pattern probabilities.

A pattern's index is the sum of ``2**k`` over the risks *k* that are present. In log-linear form

    log P(s) = const + sum_k lambda_k s_k + sum_{j<k} theta_jk s_j s_k + theta_123 s_1 s_2 s_3 + ...

the `theta` are logs of *conditional* odds ratios: feasible for any marginals inside (0, 1), which fix the `lambda`. Given instead each
pair's own table (*marginal* odds ratios), the joint of maximum entropy has the same form, its pairwise `theta` fixed by the tables.

References
----------
Agresti 2013, Categorical Data Analysis, 3rd ed., section 9.2 (log-linear models for three-way tables).
Csiszar 1975, Ann. Probab. 3:146-158 (the joint nearest to another given linear constraints, and its form at the edge).
Boyd and Vandenberghe 2004, Convex Optimization, sections 5.2 and 9.5 (the dual, and damped Newton on it).
"""

from __future__ import annotations

from itertools import combinations
from math import prod

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import linprog
from scipy.special import expit, logit

from jsna_model.errors import InputError

Array = NDArray[np.float64]

MAX_RISKS = 8
_TOLERANCE = 1e-12  # of the logit of a marginal
_ROUNDING = 1e-15  # a difference of probabilities this small is 0
_UNEVEN = 1e-5  # share of its margin below which a cell of a pair's table is not taken as a difference
_ITERATIONS = 200
_FAST_ITERATIONS = 25
_EASY = 25  # Newton steps that suffice away from the edge of what is possible
_STRIDE = 20.0  # greatest change in the log of a pattern's odds in one step
_BLOCK = 8192  # cells of three risks at a time: they stay in the processor's cache


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

    The joint that maximises ``H(P) + sum_c theta_c P(all of c present)`` given the marginals and, for `kind` ``marginal``, each pair's
    table; `theta` are logs of the log-linear odds ratios given. Limits are those of this maximum: an odds ratio of 0 or infinity puts
    its pair on a Frechet bound (never together; one contained in the other; or as near as the marginals allow). Where several
    conditional ones cannot all be there, they approach their limits at one rate, so that the sum of their distances is least.

    Parameters
    ----------
    marginals : array_like, shape (..., R)
        In [0, 1]. At 0 or 1 the joint is that of the other risks, and odds ratios with the risk, whatever they are, are ignored.
    odds_ratios : array_like, shape (..., R*(R-1)/2)
        In [0, infinity], for pairs in the order of `subsets`: (0,1), (0,2), (1,2) of three risks.
    kind : {"conditional", "marginal"}
        ``conditional``: log-linear, the odds ratio of the pair when all other risks are absent; feasible for any marginals.
        ``marginal``: of each pair's own 2 x 2 table; the joint is then the one of maximum entropy given those tables.
    higher_order : array_like, shape (..., number of subsets above pairs), optional
        Log-linear three-way odds ratio and beyond, positive and finite, in the order of `subsets`; 1 by default (no such interaction).

    Returns
    -------
    ndarray, shape (..., 2**R)
        Sums to 1; marginals and odds ratios are met to 1e-10, and what a limit rules out is 0.

    Raises
    ------
    InputError
        For another kind, shapes that do not fit, values outside their range, or pairs that no joint can have (the cell is named).
    """
    p, ratios, higher = _checked(marginals, odds_ratios, higher_order, kind)
    shape, n = p.shape[:-1], p.shape[-1]
    p, ratios, higher = (x.reshape(prod(shape), x.shape[-1]) for x in (p, ratios, higher))
    cells = np.empty((len(p), 2**n))
    if n == 1:
        cells[:] = np.column_stack([1 - p, p])
    elif n == 2:
        cells[:] = pair_table(p[:, 0], p[:, 1], ratios[:, 0])
    elif n == 3:
        fast = _three_conditional if kind == "conditional" else _three_marginal
        for first in range(0, len(p), _BLOCK):
            part = slice(first, first + _BLOCK)
            cells[part], left = fast(p[part], ratios[part], higher[part])
            rest = first + np.flatnonzero(left)
            if rest.size:
                cells[rest] = _any_number(p[rest], ratios[rest], higher[rest], kind, rest, shape)
    else:
        for first in range(0, len(p), _BLOCK >> n):
            rest = np.arange(first, min(first + (_BLOCK >> n), len(p)))
            cells[rest] = _any_number(p[rest], ratios[rest], higher[rest], kind, rest, shape)
    return cells.reshape(*shape, 2**n)


def _checked(marginals: ArrayLike, odds_ratios: ArrayLike, higher_order: ArrayLike | None, kind: str) -> tuple[Array, Array, Array]:
    """Marginals, odds ratios (1 beside a marginal of 0 or 1) and logs of those of higher order, broadcast against each other."""
    p, ratios = np.asarray(marginals, dtype=float), np.asarray(odds_ratios, dtype=float)
    if kind not in ("conditional", "marginal"):
        raise InputError(f"kind={kind!r} is not offered; use 'conditional' (log-linear) or 'marginal' odds ratios.")
    n = p.shape[-1] if p.ndim else 0
    pairs = n * (n - 1) // 2
    size = 2**n - 1 - n - pairs
    top = np.ones(size) if higher_order is None else np.asarray(higher_order, dtype=float)
    found = (*ratios.shape[-1:], *top.shape[-1:])
    if not 1 <= n <= MAX_RISKS or found != (pairs, size):
        raise InputError(
            f"{n} risks need {pairs} odds ratios and {size} of higher order (1 to {MAX_RISKS} risks, on the last axis); "
            f"found shapes {p.shape}, {ratios.shape} and {top.shape}."
        )
    try:
        shape = np.broadcast_shapes(*(x.shape[:-1] for x in (p, ratios, top)))
    except ValueError:
        raise InputError(
            f"marginals {p.shape}, odds ratios {ratios.shape} and those of higher order {top.shape} do not fit: all but the last axis "
            "must be equal or 1."
        ) from None
    p, ratios, top = (np.broadcast_to(x, (*shape, x.shape[-1])) for x in (p, ratios, top))
    _require((p >= 0) & (p <= 1), p, "marginal", "each must lie in [0, 1]; percentages are to be divided by 100")
    fixed = (p == 0) | (p == 1)
    if fixed.any():
        j, k = _pairs(n)
        ratios = np.where(fixed[..., j] | fixed[..., k], 1.0, ratios)
    _require(ratios >= 0, ratios, "odds ratio", "give a number from 0 to infinity")
    _require((top > 0) & (top < np.inf), top, "higher-order odds ratio", "give positive, finite numbers")
    return p, ratios, np.log(top)


def _require(good: NDArray[np.bool_], values: Array, what: str, fix: str) -> None:
    if not good.all():
        place = tuple(int(i) for i in np.argwhere(~good)[0])
        raise InputError(f"{what} {place[-1]} of cell {place[:-1]} is {values[place]}; {fix}.")


def pair_table(first: ArrayLike, second: ArrayLike, odds_ratio: ArrayLike) -> Array:
    """Probabilities of neither, the first alone, the second alone and both, from two marginals and the odds ratio.

    With each risk turned round where it is more likely than not, and ``a <= b`` what is then likely, the least cell of the table,
    of both if ``v <= 1`` and else of `a` alone, has no term that cancels:

        ``2 v a b' / (s + sqrt(s^2 + 4 v (1 - v) a b')),   s = d + v (a + b')``

    for ``v <= 1`` with ``b' = b, d = 1 - a - b``; else `v` is inverted, ``b' = 1 - b`` and ``d = b - a`` (Plackett's equation).
    An odds ratio of 0 or infinity empties it: the Frechet bounds.

    Parameters
    ----------
    first, second : array_like
        Marginals, in [0, 1].
    odds_ratio : array_like
        In [0, infinity].

    Returns
    -------
    ndarray, shape (..., 4)
        All cells to about the relative precision that the marginals allow.

    References
    ----------
    Plackett 1965, J. Am. Stat. Assoc. 60:516-522 (a class of bivariate distributions).

    Examples
    --------
    >>> pair_table(0.2, 0.3, [0, 1, float("inf")]).round(2).tolist()
    [[0.5, 0.2, 0.3, 0.0], [0.56, 0.14, 0.24, 0.06], [0.7, 0.0, 0.1, 0.2]]
    """
    p, q, w = np.broadcast_arrays(*(np.asarray(x, dtype=float) for x in (first, second, odds_ratio)))
    p_turned, q_turned = p > 0.5, q > 0.5
    p, q = np.where(p_turned, 1 - p, p), np.where(q_turned, 1 - q, q)
    a, b = np.minimum(p, q), np.maximum(p, q)
    between, outside = b - a, 1 - a - b
    between, outside = np.where(between <= _ROUNDING * b, 0.0, between), np.where(outside <= _ROUNDING, 0.0, outside)
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        w = np.where(p_turned ^ q_turned, 1 / w, w)
        positive = w > 1
        v, c = np.where(positive, 1 / w, w), np.where(positive, 1 - b, b)
        s = np.where(positive, between, outside) + v * (a + c)
        least = np.where(v > 0, 2 * v * a * c / (s + np.sqrt(s * s + 4 * v * (1 - v) * a * c)), 0.0)
        alone, other = np.where(positive, least, a - least), np.where(positive, between + least, b - least)
        neither = np.where(positive, 1 - b - least, outside + least)
        both = np.where(positive, np.where(2 * least < a, a - least, w * least * other / neither), least)
    table = np.stack([neither, np.where(p <= q, alone, other), np.where(p <= q, other, alone), both], axis=-1)
    if p_turned.any() or q_turned.any():
        table = np.take_along_axis(table, np.arange(4) ^ (p_turned + 2 * q_turned)[..., None], axis=-1)
    return table


def _three_conditional(p: Array, ratios: Array, higher: Array) -> tuple[Array, NDArray[np.bool_]]:
    """Patterns of three risks by the fast path, and which cells it leaves: those at a limit."""
    left = np.any((p == 0) | (p == 1) | (ratios == 0) | np.isinf(ratios), axis=1)
    with np.errstate(divide="ignore"):
        theta = np.log(np.where(left[:, None], 1.0, ratios))
    target = logit(np.where(left[:, None], 0.5, p))
    found, _ = three_risks([target[:, k] for k in range(3)], [*theta.T, higher[:, 0]])
    return np.stack(found, axis=-1), left


def _three_marginal(p: Array, ratios: Array, higher: Array) -> tuple[Array, NDArray[np.bool_]]:
    """Patterns of three risks by the fast path, and which cells it leaves.

    Every cell is linear in ``t = P(all three)``, and the log three-way odds ratio rises with `t` from minus to plus infinity over
    the feasible interval, so there is one root: safeguarded Newton in the logit of the place inside the interval. Where a pair's
    table is so uneven that differences of marginals lose its digits, and where there is no interval, the cell is left.
    """
    tables = pair_table(p[:, [0, 0, 1]], p[:, [1, 2, 2]], ratios)
    margins = np.stack([np.ones_like(ratios), p[:, [0, 0, 1]], p[:, [1, 2, 2]]], axis=-1)
    left: NDArray[np.bool_] = np.any(~(tables[..., :3] > _UNEVEN * margins), axis=(1, 2))
    q01, q02, q12 = tables[..., 3].T
    p0, p1, p2 = p.T
    rising = np.array([p0 - q01 - q02, p1 - q01 - q12, p2 - q02 - q12, np.zeros(len(p))])  # cells 1, 2, 4, 7 = value + t
    falling = np.array([q01, q02, q12, 1 - p0 - p1 - p2 + q01 + q02 + q12])  # cells 3, 5, 6, 0 = value - t
    low, high = (-rising).max(0), falling.min(0)
    width = high - low
    left |= ~(width > _UNEVEN * np.minimum(np.minimum(q01, q02), q12))
    width = np.where(left, 1.0, width)
    rising, falling = np.where(left, 0.0, rising + low), np.where(left, 0.0, falling - high)
    u, bottom, top = np.zeros(len(p)), np.full(len(p), -700.0), np.full(len(p), 700.0)
    active = ~left
    for _ in range(_ITERATIONS):
        s, r = expit(u), expit(-u)
        up, down = rising + width * s, falling + width * r
        error = np.log(up / down).sum(0) - higher[:, 0]
        active &= np.abs(error) > _TOLERANCE
        if not active.any():
            break
        top, bottom = np.where(error > 0, u, top), np.where(error > 0, bottom, u)
        newton = u - error / (s * r * (width / up + width / down).sum(0))
        active &= top - bottom > 1e-14 * (1 + np.abs(u))  # rounding of nearly deterministic cells
        u = np.where(active, np.where((newton > bottom) & (newton < top), newton, (bottom + top) / 2), u)
    return np.stack([down[3], up[0], up[1], down[0], up[2], down[1], down[2], up[3]], axis=-1), left


def _any_number(p: Array, ratios: Array, higher: Array, kind: str, places: NDArray[np.intp], shape: tuple[int, ...]) -> Array:
    """Patterns of any number of risks, at limits too.

    Each risk that is more likely than not is turned round, and a pair's table is met in its least cell: nothing then cancels.
    """
    n = p.shape[1]
    main, inter = design(n)
    j, k = _pairs(n)
    code = (main[:, j] + 2 * main[:, k]).astype(int)  # which cell of a pair's table a pattern is in, shape (pattern, pair)
    turned = p > 0.5
    order = np.arange(2**n) ^ (turned.astype(int) @ (1 << np.arange(n)))[:, None]
    target = np.where(turned, 1 - p, p)
    limit = (ratios == 0) | np.isinf(ratios)
    with np.errstate(divide="ignore"):
        tables = pair_table(target[:, j], target[:, k], np.where(turned[:, j] ^ turned[:, k], 1 / ratios, ratios))
    given = np.log(np.where(limit | (kind == "marginal"), 1.0, ratios))
    offset = np.take_along_axis((np.column_stack([given, higher])[:, None] @ inter.T)[:, 0], order, axis=1)
    if kind == "marginal":
        least = tables[..., 1:].argmin(-1) + 1
        features = np.concatenate([np.broadcast_to(main, (len(p), *main.shape)), code == least[:, None]], axis=-1)
        target = np.column_stack([target, np.take_along_axis(tables, least[..., None], axis=-1)[..., 0]])
    else:
        features = main[None]
    absent = ((target[:, :n] == 0) @ main.T) > 0
    beyond = (tables[:, np.arange(len(j)), code] == 0).any(-1)
    cells, steps = _tilted(np.where(absent | beyond, -np.inf, offset), features, target)
    for i in np.flatnonzero(limit.any(1) & ((steps < 0) | (steps > _EASY))):
        # Limits that conflict, or that leave no room: what is possible is found by linear programming.
        own = features[i if len(features) > 1 else 0]
        possible = ~(absent[i] | beyond[i])
        if kind == "conditional":
            gain = np.where(np.isinf(ratios[i]), 1.0, -1.0) * limit[i]
            possible = _best(own, target[i], ~absent[i], (inter[:, : len(j)] @ gain)[order[i]])
        support = _support(own, target[i], possible)
        if support is not None:
            again, taken = _tilted(np.where(support, offset[i], -np.inf)[None], own[None], target[i : i + 1])
            cells[i], steps[i] = again[0], taken[0]
    for i in np.flatnonzero(steps < 0)[:1]:
        raise InputError(
            f"cell {tuple(int(x) for x in np.unravel_index(places[i], shape)) if shape else (0,)}: no joint has marginals "
            f"{p[i].tolist()} and {kind} odds ratios {ratios[i].tolist()}; they contradict each other. "
            "Bring the strongest nearer to 1, or use kind='conditional'."
        )
    return np.take_along_axis(cells, order, axis=1)


def _tilted(offset: Array, features: Array, target: Array) -> tuple[Array, NDArray[np.intp]]:
    """The joints that maximise ``H(P) + offset . P`` given ``features' P = target``.

    They are ``P(s) = exp(offset(s) + features(s) . t) / Z(t)`` where `t` minimises the convex ``log Z(t) - target . t``: Newton with
    backtracking, each cell stopping by itself. No joint has less entropy than 0, so one below ``min offset`` proves that none exists.

    Parameters
    ----------
    offset : ndarray, shape (cell, pattern)
        Minus infinity where a pattern is impossible.
    features : ndarray, shape (cell or 1, pattern, feature)
        0 or 1.
    target : ndarray, shape (cell, feature)

    Returns
    -------
    cells : ndarray, shape (cell, pattern)
    steps : ndarray of int, shape (cell,)
        How many were taken; -1 where no joint was found.
    """
    cells, steps = np.full(offset.shape, np.nan), np.full(len(offset), -1)
    live = np.arange(len(offset))
    none = ~np.isfinite(offset).any(1, keepdims=True)  # no pattern is possible
    offset, target = np.where(none, 0.0, offset), np.where(none, np.nan, target)
    floor = np.where(np.isfinite(offset), offset, np.inf).min(1) - 1e-6
    t = np.log(np.where(target > 0, target, 1.0))
    t[:, offset.shape[1].bit_length() - 1 :] = 0  # those of the risks come first

    def dual(x: Array) -> tuple[Array, Array]:
        logits = offset + (features @ x[..., None])[..., 0]
        top = logits.max(1, keepdims=True)
        w = np.exp(logits - top)
        z = w.sum(1, keepdims=True)
        return w / z, (top + np.log(z))[:, 0] - (x * target).sum(1)

    w, value = dual(t)
    for step in range(_ITERATIONS):
        mean = (w[:, None] @ features)[:, 0]
        gap = target - mean
        done = (np.abs(gap) <= _TOLERANCE * target + 1e-300).all(1)
        cells[live[done]], steps[live[done]] = w[done], step
        go = ~done & (value >= floor)
        if not go.all():
            live, offset, target, floor, t, w, value, mean, gap = (x[go] for x in (live, offset, target, floor, t, w, value, mean, gap))
            features = features[go] if len(features) > 1 else features
        if not live.size:
            break
        centred = features - mean[:, None]
        hessian = np.swapaxes(centred * w[..., None], 1, 2) @ centred
        scale = np.sqrt(np.einsum("njj->nj", hessian))
        scale[scale == 0] = 1.0
        move = _solve(hessian / (scale[:, :, None] * scale[:, None]), gap / scale) / scale
        move *= np.minimum(1.0, _STRIDE / np.abs(features @ move[..., None]).max((1, 2)))[:, None]
        enough = 0.5 * (gap * move).sum(1) + 1e-15 * (target * np.abs(move)).sum(1)  # the second is rounding
        length = np.ones((len(live), 1))
        for _ in range(60):
            w, new = dual(t + length * move)
            rise = (((w[:, None] @ features)[:, 0] - target) * move).sum(1)
            too_far = (rise > enough) | (new > value + 1e-9 * (1 + np.abs(value)))
            if not too_far.any():
                break
            length[too_far] /= 2
        t, value = t + length * move, new
    return cells, steps


def _solve(matrix: Array, right: Array) -> Array:
    """Solve each correlation matrix, shape (cell, k, k), for one right side; where all but singular, a short step along the null space."""
    try:
        return np.asarray(np.linalg.solve(matrix + 1e-13 * np.eye(matrix.shape[-1]), right[..., None])[..., 0], dtype=np.float64)
    except np.linalg.LinAlgError:
        if len(matrix) > 1:
            return np.concatenate([_solve(matrix[i : i + 1], right[i : i + 1]) for i in range(len(matrix))])
        return np.asarray((np.linalg.pinv(matrix, rcond=1e-13, hermitian=True) @ right[..., None])[..., 0], dtype=np.float64)


def _best(features: Array, target: Array, possible: NDArray[np.bool_], gain: Array) -> NDArray[np.bool_]:
    """Which patterns the joints of greatest ``gain . P`` may hold: those without slack in the dual (complementary slackness)."""
    rows = np.column_stack([np.ones(len(features)), features])
    dual = linprog(np.append(1.0, target), A_ub=-rows[possible], b_ub=-gain[possible], bounds=(None, None), method="highs")
    best = possible.copy()
    best[possible] = dual.slack < 1e-6
    return best


def _support(features: Array, target: Array, possible: NDArray[np.bool_]) -> NDArray[np.bool_] | None:
    """Which of the possible patterns can occur in a joint with these targets, or None where there is no joint.

    Maximise ``sum z`` given ``features' x = tau target``, ``z <= x``, ``z <= 1 <= tau``: `z` is 1 wherever `x` can be positive. Each
    pattern is measured against the least of its targets.
    """
    real = target > 0
    scale = np.where(features[:, real] > 0, target[real], 1.0).min(1)
    rows = np.column_stack([scale, features[:, real] * scale[:, None] / target[real]])[possible].T
    n = rows.shape[1]
    found = linprog(
        np.repeat([0.0, -1.0, 0.0], [n, n, 1]),
        A_ub=np.column_stack([-np.eye(n), np.eye(n), np.zeros(n)]),
        b_ub=np.zeros(n),
        A_eq=np.column_stack([rows, np.zeros_like(rows), -np.ones(len(rows))]),
        b_eq=np.zeros(len(rows)),
        bounds=[(0, None)] * n + [(0, 1)] * n + [(1, 1e6)],
        method="highs",
    )
    if found.status != 0:
        return None
    can = possible.copy()
    can[possible] = found.x[n : 2 * n] > 0.5
    return can


def _pairs(n: int) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """First and second risk of each pair."""
    first, second = np.array(subsets(n)[: n * (n - 1) // 2], dtype=int).reshape(-1, 2).T
    return first, second


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
        log_odds = np.stack([np.broadcast_to(t, z.shape)[active] for t in theta], axis=-1)
        cells = _any_number(p, np.exp(log_odds[:, :3]), log_odds[:, 3:], "conditional", np.flatnonzero(active), z.shape)
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
    feasible = feasible_shares(singles, two_or_more, all_three)
    if not feasible.all():
        i = int(np.flatnonzero(~feasible)[0])
        lower, upper = all_three_bounds(singles[i], two_or_more[i])
        raise InputError(
            f"draw {i}: the singles {singles[i].tolist()}, two-or-more {two_or_more[i]} and all-three {all_three[i]} shares contradict "
            f"each other; no joint has them all (all-three must lie inside ({lower}, {upper}))."
        )
    main, _ = design(3)
    count = main.sum(1)
    features = np.column_stack([main, count >= 2, count == 3])
    cells, steps = _tilted(np.zeros((len(singles), 8)), features[None], np.column_stack([singles, two_or_more, all_three]))
    if (steps < 0).any():
        i = int(np.flatnonzero(steps < 0)[0])
        raise InputError(f"draw {i}: the national joint did not converge; are the shares on the edge of what is feasible?")
    log = np.log(cells)
    pair = log[:, 0] - log[:, 1] - log[:, 2] + log[:, 3]
    return cells, np.column_stack([pair, pair, pair, log[:, 7] - log[:, 0] + log[:, [1, 2, 4]].sum(1) - log[:, [3, 5, 6]].sum(1)])


def feasible_shares(singles: Array, two_or_more: Array, all_three: Array) -> NDArray[np.bool_]:
    """Whether some joint of three risks, positive everywhere, has these shares: those strictly inside `all_three_bounds`.

    Parameters
    ----------
    singles : ndarray, shape (draw, 3)
    two_or_more, all_three : ndarray, shape (draw,)

    Returns
    -------
    ndarray of bool, shape (draw,)
    """
    lower, upper = all_three_bounds(singles, two_or_more)
    inside: NDArray[np.bool_] = (lower < all_three) & (all_three < upper)
    return inside


def all_three_bounds(singles: ArrayLike, two_or_more: ArrayLike) -> tuple[Array, Array]:
    """Least and greatest share with all three risks, given each single share and the share with two or more.

    With ``p1 <= p2 <= p3``, `T` the share with two or more and `A` that with all three, the ``T - A`` with exactly two divide among
    the pairs, and none of 8 patterns is negative, iff

        ``max(0, p1 + p2 + p3 - T - 1) <= A <= min(p1, T, p1 + p2 - T, p1 + p2 + p3 - 2 T)``.

    Parameters
    ----------
    singles : array_like, shape (..., 3)
    two_or_more : array_like, shape (...)

    Returns
    -------
    lower, upper : ndarray, shape (...)
        No joint exists where `lower` exceeds `upper`.

    Examples
    --------
    >>> lower, upper = all_three_bounds([0.066, 0.135, 0.04], 0.049)
    >>> float(lower), round(float(upper), 3)
    (0.0, 0.04)
    """
    p = np.sort(np.asarray(singles, dtype=float), axis=-1)
    two = np.asarray(two_or_more, dtype=float)
    total = p.sum(-1)
    upper = np.minimum(np.minimum(p[..., 0], two), np.minimum(p[..., 0] + p[..., 1] - two, total - 2 * two))
    return np.maximum(0.0, total - two - 1), upper


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
    upper = p.min(-1)
    return np.clip(1 - (1 - p).sum(-1), 0.0, upper), upper
