"""Scenario: a named, reasoned set of dated changes to named parameters."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field, replace
from math import isfinite
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from jsna_model.errors import InputError, Problem, raise_all, unknown_name
from jsna_model.group import Group

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
    group : Group
        Whom it is for; all children by default. What is changed for a group starts from what all children have.
    """

    parameter: str
    op: str
    value: float
    start: str
    full_by: str = ""
    group: Group = field(default_factory=Group)

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

    def written(self) -> dict[str, Any]:
        """As TOML has it: what is empty is left out."""
        fields = asdict(self)
        fields["group"] = {k: v for k, v in fields["group"].items() if v}
        return {k: v for k, v in fields.items() if v not in ("", {})}


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
        for i, change in enumerate(self.changes):
            problems += [replace(p, key=("scenario", self.name, "change", i, key)) for key, p in _impossible(change)]
        raise_all(problems)

    def _with(self, change: Change) -> Scenario:
        return replace(self, changes=(*self.changes, change))

    def scale(self, parameter: str, by: float, start: str, full_by: str = "", group: Group | Mapping[str, str] | None = None) -> Scenario:
        """Multiply a parameter by `by`, from `start`, wholly by `full_by`; for a group such as ``{"age": "0-4"}`` or for all."""
        return self._with(Change(parameter, "scale", by, start, full_by, Group.of(group)))

    def set(self, parameter: str, to: float, start: str, full_by: str = "", group: Group | Mapping[str, str] | None = None) -> Scenario:
        """Set a parameter to `to`, from `start`, wholly by `full_by`."""
        return self._with(Change(parameter, "set", to, start, full_by, Group.of(group)))

    def add(self, parameter: str, amount: float, start: str, full_by: str = "", group: Group | Mapping[str, str] | None = None) -> Scenario:
        """Add `amount` to a parameter, from `start`, wholly by `full_by`."""
        return self._with(Change(parameter, "add", amount, start, full_by, Group.of(group)))

    def within(self, *names: str) -> Scenario:
        """What of it is for an area that goes by these names (code and name): changes of other areas are left out."""
        known = {n.casefold() for n in names} | {""}
        return replace(self, changes=tuple(c for c in self.changes if c.group.area.casefold() in known))

    # -- combined, compared, written down ------------------------------------------------------------------------------

    def combine(self, other: Scenario, name: str = "", title: str = "", reason: str = "") -> Scenario:
        """Both at once, which is also ``self & other``; a stress test where either is one.

        Raises
        ------
        InputError
            Where both change a parameter in ways whose order would matter: two scales, or two additions, do not.
        """
        ops: dict[str, set[str]] = {}
        for change in (*self.changes, *other.changes):
            ops.setdefault(change.parameter, set()).add(change.op)
        both = {c.parameter for c in self.changes} & {c.parameter for c in other.changes}
        clash = [p for p in sorted(both) if len(ops[p]) > 1 or "set" in ops[p]]
        raise_all(
            Problem(f"{self.name} and {other.name} both change {p}, and their order would matter", "change it in one of them")
            for p in clash
        )
        return Scenario(
            name or f"{self.name}_and_{other.name}",
            title or " and ".join(t for t in (self.title, other.title) if t),
            reason or "; ".join(r for r in (self.reason, other.reason) if r),
            (*self.changes, *other.changes),
            self.stress_test or other.stress_test,
        )

    def __and__(self, other: Scenario) -> Scenario:
        return self.combine(other)

    def diff(self, other: Scenario) -> tuple[tuple[str, Change | None, Change | None], ...]:
        """Changes that differ, by parameter: of this scenario and of the other, None where one has none; in order of name."""
        return tuple(_differing(self.changes, other.changes))

    def save(self, path: str | Path) -> Path:
        """Write it as TOML: a ``[[scenario]]`` that can be put into study.toml as it is."""
        import tomli_w

        entry: dict[str, Any] = asdict(self)
        del entry["changes"]
        entry["change"] = [c.written() for c in self.changes]
        target = Path(path)
        target.write_text(tomli_w.dumps({"scenario": [entry]}), encoding="utf-8")
        return target

    @classmethod
    def load(cls, path: str | Path, name: str = "") -> Scenario:
        """Read a scenario that was saved, or by name one of several ``[[scenario]]`` of a file, a study.toml too.

        Raises
        ------
        InputError
            For a file that is not there or holds none or several, and every key that is missing or unknown.
        UnknownNameError
        """
        import tomllib

        path = Path(path)
        try:
            rows = tomllib.loads(path.read_text(encoding="utf-8-sig")).get("scenario", [])
        except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
            raise InputError(f"{path} cannot be read as a scenario ({error}). Write one with Scenario.save().") from error
        rows = [r for r in rows if isinstance(r, dict)] if isinstance(rows, list) else []
        names = [str(r.get("name", "")) for r in rows]
        if name and name not in names:
            raise unknown_name("scenario", name, names)
        if not name and len(rows) != 1:
            raise InputError(f"{path} holds {len(rows)} scenarios ({', '.join(names) or 'none'}). Say which by name.")
        row = rows[names.index(name)] if name else rows[0]
        raise_all(_unlike(row, str(path)))
        changes = tuple(Change(**(c | {"group": Group.of(c.get("group"))})) for c in row.get("change", ()))
        return cls(row["name"], row.get("title", ""), row.get("reason", ""), changes, row.get("stress_test", False))


