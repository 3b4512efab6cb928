"""Tables of a layout of the pathway: who is known to whom, early help and statutory work together, and opportunities missed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from jsna_model.conventions import risks_of
from reports import pattern_tables, words
from reports.demand_tables import CASES, horizon, pathway_source
from reports.disclosure import decimal
from reports.need_tables import CREDIBLE, counts
from reports.reference_tables import NO_LIMIT
from reports.table import Column, Table, frame
from reports.view import BAND_NAMES, Interval, View, interval

if TYPE_CHECKING:
    import xarray as xr

KNOWN_LABELS = {
    "early_help_waiting": "Early help, accepted and waiting",
    "early_help": "Early help, active",
    "family_help": "Family help (targeted early help and section 17)",
    "child_in_need": "Being assessed, in need, or in need for a disability",
    "child_protection_plan": "On a child protection plan",
    "looked_after": "Looked after",
}
#: What is counted on the ways, in order: label and unit.
COUNTED_LABELS = {
    "contact": ("Contacts", "contacts"),
    "referral": ("Referrals", "referrals"),
    "closed_without_help": ("Referrals closed with no further action and no early help", "referrals"),
    "early_help_accepted": ("Accepted for early help, from every way in", "children"),
    "early_help_admitted": ("Started early help", "children"),
    "early_help_stepped_up": ("Stepped up from early help to an assessment", "children"),
    "early_help_closed": ("Early help ended", "children"),
    "early_help_dropped_out": ("Left the queue for early help without it", "children"),
    "assessment_started": ("Assessments started", "assessments"),
    "section_47": ("Section 47 enquiries", "enquiries"),
    "conference": ("Initial child protection conferences", "conferences"),
    "plan_started": ("Child protection plans started", "plans"),
    "looked_after_started": ("Started to be looked after", "children"),
    "re_referral": ("Referred again within 12 months", "referrals"),
    "return_within_3_months": ("Back at the front door within three months of closing", "contacts"),
}
#: Opportunities missed: what each counts, of children with at least one risk of the set.
MISSED = {
    "closed_without_help": "A referral closed with no further action, and early help not offered or not taken",
    "assessed_closed_without_help": "An assessment under section 17 that found no need, and early help not offered or not taken",
    "returned_after_no_help": "A referral within 12 months of an earlier one that was closed in one of these two ways",
    "assessed_without_early_help": "A referral that went straight to assessment under section 17, with no early help on the way",
    "re_referral": "A referral within 12 months of an earlier one that was closed, as DfE counts re-referrals",
    "return_within_3_months": "A contact within three months of closing, whether or not it becomes a referral",
    "early_help_stepped_up": "Early help, or waiting for it, that ended in an assessment under section 17",
    "early_help_dropped_out": "Leaving the queue for early help without having had it",
}
MISSED_LABELS = {
    "assessed_without_early_help": "Assessed without early help first",
    "assessed_closed_without_help": "Assessed, found not in need and given no early help",
    "returned_after_no_help": "Referred again within 12 months after closing without help",
    **{name: COUNTED_LABELS[name][0] for name in MISSED if name in COUNTED_LABELS},
}
#: Units other than referrals.
MISSED_UNITS = {
    "assessed_without_early_help": "assessments",
    "assessed_closed_without_help": "assessments",
    **{name: COUNTED_LABELS[name][1] for name in ("return_within_3_months", "early_help_stepped_up", "early_help_dropped_out")},
}
_SOURCE = "modelled by jsna_model, calibrated to {source}; early help from assumptions and England figures (docs/methods.md)"


def source(view: View) -> str:
    """Source line."""
    return _SOURCE.format(source=pathway_source(view))


def known_by_service(view: View) -> Table | None:
    """Affected children by the service that they are known to, and those known to none, at each 31 March of the comparator."""
    data = _of(view, "demand/known")
    if data is None:
        return None
    columns = (
        Column("Known to"), Column("31 March", "year"), Column("Children", "count"), Column("Share with a risk", "percent"),
        *(Column(f"{kind}{part}", "count") for kind in ("With a risk", "Two or more risks") for part in ("", ": lower", ": upper")),
    )  # fmt: skip
    two = bool((data["affected_two_or_more"] > 0).any())
    absent: list[object] = ["[z]"] * 3
    records: list[list[object]] = []
    years = [str(y) for y in data["year"].values]
    brief: list[int] = []
    for i, year in enumerate(years):
        now = data.isel(year=i)
        start = len(records)
        day = int(year[:4]) + 1
        for service, label in KNOWN_LABELS.items():
            of = now.sel(service=service)
            if not (data["known_children"].sel(service=service) > 0).any():
                continue
            risk, both = (interval(of[n].values) for n in ("known_affected", "known_two_or_more"))
            every_child, of_risk = of["known_children"].values.mean(), of["known_affected"].values.mean()
            children = counts(interval(of["known_children"].values), CASES)[0]
            share = decimal(of_risk / every_child, 100) if every_child > 0 else "[z]"
            records.append([label, day, children, share, *counts(risk, CASES), *(counts(both, CASES) if two else absent)])
        every = [interval(now[n].values) for n in ("affected_any", "affected_two_or_more")]
        records.append(
            [
                "All children affected",
                day,
                "[z]",
                "[z]",
                *counts(every[0], "authority"),
                *(counts(every[1], "authority") if two else absent),
            ]
        )
        none = [interval(unknown(now, kind)) for kind in ("any", "two_or_more")]
        records.append(
            ["Known to none of these", day, "[z]", "[z]", *counts(none[0], "authority"), *(counts(none[1], "authority") if two else absent)]
        )
        if i in (0, min(5, len(years) - 1)):
            brief += range(start, len(records))
    short = {
        kind: float((data[f"affected_{kind}"] < data[f"known_{_COLUMN[kind]}"].sum("service")).isel(year=0).mean()) for kind in _COLUMN
    }
    notes = [
        "How it is worked out: the children affected, less those of them who are in early help, being assessed, in need, on a plan or looked after "
        "that day, draw by draw. Each child is in one row. Unborn children and young people over 18 are in none.",
        "How many children of each service live with a risk is modelled, not recorded: a risk in the household multiplies the rate of contact. "
        f"{words.upper_first(pattern_tables.said(view))}. The last base-year count of early help is an assumption unless the authority gave its own.",
        "The share with a risk is much the same in every service, because in this model a risk raises the rate at which children are met, and not what "
        "happens to them after: nothing published says how the two differ.",
        "Known to none of these does not mean unknown: schools, health visitors, police or voluntary services may know the child. It is not need for a service either.",
    ]
    if short["any"] > 0 or short["two_or_more"] > 0:
        most = max(short.values())
        notes.append(
            f"In up to {words.percent(most)} of draws, services already hold as many such children as are estimated in all; none is then counted as known to no service."
        )
    return Table(
        "known_by_service",
        f"Children affected, by the service that knows them and known to none, {view.name}",
        source(view),
        view.set_construct,
        "estimated; the base year's counts of children in need, on plans and looked after are published ones",
        CREDIBLE,
        columns,
        frame(columns, records),
        tuple(notes),
        kind="demand",
        brief=tuple(brief),
        brief_title="base year and five years on",
    )  # fmt: skip


_COLUMN = {"any": "affected", "two_or_more": "two_or_more"}


def unknown(now: xr.Dataset, kind: str = "any") -> np.ndarray:
    """Children affected and known to no service, draw by draw, not below zero; `kind` any or two_or_more."""
    left = now[f"affected_{kind}"] - now[f"known_{_COLUMN[kind]}"].sum("service")
    return np.asarray(np.maximum(left.values, 0.0))


def pathway_ahead(view: View) -> Table | None:
    """Flows of early help and statutory services, and waiting, by year of the comparator."""
    data = _of(view, "demand/pathway")
    if data is None:
        return None
    columns = (
        Column("What"), Column("Unit"), Column("Financial year"), Column("Projected number", "count"), Column("Lower limit", "count"),
        Column("Upper limit", "count"), Column("Part with a risk", "count"), Column("Horizon"),
    )  # fmt: skip
    years = [str(y) for y in data["year"].values]
    records: list[list[object]] = []
    tested = horizon(view, years)
    for name, (label, unit) in COUNTED_LABELS.items():
        whole, part = (data[v].sel(service=name).transpose("year", "draw").values for v in ("pathway_flow", "pathway_flow_affected"))
        if not (whole > 0).any():
            continue
        x = interval(whole)
        for i, year in enumerate(years):
            risk = "[x]" if np.isnan(part[i]).any() else counts(interval(part[i]), CASES)[0]
            records.append([label, unit, year, *counts(x[i], CASES), risk, tested[i]])
    waits = data["waiting_months"].transpose("year", "draw").values
    if np.nan_to_num(waits).any():
        known = _of(view, "demand/known")
        assert known is not None
        queue = known["known_children"].sel(service="early_help_waiting").transpose("year", "draw").values[1:]
        for i, year in enumerate(years):
            records.append(
                ["Waiting for early help at the end of the year", "children", year, *counts(interval(queue[i]), CASES), "[x]", tested[i]]
            )
        for i, year in enumerate(years):
            some = waits[i][np.isfinite(waits[i])]
            months = interval(some) if some.size else Interval(np.nan, np.nan, np.nan)
            shown = [round(float(v), 1) if np.isfinite(v) else "[x]" for v in (months.value, months.lower, months.upper)]
            records.append(["Wait for early help, at the pace of the year", "months", year, *shown, "[z]", tested[i]])
    return Table(
        "pathway_ahead",
        f"Early help and statutory services as one pathway, {view.scenario_title(view.comparator).lower()}, {view.name}",
        source(view),
        "counts as DfE defines them where it counts them; early help as this model defines it",
        "projected",
        CREDIBLE,
        columns,
        frame(columns, records),
        (
            "Contacts, referrals, assessments, enquiries, plans and children are different units, and rows are not added to one another.",
            "Part with a risk: of children living with at least one risk of the set, modelled.",
            f"Queue: {_places(view)}.",
        ),
        kind="demand",
        brief=tuple(i for i, r in enumerate(records) if r[2] in (years[0], years[-1])),
        brief_title="first and last years",
    )  # fmt: skip


def missed(view: View) -> Table | None:
    """Missed opportunities of children with a risk, in the first projected year."""
    data = _of(view, "demand/pathway")
    if data is None:
        return None
    columns = (
        Column("Measure"), Column("What it counts"), Column("Unit"), Column("Number a year", "count"), Column("Lower limit", "count"),
        Column("Upper limit", "count"),
    )  # fmt: skip
    now = data.isel(year=0)
    records: list[list[object]] = []
    for name, meaning in MISSED.items():
        values = now["pathway_flow_affected"].sel(service=name).values
        records.append([MISSED_LABELS[name], meaning, MISSED_UNITS.get(name, "referrals"), *counts(interval(values), CASES)])
    again, closed = (float(now["pathway_flow"].sel(service=s).mean()) for s in ("re_referral", "referral"))
    return Table(
        "missed",
        f"Opportunities that may have been missed, children with at least one risk, {view.name}, {view_year(data)}",
        source(view),
        view.set_construct,
        "projected",
        CREDIBLE,
        columns,
        frame(columns, records),
        (
            "Modelled from published counts and the assumed rate of contact by risk: no case was read. A closed referral may have been closed rightly; the rows say where "
            "to look, by audit (jsna audit) or linked cases, not that a decision was wrong.",
            f"Of all referrals, {words.percent(again / closed)} are within 12 months of an earlier one. Whoever was closed without "
            "help is taken to come back as often as others whose case was closed.",
            "Rows overlap: one child may be in several.",
        ),
        kind="demand",
    )  # fmt: skip


def closed(view: View) -> Table | None:
    """Referrals closed without early help, of children with a risk, by age and by combination of risks, in the first projected year."""
    data = view.group("demand/closed")
    if data is None:
        return None
    now = data["closed_without_help"].isel(year=0)
    risky = now.sel(pattern=[p for p in now["pattern"].values if str(p) != "none"])
    columns = (
        Column("By"),
        Column("Group"),
        Column("Referrals a year", "count"),
        Column("Lower limit", "count"),
        Column("Upper limit", "count"),
    )
    records: list[list[object]] = [["All", "With at least one risk", *counts(interval(risky.sum(("age_band", "pattern")).values), CASES)]]
    for band in BAND_NAMES:
        x = interval(risky.sel(age_band=band).sum("pattern").values)
        records.append(["Age", BAND_NAMES[band], *counts(x, CASES)])
    for pattern in (str(p) for p in risky["pattern"].values):
        x = interval(risky.sel(pattern=pattern).sum("age_band").values)
        risks = [view.label(r) if r in view.result.risks else r for r in risks_of(pattern)]
        label = words.upper_first(" and ".join(words.lower_first(r) for r in risks))
        records.append(["Combination of risks", label if len(risks) > 1 else f"{label} only", *counts(x, CASES)])
    return Table(
        "closed_without_help",
        f"Referrals closed without early help or statutory work, children with at least one risk, {view.name}, {view_year(data)}",
        source(view),
        view.set_construct,
        "projected",
        CREDIBLE,
        columns,
        frame(columns, records),
        (
            "Closed with no further action, or assessed and found not in need, with no early help after it. How many referrals close is calibrated to "
            "published counts; what share of them goes on to early help is an assumption, and so is how much a risk raises the rate of contact.",
            "Ages and combinations each add up to the first row, but for rounding. The rates of closing do not differ by age or risk in this model: what "
            "differs is who is referred.",
        ),
        kind="demand",
    )


def view_year(data: xr.Dataset) -> str:
    """First projected year."""
    return str(data["year"].values[0])


def flows(view: View) -> list[tuple[str, str, float]]:
    """Expected flows at the front door and through early help in the first projected year; the parts of referrals add up to them."""
    data = _of(view, "demand/pathway")
    if data is None:
        return []
    now = data["pathway_flow"].isel(year=0).mean("draw")
    n = {str(s): float(now.sel(service=s)) for s in now["service"].values}
    helped = n["no_further_action"] - n["closed_without_help"]
    stepped = n["early_help_stepped_up"]  # counted as referrals too: drawn from early help, where they come from
    disabled = n["assessment_started"] - n["assessed_without_early_help"] - stepped
    straight = n["referral"] - n["no_further_action"] - n["assessed_without_early_help"] - disabled - stepped
    rows = [
        ("Contacts", "No referral", n["contact_closed"]),
        ("Contacts", "Referrals", n["referral"] - stepped),
        ("Asked for, or after other work", "Early help", n["early_help_accepted"] - helped),
        ("Referrals", "Closed without early help", n["closed_without_help"]),
        ("Referrals", "Early help", helped),
        ("Referrals", "Assessments", n["assessed_without_early_help"] + disabled),
        ("Referrals", "Care, and unborn children", straight),
        ("Early help", "Assessments", stepped),
        ("Early help", "Ended, or goes on", n["early_help_accepted"] - stepped),
    ]
    published = _of(view, "demand/services")
    if published is not None:
        # Of assessments started in the year: what is found not in need is counted, and what is left goes on or is still being assessed.
        not_in_need = float(published["flow"].sel(service="referrals_assessed_not_in_need").isel(year=0).mean())
        shut = n["assessed_closed_without_help"]
        rows += [
            ("Assessments", "Not in need: closed", shut),
            ("Assessments", "Not in need: early help", not_in_need - shut),
            ("Assessments", "In need, on a plan, looked after, or still assessed", n["assessment_started"] - not_in_need),
        ]
    return [r for r in rows if r[2] > 0]


def _of(view: View, path: str) -> xr.Dataset | None:
    """A group of the comparator's, where the result has a layout."""
    data = view.group(path)
    if data is None or view.comparator not in data["scenario"].values:
        return None
    return data.sel(scenario=view.comparator)


def _parameter(view: View, name: str) -> dict[str, float]:
    return dict(view.provenance.get("pathway", {}).get("layout", {}).get("parameters", {}).get(name, {}))


def _places(view: View) -> str:
    """What is said of places and waiting."""
    places = float(_parameter(view, "early_help.places").get("value", NO_LIMIT))
    if places >= NO_LIMIT:
        return "no limit of places was given, so that nobody waits for early help"
    return (
        f"early help has {words.number(round(places))} places, and nobody who has one loses it where that is fewer than are helped now. The wait is the mean "
        "queue over those who start in a month: what a child who joins it may expect at that pace, longer than those who started had waited "
        "where the queue grows"
    )
