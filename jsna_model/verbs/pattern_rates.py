"""Rates of contact by pattern of risks, drawn: fitted to recorded factors where they can be, from the prior elsewhere."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

from jsna_model.conventions import risks_of
from jsna_model.draws import normals
from jsna_model.errors import unknown_name
from jsna_model.methods.calibration import IDENTIFIED
from jsna_model.methods.factors import (
    WEIGHT_STEPS,
    assessed_logits,
    either,
    level,
    normal_of,
    normal_update,
    rate_posterior,
)
from jsna_model.methods.joint import pattern_probabilities
from jsna_model.pathway import RATIO, Parameter, Pathway, Recorded
from jsna_model.result import Result
from jsna_model.verbs.calibrate import SUPPRESSED

Array = NDArray[np.float64]

#: What a pair of risks adds to, or takes from, their product.
INTERACTION = "need.interaction"
#: Odds that a factor is recorded over odds that its risk is there: ``recording.<risk>``.
RECORDING = "recording"
#: Source of a value that the user gave: it stands, and is not fitted.
_USER = "user"


@dataclass(frozen=True)
class PatternRates:
    """Rate of contact by pattern over that of children with none of the risks.

    Parameters
    ----------
    weight : ndarray, shape (pattern, draw)
    parameters : dict of str to Parameter
        ``need.rate_ratio.<risk>`` at the median of its draws, and ``need.rate_ratio``, their geometric mean: what scenarios change.
    learned : dict
        For the provenance: prior, posterior and contraction of each risk's ratio, of its recording, and of their product.
    streams : tuple of str
        Of the draws, beyond those of need.
    """

    weight: Array
    parameters: dict[str, Parameter]
    learned: dict[str, Any]
    streams: tuple[str, ...]


def pattern_rates(result: Result, pathway: Pathway, need: str, areas: Sequence[str]) -> PatternRates:
    """Draw the rates by pattern: those of the factors recorded, given each draw of need.

    The fit is one of all authorities and the same for whichever are asked for (law 13): their patterns are expected ones, tilted in each
    draw as England's national figures are. Risks whose ratio the user gave, or for which no factor is recorded, keep their prior; so do
    all where the set is not one of those whose patterns are known for all authorities.

    Parameters
    ----------
    result : Result
        From `estimate`.
    pathway : Pathway
        With a layout.
    need : str
        Measure of need that demand follows.
    areas : sequence of str
        Whose recording is reported.

    Returns
    -------
    PatternRates

    Raises
    ------
    UnknownNameError
        For a ratio given for a risk that is not combined.
    """
    prior = _prior(result, pathway, need)
    before = prior.mean + prior.sd * prior.z
    recorded, why = pathway.recorded, _why_not(pathway.recorded, prior)
    after, learned = before.copy(), dict[str, Any](fitted=False, why=why, risks={})
    if recorded is not None and not why:
        # What the user gave, or no factor is recorded for, is drawn beforehand, and nothing is learned of it.
        free = np.array([f and r in recorded.factors for f, r in zip(prior.free, prior.risks, strict=True)])
        fit = _Fit(result, pathway, recorded, prior.given(before, free))
        after[:, free] = fit.mode + np.einsum("drs,ds->dr", fit.root, fit.prior.z)
        learned = fit.learned(before[:, free], after[:, free], areas)
    for r, b, sd in zip(prior.risks, before.T, prior.sd, strict=True):
        learned["risks"].setdefault(r, {"factors": [], "ratio": _both(b, b, (sd**2, sd**2))})
    learned["interactions"] = {n.removeprefix(f"{INTERACTION}."): 0.0 for n in prior.pairs}
    streams = tuple(f"pathway/{n}" for n in (*prior.names, *prior.pairs))
    weight = np.exp(after @ prior.main.T + prior.extra).T
    return PatternRates(weight, _parameters(pathway.layout[RATIO], prior, after, bool(learned["fitted"])), learned, streams)


@dataclass(frozen=True)
class _Prior:
    """What is taken beforehand of the risks that are combined."""

    patterns: tuple[str, ...]
    risks: tuple[str, ...]
    main: Array  # (pattern, risk): which risks a pattern has
    mean: Array  # (risk,), of the log ratio
    sd: Array  # (risk,)
    free: tuple[bool, ...]  # not given by the user
    z: Array  # (draw, risk), standard normals of the ratios
    extra: Array  # (draw, pattern), interactions
    centre: Array  # (pattern,), their means
    pairs: tuple[str, ...]  # names of what is drawn for them
    seed: int

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(f"{RATIO}.{r}" for r in self.risks)

    def given(self, drawn: Array, free: NDArray[np.bool_]) -> _Prior:
        """Of the risks that are free alone: the ratios of the others, as drawn, are part of what each pattern has beyond."""
        other = self.main[:, ~free]
        extra, centre = self.extra + drawn[:, ~free] @ other.T, self.centre + other @ self.mean[~free]
        risks = tuple(r for r, f in zip(self.risks, free, strict=True) if f)
        main, mean, sd, z = self.main[:, free], self.mean[free], self.sd[free], self.z[:, free]
        return replace(self, risks=risks, main=main, mean=mean, sd=sd, z=z, free=(True,) * len(risks), extra=extra, centre=centre)


def _prior(result: Result, pathway: Pathway, need: str) -> _Prior:
    seed, draws = int(result.provenance["seed"]), int(result.provenance["draws"])
    patterns = ("none", need) if need in result.risks else tuple(str(p) for p in result.data["need"].ds["pattern"].values)
    risks = _singles(patterns)
    names = [f"{RATIO}.{r}" for r in risks]
    for name in pathway.layout:
        if name.startswith(f"{RATIO}.") and name not in names:
            raise unknown_name("rate ratio of a risk of this set", name, names)
    given = [pathway.layout.get(n, pathway.layout[RATIO]) for n in names]
    main = np.array([[float(r in risks_of(p)) for r in risks] for p in patterns])
    mean, sd = np.array([np.log(p.value) - p.sd**2 / 2 for p in given]), np.array([p.sd for p in given])
    z = np.stack([normals(seed, f"pathway/{n}", draws) for n in names], axis=1)
    extra, centre, pairs = _interactions(pathway.layout.get(INTERACTION), risks, main, seed, draws)
    return _Prior(patterns, risks, main, mean, sd, tuple(p.source != _USER for p in given), z, extra, centre, pairs, seed)


def _parameters(all_risks: Parameter, prior: _Prior, after: Array, fitted: bool) -> dict[str, Parameter]:
    """The ratios as drawn, for scenarios to change."""
    says = "fitted to recorded factors, from the prior of need.rate_ratio (docs/methods.md)" if fitted else all_risks.source
    middle = np.exp(np.median(after, axis=0))
    made = {
        n: replace(all_risks, value=float(m), sd=float(draws.std()), source=says if free else _USER, basis="assumption")
        for n, m, draws, free in zip(prior.names, middle, after.T, prior.free, strict=True)
    }
    made[RATIO] = replace(all_risks, value=float(np.exp(np.log(middle).mean())), sd=0.0, source=f"geometric mean over risks: {says}")
    return made


def _singles(patterns: Sequence[str]) -> tuple[str, ...]:
    return tuple(p for p in patterns if p != "none" and "+" not in p)


def _interactions(
    parameter: Parameter | None, risks: Sequence[str], main: Array, seed: int, draws: int
) -> tuple[Array, Array, tuple[str, ...]]:
    """Log of what each pattern has beyond the product of its risks, (draw, pattern), its mean and its streams: its pairs', not learned."""
    out, centre, names = np.zeros((draws, len(main))), np.zeros(len(main)), list[str]()
    if parameter is None:
        return out, centre, ()
    for i, j in combinations(range(len(risks)), 2):
        names.append(f"{INTERACTION}.{risks[i]}+{risks[j]}")
        both, mean = main[:, i] * main[:, j], np.log(parameter.value) - parameter.sd**2 / 2
        centre += mean * both
        out += np.outer(mean + parameter.sd * normals(seed, f"pathway/{names[-1]}", draws), both)
    return out, centre, tuple(names)


