"""Direct: what a place knows about itself, from a survey, an audit or a count; combined with the model, never written over it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from math import isfinite

from jsna_model.conventions import POLICIES
from jsna_model.errors import Problem, raise_all


@dataclass(frozen=True)
class Direct:
    """A direct local estimate of one risk in one area, or a known total to benchmark to.

    Parameters
    ----------
    area : str
        Code of an area of the population: its finest level, MSOA, ward, locality, authority; for a total also a region or England.
    risk : str
        Name of the risk in the evidence; the user says by this that the construct is the same.
    value, lower, upper : float
        Share of children with its interval; of a total, children.
    level : float
        Of the interval.
    source : str
    total : bool
        Whether it is a known total: the area is brought to a draw of it. Otherwise the model's draws are conditioned on it.
    policy : str
        Whose rule of suppression a small total follows where it is shown: a name of `jsna_model.conventions.POLICIES`, or ``1-9``.

    Raises
    ------
    InputError
        Every problem at once.
    """

    area: str
    risk: str
    value: float
    lower: float
    upper: float
    level: float
    source: str
    total: bool = False
    policy: str = "dfe_cin"

    def __post_init__(self) -> None:
        raise_all(self.problems())

    def problems(self, file: str | None = None, row: int | str | None = None) -> list[Problem]:
        """What is wrong with it, as a list."""
        place = row if row is not None else f"{self.area}, {self.risk}"
        found = []
        top = float("inf") if self.total else 1.0
        numbers = (self.lower, self.value, self.upper)
        if not all(isfinite(x) and 0 < x < top for x in numbers):
            hint = "give children, above 0" if self.total else "give shares above 0 and below 1, not percentages"
            found.append(Problem(f"{self.value:g} ({self.lower:g} to {self.upper:g})", hint, file, place, "value"))
        elif not self.lower <= self.value <= self.upper or self.lower == self.upper:
            found.append(
                Problem(f"{self.value:g} in {self.lower:g} to {self.upper:g}", "give limits either side of it", file, place, "lower")
            )
        if not 0 < self.level < 1:
            found.append(Problem(f"level is {self.level:g}", "give the level of the interval, such as 0.95", file, place, "level"))
        if self.policy not in POLICIES and not re.fullmatch(r"\d+-\d+(/[1-9]\d*)?", self.policy):
            found.append(
                Problem(f"policy {self.policy!r}", f"give {', '.join(POLICIES)}, or small numbers, such as 1-9", file, place, "policy")
            )
        if not self.source:
            found.append(Problem("no source", "say where it comes from", file, place, "source"))
        return found


def check_together(direct: Sequence[Direct]) -> list[Problem]:
    """Problems of several at once: an area and risk given twice."""
    seen: set[tuple[str, str]] = set()
    problems = []
    for d in direct:
        if (d.area, d.risk) in seen:
            problems.append(Problem(f"{d.risk} in {d.area} is given twice", "combine them first, or give one", None, d.area, "risk"))
        seen.add((d.area, d.risk))
    return problems
