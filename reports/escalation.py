"""What came after early help, as tables and a page: shares with their intervals, small numbers suppressed, and no word of cause."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from typing import Protocol

from jsna_model.verbs import escalation as verb
from jsna_model.verbs.escalation import Case, Escalated, escalation
from reports.disclosure import SUPPRESSED, decimal
from reports.drawing import BLUE, CATEGORICAL, Figure, blank, only_grid, wrapped
from reports.escalation_cells import Shown, shown_counts, shown_groups
from reports.report import Block, Bullets, Report, Section
from reports.table import Column, Table, frame

CLOCKS = {
    "early_help": "after early help began",
    "closure": "after early help closed",
    "closed_referral": "after a referral closed without a service",
}
KINDS = {
    "referral": "Referral to children's social care",
    "statutory": "Any of the statutory services below",
    "child_in_need": "Section 17 child in need",
    "section_47": "Section 47 enquiry",
    "plan": "Child protection plan",
    "looked_after": "Looked after",
}
BY = {"locality": "Locality", "age_band": "Age band at the start", "closure_reason": "Reason of closure"}
#: Groupings shown from each clock.
GROUPINGS = {"early_help": ("locality", "age_band"), "closure": ("closure_reason", "locality"), "closed_referral": ("locality",)}
#: Months after a closed referral: as Ofsted counted, and as DfE does.
REFERRED_AGAIN = (3.0, 12.0)
#: Groups are shown at one time alone, so that small counts between two times give nothing away.
GROUP_MONTH = 12.0
INTERVAL = "95%, Aalen and Johansen with families as clusters, limits from the effective sample"
WHY = (
    "Ofsted found in 2015 that partnerships did not look at whether early help reduces the number of children who need a statutory response, "
    "and that early help and statutory services were seen separately (Early help: whose responsibility?, paragraph 58). This page follows "
    "cases from one to the other in the data that were given."
)
NOT_CAUSE = (
    "A share says what came after early help, not what came because of it. Families are given early help because somebody is worried; help "
    "can bring to light what was there before; and nothing here says what would have come without it.",
    "Groups differ in who is in them. A difference between localities, ages or reasons of closure is not one of quality, and is no league table.",
)
READ = (
    "A share is of all cases that started, and allows for those who could not be followed for the whole time. Turning 18 and dying come first "
    "where they do, and so does early help after a closed referral; who had the event before is not counted after closure.",
    "The interval says how far chance alone could move the share. It does not say what services did not record, or could not link.",
    "Months are of 365.25 / 12 days. Events on the first day count, but for those on the day of closure.",
)
NOTE = "Counts of 1 to 5 are [c], with what would give them away; their shares too."


class Data(Protocol):
    """Linked cases (`data_sources.linked.LinkedData`)."""

    @property
    def cases(self) -> Sequence[Case]:
        """Rows."""

    @property
    def recorded(self) -> Sequence[str]:
        """Kinds of events that are recorded."""

    @property
    def synthetic(self) -> bool:
        """Whether the rows are made up."""

    @property
    def warnings(self) -> Sequence[str]:
        """What should be looked at."""


def build(
    data: Data, internal: bool = False, title: str = "", source: str = "linked cases", moved_compete: bool = False, least: int = verb.LEAST
) -> Report:
    """The page of linked cases.

    Parameters
    ----------
    data : Data
    internal : bool
        Show small numbers; not for publication.
    title, source : str
    moved_compete : bool
        Who moves away never has the event here, in place of being followed no longer.
    least : int
        Cases that must still be followed for a share to be given, and that a group must have.

    Returns
    -------
    Report
        Tables ``after_<clock>`` and ``after_<clock>_<group>``, as far as the data hold them.
    """
    mark = "SYNTHETIC DATA, made up: " if data.synthetic else ""
    source = f"SYNTHETIC (made-up) rows, {source}" if data.synthetic else f"the user's linked cases, {source}, not published"
    notes = (
        f"A share is given where at least {least} cases are still followed without an event, or none was lost before; otherwise [x].",
        *(() if internal else (NOTE,)),
        _moved(data, moved_compete),
    )
    sections: list[Section] = []
    tables: list[Table] = []
    for clock, words in CLOCKS.items():
        kinds = _kinds(data, clock)
        months = REFERRED_AGAIN if clock == "closed_referral" else verb.MONTHS
        found = {k: e for k in kinds for e in escalation(data.cases, data.recorded, clock, k, "", months, moved_compete, least)}
        if not found:
            continue
        main = "statutory" if "statutory" in found else kinds[0]
        groups = [
            e for by in GROUPINGS[clock] for e in escalation(data.cases, data.recorded, clock, main, by, months, moved_compete, least)
        ]
        shown = {k: shown_counts(e, internal) for k, e in found.items()}
        whole = _table(f"after_{clock}", f"{mark}What came {words}", list(found.values()), shown, months, source, notes, "Event")
        apart = {main: shown_groups(found[main], shown[main], groups, GROUP_MONTH, internal)}
        own = [
            _table(f"after_{clock}_{by}", f"{mark}{_named(main, words, by)}", part, apart, (GROUP_MONTH,), source, notes, BY[by])
            for by in GROUPINGS[clock]
            if apart[main] and (part := [e for e in groups if e.by == by])
        ]
        first = next(iter(found.values()))
        size = f"{first.cases:,} cases of {first.families:,} families" if _safe(first, internal) else f"{first.cases:,} cases"
        blocks: list[Block] = [_opening(clock, size, data.recorded, moved_compete), Bullets(_sentences(whole)), _figure(clock, whole, mark)]
        blocks += [whole, *own]
        sections.append(Section(clock, f"{mark}What came {words}", tuple(blocks)))
        tables += [whole, *own]
    looks = [Section("look", "What to look at in the data", (Bullets(tuple(data.warnings)),))] if data.warnings else []
    nothing = (
        [] if tables else [Section("none", "Too few cases", (f"There are fewer than {least} cases of every kind: no share is given.",))]
    )
    status = "INTERNAL: shows small numbers; not for publication." if internal else "Small numbers are suppressed."
    status = f"SYNTHETIC DATA: every row is made up; evidence of nothing. {status}" if data.synthetic else status
    start = Section("what", "What this is", (WHY, Bullets(NOT_CAUSE)))
    end = Section("reading", "How to read it", (Bullets(READ),))
    named = f"{mark}{title or 'What came after early help'}"
    subtitle = "Referrals and statutory services after early help, from linked case data"
    return Report(named, subtitle, internal or data.synthetic, status, (start, *sections, *nothing, end, *looks), tuple(tables))


def lines(report: Report) -> list[str]:
    """Shares as lines of text, for a terminal."""
    return [f"{t.title}. {s}" for t in report.tables if t.columns[0].label == "Event" for s in _sentences(t)]


def csv_text(report: Report) -> str:
    """All tables in one, a row a share, as they are shown."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    for i, table in enumerate(report.tables):
        if i == 0:
            writer.writerow(["table", "title", "grouping", "group", *list(table.rows.columns)[1:], "source"])
        for row in table.rows.itertuples(index=False):
            writer.writerow([table.key, table.title, table.columns[0].label, *row, table.source])
    return out.getvalue()


