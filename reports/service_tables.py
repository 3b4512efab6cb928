"""Tables of services now: published counts with their intervals and comparisons, and what was spent."""

from __future__ import annotations

import numpy as np

from jsna_model.methods.rates import NOT_COMPARED, Interval, byar, compare_to_benchmark
from reports import words
from reports.demand_tables import NO_POLARITY, ordered, pathway_source, rates, service_label
from reports.disclosure import ABSENT, decimal, is_absent, published
from reports.table import Column, Table, frame
from reports.view import View

PER = 10_000
#: How a comparison of an observed rate reads in a sentence.
COMPARED = {
    "higher": "higher than",
    "lower": "lower than",
    "similar": "no evidence of a difference from",
    NOT_COMPARED: "not compared with",
}
SPEND_LABELS = {
    "sure_start_and_early_years": "Sure Start and early years",
    "looked_after": "Children looked after",
    "looked_after_residential": "of which residential care",
    "looked_after_fostering": "of which fostering",
    "other_children_and_families": "Other services for children and families",
    "total_children_social_care": "Children's social care, all",
}


def rate(view: View, service: str) -> Interval:
    """Observed rate of the authority per 10,000 children with its 95% interval; NaN where the count is absent."""
    observed = view.group("demand/observed")
    assert observed is not None
    cell = observed.sel(area=view.code, service=service)
    children = float(cell["children"]) if "children" in observed.coords else float("nan")
    return byar(float(cell["observed"]), children, PER)


def compared_rate(view: View, service: str) -> tuple[float, float, str]:
    """The rate here and England's, and how they compare."""
    here, england, _, _ = rates(view, service)
    return here, england, str(compare_to_benchmark(rate(view, service), england))


def services_now(view: View) -> Table | None:
    """Counts of the base year, with rates, their intervals, and how these compare with England and statistical neighbours."""
    observed = view.group("demand/observed")
    if observed is None or view.code not in observed["area"].values:
        return None
    columns = (
        Column("Service"), Column(f"{'Published' if view.published_counts else 'Own'} count {view.base_year}", "count"),
        Column("Rate per 10,000 children", "rate"), Column("Rate: lower", "rate"), Column("Rate: upper", "rate"),
        Column("England rate", "rate"), Column("Neighbours' median rate", "rate"), Column("Neighbours with a rate", "count"),
        Column("Compared with England"), Column("Compared with neighbours"),
    )  # fmt: skip
    records: list[list[object]] = []
    for service in ordered([str(s) for s in observed["service"].values]):
        cell = observed.sel(area=view.code, service=service)
        count, status = float(cell["observed"]), str(cell["status"].values) if "status" in observed else ""
        here, england, middle, n = rates(view, service)
        x = rate(view, service)
        symbol = published(float("nan"), status) if is_absent(count) else None
        records.append(
            [
                service_label(service),
                published(count, status),
                *([symbol] * 3 if symbol else [decimal(here), decimal(float(x.lower)), decimal(float(x.upper))]),
                decimal(england),
                decimal(middle),
                n,
                *(symbol or _word(x, other) for other in (england, middle)),
            ]
        )
    return Table(
        "services_now",
        f"Children's services, {view.name}, {view.base_year}",
        pathway_source(view),
        "counts as DfE defines them; stocks at 31 March, flows in the year to 31 March",
        "observed",
        "95% Poisson interval of the rate (Byar; exact below 10 events)",
        columns,
        frame(columns, records),
        (
            NO_POLARITY,
            "Rates are per 10,000 children aged 0 to 17, mid-2024. 'Higher' or 'lower': the whole interval lies on one side of the other rate; "
            "'similar': no evidence of a difference. Children of one family enter services together, so that the intervals are somewhat narrow. "
            "Each row is a comparison of its own: with many, a few differ by chance.",
            "Episodes, enquiries and children are different units: rows are not added to one another.",
        ),
        kind="demand",
        document_columns=tuple(c.label for c in columns if c.label != "Neighbours with a rate"),
    )  # fmt: skip


def _word(x: Interval, other: float) -> str:
    """Comparison of rates in a table cell."""
    word = str(compare_to_benchmark(x, other))
    return ABSENT if word == NOT_COMPARED else word


def spend(view: View) -> Table | None:
    """What the authority spent on children's services."""
    rows = view.provenance.get("spend") or ()
    if not rows:
        return None
    columns = (Column("Service line"), Column(f"Spend {view.base_year}", "money"), Column("Per child aged 0 to 17", "money"))
    records: list[list[object]] = []
    for r in rows:
        label = SPEND_LABELS.get(r["service"]) or words.upper_first(str(r["service"]).replace("_", " "))
        if r["thousand"] is None:
            records.append([label, *[published(float("nan"), r["status"])] * 2])
        else:
            pounds = round(r["thousand"] * 1000)
            records.append([label, pounds, round(pounds / view.children) if view.children else ABSENT])
    return Table(
        "spend",
        f"Spend on children's services, {view.name}, {view.base_year}",
        f"{view.provenance.get('spend_source', 'MHCLG')}; children from the Office for National Statistics, mid-2024",
        "total expenditure by service line, in cash",
        "observed",
        "none: published figures",
        columns,
        frame(columns, records),
        ("Lines overlap (residential care and fostering lie within children looked after) and are not added to one another.", "Spend says what was paid, not what was needed or what it achieved."),
        kind="demand",
    )  # fmt: skip


def no_further_action(view: View) -> tuple[int, float] | None:
    """Referrals closed without further action, and their share of referrals; None where either is absent or the user's own."""
    observed = view.group("demand/observed")
    if observed is None or view.code not in observed["area"].values:
        return None
    counts = observed["observed"].sel(area=view.code)
    try:
        closed, referred = (float(counts.sel(service=s)) for s in ("referrals_no_further_action", "referrals"))
    except KeyError:
        return None
    return (int(closed), closed / referred) if np.isfinite([closed, referred]).all() and referred > 0 else None