def _impossible(change: Change) -> Iterator[tuple[str, Problem]]:
    """What is wrong with a change by itself, and the key of it that is to be put right."""
    if change.op not in ("scale", "set", "add"):
        yield "op", Problem(f"change {change.op!r} of {change.parameter}", "use scale, set or add")
    if not isfinite(change.value):
        yield "value", Problem(f"{change.parameter} changed by {change.value}", "give a finite number")
    elif change.op == "scale" and change.value < 0:
        yield "value", Problem(f"{change.parameter} scaled by {change.value:g}", "scale by zero or more")
    try:
        first = month_index(change.start)
        if change.full_by and month_index(change.full_by) < first:
            yield "full_by", Problem(f"{change.parameter} is full by {change.full_by}, before it starts in {change.start}", "swap them")
    except InputError as error:
        yield "start", Problem(str(error).rstrip("."), f"in the change of {change.parameter}")


def _differing(ours: tuple[Change, ...], theirs: tuple[Change, ...]) -> Iterator[tuple[str, Change | None, Change | None]]:
    for parameter in sorted({c.parameter for c in (*ours, *theirs)}):
        a, b = ([c for c in changes if c.parameter == parameter] for changes in (ours, theirs))
        for i in range(max(len(a), len(b))):
            one, two = (x[i] if i < len(x) else None for x in (a, b))
            if one != two:
                yield parameter, one, two


def _unlike(row: dict[str, Any], file: str) -> Iterator[Problem]:
    """Keys of a written scenario that are missing, unknown or of the wrong kind."""
    kinds: dict[str, Any] = {"name": str, "title": str, "reason": str, "stress_test": bool, "change": list}
    of_change: dict[str, Any] = {"parameter": str, "op": str, "value": (int, float), "start": str, "full_by": str, "group": dict}
    changes = row.get("change", [])
    parts: list[tuple[str, dict[str, Any], dict[str, Any], tuple[str, ...]]] = [("", row, kinds, ("name",))]
    parts += [
        (f"change.{i}.", c if isinstance(c, dict) else {}, of_change, ("parameter", "op", "value", "start"))
        for i, c in enumerate(changes if isinstance(changes, list) else [])
    ]
    for at, table, known, needed in parts:
        for key in needed:
            if key not in table:
                yield Problem("nothing there", "give a value", file, column=f"{at}{key}")
        for key, value in table.items():
            if key not in known:
                yield Problem(f"unknown key {key!r}", f"keep to {', '.join(known)}", file, column=f"{at}{key}")
            elif not isinstance(value, known[key]) or (isinstance(value, bool) and known[key] is not bool):
                yield Problem(f"found {value!r}", "give the kind of value that Scenario.save() writes", file, column=f"{at}{key}")
