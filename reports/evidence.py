"""One figure of the evidence catalogue in words: what it is, where it comes from, its traps, and what it may be combined with."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from textwrap import wrap
from typing import Any

from jsna_model.combining import differences
from jsna_model.evidence import UNITS, Evidence
from jsna_model.methods.distributions import log_normal_from_interval, quantile_of, share_quantile

_WIDTH, _INDENT = 118, 18


def amount(x: float, unit: str, with_unit: bool = True) -> str:
    """A number of a unit, as published.

    Examples
    --------
    >>> amount(0.221, "share"), amount(2600000, "children"), amount(646, "£ per week"), amount(13.8, "per 1,000")
    ('22.1%', '2,600,000 children', '£646 per week', '13.8 per 1,000')
    """
    if unit == "share":
        return f"{100 * x:.3g}%" if x < 0.1 else f"{100 * x:.1f}%"
    digits = f"{x:,.0f}" if abs(x) >= 1000 or float(x).is_integer() else f"{x:,.4g}"
    if unit.startswith("£"):
        return f"£{digits}{unit[1:] if with_unit else ''}"
    return f"{digits} {unit}" if with_unit else digits


def limits(e: Evidence) -> str:
    """Both limits, without the unit of a count."""
    return f"{amount(e.lower, e.unit, with_unit=False)} to {amount(e.upper, e.unit, with_unit=False)}"


def value(e: Evidence) -> str:
    """The figure with its interval, or the finding."""
    if e.unit == "statement":
        return e.statement
    text = amount(e.value, e.unit)
    return f"{text} ({limits(e)})" if e.has_interval else text


def line(e: Evidence) -> str:
    """One line of the list: key, label, figure, place and period."""
    figure = value(e) if e.unit != "statement" else "in words"
    return f"{e.key:14} {e.label[:70]:70} {figure:40}  {e.geography}, {e.period}"


def interval(e: Evidence) -> str:
    """The interval with its level and its basis."""
    if not e.has_interval:
        return e.interval_basis or "none"
    return f"{limits(e)} at {e.level:.0%}; {e.interval_basis}"


def drawn_from(e: Evidence) -> str:
    """The distribution, its group, and how far it is from what was published: nothing is fitted silently."""
    if not e.has_interval:
        return "not drawn"
    z = quantile_of(e.level)
    if UNITS[e.unit] == "logit":
        lower, median, upper = share_quantile([-z, 0.0, z], e.value, e.lower, e.upper, e.level, e.distribution)
    elif UNITS[e.unit] == "log":
        median, lower, upper = log_normal_from_interval(e.value, e.lower, e.upper, e.level).median, e.lower, e.upper
    else:
        lower, median, upper = e.lower, (e.lower + e.upper) / 2, e.upper
    fitted = f"median {amount(float(median), e.unit, False)}, {e.level:.0%} limits {amount(float(lower), e.unit, False)} to "
    fitted += amount(float(upper), e.unit, False)
    return f"{e.distribution}: {fitted}; group {e.data_group}, correlation {e.group_correlation:g}"


def differs(e: Evidence, other: Evidence) -> str:
    """How another figure differs from this one, in a line."""
    apart = differences(e, other)
    found = [_part(d.what, other) for d in apart if d.what not in ("interval", "denominator", "data_group")]
    shared = "; from the same data" if any(d.what == "data_group" for d in apart) else ""
    return (f"differs in {', '.join(found)}" if found else "of the same construct") + shared


def _part(what: str, other: Evidence) -> str:
    """A part in which the other differs, with the other's term where that is short."""
    term = str(getattr(other.construct, what, ""))
    return f"{what} ({term})" if what in ("condition", "instrument", "window", "whose") and len(term) < 60 else what


#: Which conversion helps with which difference.
HELPS = {
    "geography": "to_england",
    "ages": "under_16_to_under_18",
    "instrument": "old_to_new_questions (Crime Survey)",
    "whose": "adults_to_children, or adults_to_parents, parents_to_coresident, coresident_to_children",
    "unit": "count_to_share",
}
#: Figures listed beside one, at most.
MOST = 10


