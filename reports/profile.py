"""A two-page profile of a ward, MSOA, locality or district: what is estimated there, beside its authority."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from jsna_model.errors import InputError, unknown_name
from reports import maps, words
from reports.content import publication, standing
from reports.disclosure import decimal, modelled, reliability
from reports.drawing import Figure
from reports.need_tables import CREDIBLE, ESTIMATE, MODELLED_PLACES, component, counts, how_sure, known, shares
from reports.report import Block, Bullets, Heading, Report, Section
from reports.table import MAY_NOT_SUM, Column, Table, frame
from reports.view import BAND_NAMES, LEVEL_NAMES, Interval, View

if TYPE_CHECKING:
    from collections.abc import Mapping

    import geopandas as gpd
    import xarray as xr

    from jsna_model.result import Result

LEVELS = ("ward", "locality", "district", "msoa")


def build(
    result: Result, area: str, study: Any = None, text: Mapping[str, str] | None = None, boundaries: gpd.GeoDataFrame | None = None
) -> Report:
    """The profile of an area of a result.

    Parameters
    ----------
    result : jsna_model.Result
    area : str
        Code or name of a ward, locality, district or MSOA. LSOAs have none: they are for internal use.
    study : jsna_model.Study, optional
        Owner, approver and review date; without them it is a draft.
    text : mapping of str to str, optional
        Local text of the authority; services and assets are named.
    boundaries : geopandas.GeoDataFrame, optional
        As in `reports.write`; used where they hold the level of the area.

    Returns
    -------
    Report

    Raises
    ------
    UnknownNameError
        For an area that the result does not hold, with the nearest ones.
    InputError
        For an LSOA, a name that several areas have, or a result in which each risk stands alone.
    """
    view = View.of(result)
    level, place = _find(view, area)
    if not view.members:
        raise InputError("each risk stands alone in this result, so that a profile has no overlap to show. Run estimate with a set.")
    name, many = str(place["area_name"].values), LEVEL_NAMES[level][0]
    if np.any(_of(place, "any_risk").hidden):
        raise InputError(f"the estimates of {name} were fitted to a small count of your own and are suppressed, so that it has no profile.")
    named = publication(study)
    draft, status = standing(named)
    tables = [
        t for t in (_measures(view, level, place, name), _ages(view, level, place, name), _known(view, str(place["area"].values))) if t
    ]
    figure = _map(view, level, str(place["area"].values), name, boundaries)
    sections = [
        Section(
            "summary",
            f"{name} at a glance",
            (*_glance(view, level, place, name), *([figure] if figure else []), Heading("What this is, and is not"), *_limits(view, many)),
        ),
        Section("measures", "Each risk here, and in the whole authority", (tables[0],)),
        *([Section("ages", "Children by age", (tables[1],))] if len(tables) > 1 and tables[1].key == "profile_ages" else []),
        *([Section("known", "Known to services here", (tables[-1],))] if tables[-1].key == "known" else []),
    ]
    return Report(
        f"Children living with parental risks: {name} ({view.name})", f"Profile of {'an' if many == 'MSOA' else 'a'} {many}", draft, status, tuple(sections), tuple(tables),
        str(named["classification"]),
    )  # fmt: skip


def _map(view: View, level: str, code: str, name: str, boundaries: gpd.GeoDataFrame | None) -> Figure | None:
    """Where the area lies among those around it, and its class."""
    fitting = boundaries if boundaries is not None and maps.level_of(view, boundaries) == level else None
    made = maps.make_map(view, "any_risk", level, fitting, mark=code) if view.node(level).sizes["area"] > 1 else None
    if made is None:
        return None
    many = LEVEL_NAMES[level][1]
    elsewhere = f"The numbers of all {many} are in the report of {view.name}."
    title = f"{name}, outlined, among the {many} around it"
    return replace(made, title=title, subtitle=f"{made.subtitle} {elsewhere}", alt=f"{name} is outlined. {made.alt}")


def _find(view: View, area: str) -> tuple[str, xr.Dataset]:
    """Level and row of an area, by code or by name."""
    if area.upper().startswith("E010"):
        raise InputError(f"{area} is an LSOA: estimates for LSOAs are for internal use. Ask for its ward or MSOA.")
    there: dict[str, list[tuple[str, Any]]] = {}
    for level in LEVELS:
        if not view.has(level):
            continue
        node = view.node(level)
        for i, (code, name) in enumerate(zip(node["area"].values, node["area_name"].values, strict=True)):
            for key in {str(code).lower(), str(name).lower()}:
                there.setdefault(key, []).append((level, node.isel(area=i)))
    found = there.get(area.strip().lower(), [])
    if not found:
        raise unknown_name("area", area, sorted({str(n["area_name"].values) for rows in there.values() for _, n in rows}))
    if len(found) > 1:
        codes = words.listed([f"{n['area'].values} ({level})" for level, n in found], "or")
        raise InputError(f"{area!r} is the name of {len(found)} areas. Give a code: {codes}.")
    return found[0]


def _of(place: xr.Dataset, measure: str) -> Interval:
    x = component(place, measure)
    return Interval(float(x.value), float(x.lower), float(x.upper), x.hidden)


def _glance(view: View, level: str, place: xr.Dataset, name: str) -> list[Block]:
    """Headline sentences."""
    children = float(place["children"].sum())
    anyone, two = _of(place, "any_risk"), _of(place, "two_or_more")
    here, there = anyone.value / children if children else np.nan, float(view.need("any_risk").value) / view.children
    gap = decimal(here, 100) != decimal(there, 100)
    beside = "the same share as" if not gap else f"a {'higher' if here > there else 'lower'} share than"
    expected = ", as expected from its deprivation: the model assumes that pattern" if gap else ""
    if reliability(float(anyone.relative_width)).startswith("[u]"):
        expected += "; the estimate is of low reliability"
    items = (
        f"{words.upper_first(words.about(children, level))} aged 0 to 17 are estimated to live in {name}, of the {words.number(round(view.children))} in "
        f"{view.name}.",
        f"{words.upper_first(words.estimate(anyone.value, anyone.lower, anyone.upper, level))}, are estimated to live with {view.any_phrase}.",
        f"Two or more of the three (estimated): {words.estimate(two.value, two.lower, two.upper, level)}.",
        f"That is {words.percent(here)} of its children: {beside} the authority's {words.percent(there)}{expected}.",
    )
    return [Bullets(items)]


def _measures(view: View, level: str, place: xr.Dataset, name: str) -> Table:
    """Every measure here, beside the authority's share."""
    columns = (
        Column("Measure"),
        *ESTIMATE,
        Column("Estimated share", "percent"),
        Column(f"Share, {view.name}", "percent"),
        Column("Reliability"),
    )
    children = float(place["children"].sum())
    records: list[list[object]] = []
    for measure in ("any_risk", "exactly_one", "two_or_more", "all_three", *view.members, *view.alone):
        if measure in place["component"].values:
            x = _of(place, measure)
            whole = shares(view.need(measure), view.children)[0]
            records.append([view.measure_label(measure), *counts(x, level), shares(x, children)[0], whole, how_sure(x)])
    return Table(
        "profile", f"Children estimated to live with each risk, {name}", view.need_source, "each risk has its own; see the report of the authority",
        "estimated", CREDIBLE, columns, frame(columns, records),
        (MODELLED_PLACES, "Risks are not added to one another: children can live with several, and definitions differ.", MAY_NOT_SUM),
    )  # fmt: skip


