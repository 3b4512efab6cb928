"""Evidence: one published estimate, with its construct, its interval and its source."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, fields, replace
from math import isfinite, isnan, nan
from typing import Any

from jsna_model.errors import ConstructError, InputError, Problem, raise_all

#: Units that an estimate may have, and the scale on which it is drawn: logit for shares, log for what is above zero, identity for the
#: rest, none for a finding in words.
UNITS = {
    "share": "logit",
    "children": "log", "adults": "log", "people": "log", "families": "log", "victims": "log", "authorities": "log",
    "referrals": "log", "assessments": "log", "episodes": "log", "enquiries": "log", "conferences": "log", "plans": "log",
    "per 1,000": "log", "per 10,000": "log", "per 100,000": "log", "per 100,000 person-years": "log",
    "odds ratio": "log", "relative risk": "log", "rate ratio": "log", "fold range": "log",
    "£": "log", "£ million": "log", "£ billion": "log", "£ per week": "log", "£ per year": "log",
    "elasticity": "identity", "difference in share": "identity", "difference per 10,000": "identity",
    "difference per 100,000": "identity", "coefficient of variation": "log", "index": "log",
    "statement": "none",
}  # fmt: skip
#: Distributions that an estimate may be drawn from, by the scale of its unit; the first is the default.
DISTRIBUTIONS = {
    "logit": ("logit-normal", "split logit-normal", "beta"),
    "log": ("log-normal",),
    "identity": ("normal",),
    "none": ("none",),
}
GRADES = ("high", "moderate", "low", "very low")
_Wrong = Callable[[str, str, str], None]


@dataclass(frozen=True)
class Construct:
    """What was measured; estimates whose constructs differ are never combined without a named conversion (law 4).

    Parameters
    ----------
    condition : str
        Such as ``"hazardous drinking"``.
    instrument : str
        Survey instrument or register, e.g. ``"AUDIT"``.
    threshold : str
        Severity or cut-off.
    window : str
        Time window asked about.
    whose : str
        Whose condition is counted: a child living with an affected adult, a parent, an adult.
    informant : str
        Who was asked: one adult interviewed per household, all adults, a clinical record.
    """

    condition: str
    instrument: str
    threshold: str
    window: str
    whose: str
    informant: str

    def __str__(self) -> str:
        return f"{self.condition}: {self.threshold} ({self.instrument}; {self.window}; {self.whose}; {self.informant})"

    def differences(self, other: Construct) -> list[str]:
        """Names of the parts in which two constructs differ."""
        return [f.name for f in fields(self) if getattr(self, f.name) != getattr(other, f.name)]


@dataclass(frozen=True)
class Source:
    """Where an estimate was published, and where it was read.

    Parameters
    ----------
    citation : str
        Short form, with table or page: ``"Manning et al. 2009, BMC Public Health 9:377, Table 3"``.
    producer, title : str
    where : str
        Table or page.
    published : str
        Date of publication, as precisely as it is known.
    read_in : str
        ``"the publication"``, or the copy in which the figure was seen.
    url, licence : str
    """

    citation: str
    producer: str
    title: str
    where: str
    published: str
    read_in: str
    url: str
    licence: str

    def __str__(self) -> str:
        return self.citation


@dataclass(frozen=True)
class Quality:
    """How far an estimate can be trusted for children in an English council today.

    Parameters
    ----------
    grade : {"high", "moderate", "low", "very low"}
    reasons : tuple of str
    """

    grade: str
    reasons: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.grade}: {'; '.join(self.reasons)}"


@dataclass(frozen=True)
class Conversion:
    """A named step from what was published to what is used, with what it assumes.

    Parameters
    ----------
    name : str
        Such as ``"adults to children"``.
    statement : str
        What was done, with the numbers and the assumption.
    source : str
        Of those numbers.
    """

    name: str
    statement: str
    source: str

    def __str__(self) -> str:
        return f"{self.name}: {self.statement}"


@dataclass(frozen=True)
class Relevance:
    """Discrepancy between what the evidence says of its own population and English children today, on the logit scale.

    Parameters
    ----------
    mean, sd : float
        Of N(mean, sd^2); `sd` is never zero without a reason.
    reason : str
        Distance in period, geography, age and construct that it stands for.
    """

    mean: float
    sd: float
    reason: str


@dataclass(frozen=True)
class Variation:
    """How a risk varies between areas and ages, on the logit scale: assumptions that the user can change.

    Parameters
    ----------
    gradient, gradient_sd : float
        Change per standard deviation of deprivation (positive: more in deprived areas) and its uncertainty.
    authority_sd, small_area_sd : float
        Standard deviations of what deprivation does not explain, between authorities and between small areas.
    age_sd : float
        Standard deviation of an unknown age profile, by DfE band.
    source : str
        Where each came from; says "assumption" where it is one.
    covariates : tuple of (str, float), or mapping
        Further covariates, each with its change per standard deviation over England's children, deprivation and the others held.
    covariance : tuple of tuple of float
        Covariance of the coefficients, deprivation first, then `covariates` in order; with no further covariate, left out.

    Raises
    ------
    InputError
        Where a covariate is named twice, or the covariance is absent, of another size, or no covariance.
    """

    gradient: float
    gradient_sd: float
    authority_sd: float
    small_area_sd: float
    age_sd: float
    source: str
    covariates: tuple[tuple[str, float], ...] = ()
    covariance: tuple[tuple[float, ...], ...] = ()

    def __post_init__(self) -> None:
        pairs = self.covariates.items() if isinstance(self.covariates, Mapping) else self.covariates
        object.__setattr__(self, "covariates", tuple((str(name), float(change)) for name, change in pairs))
        object.__setattr__(self, "covariance", tuple(tuple(float(v) for v in row) for row in self.covariance))
        names = ["deprivation", *(name for name, _ in self.covariates)]
        n = len(names)
        problems = [
            Problem(f"covariate {name!r} is named twice", "give each once") for name in dict.fromkeys(names) if names.count(name) > 1
        ]
        if self.covariates or self.covariance:
            if [len(row) for row in self.covariance] != [n] * n:
                problems.append(Problem(f"the covariance is not {n} by {n}", f"give a row and a column for each of {', '.join(names)}"))
            elif not all(isfinite(v) for row in self.covariance for v in row):
                problems.append(Problem("the covariance has a value that is not a number", "give every variance and covariance"))
            elif any(abs(self.covariance[i][j] - self.covariance[j][i]) > 1e-12 for i in range(n) for j in range(i)):
                problems.append(Problem("the covariance is not symmetric", "give the covariance of the coefficients"))
            elif abs(self.covariance[0][0] - self.gradient_sd**2) > 1e-9:
                what = (
                    f"the covariance gives deprivation a variance of {self.covariance[0][0]:g}, gradient_sd one of {self.gradient_sd**2:g}"
                )
                problems.append(Problem(what, "make them agree"))
            else:
                problems += _not_a_covariance(self.covariance)
        raise_all(problems)

    @property
    def coefficients(self) -> dict[str, float]:
        """Change per standard deviation of each covariate, deprivation first."""
        return {"deprivation": self.gradient, **dict(self.covariates)}


def _not_a_covariance(covariance: tuple[tuple[float, ...], ...]) -> list[Problem]:
    """Why a matrix is no covariance: a negative variance, or correlations that cannot be together."""
    import numpy as np

    from jsna_model.methods.risk_model import covariance_factor

    try:
        covariance_factor(np.array(covariance))
    except InputError as error:
        return [Problem(str(error).partition(": ")[0], "check its variances, and that no correlation is beyond 1")]
    return []


#: What an estimate has that was not given either: it cannot be used by `estimate` until it is.
UNSTATED_RELEVANCE = Relevance(nan, nan, "")
UNSTATED_VARIATION = Variation(nan, nan, nan, nan, nan, "")


@dataclass(frozen=True)
class Evidence:
    """One published estimate, of any unit; one of a share of children can be given to `estimate`.

    Parameters
    ----------
    key : str
        Catalogue key, e.g. ``"OV-20"``; names its random stream.
    label : str
        Plain-English name, for tables.
    value : float
        As published, in `unit`; a share is a proportion. NaN for a finding in words.
    unit : str
        One of `UNITS`.
    interval_basis : str
        ``"published"``, ``"assumed: ..."`` or ``"from the sample: ..."`` with the reason, or ``"none: ..."`` where the figure is not drawn,
        such as a complete count.
    numerator, denominator : str
        In words, as published.
    construct : Construct
    ages : tuple of int
        First and last single year of age of the people counted; of the evidence's own children for a share of children.
    geography, period : str
    year : float
        Mid-point of the period.
    source : Source
    topic : str
        Page of the catalogue that it is on, e.g. ``"parental alcohol"``.
    lower, upper : float
        Interval, in `unit`; NaN where there is none.
    level : float
        Level of the interval, e.g. 0.95; NaN where there is none.
    sample_size : float
        Of the estimate, where it was published; NaN otherwise.
    distribution : str
        That draws come from: one of `DISTRIBUTIONS` for the unit.
    risk : str
        Name of the risk in results, e.g. ``"domestic_abuse"``; empty for what is not a share of children.
    set_name : str
        The coherent set that it may be overlapped in; empty for a risk that stands alone.
    data_group : str
        Rows that share a survey or a publication are drawn with correlation `group_correlation`.
    nested_in : str
        Key of an estimate that this one cannot exceed (the wider severity or the longer window); in draws of both, it does not.
    relevance : Relevance
    variation : Variation
        `UNSTATED_RELEVANCE` and `UNSTATED_VARIATION` where not given.
    conversions : tuple of Conversion
        Named steps from what was published to this share; empty where none was needed.
    quality : Quality, optional
    contradicts : tuple of str
        Keys of figures that are, or are taken for, estimates of the same thing and disagree; shown side by side, never averaged.
    replaces : str
        Key of a default that a user's own estimate stands in for, by the user's own decision.
    notes : str
        Traps.
    statement : str
        The finding, where it is in words.
    status : str
        ``"seen"``: read in the source or in a copy of it.

    Raises
    ------
    InputError
        For a share outside [0, 1], limits in the wrong order, a level outside (0, 1), a correlation outside [0, 1], or an estimate
        nested in itself; all problems at once.
    """

    key: str
    label: str
    value: float
    interval_basis: str
    numerator: str
    denominator: str
    construct: Construct
    ages: tuple[int, int]
    geography: str
    period: str
    year: float
    source: Source
    unit: str = "share"
    topic: str = ""
    lower: float = nan
    upper: float = nan
    level: float = nan
    sample_size: float = nan
    distribution: str = ""
    risk: str = ""
    set_name: str = ""
    data_group: str = ""
    group_correlation: float = 0.5
    nested_in: str = ""
    relevance: Relevance = UNSTATED_RELEVANCE
    variation: Variation = UNSTATED_VARIATION
    conversions: tuple[Conversion, ...] = ()
    quality: Quality | None = None
    contradicts: tuple[str, ...] = ()
    replaces: str = ""
    notes: str = ""
    statement: str = ""
    status: str = "seen"

    def __post_init__(self) -> None:
        if not self.distribution and self.unit in UNITS:
            object.__setattr__(self, "distribution", DISTRIBUTIONS[UNITS[self.unit]][0])
        raise_all(self.problems())

    @property
    def has_interval(self) -> bool:
        """Whether it has an interval, so that it can be drawn."""
        return not isnan(self.lower)

    @property
    def is_share_of_children(self) -> bool:
        """Whether it is a share of children who live with a risk: what `estimate` needs."""
        return self.unit == "share" and self.construct.whose.startswith("child ")

    def problems(self, file: str | None = None, row: int | str | None = None) -> list[Problem]:
        """What is wrong with this row, as a list (empty when nothing is)."""
        row_name = row if row is not None else self.key
        found: list[Problem] = []

        def wrong(column: str, what: str, fix: str) -> None:
            found.append(Problem(what, fix, file, row_name, column))

        if self.unit not in UNITS:
            wrong("unit", f"unknown unit {self.unit!r}", f"use one of {', '.join(UNITS)}")
            return found
        scale = UNITS[self.unit]
        if self.distribution not in DISTRIBUTIONS[scale]:
            wrong("distribution", f"{self.distribution!r} for {self.unit}", f"use {' or '.join(DISTRIBUTIONS[scale])}")
        if scale == "none":
            if not self.statement:
                wrong("statement", "no statement", "say in words what was found, or give a unit and a value")
            return found
        if not 0 <= self.group_correlation <= 1:
            wrong("group_correlation", f"group_correlation is {self.group_correlation}", "give a correlation from 0 to 1")
        if self.nested_in and self.nested_in == self.key:
            wrong("nested_in", "it is nested in itself", "name the wider estimate, or leave it out")
        self._check_numbers(scale, wrong)
        return found

    def _check_numbers(self, scale: str, wrong: _Wrong) -> None:
        numbers = {"value": self.value, "lower": self.lower, "upper": self.upper}
        given = {name: x for name, x in numbers.items() if name == "value" or not isnan(x)}
        if not isfinite(self.value):
            wrong("value", f"value is {self.value}", "give a number, or a unit of 'statement' with a statement")
            return
        if scale == "logit":
            for name, x in given.items():
                if not 0 <= x <= 1:
                    hint = f"; {x:g} per cent is {x / 100:g}" if 1 < x <= 100 else ""
                    wrong(name, f"{name} is {x!r}, outside [0, 1]", f"give a proportion, not a percentage or a count{hint}")
            if self.value in (0, 1):
                wrong("value", f"value is {self.value:g}, nobody or everybody", "give a proportion above 0 and below 1")
        elif scale == "log" and self.value < 0:
            wrong("value", f"value is {self.value:g} {self.unit}", "give a number of at least 0")
        if isnan(self.lower) != isnan(self.upper):
            wrong("upper" if isnan(self.upper) else "lower", "only one limit is given", "give both limits, or neither")
        elif self.has_interval:
            self._check_interval(scale, wrong)
            if not self.interval_basis:
                wrong("interval_basis", "missing", "say 'published', or 'assumed: ...' with the reason")
        elif not self.interval_basis.startswith("none"):
            wrong(
                "lower",
                f"no limits, and interval_basis is {self.interval_basis!r}",
                "give lower, upper and level; or sample_size; or assumed; or say why there is none: 'none: a complete count'",
            )

    def _check_interval(self, scale: str, wrong: _Wrong) -> None:
        if scale == "logit" and (self.lower, self.upper) == (0, 1):
            wrong("lower", "the interval is 0 to 1, which says nothing", "give narrower limits")
        for name, x in (("lower", self.lower), ("upper", self.upper)):
            if not isfinite(x):
                wrong(name, f"{name} is {x}", "give a finite limit")
        if scale == "log" and self.lower <= 0:
            wrong("lower", f"lower limit {self.lower:g} of {self.unit}", "give a limit above 0")
        if self.lower == self.upper:
            wrong("lower", f"lower and upper limits are both {self.lower:g}: no uncertainty", "give an interval, or an assumed one")
        if self.lower > self.upper:
            wrong("lower", f"lower limit {self.lower} is above upper limit {self.upper}", "swap them")
        elif not self.lower <= self.value <= self.upper:
            wrong("value", f"value {self.value} lies outside its interval {self.lower} to {self.upper}", "check all three")
        if isnan(self.level):
            wrong("level", "missing", "give the level of the interval, such as 0.95")
        elif not 0 < self.level < 1:
            wrong("level", f"level is {self.level}", "give the level of the interval, such as 0.95")

    def require_usable(self) -> None:
        """Raise unless `estimate` can use it: a share of children with an interval, relevance and variation.

        Raises
        ------
        ConstructError
            Naming everything that is missing, and which conversion would help.
        """
        found = []
        if not self.is_share_of_children:
            what = f"it is {self.unit} of: {self.construct.whose}"
            found.append(Problem(what, "convert it to a share of children: jsna_model.conversions", None, self.key, "construct"))
        if not self.has_interval:
            found.append(Problem("it has no interval", "give one, or a conservative assumed one", None, self.key, "lower"))
        stated = {"relevance": not isnan(self.relevance.sd), "variation": not isnan(self.variation.gradient), "risk": bool(self.risk)}
        for name in (n for n, given in stated.items() if not given):
            found.append(Problem(f"it has no {name}", f"give it: .with_({name}=...)", None, self.key, name))
        raise_all(found, ConstructError)

    def record(self) -> dict[str, Any]:
        """Everything, as plain values for provenance; what is not there is None."""
        return asdict(self, dict_factory=lambda items: {k: None if isinstance(v, float) and isnan(v) else v for k, v in items})

    def with_(self, **changes: object) -> Evidence:
        """A copy with some fields changed, checked again."""
        return replace(self, **changes)  # type: ignore[arg-type]


def covariates_of(evidence: Sequence[Evidence]) -> tuple[str, ...]:
    """Covariates that the evidence varies with, deprivation first, the others in order of name."""
    return ("deprivation", *sorted({name for e in evidence for name, _ in e.variation.covariates}))
