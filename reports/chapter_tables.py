"""Tables of the chapter itself: key figures, what works, gaps in the data, decisions, words and glossary."""

from __future__ import annotations

import tomllib
from functools import cache
from importlib.resources import files
from typing import Any

from reports import words
from reports.disclosure import reliability
from reports.need_tables import CREDIBLE, counts, gap_not_known
from reports.table import Column, Table, frame, plain
from reports.view import Interval, View, interval

NOT_RESULTS = "inputs, not results"


def _reference(
    key: str, title: str, columns: tuple[Column, ...], records: list[list[object]], source: str = "this report", **more: Any
) -> Table:
    more = {"kind": "reference"} | more
    return Table(key, title, source, "", NOT_RESULTS, "none", columns, frame(columns, records), **more)


def key_figures(view: View) -> Table | None:
    """The handful of numbers that the summary rests on, each with its basis and how sure it is."""
    if not view.members:
        return None
    columns = (
        Column("Measure"),
        Column("Value", "count"),
        Column("Lower limit", "count"),
        Column("Upper limit", "count"),
        Column("Basis"),
        Column("How sure"),
    )
    records: list[list[object]] = [
        ["Children aged 0 to 17", round(view.children), "[z]", "[z]", "observed", "published population estimate"]
    ]

    def add(label: str, x: Interval, basis: str = "estimated") -> None:
        low = reliability(float(x.relative_width)).startswith("[u]")
        records.append([label, *counts(x, "authority"), basis, "[u] low reliability" if low else "usual"])

    for measure in ("any_risk", "two_or_more", "all_three"):
        add(view.measure_label(measure), view.need(measure))
    gap = gap_not_known(view)
    if gap is not None:
        add("Not open to children's social care, at least", gap)
    data = view.group("demand/population")
    if data is not None and "affected_projected" in data:
        x = interval(data["affected_projected"].transpose("year", "draw").values)[-1]
        add(f"At least one of the three risks in {int(data['year'].values[-1])}", x, "projected")
    return Table(
        "key_figures", f"Key figures, {view.name}", view.need_source, view.set_construct, "by row", f"{CREDIBLE} of modelled rows", columns,
        frame(columns, records), (), kind="need",
    )  # fmt: skip


def effects(view: View) -> Table | None:
    """What evaluations found, and how sure that is."""
    rows = view.provenance.get("effects") or ()
    if not rows:
        return None
    columns = (
        Column("What was evaluated"),
        Column("What was found"),
        Column("How sure"),
        Column("Why"),
        Column("Place and period"),
        Column("Key"),
        Column("Source"),
    )
    records: list[list[object]] = []
    for e in rows:
        quality = e.get("quality") or {}
        records.append(
            [
                e["label"],
                _finding(e),
                quality.get("grade") or "not graded",
                "; ".join(quality.get("reasons") or ()) or "not stated",
                f"{e['geography']}, {e['period']}",
                e["key"],
                (e.get("source") or {}).get("citation") or "not stated",
            ]
        )
    return Table(
        "effects", "What evaluations found, and how sure they are", "the publications in the table", "each evaluation has its own outcome",
        "observed in evaluations, as published", "as published; 'not published' where none was", columns, frame(columns, records),
        ("Grades are of the evidence, not of the practice: 'low' says that it could be otherwise, not that nothing works.",
         "A finding elsewhere is not a promise here: families, services and years differ."),
        kind="evidence", document_columns=tuple(c.label for c in columns if c.label not in ("Key",)),
    )  # fmt: skip


def _finding(e: dict[str, Any]) -> str:
    """An effect in words, with its interval where one was published."""
    if e["value"] is None:
        return str(e.get("statement") or "not stated")
    text = f"{e['unit']} {e['value']:.4g}"
    if e["lower"] is None or not str(e.get("interval_basis", "")).startswith("published"):
        return f"{text}; interval not published"
    return f"{text} ({e['lower']:.4g} to {e['upper']:.4g})"


