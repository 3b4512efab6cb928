"""Tables of what the numbers rest on: evidence, discrepancies, assumptions, parameters, unit costs, scenarios and sources."""

from __future__ import annotations

from typing import Any

from jsna_model.group import Group
from jsna_model.placements import PLACEMENTS
from reports import words
from reports.demand_tables import service_label
from reports.disclosure import SUPPRESSED
from reports.need_tables import published_share
from reports.table import Column, Table, frame, plain
from reports.view import View

#: Parameters that are ratios of an authority's own counts, and the counts.
RATIOS = {"referral.re_referral_share": ("re_referrals", "referrals")}
NOT_RESULTS = "inputs, not results"

#: Places that stand for no limit (defaults/layout.toml).
NO_LIMIT = 1e9


def _table(key: str, title: str, source: str, basis: str, columns: tuple[Column, ...], records: list[list[object]], **more: Any) -> Table:
    return Table(key, title, source, "", basis, "as stated in the table", columns, frame(columns, records), kind="reference", **more)


def evidence(view: View) -> Table:
    """Evidence rows with their constructs."""
    columns = tuple(
        Column(c)
        for c in (
            "Key", "Risk", "Used in", "Published share", "Level of the interval", "Basis of the interval", "Construct", "Ages", "Place",
            "Period", "Conversion", "Source", "Address", "Licence", "Quality", "Notes",
        )
    )  # fmt: skip
    records: list[list[object]] = []
    for risk in [*view.alone, *view.members]:
        e = view.evidence[risk]
        ages = list(e.get("ages") or ())
        records.append(
            [
                plain(e.get("key")),
                view.label(risk),
                f"{view.set_label} set" if risk in view.members else "on its own",
                published_share(e),
                words.percent(e.get("level")) if e.get("level") is not None else "not stated",
                plain(e.get("interval_basis")),
                view.construct(risk),
                f"{ages[0]} to {ages[1]}" if len(ages) == 2 else "not stated",
                plain(e.get("geography")),
                plain(e.get("period")),
                "; ".join(f"{c['name']}: {c['statement']}" for c in e.get("conversions") or ()) or "none needed",
                *(plain((e.get("source") or {}).get(k)) for k in ("citation", "url", "licence")),
                _quality(e),
                plain(e.get("notes")) if e.get("notes") else "none",
            ]
        )
    return _table(
        "evidence",
        "Evidence and its constructs",
        "the publications in the table",
        "observed in surveys, as published",
        columns,
        records,
        document_columns=("Key", "Risk", "Published share", "Construct", "Ages", "Place", "Period", "Source"),
        notes=("Estimates with different constructs are not pooled, averaged or read as a trend.",),
    )


def _quality(e: dict[str, Any]) -> str:
    q = e.get("quality")
    return f"{q['grade']}: {'; '.join(q['reasons'])}" if q else "not graded"


def discrepancies(view: View) -> Table | None:
    """How far each evidence row is from English children today, and how its risk varies."""
    columns = tuple(
        Column(c)
        for c in (
            "Risk", "Discrepancy: mean", "Discrepancy: sd", "Why", "Deprivation gradient", "Gradient: sd", "Between authorities: sd",
            "Between small areas: sd", "Between ages: sd", "Source",
        )
    )  # fmt: skip
    records: list[list[object]] = []
    for risk in [*view.alone, *view.members]:
        e = view.evidence[risk]
        r, v = e.get("relevance") or {}, e.get("variation") or {}
        if not isinstance(r, dict) or not isinstance(v, dict) or not (r or v):
            continue
        records.append(
            [
                view.label(risk),
                *(plain(r.get(k)) for k in ("mean", "sd", "reason")),
                *(plain(v.get(k)) for k in ("gradient", "gradient_sd", "authority_sd", "small_area_sd", "age_sd", "source")),
            ]
        )
    if not records:
        return None
    return _table(
        "discrepancies",
        "Discrepancy of the evidence, and variation between places and ages",
        "stated for each risk",
        "assumptions, on the logit scale",
        columns,
        records,
        document_columns=("Risk", "Discrepancy: sd", "Why", "Deprivation gradient", "Gradient: sd", "Source"),
        notes=("The gradient is the change per standard deviation of deprivation: above zero, more in deprived places.",),
    )


def assumptions(view: View) -> Table | None:
    """Assumptions that the user can change."""
    rows = view.provenance.get("assumptions") or ()
    if not rows:
        return None
    columns = (Column("Assumption"), Column("Statement"), Column("Value"), Column("Source"))
    records: list[list[object]] = [
        [plain(r.get("key")).replace("_", " "), *(plain(r.get(k)) for k in ("statement", "value", "source"))] for r in rows
    ]
    return _table(
        "assumptions",
        "Assumptions",
        "stated for each, in the workbook",
        "assumptions",
        columns,
        records,
        document_columns=("Assumption", "Statement", "Value"),
        notes=("The source of each, and why it is what it is, are in the workbook.",),
    )


