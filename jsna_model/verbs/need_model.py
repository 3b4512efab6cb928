"""The fitted model of need: parameter draws, calibrated to the England frame, and the draws of any area from them."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache, lru_cache
from importlib.util import find_spec

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

from jsna_model.conventions import AGE_BANDS
from jsna_model.draws import normals, normals_of
from jsna_model.errors import ConstructError, InputError, Problem, raise_all
from jsna_model.evidence import Evidence, covariates_of
from jsna_model.methods.distributions import share_quantile
from jsna_model.methods.joint import feasible_shares, maximum_entropy, pattern_probabilities, three_risks
from jsna_model.methods.risk_model import (
    calibrate_overlap,
    covariance_factor,
    cubature,
    frame_mean,
    keep_mean,
    linear_predictor,
    solve_intercepts,
)
from jsna_model.overlap import Overlap, Share
from jsna_model.population import Frame
from jsna_model.verbs.constructs import check_constructs, nested_places, outermost_of, own_ages

Array = NDArray[np.float64]

#: Correlation between risks of what deprivation does not explain in a place. An assumption: docs/assumptions.md.
AREA_CORRELATION = 0.5
#: Correlation of the errors of child counts within an MSOA. An assumption: 0.09 to 0.15 was measured over 8.25 years and about 0 over
#: one (benchmarks/results/small_area_error.md); the gap here is 3.25 years.
PARENT_CORRELATION = 0.1
#: Above this share of infeasible national draws, the overlap contradicts its marginals.
MAX_REJECTED = 0.01
_RETRIES = 20
_BLOCK = 4  # areas at a time: what fits the processor's cache


#: Set to ``numpy`` to leave numba alone.
KERNEL = "JSNA_KERNEL"


@cache
def compiled_kernel() -> Callable[..., int] | None:
    """The numba kernel, where numba is installed (extra ``fast``) and the environment does not say ``JSNA_KERNEL=numpy``."""
    if os.environ.get(KERNEL, "") == "numpy" or find_spec("numba") is None:
        return None
    from jsna_model.methods.kernel import patterns_of_three

    return patterns_of_three


@dataclass(frozen=True, eq=False)
class NeedModel:
    """Parameter draws of the area model; together with stream names they give the draws of every area.

    Parameters
    ----------
    risks : tuple of str
    streams : tuple of str
        Risk whose named streams give the area effects of each: its own, or that of the estimate it is nested in.
    nested : tuple of (int, int)
        Places in `risks` of each that is nested in another, and of that other.
    joint : tuple of int
        Places in `risks` of those that the overlap joins; empty where each stands alone.
    national, frame, intercept, relevance : ndarray, shape (risk, draw)
        National draw in the evidence's own population; expectation over the frame of all children with relevance included.
    covariates : tuple of str
        Deprivation first.
    gradient : ndarray, shape (risk, covariate, draw)
        Change in the logit per standard deviation of each; zero where the evidence says nothing of one.
    age_effect : ndarray, shape (age_band, risk, draw)
    log_linear : ndarray, shape (interactions, draw)
    start : ndarray, shape (3, draw)
        Where the solver for three risks starts.
    authority_sd, small_area_sd : ndarray, shape (risk,)
    correlation : float
        Of area effects across the joint risks.
    seed : int
    rejected : float
        Share of national draws that were infeasible and drawn again.
    shifts : mapping of area code to ndarray, shape (risk, draw)
        What local data adds to the logits of an area, or of all areas of an authority.
    """

    risks: tuple[str, ...]
    streams: tuple[str, ...]
    joint: tuple[int, ...]
    national: Array
    frame: Array
    intercept: Array
    relevance: Array
    gradient: Array
    age_effect: Array
    log_linear: Array
    start: Array
    authority_sd: Array
    small_area_sd: Array
    correlation: float
    seed: int
    rejected: float
    covariates: tuple[str, ...] = ("deprivation",)
    nested: tuple[tuple[int, int], ...] = ()
    shifts: Mapping[str, Array] = field(default_factory=dict)

    @property
    def draws(self) -> int:
        """Number of draws."""
        return int(self.intercept.shape[1])

    def area_effects(self, code: str, sd: Array) -> Array:
        """Effects of one area on each risk, shape (risk, draw): streams ``area/<code>/<risk>``, correlated across joint risks.

        What a joint risk is nested in takes the correlated effect too: with its own, the order would not hold.
        """
        streams = list(dict.fromkeys(self.streams))
        place = [streams.index(s) for s in self.streams]
        z = normals_of(self.seed, [f"area/{code}/{s}" for s in streams], self.draws)
        if self.joint:
            rows = [place[k] for k in self.joint]
            z[rows] = np.linalg.cholesky(_correlation(len(rows), self.correlation)) @ z[rows]
        return np.asarray(sd[:, None] * z[place])

    def _of_authority(self, authority: str) -> Array:
        """What all areas of an authority share, shape (age_band, risk, draw), logit."""
        own = self.area_effects(authority, self.authority_sd)
        if authority in self.shifts:
            own = own + self.shifts[authority]
        return np.asarray((self.intercept + self.relevance)[None] + self.age_effect + own[None])

    def _of_areas(self, authority: str, codes: Sequence[str], x: Array) -> Array:
        """What each area adds, shape (area, risk, draw), logit; an area that is its authority has the authority's effect already."""
        local = np.stack([self.area_effects(c, self.small_area_sd * (c != authority)) for c in codes])
        for c in range(len(self.covariates)):
            local += x[:, c, None, None] * self.gradient[:, c]
        for i, code in enumerate(codes):
            if code != authority and code in self.shifts:
                local[i] += self.shifts[code]
        return local

    def logits(self, authority: str, codes: Sequence[str], x: Array, risk: int) -> Array:
        """Logit prevalence of one risk, shape (area, age_band, draw)."""
        return np.asarray(self._of_authority(authority)[None, :, risk] + self._of_areas(authority, codes, x)[:, None, risk])

    def child_counts(self, codes: Sequence[str], parents: Sequence[str], children: Array, log_sd: Array, known_total: bool) -> Array:
        """Draws of children, shape (area, age_band, draw): log-normal errors of mean 1, raked to the total of each band.

        Errors of areas in one MSOA (`parents`) share a part, `PARENT_CORRELATION`; ages err independently.
        """
        bands = list(AGE_BANDS)
        shape = (len(codes), len(bands), self.draws)
        z = normals_of(self.seed, [f"children/{c}/{b}" for c in codes for b in bands], self.draws).reshape(shape)
        if list(parents) != list(codes):
            groups, index = np.unique(np.array(parents), return_inverse=True)
            common = normals_of(self.seed, [f"children/{g}/{b}" for g in groups for b in bands], self.draws)
            z = np.sqrt(1 - PARENT_CORRELATION) * z + np.sqrt(PARENT_CORRELATION) * common.reshape(len(groups), *shape[1:])[index]
        sd = log_sd[..., None]
        counts = children[..., None] * np.exp(sd * z - sd**2 / 2)
        if known_total:
            total = counts.sum(0)
            counts *= np.divide(children.sum(0)[:, None], total, out=np.zeros_like(total), where=total > 0)
        return np.asarray(counts)

    def blocks(self, authority: str, codes: Sequence[str], x: Array, counts: Array) -> Iterator[tuple[slice, Array, Array]]:
        """Children by pattern and by risk in the areas of one authority, a few areas at a time.

        Parameters
        ----------
        authority : str
        codes : sequence of str
            Areas in code order.
        x : ndarray, shape (area, covariate)
            Standardised.
        counts : ndarray, shape (area, age_band, draw)

        Yields
        ------
        areas : slice
        patterns : ndarray, shape (area, age_band, pattern, draw)
            No patterns where each risk stands alone.
        affected : ndarray, shape (area, age_band, risk, draw)

        Raises
        ------
        ConstructError
            Where an estimate exceeds the one that it is nested in, in any area and draw.
        """
        base = self._of_authority(authority)
        n, bands, draws = counts.shape
        joint = list(self.joint)
        compiled = compiled_kernel() if len(joint) == 3 else None
        odds = [np.exp(a) for a in (base[:, joint], self.log_linear, self.start)] if compiled else []
        for first in range(0, n, _BLOCK):
            part = slice(first, min(first + _BLOCK, n))
            # An area that is its authority has the authority's effect already.
            local = self._of_areas(authority, codes[part], x[part])
            affected = np.empty((part.stop - first, bands, len(self.risks), draws))
            patterns = np.empty((part.stop - first, bands, 2 ** len(self.joint) if self.joint else 0, draws))
            here = counts[part]
            if self.joint:
                if not compiled or compiled(odds[0], np.exp(local[:, joint]), odds[1], odds[2], here, patterns):
                    # In numpy, or where cells are so nearly deterministic that the kernel does not settle.
                    eta = [base[None, :, k] + local[:, None, k] for k in self.joint]
                    for i, cell in enumerate(self._patterns(eta)):
                        np.multiply(cell, here, out=patterns[:, :, i])
                for place, k in enumerate(self.joint):
                    holds = [i for i in range(patterns.shape[2]) if i >> place & 1]
                    affected[:, :, k] = patterns[:, :, holds].sum(2)
            for k in range(len(self.risks)):
                if k not in self.joint:
                    affected[:, :, k] = here * expit(base[None, :, k] + local[:, None, k])
            self._require_order(codes[part], affected)
            yield part, patterns, affected

    def _require_order(self, codes: Sequence[str], affected: Array) -> None:
        raise_all(
            (
                Problem(
                    f"{self.risks[k]} exceeds {self.risks[outer]}, in which it is nested, in some draws of {code}",
                    "their relevance or variation differs by too much: give both the same, or estimate them apart",
                )
                for k, outer in self.nested
                for code, inner, outer_of in zip(codes, affected[:, :, k], affected[:, :, outer], strict=True)
                if (inner > outer_of).any()
            ),
            ConstructError,
        )

    def _patterns(self, eta: list[Array]) -> list[Array]:
        if len(eta) == 3:
            return three_risks(eta, list(self.log_linear), list(self.start))[0]
        pairs = len(eta) * (len(eta) - 1) // 2
        p = expit(np.stack(eta, axis=-1))
        cells = pattern_probabilities(p, np.broadcast_to(np.exp(self.log_linear[:pairs].T), (*p.shape[:-1], pairs)))
        return [cells[..., i] for i in range(cells.shape[-1])]


