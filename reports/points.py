"""Draft points for the partnership: each made from one number of the report by a rule, and published only once it is accepted."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256

from reports import words
from reports.demand_tables import other_scenarios, service_label
from reports.disclosure import is_absent
from reports.service_tables import COMPARED, compared_rate, no_further_action
from reports.table import Column, Table, cell, frame
from reports.view import View


@dataclass(frozen=True)
class Point:
    """A draft point and the number that it rests on.

    Parameters
    ----------
    key : str
        Stable name, of its rule: ``"P1"``.
    text : str
    table, row, column : str
        Key of the table, label of its row and of the column that hold the number.
    value : str
        The number as that cell shows it.
    """

    key: str
    text: str
    table: str
    row: str
    column: str
    value: str

    @property
    def mark(self) -> str:
        """Name and a short hash of the wording with its number, by which a point that has changed since it was accepted is known."""
        return f"{self.key}:{sha256(f'{self.text}|{self.value}'.encode()).hexdigest()[:8]}"

    def accepted(self, accepted: Sequence[str]) -> bool:
        """Whether it is accepted, as it stands or by name alone."""
        return self.mark in accepted or self.key in accepted


Tables = Mapping[str, Table]


def find(tables: Tables, key: str, row: str, column: str) -> str | None:
    """A cell of a table as it is displayed; None where it is not there or holds shorthand."""
    table = tables.get(key)
    if table is None or column not in table.rows.columns:
        return None
    kind = next(c.kind for c in table.columns if c.label == column)
    first = table.rows.columns[0]
    for label, value in zip(table.rows[first], table.rows[column], strict=True):
        if label == row:
            shown = cell(value, kind)
            return None if shown.startswith("[") else shown
    return None


def _of(key: str, text: str, tables: Tables, table: str, row: str, column: str) -> Point | None:
    """A point, its number put in place of ``{}``; none where the number is not there."""
    value = find(tables, table, row, column)
    return None if value is None else Point(key, text.format(value), table, row, column, value)


def _size(view: View, tables: Tables) -> Point | None:
    text = (
        "Plan for about {} children who live with at least one of the three risks (estimated), whatever number is known to services, and say in "
        "commissioning plans which of them each service is for."
    )
    return _of("P1", text, tables, "combinations", view.measure_label("any_risk"), "Estimated children")


def _together(view: View, tables: Tables) -> Point | None:
    text = (
        "About {} children are estimated to live with two or more of the risks. Agree how services for adults' alcohol and drug use, mental health "
        "and domestic abuse ask about children, and plan with children's services for the same family."
    )
    return _of("P2", text, tables, "combinations", view.measure_label("two_or_more"), "Estimated children")


def _not_known(view: View, tables: Tables) -> Point | None:
    text = (
        "At least {} children are estimated to live with a risk and not to be open to children's social care. Find out from schools, health "
        "visitors and early help how many of them somebody knows, before planning more of any one service."
    )
    return _of("P3", text, tables, "not_known", "Estimated children not known to services (floor)", "Children")


def _follow_up(view: View, tables: Tables) -> Point | None:
    closed = no_further_action(view)
    if closed is None:
        return None
    text = (
        f"{{}} referrals ({words.percent(closed[1])}) were closed with no further action in {view.base_year}. Report each year what help was offered "
        "after them, and whether those who referred were told (Ofsted 2015, paragraphs 36 to 46)."
    )
    return _of("P4", text, tables, "services_now", service_label("referrals_no_further_action"), _count_column(view))


def _re_referrals(view: View, tables: Tables) -> Point | None:
    observed = view.group("demand/observed")
    if observed is None or "re_referrals" not in observed["service"].values or view.code not in observed["area"].values:
        return None
    here, _, word = compared_rate(view, "re_referrals")
    if is_absent(here) or word not in COMPARED:
        return None
    text = (
        f"{{}} referrals in {view.base_year} came within 12 months of another; the rate is {COMPARED[word]} England's. Audit a random sample of them: "
        "was help offered the first time? (jsna audit gives its size.)"
        if word != "similar"
        else f"{{}} referrals in {view.base_year} came within 12 months of another; there is no evidence that the rate differs from England's. Audit a "
        "random sample of them: was help offered the first time? (jsna audit gives its size.)"
    )
    return _of("P5", text, tables, "services_now", service_label("re_referrals"), _count_column(view))


def _trend(view: View, tables: Tables) -> Point | None:
    table = tables.get("to_2035")
    if table is None or not len(table.rows):
        return None
    last = int(table.rows["Year"].iloc[-1])
    value = cell(table.rows.iloc[-1]["Projected children affected"], "count")
    first = cell(table.rows.iloc[0]["Projected children affected"], "count")
    text = f"Plan capacity for about {value} children affected in {last} (projected at unchanged prevalence; about {first} now), and look again each year."
    return Point("P6", text, "to_2035", str(last), "Projected children affected", value)


def _effects(view: View, tables: Tables) -> Point | None:
    table = tables.get("differences")
    names = [s for s in other_scenarios(view) if not view.is_stress_test(s)]
    if table is None or not names:
        return None
    label, rows = service_label("looked_after_at_31_march"), table.rows
    rows = rows[(rows["Scenario"] == view.scenario_title(names[0])) & (rows["Service"] == label)]
    if rows.empty:
        return None
    last = rows.iloc[-1]
    low, high = (cell(last[c], "difference") for c in ("Lower limit", "Upper limit"))
    spans = isinstance(last["Lower limit"], int) and isinstance(last["Upper limit"], int) and last["Lower limit"] < 0 < last["Upper limit"]
    ending = "The direction is not known: do not take savings from it, and agree what would be measured to find out." if spans else (
        "Agree what would be measured to see whether it comes about."
    )  # fmt: skip
    text = f"{view.scenario_title(names[0])} is modelled to change {words.lower_first(label)} by {{}} ({low} to {high}) by {last['Financial year']}. {ending}"
    value = cell(last["Modelled difference"], "difference")
    return Point("P7", text.format(value), "differences", view.scenario_title(names[0]), "Modelled difference", value)


def _volume(view: View, tables: Tables) -> Point | None:
    if view.early_help_supplied or "differences" not in tables:
        return None
    text = (
        "Count the families given early help in a year, with its cost: {} families is an illustration in this report, because no count was given. "
        "Without it, no effect on services or money can be worked out for this place."
    )
    return _of("P8", text, tables, "parameters", "Early help: reach", "Value")


def _gaps(view: View, tables: Tables) -> Point | None:
    table = tables.get("gaps")
    if table is None:
        return None
    value = str(len(table.rows))
    text = f"Close the {value} gaps in the data that this report lists, starting with ethnicity, sex and special educational needs, which it cannot show."
    return Point("P9", text, "gaps", "rows", "", value)


_RULES: Sequence[Callable[[View, Tables], Point | None]] = (
    _size,
    _together,
    _not_known,
    _follow_up,
    _re_referrals,
    _trend,
    _effects,
    _volume,
    _gaps,
)


def points(view: View, tables: Tables) -> list[Point]:
    """Draft points that the results make, in order; a rule whose number is not there makes none."""
    return [p for rule in _RULES if (p := rule(view, tables)) is not None]


def table_of(view: View, tables: Tables, accepted: Sequence[str], draft: bool) -> Table | None:
    """The points as a table: all of them in a draft, accepted ones only in what is published."""
    shown = [p for p in points(view, tables) if draft or p.accepted(accepted)]
    if not shown:
        return None
    columns: tuple[Column, ...] = (
        Column("Point"),
        Column("Draft point" if draft else "Point of the partnership"),
        Column("Number"),
        Column("From the table"),
    )
    columns += (Column("Accepted"),) if draft else ()
    records: list[list[object]] = [
        [p.key, p.text, p.value, tables[p.table].title, *((_standing(p, accepted),) if draft else ())] for p in shown
    ]
    named = [p.key for p in shown if p.key in accepted]
    alone = f"Accepted by name alone, so that a change of number or wording would not be noticed: {words.listed(named)}."
    return Table(
        "points",
        f"{'Draft points' if draft else 'Points'} for the partnership, {view.name}",
        "the tables named in it",
        "",
        "made from the results by rule",
        "in the table that each point names",
        columns,
        frame(columns, records),
        (
            "Each point is written by a rule from the number beside it. It is a draft for discussion, not advice: a point that the partnership "
            "has not accepted in study.toml ([publication] accepted, with the mark in the last column) is left out of what is published, and so is "
            "one whose number or wording has changed since.",
            *((alone,) if named else ()),
        )
        if draft
        else ("Points that the partnership accepted, each with the number that it rests on.", *((alone,) if named else ())),
        kind="decision",
    )


def unknown(view: View, tables: Tables, accepted: Sequence[str]) -> list[str]:
    """Accepted points that these results do not make."""
    made = {p.key for p in points(view, tables)}
    return [key for key in accepted if key.split(":")[0] not in made]


def changed(view: View, tables: Tables, accepted: Sequence[str]) -> list[str]:
    """Marks of points whose number or wording has changed since they were accepted, as they are now."""
    before = {key.split(":")[0] for key in accepted if ":" in key}
    return [p.mark for p in points(view, tables) if p.key in before and not p.accepted(accepted)]


def _standing(point: Point, accepted: Sequence[str]) -> str:
    """Whether a point is accepted, and what to write to accept it."""
    if point.accepted(accepted):
        return "yes"
    before = any(key.startswith(f"{point.key}:") for key in accepted)
    return f"no{', changed since' if before else ''}; {point.mark}"


def _count_column(view: View) -> str:
    return f"{'Published' if view.published_counts else 'Own'} count {view.base_year}"