def parameters(view: View) -> Table | None:
    """Parameters of the pathway."""
    rows = view.provenance.get("pathway", {}).get("parameters") or {}
    if not rows:
        return None
    hidden = _hidden_parameters(view)
    columns = tuple(Column(c) for c in ("Parameter", "Value", "Uncertainty (sd)", "Scale of the sd", "Unit", "Basis", "Source"))
    records: list[list[object]] = [
        [
            words.upper_first(name.replace("_", " ").replace(".", ": ")),
            SUPPRESSED if name in hidden else plain(p.get("value")),
            *(plain(p.get(k)) for k in ("sd", "scale", "unit", "basis", "source")),
        ]
        for name, p in sorted(rows.items())
    ]
    return _table(
        "parameters",
        "Parameters of the pathway",
        "stated for each",
        "by row",
        columns,
        records,
        document_columns=("Parameter", "Value", "Uncertainty (sd)", "Unit", "Basis"),
        notes=("The source of each, and the scale of its uncertainty, are in the workbook.",),
    )


def _hidden_parameters(view: View) -> set[str]:
    """Parameters that are ratios of the user's own counts, where one of those is suppressed: the ratio would give it back."""
    observed = view.group("demand/observed")
    if view.withheld:
        return set(RATIOS)
    if view.published_counts or observed is None or view.code not in observed["area"].values:
        return set()
    counts = observed["observed"].sel(area=view.code).to_series()
    return {name for name, services in RATIOS.items() if any(counts.get(s) != counts.get(s) for s in services)}


def unit_costs(view: View) -> Table | None:
    """Average unit costs."""
    rows = view.provenance.get("pathway", {}).get("unit_costs") or ()
    if not rows:
        return None
    # Beside the difference in cost and in children, the cost of a placement would give its share back.
    hidden = PLACEMENTS if view.hidden_placements is None else view.hidden_placements
    columns = (
        Column("Service"),
        Column("Average cost", "money"),
        Column("Per"),
        Column("Price year"),
        Column("Agency that pays"),
        Column("Cashable"),
        Column("Source"),
    )
    records: list[list[object]] = [
        [
            "Early help" if r.get("service") == "early_help" else service_label(str(r.get("service"))),
            SUPPRESSED if r.get("placement") in hidden else round(float(r["amount"])) if r.get("amount") is not None else "[x]",
            plain(r.get("per")) + (f": {words.lower_first(PLACEMENTS[r['placement']])}" if r.get("placement") else ""),
            plain(r.get("price_year")),
            plain(r.get("agency")),
            plain(bool(r.get("cashable"))),
            plain(r.get("source")),
        ]
        for r in rows
    ]
    return _table(
        "unit_costs",
        "Average unit costs",
        "stated for each",
        "published averages, but for what the source says the user gave",
        columns,
        records,
        notes=("An average cost is not an avoidable cost. 'Cashable' says whether money would be released if one fewer were needed.",),
    )


def scenarios(view: View) -> Table | None:
    """What each scenario changes, and why."""
    rows = view.provenance.get("scenarios") or ()
    if not rows:
        return None
    columns = (Column("Scenario"), Column("What changes"), Column("Why"), Column("Kind"))
    records: list[list[object]] = [
        [
            plain(r.get("title") or r.get("name")),
            "; ".join(_change(c) for c in r.get("changes") or ()) or "nothing",
            plain(r.get("reason")),
            "stress test" if r.get("stress_test") else "scenario",
        ]
        for r in rows
    ]
    return _table("scenarios", "Scenarios", "the study", "scenario", columns, records)


def _change(change: dict[str, Any]) -> str:
    """One dated change in words."""
    verb = {"scale": "times", "set": "set to", "add": "plus"}.get(str(change.get("op")), str(change.get("op")))
    name = str(change.get("parameter")).replace("_", " ").replace(".", ": ")
    ramp = f", wholly by {change['full_by']}" if change.get("full_by") else ""
    group = Group.of(change.get("group"))
    whom = f", for {group}" if group else ""
    value = change.get("value")
    if change.get("parameter") == "early_help.places" and float(value or 0) >= NO_LIMIT:
        value = "no limit"
    return f"{name} {verb} {plain(value)} from {plain(change.get('start'))}{ramp}{whom}"


def sources(view: View) -> Table | None:
    """Sources with publisher, release, licence and address."""
    rows = view.provenance.get("sources") or ()
    if not rows:
        return None
    columns = (Column("Source"), Column("Publisher"), Column("Release"), Column("Date"), Column("Licence"), Column("Address"))
    records: list[list[object]] = [[plain(r.get(k)) for k in ("title", "publisher", "release", "date", "licence", "url")] for r in rows]
    return _table(
        "sources",
        "Sources",
        "the publishers in the table",
        NOT_RESULTS,
        columns,
        records,
        document_columns=("Source", "Publisher", "Release", "Date", "Licence"),
        notes=("Addresses are in the workbook.",),
    )


def quoted(view: View) -> Table | None:
    """The figures that Ofsted quoted in 2015, and what each can bear."""
    rows = view.provenance.get("quoted") or ()
    if not rows:
        return None
    columns = (
        Column("Figure", "count"),
        Column("Of"),
        Column("As quoted"),
        Column("Where it comes from"),
        Column("What is wrong or narrow about it"),
    )
    records: list[list[object]] = [[r.get("figure"), *(plain(r.get(k)) for k in ("unit", "wording", "origin", "issue"))] for r in rows]
    return _table("quoted", "National figures that Ofsted quoted in 2015", "Ofsted 2015, paragraph 1", "as published", columns, records)
