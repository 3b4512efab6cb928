"""Evidence: one published estimate, with its construct, its interval and its source."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from jsna_model.errors import Problem, raise_all


@dataclass(frozen=True)
class Construct:
    """What was measured; estimates whose constructs differ are never combined without a named conversion (law 4).

    Parameters
    ----------
    instrument : str
        Survey instrument or register, e.g. ``"AUDIT"``.
    threshold : str
        Severity or cut-off.
    window : str
        Time window asked about.
    whose : str
        Whose condition: adult in the household, parent, child; one adult interviewed or all.
    """

    instrument: str
    threshold: str
    window: str
    whose: str

    def __str__(self) -> str:
        return f"{self.threshold} ({self.instrument}; {self.window}; {self.whose})"


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
    """

    gradient: float
    gradient_sd: float
    authority_sd: float
    small_area_sd: float
    age_sd: float
    source: str


@dataclass(frozen=True)
class Evidence:
    """One published estimate of the share of children who live with a risk.

    Parameters
    ----------
    key : str
        Catalogue key, e.g. ``"OV-20"``; names its random stream.
    risk : str
        Name of the risk in results, e.g. ``"domestic_abuse"``.
    label : str
        Plain-English name of the risk, for tables.
    value, lower, upper : float
        Proportion of children, and its interval.
    level : float
        Level of the interval, e.g. 0.95.
    interval_basis : str
        ``"published"``, or ``"assumed: ..."`` with the reason.
    numerator, denominator : str
        In words, as published.
    construct : Construct
    ages : tuple of int
        First and last single year of age of the evidence's own children.
    geography, period : str
    year : float
        Mid-point of the period.
    source, url, licence : str
    data_group : str
        Rows that share a survey or a publication are drawn with correlation `group_correlation`.
    set_name : str
        The coherent set that it may be overlapped in; empty for a risk that stands alone.
    relevance : Relevance
    variation : Variation
    conversion : str
        Named conversion that made a share of children of the published figure; empty where none was needed.
    notes : str
        Traps.

    Raises
    ------
    InputError
        For a value outside [0, 1], limits in the wrong order, or a level outside (0, 1); all problems at once.
    """

    key: str
    risk: str
    label: str
    value: float
    lower: float
    upper: float
    level: float
    interval_basis: str
    numerator: str
    denominator: str
    construct: Construct
    ages: tuple[int, int]
    geography: str
    period: str
    year: float
    source: str
    url: str
    licence: str
    data_group: str
    relevance: Relevance
    variation: Variation
    set_name: str = ""
    group_correlation: float = 0.5
    conversion: str = ""
    notes: str = ""
    status: str = field(default="seen")

    def __post_init__(self) -> None:
        raise_all(self.problems())

    def problems(self, file: str | None = None, row: int | None = None) -> list[Problem]:
        """What is wrong with this row, as a list (empty when nothing is)."""
        row_name = row if row is not None else self.key
        found = [
            Problem(f"{name} is {x!r}, outside [0, 1]", "give a proportion, not a percentage or a count", file, row_name, name)
            for name, x in (("value", self.value), ("lower", self.lower), ("upper", self.upper))
            if not 0 <= x <= 1
        ]
        if self.value in (0, 1):
            found.append(
                Problem(f"value is {self.value:g}, nobody or everybody", "give a proportion above 0 and below 1", file, row_name, "value")
            )
        if (self.lower, self.upper) == (0, 1):
            found.append(Problem("the interval is 0 to 1, which says nothing", "give narrower limits", file, row_name, "lower"))
        if self.lower == self.upper:
            found.append(
                Problem(
                    f"lower and upper limits are both {self.lower:g}: no uncertainty",
                    "give an interval, or a conservative assumed one",
                    file,
                    row_name,
                    "lower",
                )
            )
        if self.lower > self.upper:
            found.append(Problem(f"lower limit {self.lower} is above upper limit {self.upper}", "swap them", file, row_name, "lower"))
        elif not self.lower <= self.value <= self.upper:
            found.append(
                Problem(
                    f"value {self.value} lies outside its interval {self.lower} to {self.upper}", "check all three", file, row_name, "value"
                )
            )
        if not 0 < self.level < 1:
            found.append(Problem(f"level is {self.level}", "give the level of the interval, such as 0.95", file, row_name, "level"))
        return found

    def with_(self, **changes: object) -> Evidence:
        """A copy with some fields changed, checked again."""
        return replace(self, **changes)  # type: ignore[arg-type]