def _why_not(recorded: Recorded | None, prior: _Prior) -> str:
    """Why nothing is fitted, if nothing is."""
    if recorded is None:
        return "no recorded factors were given"
    if not any(prior.free):
        return "the user gave the ratios: they stand as given"
    if prior.patterns not in recorded.shares:
        return "the need of all authorities is not known for these risks, or demand follows one risk alone"
    if not any(f and r in recorded.factors for f, r in zip(prior.free, prior.risks, strict=True)):
        return "no factor is recorded for the risks that are not given"
    return ""


class _Fit:
    """The level of recording of all authorities, and the posterior of the ratios given each draw of need."""

    def __init__(self, result: Result, pathway: Pathway, recorded: Recorded, prior: _Prior) -> None:
        self.result, self.recorded, self.prior = result, recorded, prior
        risks, areas, main = prior.risks, len(recorded.areas), prior.main
        dispersion = pathway.layout["entries.dispersion"].value
        self.x, self.v = np.zeros((2, len(risks), areas))
        self.known_mean, self.known_sd = np.zeros((2, len(risks)))
        for i, risk in enumerate(risks):
            p, names = pathway.layout[f"{RECORDING}.{risk}"], recorded.factors[risk]
            low, high = (np.stack([np.where(recorded.hidden[n], end, recorded.counts[n]) for n in names]) for end in SUPPRESSED)
            counts, between = either(low, high, recorded.assessments)
            self.x[i], self.v[i] = normal_of(counts, dispersion)
            self.known_mean[i], self.known_sd[i] = np.log(p.value) - p.sd**2 / 2, np.hypot(p.sd, between)
        expected = recorded.shares[prior.patterns]
        b, centre = prior.mean, prior.centre
        for _ in range(WEIGHT_STEPS):
            logit = assessed_logits(expected, main @ b + centre, main)[0]
            self.levels = [level(x, v, at) for x, v, at in zip(self.x, self.v, logit.T, strict=True)]
            self.weights = np.stack([lv.weight for lv in self.levels])
            seen = np.array([lv.value for lv in self.levels]) - self.known_mean
            variance = np.array([lv.variance for lv in self.levels]) + self.known_sd**2
            b = rate_posterior(seen, variance, prior.mean, prior.sd, expected[None], self.weights, centre[None], main)[0][0]
        # Need and interactions are drawn beforehand, and nothing is learned of them here: the ratios follow, given each draw.
        self.shares = expected * (national_patterns(result, _singles(prior.patterns)) / recorded.england[prior.patterns])[:, None, :]
        self.mode, self.root = rate_posterior(seen, variance, prior.mean, prior.sd, self.shares, self.weights, prior.extra, main)

    def _level(self, b: Array) -> tuple[Array, Array]:
        """Mean over authorities of the logit of the share with each risk among those assessed, and its slopes; (draw, risk, ...)."""
        logit, slope = assessed_logits(self.shares, (b @ self.prior.main.T + self.prior.extra)[:, None], self.prior.main)
        return np.einsum("ra,dar->dr", self.weights, logit), np.einsum("ra,dars->drs", self.weights, slope)

    def learned(self, before: Array, after: Array, areas: Sequence[str]) -> dict[str, Any]:
        """Prior, posterior and contraction by risk, and by authority."""
        prior, draws = self.prior, len(after)
        prior_level, at = (self._level(b)[0] for b in (before, after))
        z = np.stack([normals(prior.seed, f"pathway/{RECORDING}.{r}", draws) for r in prior.risks], axis=1)
        sd = self.known_sd
        recording = self.known_mean + sd * z
        values, errors = np.array([lv.value for lv in self.levels]), np.array([lv.variance for lv in self.levels])
        centre, left = normal_update(self.known_mean, sd**2, values - at, errors)
        england = centre + np.sqrt(left) * z
        # Variances over draws of need and within them, the latter not from draws: a contraction near one half is told from it.
        variance = self.mode.var(0) + np.einsum("drs,drs->r", self.root, self.root) / draws
        middle, to = self._level(self.mode)
        within = np.einsum("drs,dst->drt", to, self.root)
        gain = 1 - np.divide(left, sd**2, out=np.ones_like(left), where=sd > 0)
        told = normal_update(self.known_mean, sd**2, values - middle, errors)[0].var(0) + left + gain**2 * (within**2).sum(-1).mean(0)
        risks = {}
        for i, risk in enumerate(prior.risks):
            risks[risk] = {
                "factors": list(self.recorded.factors[risk]),
                "spread": self.levels[i].sigma,
                "authorities": int(np.isfinite(self.v[i]).sum()),
                "ratio": _both(before[:, i], after[:, i], (float(prior.sd[i] ** 2), float(variance[i]))),
                "recording": _both(recording[:, i], england[:, i], (float(sd[i] ** 2), float(told[i]))),
                "product": _both(prior_level[:, i] + recording[:, i], at[:, i] + england[:, i], share=True),
            }
        own = {a: self._area(a, before, after, recording, england) for a in areas}
        return {"fitted": True, "why": "", "risks": risks, "areas": own, "source": self.recorded.source}

    def _area(self, area: str, before: Array, after: Array, recording: Array, england: Array) -> dict[str, Any]:
        """Recording of an authority, and the share of its assessments with each factor: of its own need, draw by draw."""
        node = self.result.node("need/authority").sel(area=area)
        own = node["children_by_pattern"].sum("age_band").transpose("draw", "pattern").values
        first, then = (assessed_logits(own, b @ self.prior.main.T + self.prior.extra, self.prior.main)[0] for b in (before, after))
        place = self.recorded.areas.index(area) if area in self.recorded.areas else None
        out = {}
        for i, risk in enumerate(self.prior.risks):
            sigma = self.levels[i].sigma
            z = normals(self.prior.seed, f"pathway/{RECORDING}.{risk}/{area}", len(own))
            x, v = (0.0, np.inf) if place is None else (self.x[i, place], self.v[i, place])
            centre, left = normal_update(england[:, i], sigma**2, x - then[:, i], v)
            prior, now = recording[:, i] + sigma * z, centre + np.sqrt(left) * z
            out[risk] = {
                "recorded": bool(np.isfinite(v)),
                "recording": _both(prior, now),
                "product": _both(first[:, i] + prior, then[:, i] + now, share=True),
            }
        return out


