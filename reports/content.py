"""Content: what a report says, in order, once; three thin renderers show it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from reports import chapter_annex, chapter_need, chapter_services, chapter_tables, points, tabulate, words
from reports.drawing import Figure
from reports.parts import Made, Missing, Parts
from reports.report import Block, Bullets, Heading, Report, Section
from reports.view import View

if TYPE_CHECKING:
    import geopandas as gpd

    from jsna_model.result import Result

__all__ = ["DRAFT", "Block", "Bullets", "Heading", "Report", "Section", "build", "publication", "standing"]

DRAFT = "DRAFT: not approved for publication."
NAMES = {"owner": "an owner", "approver": "an approver", "review_date": "a review date"}
_FIELDS = (*NAMES, "board_date", "classification", "accepted")

_SECTIONS: tuple[Callable[[Parts], Made], ...] = (
    chapter_need.summary,
    chapter_need.why,
    chapter_need.who,
    chapter_need.named,
    chapter_need.together,
    chapter_need.where,
    chapter_need.change,
    chapter_services.services,
    chapter_services.ahead,
    chapter_services.placements,
    chapter_services.pathway,
    chapter_services.assets,
    chapter_services.unknown,
    chapter_services.works,
    chapter_services.what_if,
    chapter_services.views,
    chapter_services.equality,
    chapter_services.points,
    chapter_annex.gaps,
    chapter_annex.certainty,
    chapter_annex.quality,
    chapter_annex.methods,
    chapter_annex.evidence,
    chapter_annex.assumptions,
    chapter_annex.decisions,
    chapter_annex.sources,
    chapter_annex.glossary,
)


def build(
    result: Result,
    study: Any = None,
    boundaries: gpd.GeoDataFrame | None = None,
    internal: bool = False,
    text: Mapping[str, str] | None = None,
) -> Report:
    """Everything the report says.

    Parameters
    ----------
    result : jsna_model.Result
    study : jsna_model.Study, optional
        Gives title, owner, approver, dates, classification and accepted points.
    boundaries : geopandas.GeoDataFrame, optional
    internal : bool
        Show LSOAs; the report then says that it is not for publication.
    text : mapping of str to str, optional
        Local text by slot (`data_sources.load_text`).

    Returns
    -------
    Report
    """
    view = View.of(result)
    named = publication(study)
    draft, status = standing(named, internal)
    found = tabulate.build(view, internal)
    local = dict(text or {})
    found.append(chapter_tables.gaps(view, frozenset(local)))
    tables = {t.key: t for t in found}
    accepted = tuple(named["accepted"])
    chosen = points.table_of(view, tables, accepted, draft)
    if chosen is not None:
        found.append(chosen)
        tables[chosen.key] = chosen
    parts = Parts(view, tables, boundaries, internal, draft, local, named)
    if gone := points.unknown(view, tables, accepted):
        parts = replace(
            parts, missing=(Missing(f"Accepted {words.listed(gone)}", "these results do not make it; look at the points again"),)
        )
    if moved := points.changed(view, tables, accepted):
        why = f"number or wording has changed since; read again, and accept as {words.listed(moved)}"
        parts = replace(parts, missing=(*parts.missing, Missing(f"Accepted {words.listed([m.split(':')[0] for m in moved])}", why)))
    if view.known[1]:
        parts = replace(parts, missing=(*parts.missing, Missing("Known to services, in part", "; ".join(view.known[1]))))
    sections: list[Section] = []
    for make in _SECTIONS:
        made = make(parts)
        if isinstance(made, Section):
            sections.append(replace(made, blocks=tuple(b for b in made.blocks if b)))
        elif isinstance(made, Missing):
            parts = replace(parts, missing=(*parts.missing, made))
    # The numbers behind a figure that has them of its own: in the workbook and as csv too.
    found += [b.data for s in sections for b in s.blocks if isinstance(b, Figure) and b.data is not None and b.data.key not in tables]
    return Report(
        str(getattr(study, "title", "") or "") or f"Children living with parental risks in {view.title_name}",
        "Joint strategic needs assessment: children affected, demand for services and scenarios",
        draft,
        status,
        tuple(sections),
        tuple(found),
        str(named["classification"]),
    )


def publication(study: Any) -> dict[str, Any]:
    """What a study says of its publication; empty where it says nothing."""
    given = getattr(study, "publication", study)
    return {name: getattr(given, name, None) or () if name == "accepted" else str(getattr(given, name, "") or "") for name in _FIELDS}


def standing(named: Mapping[str, Any], internal: bool = False) -> tuple[bool, str]:
    """Whether it is a draft, and the sentence that says who stands behind it or why it is one."""
    missing = [words_ for key, words_ in NAMES.items() if not named[key]]
    board = f" Board: {named['board_date']}." if named["board_date"] else ""
    status = f"Owner: {named['owner']}. Approved by: {named['approver']}.{board} Review date: {named['review_date']}."
    if missing:
        status = f"{DRAFT} Not named yet: {words.listed(missing)}."
    if internal:
        status = f"INTERNAL: shows estimates by LSOA; not for publication. {status if missing else DRAFT}"
    return internal or bool(missing), status
