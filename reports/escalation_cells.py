"""Counts of linked cases as they may be shown: events and cases still followed, by time or by group, protected together."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence

from jsna_model.errors import InputError
from jsna_model.verbs.escalation import Escalated
from reports.disclosure import SUPPRESSED
from reports.suppression import suppress_cells

#: Shown counts by (grouping, group, what, month): ``events`` or ``at_risk``.
Key = tuple[str, str, str, float]
Shown = Mapping[Key, int | str]


def shown_counts(whole: Escalated, internal: bool) -> Shown:
    """Counts of one kind of event, of all cases.

    Events between two times are cells too, which nobody is shown: they are the difference of two that may be. Numbers of cases are public
    (`jsna_model.verbs.escalation.LEAST` at least); what happened to those who neither had the event nor are still followed is not shown.
    """
    counts = _counts([whole], whole.months)
    totals = _fates([whole], whole.months)
    for i, month in enumerate(whole.months[1:], 1):
        between = ("", "", "between", month)
        counts[between] = float(whole.incidence.events[i] - whole.incidence.events[i - 1])
        totals.append((("", "", "events", month), (("", "", "events", whole.months[i - 1]), between)))
    return _suppressed(counts, totals, [("", "", "cases", 0.0)], internal)


def shown_groups(whole: Escalated, shown: Shown, groups: Sequence[Escalated], month: float, internal: bool) -> Shown:
    """Counts of groups at one time, the totals being shown already; nothing where a total is hidden, or the groups cannot be protected.

    Parameters
    ----------
    whole : Escalated
    shown : Shown
        Of the whole.
    groups : sequence of Escalated
        Of one or several groupings; those of each sum to the whole.
    month : float
        One time alone: two would give away the events between them.
    internal : bool
    """
    known = [("", "", what, month) for what in ("events", "at_risk")]
    if any(shown[k] == SUPPRESSED for k in known) or not groups:
        return {}
    every = [whole, *groups]
    counts, totals = _counts(every, (month,)), _fates(every, (month,))
    for by in dict.fromkeys(e.by for e in groups):
        own = [(e.by, e.group) for e in groups if e.by == by]
        totals += [(k, [(*g, k[2], month) for g in own]) for k in known]
    public = [*known, *((e.by, e.group, "cases", 0.0) for e in every)]
    try:
        return _suppressed(counts, totals, public, internal)
    except InputError:
        return {}


def _counts(every: Sequence[Escalated], months: Sequence[float]) -> dict[Key, float]:
    out: dict[Key, float] = {}
    for e in every:
        out[e.by, e.group, "cases", 0.0] = float(e.cases)
        for i, month in enumerate(e.months):
            if month in months:
                out[e.by, e.group, "events", month] = float(e.incidence.events[i])
                out[e.by, e.group, "at_risk", month] = float(e.incidence.at_risk[i])
    return out


def _fates(every: Sequence[Escalated], months: Sequence[float]) -> list[tuple[Hashable, Sequence[Hashable]]]:
    """Cases are those with the event, those still followed, and the others, of whom nothing is shown."""
    return [
        ((e.by, e.group, "cases", 0.0), tuple((e.by, e.group, what, month) for what in ("events", "at_risk", "gone")))
        for e in every
        for month in months
    ]


def _suppressed(
    counts: dict[Key, float], totals: Sequence[tuple[Hashable, Sequence[Hashable]]], public: Sequence[Hashable], internal: bool
) -> Shown:
    wanted = [k for k in counts if k[2] in ("events", "at_risk")]
    if internal:
        return {k: int(counts[k]) for k in wanted}
    by_key: dict[Hashable, float] = dict(counts.items())
    found = suppress_cells(by_key, totals, public=public)
    return {k: found[k] for k in wanted}
