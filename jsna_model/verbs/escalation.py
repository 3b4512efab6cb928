"""What came after early help, or after a referral that was closed without a service: shares by time, from linked case data."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Protocol

from jsna_model.conventions import AGE_BANDS
from jsna_model.errors import InputError, unknown_name

if TYPE_CHECKING:
    from jsna_model.methods.incidence import Incidence

#: From when time runs.
CLOCKS = ("early_help", "closure", "closed_referral")
#: Kinds of events by name; the services of a social worker together are the first of what the file records.
STATUTORY = ("child_in_need", "section_47", "plan", "looked_after")
KINDS = ("referral", "statutory", *STATUTORY)
#: Columns that cases may be grouped by; reasons of closure are known only from closure on.
GROUPS = ("locality", "age_band", "closure_reason")
MONTHS = (6.0, 12.0, 24.0)
#: Days in a month, on average.
DAYS = 365.25 / 12
#: Cases that must still be followed for a share to be given, and that a group must have.
LEAST = 10
LEVEL = 0.95
OTHERS = "Other, joined"
NOT_GIVEN = "Not given"


class Case(Protocol):
    """A start and the first events after it (`data_sources.linked.LinkedCase`)."""

    @property
    def family(self) -> str:
        """Cluster."""

    @property
    def closed_referral(self) -> date | None:
        """When a referral was closed without a service."""

    @property
    def early_help_start(self) -> date | None:
        """When early help began."""

    @property
    def early_help_end(self) -> date | None:
        """When it ended."""

    @property
    def events(self) -> Mapping[str, date]:
        """First of each kind."""

    @property
    def followed_to(self) -> date:
        """Until when events are known."""

    @property
    def ended_by(self) -> str:
        """Why following ended."""


@dataclass(frozen=True)
class Escalated:
    """Shares of some cases to whom a kind of event happened.

    Parameters
    ----------
    clock, kind : str
    by, group : str
        Empty for all cases.
    cases, families : int
    months : tuple of float
    incidence : Incidence
        At `months`.
    reported : tuple of bool
        Whether enough cases were still followed at each of them.
    """

    clock: str
    kind: str
    by: str
    group: str
    cases: int
    families: int
    months: tuple[float, ...]
    incidence: Incidence
    reported: tuple[bool, ...]


def escalation(
    cases: Sequence[Case],
    recorded: Sequence[str],
    clock: str = "early_help",
    kind: str = "statutory",
    by: str = "",
    months: Sequence[float] = MONTHS,
    moved_compete: bool = False,
    least: int = LEAST,
) -> tuple[Escalated, ...]:
    """Cumulative incidence of a kind of event, where other things can come first.

    Turning 18 and dying come first where they do, and so does early help after a closed referral; who moves away is taken as no longer
    followed (as if those who moved were as likely to escalate elsewhere as those who stayed), or, with `moved_compete`, as never to have it
    here. After closure, cases that had the event by then are left out. A share is reported where at least `least` cases are still followed
    without an event, or nobody's following has ended before.

    Parameters
    ----------
    cases : sequence of Case
    recorded : sequence of str
        Kinds that the file records.
    clock : {"early_help", "closure", "closed_referral"}
    kind : str
        One of `KINDS`.
    by : str
        One of `GROUPS`, or empty. Groups of fewer than `least` cases are joined.
    months : sequence of float
    moved_compete : bool
    least : int

    Returns
    -------
    tuple of Escalated
        One, or one a group; none where fewer than `least` cases have such a start, or a single group is left.

    Raises
    ------
    UnknownNameError
        For a clock, kind or group that there is not.
    InputError
        For reasons of closure before closure, or a kind that the file does not record.
    """
    for what, name, known in (("clock", clock, CLOCKS), ("kind of event", kind, KINDS), ("group", by, (*GROUPS, ""))):
        if name not in known:
            raise unknown_name(what, name, known)
    if by == "closure_reason" and clock != "closure":
        raise InputError("Reasons of closure are known only once early help has closed. Give clock 'closure'.")
    kinds = [k for k in (STATUTORY if kind == "statutory" else (kind,)) if k in recorded]
    if not kinds:
        raise InputError(f"The file records no {kind.replace('_', ' ')}. It records {', '.join(recorded) or 'nothing'}.")
    followed = [(c, f) for c in cases if (f := _followed(c, clock, kinds, moved_compete)) is not None]
    if len(followed) < least:
        return ()
    if not by:
        return (_escalated(followed, clock, kind, "", "", months, least),)
    parts = _grouped(followed, by, least)
    return tuple(_escalated(part, clock, kind, by, name, months, least) for name, part in parts.items()) if len(parts) > 1 else ()


Followed = tuple[Case, tuple[int, int]]


def _followed(case: Case, clock: str, kinds: Sequence[str], moved_compete: bool) -> tuple[int, int] | None:
    """Days, and event (as `jsna_model.methods.incidence` has it), of a case; None where it has no such start, or had the event before."""
    from jsna_model.methods.incidence import CENSORED, EVENT, OTHER

    start = {"early_help": case.early_help_start, "closure": case.early_help_end, "closed_referral": case.closed_referral}[clock]
    if start is None:
        return None
    hit = min((case.events[k] for k in kinds if k in case.events), default=None)
    if clock == "closure" and hit is not None and hit <= start:
        return None
    helped = case.early_help_start if clock == "closed_referral" else None
    if hit is not None and (helped is None or hit <= helped):
        return (hit - start).days, EVENT
    if helped is not None:
        return (helped - start).days, OTHER
    for_good = case.ended_by in ("turned_18", "died") or (moved_compete and case.ended_by == "moved_away")
    return (case.followed_to - start).days, OTHER if for_good else CENSORED


def _escalated(part: Sequence[Followed], clock: str, kind: str, by: str, group: str, months: Sequence[float], least: int) -> Escalated:
    from jsna_model.methods.incidence import cumulative_incidence

    families = [c.family for c, _ in part]
    found = cumulative_incidence([f[0] for _, f in part], [f[1] for _, f in part], [m * DAYS for m in months], families, LEVEL)
    reported = tuple(bool(left >= least or lost == 0) for left, lost in zip(found.at_risk, found.lost, strict=True))
    return Escalated(clock, kind, by, group, len(part), len(set(families)), tuple(months), found, reported)


def _grouped(followed: Sequence[Followed], by: str, least: int) -> dict[str, list[Followed]]:
    """Cases by group; the smallest are joined until each has enough, so that no group's size says who is in it."""
    parts: dict[str, list[Followed]] = {}
    for c, f in followed:
        parts.setdefault(str(getattr(c, by)) or NOT_GIVEN, []).append((c, f))
    small = sorted((name for name in parts if len(parts[name]) < least), key=lambda n: (len(parts[n]), n))
    if small:
        kept = sorted((name for name in parts if name not in small), key=lambda n: (len(parts[n]), n))
        while kept and (sum(len(parts[n]) for n in small) < least or len(small) < 2):
            small.append(kept.pop(0))
        joined = [x for name in small for x in parts.pop(name)]
        return {**{n: parts[n] for n in sorted(parts, key=_order)}, OTHERS: joined}
    return {n: parts[n] for n in sorted(parts, key=_order)}


def _order(name: str) -> tuple[int, str]:
    """Age bands from the youngest, other names by letter."""
    return (list(AGE_BANDS).index(name) if name in AGE_BANDS else len(AGE_BANDS), name)
