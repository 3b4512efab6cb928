"""Scenario: a named, reasoned set of dated changes to named parameters."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from jsna_model.errors import InputError, Problem, raise_all

_MONTH = re.compile(r"^(\d{4})-(0[1-9]|1[0-2])$")


def month_index(month: str) -> int:
    """Months since year 0 of ``"YYYY-MM"``.

    Examples
    --------
    >>> month_index("2026-01") - month_index("2025-12")
    1
    """
    match = _MONTH.match(month)
    if not match:
        raise InputError(f"{month!r} is not a month; write it as YYYY-MM, such as 2027-04.")
    return int(match[1]) * 12 + int(match[2]) - 1


@dataclass(frozen=True)
class Change:
    """One dated change: linear ramp from `start` (nothing yet) to `full_by` (all of it).

    Parameters
    ----------
    parameter : str
        Name in the pathway, e.g. ``"early_help.reach"``.
    op : {"scale", "set", "add"}
    value : float
    start, full_by : str
        Months ``"YYYY-MM"``; without `full_by` the change is whole from `start`.
    """

    parameter: str
    op: str
    value: float
    start: str
    full_by: str = ""

    def progress(self, months: NDArray[np.int64]) -> NDArray[np.float64]:
        """Share of the change in force in each month (index as `month_index`), shape of `months`."""
        first = month_index(self.start)
        last = month_index(self.full_by) if self.full_by else first
        if last <= first:
            return (months >= first).astype(float)
        return np.clip((months - first + 1) / (last - first + 1), 0.0, 1.0)

    def apply(self, base: NDArray[np.float64], months: NDArray[np.int64]) -> NDArray[np.float64]:
        """Parameter after the change; `base` and result of shape (month, ...)."""
        share = self.progress(months).reshape((-1,) + (1,) * (base.ndim - 1))
        if self.op == "scale":
            return base * (1 + share * (self.value - 1))
        if self.op == "add":
            return base + share * self.value
        return base + share * (self.value - base)


@dataclass(frozen=True)
class Scenario:
    """A named set of changes; `.scale()`, `.set()` and `.add()` each return a new one.

    Parameters
    ----------
    name : str
        Short name used in results; never part of a random stream (law 5).
    title : str
        One line for tables.
    reason : str
        Why these changes, with the paper or evidence they rest on.
    changes : tuple of Change
    stress_test : bool
        A test that the user asked for, not a proposal.

    Examples
    --------
    >>> Scenario("hubs", reason="Board paper 12").scale("early_help.reach", by=1.25, start="2027-04").changes[0].value
    1.25
    """

    name: str
    title: str = ""
    reason: str = ""
    changes: tuple[Change, ...] = ()
    stress_test: bool = False

    def __post_init__(self) -> None:
        problems = []
        if not re.match(r"^[a-z][a-z0-9_]*$", self.name):
            problems.append(Problem(f"scenario name {self.name!r}", "use lower-case letters, digits and underscores"))
        for change in self.changes:
            if change.op not in ("scale", "set", "add"):
                problems.append(Problem(f"change {change.op!r} of {change.parameter}", "use scale, set or add"))
            if change.op == "scale" and change.value < 0:
                problems.append(Problem(f"{change.parameter} scaled by {change.value}", "scale by zero or more"))
            try:
                first = month_index(change.start)
                if change.full_by and month_index(change.full_by) < first:
                    problems.append(Problem(f"{change.parameter} is full by {change.full_by}, before {change.start}", "swap them"))
            except InputError as error:
                problems.append(Problem(str(error).rstrip("."), f"in the change of {change.parameter}"))
        raise_all(problems)

    def _with(self, change: Change) -> Scenario:
        return replace(self, changes=(*self.changes, change))

    def scale(self, parameter: str, by: float, start: str, full_by: str = "") -> Scenario:
        """Multiply a parameter by `by`, from `start`, wholly by `full_by`."""
        return self._with(Change(parameter, "scale", by, start, full_by))

    def set(self, parameter: str, to: float, start: str, full_by: str = "") -> Scenario:
        """Set a parameter to `to`, from `start`, wholly by `full_by`."""
        return self._with(Change(parameter, "set", to, start, full_by))

    def add(self, parameter: str, amount: float, start: str, full_by: str = "") -> Scenario:
        """Add `amount` to a parameter, from `start`, wholly by `full_by`."""
        return self._with(Change(parameter, "add", amount, start, full_by))
