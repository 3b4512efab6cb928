"""Named conversions between constructs (law 4): each returns a new estimate, with its assumption recorded in `Evidence.conversions`.

The chain from adults to children is ``adults_to_parents``, ``parents_to_coresident``, ``coresident_to_children``; ``adults_to_children``
goes there in one step from counts. Uncertainty of every input is carried to the result: on the logit scale, half the difference between
one sd up and one sd down of each input, squared and added (the delta method with a step of one sd; inputs independent).

What is converted is nested in nothing, contradicts nothing and is drawn from a logit-normal: say so again with `Evidence.with_` where it
still holds.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from math import inf, log

import numpy as np

from jsna_model.errors import ConstructError, Problem, raise_all
from jsna_model.evidence import Conversion, Evidence
from jsna_model.methods.distributions import AGES_SD, GEOGRAPHY_SD, expit, logit, logit_normal_from_interval, quantile_of
from jsna_model.methods.households import children_exposed, shares_from_concordance

_LEVEL = 0.95


@dataclass(frozen=True)
class Factor:
    """A quantity that a conversion uses: published, or an assumption that says so.

    Parameters
    ----------
    value : float
    source : str
        Catalogue key or publication; or "assumption", with the reason.
    lower, upper : float, optional
        95% range; the value itself where it is taken as known.

    Raises
    ------
    InputError
        For a range that does not enclose a positive value, one limit without the other, or no source.
    """

    value: float
    source: str
    lower: float | None = None
    upper: float | None = None

    def __post_init__(self) -> None:
        lower, upper = self.limits
        problems = []
        if not 0 < lower <= self.value <= upper < inf:
            problems.append(Problem(f"{self.value} ({lower} to {upper})", "give a positive value inside its range"))
        if (self.lower is None) != (self.upper is None):
            problems.append(Problem(f"{self.value} with one limit", "give both limits, or neither"))
        if not self.source:
            problems.append(Problem("no source", "name the publication, or say that it is an assumption and why"))
        raise_all(problems)

    @property
    def limits(self) -> tuple[float, float]:
        """The range, or the value twice."""
        return self.value if self.lower is None else self.lower, self.value if self.upper is None else self.upper

    def at(self, sds: float) -> float:
        """Value so many sds above the centre: logit scale for a proportion whose range is inside (0, 1), log scale otherwise."""
        lower, upper = self.limits
        if lower == upper:
            return self.value
        share = upper < 1
        low, high = (float(logit(x)) if share else log(x) for x in (lower, upper))
        moved = (float(logit(self.value)) if share else log(self.value)) + sds * (high - low) / (2 * quantile_of(_LEVEL))
        return float(expit(moved)) if share else float(np.exp(moved))

    def __str__(self) -> str:
        lower, upper = self.limits
        return _plain(self.value) if lower == upper else f"{_plain(self.value)} ({_plain(lower)} to {_plain(upper)})"


def patients_to_adults(e: Evidence, ratio: Factor) -> Evidence:
    """Share of registered patients of all ages to share of adults: times a ratio.

    Parameters
    ----------
    e : Evidence
        Share of registered patients, such as of a GP register.
    ratio : Factor
        Prevalence of adults over that of patients of all ages: 1 were it the same at every age, patients over adults were every case an
        adult.

    Raises
    ------
    ConstructError
    """
    _require(e, whose="registered patient")
    made = _converted(e, "patients to adults", lambda p, f: p * f["ratio"], {"ratio": ratio}, whose="adult")
    return made.with_(ages=(18, 120), denominator="adults 18 and over")


def adults_to_parents(e: Evidence, relative: Factor) -> Evidence:
    """Share of adults to share of parents: times the prevalence of parents relative to all adults.

    Parameters
    ----------
    e : Evidence
        Share of adults.
    relative : Factor
        Prevalence among parents over prevalence among adults; ever-parents, whether or not they live with the child.

    Raises
    ------
    ConstructError
    """
    _require(e, whose="adult")
    made = _converted(e, "adults to parents", lambda p, f: p * f["relative"], {"relative": relative}, whose="parent")
    return made.with_(denominator=f"parents, of: {e.denominator}")


def parents_to_coresident(e: Evidence, relative: Factor) -> Evidence:
    """Share of parents to share of parents who live with a dependent child: times the relative chance of living with one.

    Parameters
    ----------
    e : Evidence
        Share of parents.
    relative : Factor
        Chance that an affected parent lives with a dependent child, over that of any parent.

    Raises
    ------
    ConstructError
    """
    _require(e, whose="parent")
    name = "parents to co-resident parents"
    made = _converted(e, name, lambda p, f: p * f["relative"], {"relative": relative}, whose="co-resident parent")
    return made.with_(denominator=f"co-resident parents, of: {e.denominator}")


def coresident_to_children(
    e: Evidence, lone_parent_share: Factor, concordance: Factor, relative_children: Factor, ages: tuple[int, int] = (0, 17)
) -> Evidence:
    """Share of co-resident parents to share of children with at least one affected: a child of two is counted once.

    ``p = prevalence * relative_children``; with a lone parent for a share l of children and odds ratio w between two parents, the share is
    that of `methods.households.shares_from_concordance` at ``two_adult_share = 1 - l``.

    Parameters
    ----------
    e : Evidence
        Share of co-resident parents.
    lone_parent_share : Factor
        Of children.
    concordance : Factor
        Odds ratio between two co-resident parents; 1 is independence.
    relative_children : Factor
        Children per affected co-resident parent, over children per co-resident parent.
    ages : tuple of int
        Of the children.

    Raises
    ------
    ConstructError
    """
    _require(e, whose="co-resident parent")

    def share(p: float, f: Mapping[str, float]) -> float:
        one, _ = shares_from_concordance(p * f["relative_children"], 1 - f["lone_parent_share"], f["concordance"])
        return float(one)

    factors = {"lone_parent_share": lone_parent_share, "concordance": concordance, "relative_children": relative_children}
    made = _converted(e, "co-resident parents to children", share, factors, whose="child living with an affected parent")
    return made.with_(ages=ages, denominator=f"children {ages[0]}-{ages[1]}", numerator=f"children of: {e.numerator}")


def adults_to_children(
    e: Evidence,
    adults: Factor,
    coresident_share: Factor,
    children_per_adult: Factor,
    both_share: Factor,
    children: Factor,
    ages: tuple[int, int] = (0, 17),
) -> Evidence:
    """Share of adults to share of children in one step, from counts: `methods.households.children_exposed` over all children.

    ``p * adults * coresident_share * children_per_adult * (1 - both_share) / children``.

    Parameters
    ----------
    e : Evidence
        Share of adults.
    adults, children : Factor
        In the population.
    coresident_share : Factor
        Of affected adults, who live with dependent children now (not ever-parents).
    children_per_adult : Factor
        Children in the household of such an adult.
    both_share : Factor
        Children of two affected adults, as a proportion of child-adult pairs.
    ages : tuple of int
        Of the children.

    Raises
    ------
    ConstructError
    """
    _require(e, whose="adult")
    factors = {
        "adults": adults, "coresident_share": coresident_share, "children_per_adult": children_per_adult, "both_share": both_share,
        "children": children,
    }  # fmt: skip

    def share(p: float, f: Mapping[str, float]) -> float:
        exposed = children_exposed(p, f["adults"], f["coresident_share"], f["children_per_adult"], f["both_share"])
        return float(exposed) / f["children"]

    made = _converted(e, "adults to children", share, factors, whose="child living with an affected adult")
    return made.with_(ages=ages, denominator=f"children {ages[0]}-{ages[1]}", numerator=f"children living with: {e.numerator}")


def count_to_share(e: Evidence, denominator: Factor, of: str) -> Evidence:
    """A published count to a share of its population.

    Value and limits are divided by a denominator that is taken as known; the uncertainty of one with a range is added.

    Parameters
    ----------
    e : Evidence
        Count of children or adults.
    denominator : Factor
        Size of the population.
    of : str
        That population in words, such as ``"children 0-17 in England, mid-2014"``.

    Raises
    ------
    ConstructError
    """
    if e.unit not in ("children", "adults", "people", "victims", "families"):
        raise ConstructError(f"{e.key} is {e.unit}; count_to_share needs a count of people.")
    name, factors = "count to share", {"denominator": denominator}
    value, lower, upper = (x / denominator.value for x in (e.value, e.lower, e.upper))
    if value >= 1 or upper > 1:
        raise ConstructError(f"{name} makes {max(value, upper):.3g} of {e.key}: not a proportion. Check denominator.")
    made = e.with_(unit="share", value=value, lower=lower, upper=upper, distribution="", nested_in="", contradicts=(), denominator=of)
    if denominator.limits[0] < denominator.limits[1]:
        _require(made)
        made = _through(made, name, lambda p, f: p * denominator.value / f["denominator"], factors)
    return _recorded(made, name, factors, e)


def to_england(e: Evidence, ratio: Factor | None = None) -> Evidence:
    """An estimate of the United Kingdom, Great Britain, or England and Wales to England: times an odds ratio.

    The geography term leaves the estimate's relevance: it is in the interval from here on.

    Parameters
    ----------
    e : Evidence
    ratio : Factor, optional
        Odds in England over odds in the estimate's own place. Without it, 1 with sd `methods.distributions.GEOGRAPHY_SD`: an assumption.

    Raises
    ------
    ConstructError
    """
    if e.geography not in ("United Kingdom", "Great Britain", "England and Wales"):
        raise ConstructError(f"{e.key} is of {e.geography!r}; to_england converts the United Kingdom, Great Britain, or England and Wales.")
    _require(e)
    made = _converted(e, f"{e.geography} to England", _times_odds, {"ratio": ratio or _assumed_ratio(GEOGRAPHY_SD)})
    return _without(made.with_(geography="England", denominator=f"as in England, from: {e.denominator}"), GEOGRAPHY_SD, "geography")


def under_16_to_under_18(e: Evidence, share_16_17: Factor, ratio: Factor | None = None) -> Evidence:
    """A share of children under 16 to a share of children under 18.

    ``(1 - s) p + s p'``, s the share of 0-17s who are 16 or 17, p' the prevalence among them: odds of p times `ratio`. The ages term leaves
    the estimate's relevance.

    Parameters
    ----------
    e : Evidence
        Of ages 0 to 15.
    share_16_17 : Factor
        Of all children.
    ratio : Factor, optional
        Odds at 16-17 over odds at 0-15. Without it, 1, from 0.67 to 1.5: an assumption.

    Raises
    ------
    ConstructError
    """
    _require(e)
    if e.ages != (0, 15):
        raise ConstructError(f"{e.key} is about ages {e.ages[0]} to {e.ages[1]}; under_16_to_under_18 needs 0 to 15.")
    ratio = ratio or Factor(1.0, "assumption: affected alike, within a factor of 1.5", 1 / 1.5, 1.5)

    def share(p: float, f: Mapping[str, float]) -> float:
        return (1 - f["share_16_17"]) * p + f["share_16_17"] * _times_odds(p, f)

    made = _converted(e, "under 16 to under 18", share, {"share_16_17": share_16_17, "ratio": ratio})
    return _without(made.with_(ages=(0, 17), denominator=f"children 0-17, from: {e.denominator}"), AGES_SD, "ages")


def old_to_new_questions(e: Evidence, factor: Factor) -> Evidence:
    """A Crime Survey share by the old questions to what the new questions would give: times a measurement factor, with its uncertainty.

    A factor between instruments, from the year in which both were asked; never a splice of the two series into a trend.

    Parameters
    ----------
    e : Evidence
        With instrument ``"Crime Survey, old questions"``.
    factor : Factor
        New over old, such as 3.9 million over 2.3 million (DA-01-2024N-ALLN, DA-03).

    Raises
    ------
    ConstructError
    """
    _require(e)
    if e.construct.instrument != "Crime Survey, old questions":
        raise ConstructError(
            f"{e.key} has instrument {e.construct.instrument!r}; old_to_new_questions needs 'Crime Survey, old questions'."
        )
    made = _converted(e, "old to new questions", lambda p, f: p * f["factor"], {"factor": factor})
    return made.with_(construct=replace(made.construct, instrument="Crime Survey, new questions"))


def share_today(e: Evidence) -> tuple[float, float, float]:
    """What a published share says of English children today, with nothing of the place: its interval widened by its relevance.

    ``logit p ~ N(logit(value) + mean, sd^2 + relevance sd^2)``.

    Parameters
    ----------
    e : Evidence
        A share of children with relevance.

    Returns
    -------
    value, lower, upper : float
        Median and 95% limits.

    Raises
    ------
    ConstructError
    """
    e.require_usable()
    mean, sd = logit_normal_from_interval(e.value, e.lower, e.upper, e.level)
    half = quantile_of(_LEVEL) * float(np.hypot(sd, e.relevance.sd))
    value, lower, upper = expit(mean + e.relevance.mean + np.array([0.0, -half, half]))
    return float(value), float(lower), float(upper)


def _times_odds(p: float, f: Mapping[str, float]) -> float:
    return float(expit(logit(p) + log(f["ratio"])))


def _assumed_ratio(sd: float) -> Factor:
    high = float(np.exp(quantile_of(_LEVEL) * sd))
    return Factor(1.0, f"assumption: no difference, logit sd {sd:g}", 1 / high, high)


def _require(e: Evidence, whose: str = "") -> None:
    """Raise unless it is a share with an interval, or a complete count, of the people that a conversion starts from."""
    problems = []
    if e.unit != "share":
        problems.append(Problem(f"it is {e.unit}", "convert it to a share first: count_to_share", None, e.key, "unit"))
    if not e.has_interval and not e.interval_basis.startswith("none: a complete count"):
        problems.append(Problem("it has no interval", "give one, or a conservative assumed one", None, e.key, "lower"))
    if whose and e.construct.whose != whose:
        problems.append(
            Problem(f"it counts {e.construct.whose!r}", f"this conversion starts from {whose!r}", None, e.key, "construct.whose")
        )
    raise_all(problems, ConstructError)


def _converted(
    e: Evidence, name: str, function: Callable[[float, Mapping[str, float]], float], factors: Mapping[str, Factor], whose: str = ""
) -> Evidence:
    """The estimate through a function of its share and the factors, with the uncertainty of all of them, and what was assumed."""
    return _recorded(_through(e, name, function, factors, whose), name, factors, e)


def _through(
    e: Evidence, name: str, function: Callable[[float, Mapping[str, float]], float], factors: Mapping[str, Factor], whose: str = ""
) -> Evidence:
    mean, sd = float(logit(e.value)), 0.0  # of a complete count, which has no sampling error
    if e.has_interval:
        mean, sd = logit_normal_from_interval(e.value, e.lower, e.upper, e.level)
    centre = {n: f.value for n, f in factors.items()}

    def at(share: float, **changed: float) -> float:
        made = function(share, centre | changed)
        if not 0 < made < 1:  # one sd up may be outside where the centre is not
            raise ConstructError(f"{name} makes {made:.3g} of {e.key} ({share:.3g}): not a proportion. Check {', '.join(factors)}.")
        return made

    value = at(e.value)
    halves = [_half(at(float(expit(mean + sd))), at(float(expit(mean - sd))))]
    halves += [_half(at(e.value, **{n: f.at(1.0)}), at(e.value, **{n: f.at(-1.0)})) for n, f in factors.items()]
    spread = quantile_of(_LEVEL) * float(np.hypot.reduce(np.array(halves)))
    lower, upper = expit(logit(value) + np.array([-spread, spread]))
    basis = e.interval_basis if e.interval_basis.startswith("assumed") else f"assumed: {e.interval_basis}"
    return e.with_(
        value=value,
        lower=float(lower),
        upper=float(upper),
        level=_LEVEL,
        interval_basis=f"{basis}; then {name}, uncertainty of its factors added (delta method)",
        distribution="",
        nested_in="",
        contradicts=(),
        construct=replace(e.construct, whose=whose) if whose else e.construct,
    )


def _half(up: float, down: float) -> float:
    return float(logit(up) - logit(down)) / 2


def _plain(x: float) -> str:
    """Counts in full, the rest to four figures."""
    return f"{x:,.0f}" if abs(x) >= 1000 else f"{x:.4g}"


def _recorded(made: Evidence, name: str, factors: Mapping[str, Factor], e: Evidence) -> Evidence:
    statement = f"{_plain(e.value)} to {_plain(made.value)} with " + ", ".join(f"{n.replace('_', ' ')} {f}" for n, f in factors.items())
    source = "; ".join(f"{n.replace('_', ' ')}: {f.source}" for n, f in factors.items())
    return made.with_(conversions=(*made.conversions, Conversion(name, statement, source)))


def _without(e: Evidence, sd: float, term: str) -> Evidence:
    """The estimate with a term taken out of its relevance, which its interval now carries."""
    if not e.relevance.sd >= sd:
        return e
    reason = f"{e.relevance.reason} Without the term for {term}, which the interval carries."
    return e.with_(relevance=replace(e.relevance, sd=float(np.sqrt(e.relevance.sd**2 - sd**2)), reason=reason))
