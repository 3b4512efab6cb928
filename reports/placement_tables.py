"""Table of looked-after children by placement: the authority's own shares, held constant."""

from __future__ import annotations

from jsna_model.pathway import STOCKS
from jsna_model.placements import PLACEMENTS
from reports import words
from reports.demand_tables import CASES, PROJECTED, horizon, pathway_source
from reports.disclosure import SUPPRESSED, decimal
from reports.need_tables import CREDIBLE, counts
from reports.policies import of_service, policy
from reports.table import Column, Table, frame
from reports.view import View, interval


def placements(view: View) -> Table | None:
    """Children looked after at 31 March by placement and year in the comparator; None without shares, or where they may not be shown."""
    data, given = view.group("demand/placements"), view.placements
    if data is None or given is None or view.hidden_placements is None or view.comparator not in data["scenario"].values:
        return None
    years = [str(y) for y in data["year"].values]
    columns = (
        Column("Placement"),
        Column("Share", "percent"),
        *PROJECTED,
    )
    records: list[list[object]] = []
    brief: list[int] = []
    for name in (str(c) for c in data["component"].values):
        values = data["placed"].sel(scenario=view.comparator, component=name)
        x = interval((values if "draw" in values.dims else values.expand_dims("draw", axis=-1)).transpose("year", "draw").values)
        gone = name in view.hidden_placements
        for i, (year, tested) in enumerate(zip(years, horizon(view, years), strict=True)):
            if i in (0, 4, len(years) - 1):
                brief.append(len(records))
            shown = [SUPPRESSED] * 4 if gone else [decimal(float(given["shares"][name]), 100), *counts(x[i], CASES)]
            records.append([PLACEMENTS[name], shown[0], year, *shown[1:], tested])
    rule = policy(of_service(STOCKS[2]))
    whose = "published shares" if given["published"] else "the authority's own shares"
    hidden = (
        (
            f"[c]: {rule.low} to {rule.high} children were in the placement by the authority's own records, or their number would follow from "
            "the others; such shares are suppressed in every year.",
        )
        if view.hidden_placements
        else ()
    )
    return Table(
        "placements",
        f"Children looked after by placement, {view.scenario_title(view.comparator).lower()}, {view.name}",
        f"modelled by jsna_model from {pathway_source(view)}; shares: {given['source']}",
        f"children looked after at 31 March that ends the year; shares of {given['date']}",
        "projected",
        CREDIBLE,
        columns,
        frame(columns, records),
        (
            f"{words.upper_first(whose)} held constant, an assumption: the interval is that of children looked after as a whole, and how "
            "placements may change is not in it.",
            *hidden,
        ),
        kind="demand",
        brief=tuple(brief),
        brief_title="first, fifth and last years" if len(years) > 5 else "first and last years",
    )


def stock(view: View) -> float:
    """Looked-after children of the base year, as the model has them; those of the first year ahead where no count is published."""
    observed = view.result.node("demand/observed")["observed"].sel(area=view.code, service=STOCKS[2])
    if float(observed) == float(observed):
        return float(observed)
    data = view.group("demand/placements")
    assert data is not None
    return float(data["placed"].sel(scenario=view.comparator).isel(year=0).sum("component").mean())