def national_patterns(result: Result, risks: Sequence[str]) -> Array:
    """England's shares of children by pattern as the national figures of each draw have them, (draw, pattern)."""
    node = result.node("need/parameters")
    marginals = node["frame_prevalence"].transpose("draw", "risk").values[:, [result.risks.index(r) for r in risks]]
    pairs = len(risks) * (len(risks) - 1) // 2
    linear = np.zeros((len(marginals), pairs))
    if "log_linear" in node:
        linear = node["log_linear"].values[[str(c).startswith("interaction") for c in node["component"].values]].T
    higher = np.exp(linear[:, pairs:]) if linear.shape[1] > pairs else None
    return pattern_probabilities(marginals, np.exp(linear[:, :pairs]), higher_order=higher)


def _both(before: Array, after: Array, variance: tuple[float, float] | None = None, share: bool = False) -> dict[str, Any]:
    """Median and 95% limits before and after, from logs (or logits), and how far the variance there fell."""
    first, then = variance or (float(before.var()), float(after.var()))
    contraction = 1 - then / first if first > 0 else 0.0
    natural = expit if share else np.exp
    limits = {n: natural(np.quantile(x, (0.5, 0.025, 0.975))).tolist() for n, x in (("prior", before), ("posterior", after))}
    return limits | {"contraction": contraction, "identified": bool(contraction > IDENTIFIED)}