def _ages(view: View, level: str, place: xr.Dataset, name: str) -> Table | None:
    """Children by age band."""
    if "age_band" not in place["children"].dims:
        return None
    columns = (
        Column("Age band"),
        Column("Children", "count"),
        Column("Share of children", "percent"),
        Column(f"Share, {view.name}", "percent"),
    )
    children = place["children"].values.astype(float)
    whole = view.children_by_band / view.children
    records: list[list[object]] = [
        [
            BAND_NAMES.get(b, b),
            modelled(float(n), level),
            decimal(float(n) / children.sum() if children.sum() else None, 100),
            decimal(float(w), 100),
        ]
        for b, n, w in zip(view.bands, children, whole, strict=True)
    ]
    return Table(
        "profile_ages", f"Children by age, {name}", "Census 2021 and mid-2024 estimates, Office for National Statistics; small areas modelled",
        "children aged 0 to 17", "estimated (children of small areas are modelled)", "none shown; the error of small areas is in the estimates of risks",
        columns, frame(columns, records), (MAY_NOT_SUM,),
    )  # fmt: skip


def _known(view: View, code: str) -> Table | None:
    """What services record for this area, by the table of the authority."""
    table = known(view)
    if table is None:
        return None
    names = [str(r["area"]) for r in view.known[0]]
    keep = [i for i, area in enumerate(names) if area == code]
    if not keep:
        return None
    return replace(table, rows=table.rows.iloc[keep].reset_index(drop=True), brief=None, brief_title="")


def _limits(view: View, many: str) -> tuple[Block, ...]:
    return (
        Bullets(
            (
                f"The numbers are modelled, not counted. They say how many children of this {many} are likely to live with a risk, not which ones.",
                f"{words.upper_first(many)}s differ here because deprivation and ages differ, as assumed. It is no evidence that this {many} does worse, and no ranking.",
                f"Counts of services are published for {view.name} as a whole only. What local services record can be added with local_counts.",
                "Definitions, sources, assumptions and how numbers are rounded are in the report of the authority.",
            )
        ),
    )