def _kinds(data: Data, clock: str) -> list[str]:
    """Kinds that can be told: after a closed referral, another referral alone."""
    kinds = ["referral"] if clock == "closed_referral" else list(KINDS)
    return [k for k in kinds if k in data.recorded or (k == "statutory" and set(verb.STATUTORY) & set(data.recorded))]


def _safe(e: Escalated, internal: bool) -> bool:
    return internal or (e.families > 5 and (e.cases - e.families == 0 or e.cases - e.families > 5))


def _moved(data: Data, compete: bool) -> str:
    share = sum(c.ended_by == "moved_away" for c in data.cases) / len(data.cases)
    how = (
        "as never to have the event here" if compete else "as followed no longer: as if they were as likely to have it as those who stayed"
    )
    return f"Who moves away ({'fewer than one in a hundred' if share < 0.01 else f'about {round(100 * share)}%'} of cases) is taken {how}."


def _opening(clock: str, size: str, recorded: Sequence[str], compete: bool) -> str:
    if clock == "closed_referral":
        return (
            f"{size} in which a referral was closed without a service. Referred again before any early help began is a missed opportunity as "
            "Ofsted counted them (2015, paragraphs 36 and 46: within three months); DfE counts re-referrals within 12 months. Where early help "
            "began first, that came first."
        )
    statutory = [KINDS[k].lower() for k in verb.STATUTORY if k in recorded]
    first = f" A statutory service is the first of: {', '.join(statutory)}." if statutory else ""
    return f"{size}.{first} One case can have several kinds of events, so the shares do not add up."