def page(e: Evidence, others: Iterable[Evidence], quoted: Sequence[Mapping[str, Any]] = ()) -> str:
    """Everything about a figure, as plain text.

    Parameters
    ----------
    e : Evidence
    others : iterable of Evidence
        The rest of the catalogue.
    quoted : sequence of mapping
        Rows of `data_sources.quoted_by_ofsted`.
    """
    others = [o for o in others if o.key != e.key]
    c, s = e.construct, e.source
    rows: list[tuple[str, str]] = [
        ("Figure", value(e)),
        ("Counts", e.numerator),
        ("Out of", e.denominator),
        ("Condition", c.condition),
        ("Instrument", c.instrument),
        ("Threshold", c.threshold),
        ("Window", c.window),
        ("Whose", c.whose),
        ("Who was asked", c.informant),
        (
            "Ages",
            "all, or not stated" if e.ages == (0, 120) else f"{e.ages[0]} and over" if e.ages[1] >= 120 else f"{e.ages[0]} to {e.ages[1]}",
        ),
        ("Place, period", f"{e.geography}; {e.period}"),
        ("Interval", interval(e)),
        ("Drawn from", drawn_from(e)),
        ("Quality", str(e.quality or "not graded")),
        ("Traps", e.notes or "none known"),
        *((f"Conversion {i}", f"{v} [{v.source}]") for i, v in enumerate(e.conversions, 1)),
        *([("Relevance", f"logit sd {e.relevance.sd:.2f}: {e.relevance.reason}")] if e.relevance.reason else []),
        *([("Varies", e.variation.source)] if e.variation.source else []),
        ("Source", f"{s.citation}. {s.title}. {s.producer}, {s.published}"),
        ("Read in", s.read_in),
        ("Address", s.url or "not recorded"),
        ("Licence", s.licence),
        *(("Ofsted 2015", f"quoted as: {q['wording']}. {q['issue']} {_instead(q)}") for q in quoted if q["key"] == e.key),
        *(("Used for", f"what Ofsted quoted in 2015 as {q['key']}: {q['wording']}. {q['issue']}") for q in quoted if q["instead"] == e.key),
        *([("Replaces", f"{e.replaces}, by the user's decision")] if e.replaces else []),
    ]
    blocks = [f"{e.key}  {e.label}", *(_row(name, text) for name, text in rows)]
    blocks += _section("Disagrees with, or taken for it: shown side by side, never averaged", e, _contradictions(e, others))
    blocks += _section("Other figures of the topic", e, [o for o in _beside(e, others) if o not in _contradictions(e, others)])
    free = [o for o in others if not any(d.hard for d in differences(e, o))]
    blocks.append("\nMay be combined with")
    for o in free:
        soft = "".join(f"{d.what!r}, " for d in differences(e, o))
        blocks.append(f"  {o.key}: {f'if you name across=({soft.strip()})' if soft else 'as it stands'}")
    if not free:
        near = [*_contradictions(e, others), *_beside(e, others)]
        parts = {d.what for o in near for d in differences(e, o)}
        help_ = "; ".join(f"{what}: {name}" for what, name in HELPS.items() if what in parts)
        blocks.append("  no other figure as it stands: constructs or data differ.")
        if help_:
            blocks.append(f"  Named conversions in jsna_model.conversions, by difference: {help_}")
    return "\n".join(blocks)


def _instead(q: Mapping[str, Any]) -> str:
    return f"Used instead: {q['instead']}." if q["instead"] else "Not used."


def _row(name: str, text: str) -> str:
    first, *rest = wrap(text, _WIDTH - _INDENT) or [""]
    return "\n".join([f"{name + ':':{_INDENT}}{first}", *(" " * _INDENT + r for r in rest)])


def _section(title: str, e: Evidence, rows: Sequence[Evidence]) -> list[str]:
    if not rows:
        return []
    more = [f"  and {len(rows) - MOST} more: jsna evidence list --topic {e.topic!r}"] if len(rows) > MOST else []
    return [
        f"\n{title}",
        *(f"  {o.key}: {value(o)} {o.label} ({o.geography}, {o.period}); {differs(e, o)}" for o in rows[:MOST]),
        *more,
    ]


def _contradictions(e: Evidence, others: Sequence[Evidence]) -> list[Evidence]:
    """Figures that this one, or they, name as disagreeing."""
    return [o for o in others if o.key in e.contradicts or e.key in o.contradicts]


def _beside(e: Evidence, others: Sequence[Evidence]) -> list[Evidence]:
    """Figures of the same topic and unit about the same people, largest first: why this one and not another."""
    same = [o for o in others if o.topic == e.topic and "statement" not in (e.unit, o.unit)]
    child = e.construct.whose.startswith("child ")
    same = [
        o for o in same if o.construct.whose.startswith("child ") == child and (child or o.construct.condition == e.construct.condition)
    ]
    alike = [o for o in same if o.unit == e.unit or o.construct == e.construct]
    return sorted(alike, key=lambda o: (o.construct != e.construct, o.construct.condition != e.construct.condition, -o.value))
