"""data_sources: publications and files become nouns; the only room that reads data.

Each public name loads on first use (PEP 562), so that ``import data_sources`` stays light.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

_HOME = {
    "areas": "gazetteer",
    "find_area": "gazetteer",
    "load_population": "population",
    "load_frame": "frame",
    "read_form": "form",
    "read_study": "form",
    "write_form": "form",
    "age_sex_shares": "age_sex",
    "children_by_year": "age_sex",
    "load_projection": "projection",
    "projection_error": "projection_spread",
    "projection_variants": "projection_spread",
    "load_services": "services",
    "load_spend": "services",
    "unit_costs": "services",
    "england_series": "services",
    "england_panel": "panel",
    "load_panel": "panel",
    "load_boundaries": "boundaries",
    "small_area_children": "small_area",
    "sources": "provenance",
    "verify": "provenance",
    "load_direct": "direct",
    "load_linked": "linked",
    "discount_schedules": "prices",
    "load_discount_schedule": "prices",
    "load_deflators": "prices",
    "effect_levels": "effects",
    "load_local_counts": "local",
    "load_text": "chapter",
    "chapter_material": "chapter",
    "load_evidence": "evidence",
    "load_evidence_set": "evidence",
    "load_overlap": "evidence",
    "default_evidence": "evidence",
    "evidence_keys": "evidence",
    "quoted_by_ofsted": "evidence",
    "load_pathway": "pathway",
    "ready_scenarios": "pathway",
    "library_scenarios": "scenarios",
    "scenario_library": "scenarios",
    "resolve": "nouns",
    "resolve_need": "nouns",
}

__all__ = [
    "age_sex_shares",
    "areas",
    "chapter_material",
    "children_by_year",
    "default_evidence",
    "discount_schedules",
    "effect_levels",
    "england_panel",
    "england_series",
    "evidence_keys",
    "find_area",
    "library_scenarios",
    "load_boundaries",
    "load_deflators",
    "load_direct",
    "load_discount_schedule",
    "load_evidence",
    "load_evidence_set",
    "load_frame",
    "load_linked",
    "load_local_counts",
    "load_overlap",
    "load_panel",
    "load_pathway",
    "load_population",
    "load_projection",
    "load_services",
    "load_spend",
    "load_text",
    "projection_error",
    "projection_variants",
    "quoted_by_ofsted",
    "read_form",
    "read_study",
    "ready_scenarios",
    "resolve",
    "resolve_need",
    "scenario_library",
    "small_area_children",
    "sources",
    "unit_costs",
    "verify",
    "write_form",
]

if TYPE_CHECKING:
    from data_sources.age_sex import age_sex_shares, children_by_year
    from data_sources.boundaries import load_boundaries
    from data_sources.chapter import chapter_material, load_text
    from data_sources.direct import load_direct
    from data_sources.effects import effect_levels
    from data_sources.evidence import default_evidence, evidence_keys, load_evidence, load_evidence_set, load_overlap, quoted_by_ofsted
    from data_sources.form import read_form, read_study, write_form
    from data_sources.frame import load_frame
    from data_sources.gazetteer import areas, find_area
    from data_sources.linked import load_linked
    from data_sources.local import load_local_counts
    from data_sources.nouns import resolve, resolve_need
    from data_sources.panel import england_panel, load_panel
    from data_sources.pathway import load_pathway, ready_scenarios
    from data_sources.population import load_population
    from data_sources.prices import discount_schedules, load_deflators, load_discount_schedule
    from data_sources.projection import load_projection
    from data_sources.projection_spread import projection_error, projection_variants
    from data_sources.provenance import sources, verify
    from data_sources.scenarios import library_scenarios, scenario_library
    from data_sources.services import england_series, load_services, load_spend, unit_costs
    from data_sources.small_area import small_area_children


def __getattr__(name: str) -> Any:
    if name in _HOME:
        value = getattr(import_module(f"data_sources.{_HOME[name]}"), name)
        globals()[name] = value
        return value
    raise AttributeError(f"module 'data_sources' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