#: What no input of the report can show, and who would hold it.
GAPS = (
    ("Ethnicity of children affected", "not modelled: the evidence gives no shares by ethnic group that may be used for small areas", "school census; case records of each service"),
    ("Sex of children affected", "not in the report; the evidence gives one share for all children", "case records of each service"),
    ("Special educational needs and disability", "not modelled; disability-led need is not driven by parental risk", "school census; short-break and disability services"),
    ("Unaccompanied asylum-seeking children", "not a stream of their own yet", "the authority's own records"),
    ("Views of children and families", "", "local text: views_of_children.md, views_of_families.md"),
    ("Early help given in a year, and its cost", "", "early help system; finance"),
    ("Help offered after no further action", "not published nationally", "front door records; local text: early_help_offered.md"),
    ("Children of adults in treatment or services", "", "treatment services, Marac, police, GP registers (local_counts)"),
)  # fmt: skip


#: Why it is missing where the pathway has a layout.
_WITH_LAYOUT = {
    "Special educational needs and disability": "disability-led need is a stream of its own whose size is an assumption; special educational needs are not modelled",
    "Unaccompanied asylum-seeking children": "a stream of their own, at England's number for each referral: no local count is in the figures",
}


def gaps(view: View, slots: frozenset[str] = frozenset()) -> Table:
    """What is missing, why, and who holds it."""
    columns = (Column("What is missing"), Column("Why it is not here"), Column("Who may hold it"))
    supplied = {
        "Views of children and families": {"views_of_children", "views_of_families"} <= slots,
        "Early help given in a year, and its cost": view.early_help_supplied,
        "Help offered after no further action": "early_help_offered" in slots,
        "Children of adults in treatment or services": any(r.get("own") for r in view.provenance.get("known") or ()),
    }
    records: list[list[object]] = [
        [what, (_WITH_LAYOUT.get(what, why) if view.layout else why) or "not supplied", who]
        for what, why, who in GAPS
        if not supplied.get(what)
    ]
    return _reference("gaps", "Gaps in the data", columns, records)


def decisions(view: View) -> Table:
    """Decisions that were taken, and what else could have been chosen."""
    p = view.provenance
    columns = (Column("Decision"), Column("Chosen"), Column("Why, and what else there is"), Column("Where to change it"))
    data = view.group("demand/population")
    last = f"to {int(data['year'].values[-1])}" if data is not None else "none: nothing is projected"
    level = view.map_level()
    records: list[list[object]] = [
        ["Coherent set of risks", view.set_label, "members and overlap come from one survey analysis; the other set is higher harm or wider exposure", "set"],
        ["How risks overlap", plain((p.get("overlap") or {}).get("name")), "published shares of two or more and all three; independence is badly wrong", "overlap"],
        ["Number of draws", plain(p.get("draws")), "limits of intervals vary by a few per cent of their width at 1,000", "draws"],
        ["Seed of random numbers", plain(p.get("seed")), "any; the same seed gives the same report", "seed"],
        ["Horizon", last, "years beyond those checked against the past say 'illustrative'", "years"],
        ["Scenario that others are compared with", view.scenario_title(view.comparator) if view.group("decision") is not None else "none", "rates of the base year go on", "not changed here"],
        ["Level of the public map", level or "none", "wards, or MSOAs where there are few wards; LSOAs are for internal use only", "publication.internal"],
        ["Share of those not known who would benefit", plain((p.get("benefit") or {}).get("share")), "used only where the authority states a share and its reason", "benefit"],
    ]  # fmt: skip
    if view.layout:
        how = "the pathway by age and combination of risks, early help included; without a layout, children in need, on plans and looked after alone"
        records.insert(4, ["Model of services", view.layout.replace("_", " "), how, "layout"])
    return _reference("decisions", "Log of decisions", columns, records, "the study")


def wording() -> Table:
    """Words of probability, and what each is bound to."""
    columns = (Column("Word"), Column("What it says"))
    records: list[list[object]] = [list(r) for r in words.CALIBRATED]
    return _reference(
        "wording", "Words of probability", columns, records, "after Mastrandrea and others 2010 (IPCC guidance note on uncertainties)"
    )


@cache
def _terms() -> tuple[tuple[str, str], ...]:
    text = files("reports").joinpath("templates", "glossary.toml").read_text(encoding="utf-8")
    return tuple((t["term"], t["meaning"]) for t in tomllib.loads(text)["term"])


def glossary() -> Table:
    """Words of the report."""
    columns = (Column("Term"), Column("Meaning"))
    return _reference("glossary", "Glossary", columns, [list(t) for t in _terms()])