@lru_cache(maxsize=8)
def fit_need(evidence: tuple[Evidence, ...], overlap: Overlap | None, frame: Frame, draws: int, seed: int) -> NeedModel:
    """Draw the parameters and calibrate them to the England frame; the same call is answered from memory.

    Raises
    ------
    ConstructError
        Where the overlap's constructs are not those of its marginals, or nested estimates are not of one population.
    InputError
        Where more than 1% of national draws are infeasible, or nested estimates are out of order in any.
    """
    risks = tuple(e.risk for e in evidence)
    check_constructs(evidence, overlap)
    joint = tuple(risks.index(r) for r in overlap.risks) if overlap else ()
    outer = outermost_of(evidence)
    relevance = np.stack(
        [
            e.relevance.mean - keep_mean(e.value, e.relevance.sd) + e.relevance.sd * _grouped(seed, "relevance", o.key, o, draws)
            for e, o in zip(evidence, outer, strict=True)
        ]
    )
    covariates = covariates_of(evidence)
    gradient = np.stack([_coefficients(e, o.key, covariates, seed, draws) for e, o in zip(evidence, outer, strict=True)])
    age = np.stack(
        [
            e.variation.age_sd * normals_of(seed, [f"age/{o.key}/{b}" for b in AGE_BANDS], draws)
            for e, o in zip(evidence, outer, strict=True)
        ],
        axis=1,
    )
    national, shares, rejected = _national(evidence, overlap, joint, draws, seed)

    authority_sd = np.array([e.variation.authority_sd for e in evidence])
    small_sd = np.array([e.variation.small_area_sd for e in evidence])
    total_sd = np.hypot(authority_sd, small_sd)
    rules = _integration_rules(total_sd, joint)

    frame = frame.over(covariates)
    x = frame.matrix(covariates)
    weights = frame.children.transpose("area", "age_band").values
    intercept, frame_draws = np.empty((len(risks), draws)), np.empty((len(risks), draws))
    linear = []
    for k, e in enumerate(evidence):
        lin = (linear_predictor(x, gradient[k])[:, None] + age[None, :, k]).reshape(-1, draws)
        nodes, node_weights = rules[k]
        intercept[k] = solve_intercepts(national[k], lin, (weights * own_ages(e)).ravel(), nodes, node_weights)
        frame_draws[k] = frame_mean(intercept[k] + relevance[k], lin, weights.ravel(), nodes, node_weights)
        linear.append(lin)
    log_linear, start = np.zeros((0, draws)), np.zeros((3, draws))
    if overlap and overlap.kind == "shares":
        national_joint, first_guess = maximum_entropy(national[list(joint)].T, *shares)
        eta = np.stack([(intercept[k] + linear[k][:, None] + rules[k][0][:, None]).reshape(-1, draws) for k in joint])
        own = (weights * own_ages(evidence[joint[0]])).ravel()
        cell_weights = (own[:, None] / own.sum() * rules[joint[0]][1]).ravel()
        try:
            theta, start, _ = calibrate_overlap(eta, cell_weights, national_joint, first_guess)
        except InputError as error:
            raise InputError(f"overlap {overlap.name!r}: {error}") from error
        log_linear = theta.T
    elif overlap:
        log_linear = np.repeat(np.array(overlap.log_odds_ratios)[:, None], draws, axis=1)
    return NeedModel(
        risks, tuple(o.risk for o in outer), joint, national, frame_draws, intercept, relevance, gradient, age, log_linear, start,
        authority_sd, small_sd, AREA_CORRELATION, seed, rejected, covariates, nested_places(evidence),
    )  # fmt: skip


