"""Every table of a report, in order."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reports import (
    chapter_tables,
    choice_tables,
    demand_tables,
    need_tables,
    pathway_tables,
    pattern_tables,
    placement_tables,
    reference_tables,
    service_tables,
)
from reports.table import Table
from reports.view import View

if TYPE_CHECKING:
    from jsna_model.result import Result


def tables(result: Result, internal: bool = False) -> list[Table]:
    """Tables of a result, rounded and labelled, ready to display.

    Parameters
    ----------
    result : jsna_model.Result
        With group ``need``, and ``demand`` and ``decision`` where there are any.
    internal : bool
        Include LSOAs: for use inside the authority, not for publication.

    Returns
    -------
    list of Table
        In the order of the report; tables that the result has no data for are left out.
    """
    return build(View.of(result), internal)


def build(view: View, internal: bool = False) -> list[Table]:
    """Tables of a view; see `tables`."""
    out: list[Table | None] = [chapter_tables.key_figures(view), need_tables.named_risks(view), need_tables.supplementary(view)]
    if view.members:
        out += [need_tables.combinations(view), need_tables.patterns(view), need_tables.by_age(view)]
        out += [need_tables.by_area(view, level) for level in view.small_levels]
        if view.district:
            out += [
                need_tables.by_area(view, level, within_district=True)
                for level in ("ward", "msoa")
                if view.has(level) and view.node(level, within_district=True).sizes["area"]
            ]
        if internal and view.has("lsoa"):
            out.append(need_tables.by_area(view, "lsoa"))
        out += [need_tables.to_2035(view), need_tables.ages_to_2035(view)]
    out += [
        service_tables.services_now(view),
        service_tables.spend(view),
        pathway_tables.known_by_service(view),
        need_tables.not_known(view),
        need_tables.known(view),
        demand_tables.services_ahead(view),
        placement_tables.placements(view),
        pathway_tables.pathway_ahead(view),
        pathway_tables.missed(view),
        pathway_tables.closed(view),
        chapter_tables.effects(view),
        demand_tables.differences(view),
        demand_tables.per_100_families(view),
        demand_tables.costs(view),
    ]
    if any(view.group(f"decision/{asked}") is not None for asked in ("choice", "change", "groups")):
        out += choice_tables.choice_tables(view)[1:]  # what the study asked for; the first shows all scenarios at once, for compare.html
    out += [need_tables.every_measure(view, level) for level in ("ward", "msoa") if view.has(level)]
    out += [
        reference_tables.evidence(view),
        reference_tables.discrepancies(view),
        reference_tables.assumptions(view),
        reference_tables.scenarios(view),
        reference_tables.parameters(view),
        pattern_tables.rates_by_pattern(view),
        reference_tables.unit_costs(view),
        reference_tables.quoted(view),
        reference_tables.sources(view),
        chapter_tables.decisions(view),
        chapter_tables.wording(),
        chapter_tables.glossary(),
    ]
    return [t for t in out if t is not None and len(t.rows)]