def _table(
    key: str,
    title: str,
    found: Sequence[Escalated],
    shown: dict[str, Shown],
    months: Sequence[float],
    source: str,
    notes: Sequence[str],
    label: str,
) -> Table:
    columns = (
        Column(label), Column("Within months", "count"), Column("Cases", "count"), Column("With the event", "count"),
        Column("Still followed", "count"), Column("Share", "percent"), Column("Share: lower", "percent"), Column("Share: upper", "percent"),
    )  # fmt: skip
    records: list[list[object]] = []
    for e in found:
        for i, month in ((i, m) for i, m in enumerate(e.months) if m in months):
            events, left = (shown[e.kind][e.by, e.group, what, month] for what in ("events", "at_risk"))
            share: list[object] = ["[x]"] * 3
            if events == SUPPRESSED:
                share = [SUPPRESSED] * 3
            elif e.reported[i]:
                x = e.incidence
                share = [decimal(float(v[i]), 100) for v in (x.value, x.lower, x.upper)]
            records.append([_group(e), int(month), e.cases, events, left, *share])
    clock = "a referral closed without a service" if key.startswith("after_closed_referral") else "early help"
    return Table(
        key, title, source, f"first event on record after {clock}", "estimated from linked cases, of whom some were followed for less time",
        INTERVAL, columns, frame(columns, records), tuple(notes), kind="escalation",
    )  # fmt: skip


def _named(kind: str, words: str, by: str) -> str:
    """Title of a table of groups."""
    event = "Any statutory service" if kind == "statutory" else KINDS[kind]
    return f"{event} within {GROUP_MONTH:g} months {words}, by {BY[by][:1].lower()}{BY[by][1:]}"


def _group(e: Escalated) -> str:
    if not e.by:
        return KINDS[e.kind]
    return e.group.replace("_", " to ") if e.by == "age_band" and e.group[:1].isdigit() else e.group.replace("_", " ")


def _sentences(table: Table) -> tuple[str, ...]:
    """The share of each kind at 12 months, or the last time that has one."""
    out = []
    for name, rows in table.rows.groupby(table.columns[0].label, sort=False):
        known = [r for r in rows.to_dict("records") if not isinstance(r["Share"], str)]
        if not known:
            out.append(f"{name}: not shown, because few cases are behind it.")
            continue
        r = next((r for r in known if r["Within months"] == 12), known[-1])
        out.append(
            f"{name}: {r['Share']}% within {r['Within months']} months, likely between {r['Share: lower']}% and {r['Share: upper']}%."
        )
    return tuple(out)


def _figure(clock: str, table: Table, mark: str) -> Figure:
    """Shares with their intervals by kind and time: what the table shows, and no more."""
    names = list(dict.fromkeys(table.rows.iloc[:, 0]))
    months = list(dict.fromkeys(table.rows["Within months"]))
    figure, axes = blank(0.62 * len(names) + 1.3)
    for j, month in enumerate(months):
        rows = table.rows[table.rows["Within months"] == month]
        rows = rows[[not isinstance(s, str) for s in rows["Share"]]]
        y = [names.index(n) + 0.22 * (j - (len(months) - 1) / 2) for n in rows.iloc[:, 0]]
        value, low, high = (rows[c].astype(float).to_numpy() for c in ("Share", "Share: lower", "Share: upper"))
        colour = CATEGORICAL[j % len(CATEGORICAL)] if months else BLUE
        axes.hlines(y, low, high, color=colour, linewidth=1.6)
        axes.plot(value, y, "osD^"[j % 4], color=colour, markersize=5, linestyle="none", label=f"within {month} months")
    axes.set_yticks(range(len(names)), [wrapped(n, 26) for n in names])
    axes.set_ylim(len(names) - 0.5, -0.5)
    axes.set_xlim(left=0)
    axes.set_xlabel("% of cases")
    only_grid(axes, "x")
    figure.legend(loc="outside upper left", ncols=3, frameon=False, fontsize=9)
    alt = f"Dot plot with intervals of shares by kind of event. {' '.join(_sentences(table))}"
    key = f"after-{clock.replace('_', '-')}"
    measure = f"{'SYNTHETIC (made-up) rows. ' if mark else ''}% of cases, with 95% intervals"
    return Figure(key, f"{table.title}: shares of cases", measure, alt, table.source, table.key, figure)