def _coefficients(evidence: Evidence, key: str, covariates: tuple[str, ...], seed: int, draws: int) -> Array:
    """Draws of the coefficients of one risk, shape (covariate, draw): streams ``gradient/<key>`` and ``gradient/<key>/<covariate>``."""
    v = evidence.variation
    own = list(v.coefficients)
    factor = covariance_factor(np.array(v.covariance)) if v.covariance else np.array([[v.gradient_sd]])
    z = normals_of(seed, [f"gradient/{key}" if c == "deprivation" else f"gradient/{key}/{c}" for c in own], draws)
    out = np.zeros((len(covariates), draws))
    for i, name in enumerate(own):
        out[covariates.index(name)] = v.coefficients[name] + linear_predictor(factor[i : i + 1, : i + 1], z[: i + 1])[0]
    return out


def _grouped(seed: int, what: str, key: str, evidence: Evidence, draws: int, suffix: str = "") -> Array:
    """Standard normals of one row that shares a survey with others: a common and an own part (law 5)."""
    rho = evidence.group_correlation if evidence.data_group else 0.0
    own = normals(seed, f"{what}/{key}{suffix}", draws)
    if rho == 0.0:
        return own
    common = normals(seed, f"{what}/group/{evidence.data_group}{suffix}", draws)
    return np.sqrt(rho) * common + np.sqrt(1 - rho) * own


def _national(
    evidence: Sequence[Evidence], overlap: Overlap | None, joint: tuple[int, ...], draws: int, seed: int
) -> tuple[Array, tuple[Array, Array], float]:
    """National draws, with infeasible ones drawn again from streams of their own."""
    outer = outermost_of(evidence)

    def draw(row: Evidence | Share, group: Evidence, key: str, suffix: str) -> Array:
        kind = row.distribution if isinstance(row, Evidence) else "logit-normal"
        z = _grouped(seed, "evidence", key, group, draws, suffix)
        return share_quantile(z, row.value, row.lower, row.upper, row.level, kind)

    def everything(suffix: str) -> tuple[Array, tuple[Array, Array]]:
        national = np.stack([draw(e, o, o.key, suffix) for e, o in zip(evidence, outer, strict=True)])
        if overlap is None or overlap.two_or_more is None or overlap.all_three is None:
            return national, (np.zeros(draws), np.zeros(draws))
        group = evidence[joint[0]]
        two, three = overlap.two_or_more, overlap.all_three
        return national, (draw(two, group, two.key, suffix), draw(three, group, three.key, suffix))

    national, (two, three) = everything("")
    if not overlap or overlap.kind != "shares":
        _require_order(evidence, national)
        return national, (two, three), 0.0
    # What a joint risk is nested in, or what is nested in it, is drawn again with it: they share their streams.
    streams = {outer[k].key for k in joint}
    again_too = np.array([k for k, o in enumerate(outer) if o.key in streams])
    rejected = 0
    for attempt in range(1, _RETRIES + 1):
        bad = ~feasible_shares(national[list(joint)].T, two, three)
        if not bad.any():
            break
        rejected += int(bad.sum())
        again, (two_again, three_again) = everything(f"/again/{attempt}")
        cells = np.ix_(again_too, np.flatnonzero(bad))
        national[cells] = again[cells]
        two, three = np.where(bad, two_again, two), np.where(bad, three_again, three)
    _require_order(evidence, national)
    share = rejected / (draws + rejected)
    if share > MAX_REJECTED:
        raise InputError(
            f"{share:.1%} of national draws had two-or-more and all-three shares that contradict the single shares; "
            f"at most {MAX_REJECTED:.0%} may be drawn again. Check overlap {overlap.name!r} and its intervals."
        )
    return national, (two, three), share


def _require_order(evidence: Sequence[Evidence], national: Array) -> None:
    """Raise where an estimate exceeds the one that it is nested in, in any draw: their intervals do not allow the order."""
    raise_all(
        Problem(
            f"{evidence[k].key} exceeds {evidence[o].key}, in which it is nested, in {np.mean(national[k] > national[o]):.1%} of draws",
            "check both intervals, or that they are of one instrument and population",
            None,
            evidence[k].key,
            "nested_in",
        )
        for k, o in nested_places(evidence)
        if (national[k] > national[o]).any()
    )


def _correlation(n: int, rho: float) -> Array:
    return np.full((n, n), rho) + (1 - rho) * np.eye(n)


def _integration_rules(total_sd: Array, joint: tuple[int, ...]) -> list[tuple[Array, Array]]:
    """Nodes and weights for each risk; joint risks share one rule, so that their marginals and their overlap are integrated alike."""
    rules = []
    for sd in total_sd:
        nodes, weights = cubature(np.array([[sd**2]]))
        rules.append((nodes[0], weights))
    if joint:
        sd = total_sd[list(joint)]
        nodes, weights = cubature(_correlation(len(joint), AREA_CORRELATION) * np.outer(sd, sd))
        for place, k in enumerate(joint):
            rules[k] = (nodes[place], weights)
    return rules
