"""Where places of early help should go: a table, a map and words, rounded; every number of children is modelled."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from jsna_model.verbs.allocate import Placement
from reports import words
from reports.disclosure import difference, modelled, significant
from reports.drawing import INK, SEQUENTIAL, Figure, blank, svg
from reports.maps import colours, fill_of
from reports.places import hexagons
from reports.table import Column, Table, frame
from reports.view import LEVEL_NAMES

if TYPE_CHECKING:
    from jsna_model.methods.allocation import Allocation
    from jsna_model.result import Result

NOT_EVIDENCE = (
    "Between small areas the estimate follows deprivation because the model assumes so: the allocation inherits that, and is no evidence that "
    "need is higher there."
)
#: Most classes of a map of families.
CLASSES = 5


def others(placement: Placement) -> dict[str, Allocation]:
    """Allocations that the best is compared with, by what they go by."""
    found = {"population": placement.choice.by_population, "current share": placement.choice.by_current}
    return {name: a for name, a in found.items() if a is not None}


def allocation_table(placement: Placement, place: str, source: str) -> Table:
    """Families by place: the best, and by population and current share.

    Parameters
    ----------
    placement : Placement
    place : str
        Name of the authority.
    source : str
    """
    one, many = LEVEL_NAMES[placement.level]
    compared = others(placement)
    columns = (
        Column("Area code"),
        Column(words.upper_first(one)),
        Column("Children", "count"),
        Column("Estimated children in need", "count"),
        Column("Families helped: most children reached", "count"),
        *(Column(f"Families helped: by {name}", "count") for name in compared),
        Column("Estimated children reached", "count"),
        Column("Most families that fit", "count"),
    )
    best = placement.choice.best
    records = [
        [
            code,
            name,
            modelled(float(placement.children[i]), placement.level),
            modelled(float(placement.need[i]), placement.level),
            int(best.units[i]),
            *(int(a.units[i]) for a in compared.values()),
            modelled(float(best.reached[i]), placement.level),
            int(placement.capacity[i]),
        ]
        for i, (code, name) in enumerate(zip(placement.codes, placement.names, strict=True))
    ]
    aim = "smallest largest regret over the draws" if placement.by_regret else "most children reached, expected"
    return Table(
        "allocation",
        f"Families given early help by {one} for £{placement.budget:,.0f}, {place}",
        source,
        f"{aim}; children who are estimated to live with {placement.measure.replace('_', ' ')}",
        "scenario",
        "none: expected values",
        columns,
        frame(columns, records),
        (
            NOT_EVIDENCE,
            f"Families are whole, within the budget, the most that fit and the minimum service; {many} are in order of name.",
            f"A family helped holds {placement.children_per_family:.2f} children; help finds children in need at random, and some twice.",
        ),
        kind="decision",
    )


def allocation_words(placement: Placement) -> list[str]:
    """What the allocation would do, in sentences."""
    best = placement.choice.best
    need = float(placement.need.sum())
    said = [
        f"A budget of £{placement.budget:,.0f} pays for {words.number(int(best.units.sum()))} families; {words.pounds(significant(best.spent))} is spent. "
        f"Placed to reach the most, {words.about(float(best.reached.sum()), 'authority')} of {words.about(need, 'authority')} in need are reached "
        "(estimated, not counted)."
    ]
    for name, other in others(placement).items():
        more = difference(float(best.reached.sum() - other.reached.sum()))
        how = "the same number, as rounded" if more == 0 else f"{words.number(more)} fewer"
        said.append(f"Shared out by {name}, it reaches {how}.")
    if np.any(placement.weight != 1):
        said.append("Children are weighted as you judge; the numbers reached here are not weighted, so another allocation can reach more.")
    return [*said, NOT_EVIDENCE]


def allocation_map(placement: Placement, result: Result, place: str) -> Figure:
    """Hexagons of one size with the number of families in each."""
    from matplotlib.collections import PolyCollection

    node = result.node(f"need/{placement.level}").sel(area=list(placement.codes))
    cells, size = hexagons(np.column_stack([node["easting"].values, node["northing"].values]).astype(float))
    units = placement.choice.best.units
    breaks = np.linspace(0, max(int(units.max()), 1) + 1, min(CLASSES, max(int(units.max()), 1)) + 1)
    fills = [fill_of(float(u), breaks, colours(len(breaks) - 1)) for u in units]
    figure, axes = blank(5.0)
    turn = np.pi / 180 * (60 * np.arange(6) + 30)
    corner = np.column_stack([np.cos(turn), np.sin(turn)]) * size * 0.93
    axes.add_collection(PolyCollection(list(cells[:, None] + corner[None]), facecolors=fills, edgecolors=SEQUENTIAL[0], linewidths=0.5))
    for (x, y), u, fill in zip(cells, units, fills, strict=True):
        axes.text(x, y, f"{u:,}", ha="center", va="center_baseline", fontsize=8, color="white" if fill in SEQUENTIAL[:3] else INK)
    low, high = cells.min(0) - 1.2 * size, cells.max(0) + 1.2 * size
    axes.set(xlim=(low[0], high[0]), ylim=(low[1], high[1]), aspect="equal")
    axes.set_axis_off()
    one, many = LEVEL_NAMES[placement.level]
    most = [placement.names[i] for i in np.argsort(-units, kind="stable")[:3]]
    return Figure(
        "allocation",
        f"Families given early help by {one} for £{placement.budget:,.0f}, {place}",
        f"Number of families, {many}; each hexagon is one {one}, of one size whatever the number of children. {NOT_EVIDENCE}",
        f"Map of {len(units)} {many} of {place}: from {units.min():,} to {units.max():,} families; most in {words.listed(most)}. "
        "The table has every number.",
        "modelled by jsna_model",
        "allocation",
        figure,
    )


def write_allocation(placement: Placement, result: Result, place: str, source: str, out: Path) -> list[Path]:
    """Write the table as CSV and the map beside it as SVG.

    Parameters
    ----------
    placement : Placement
    result : jsna_model.Result
        That it was made from, for where places lie.
    place, source : str
    out : Path
        CSV to write.
    """
    table = allocation_table(placement, place, source)
    out.parent.mkdir(parents=True, exist_ok=True)
    table.rows.to_csv(out, index=False, encoding="utf-8-sig")
    drawn = out.with_suffix(".svg")
    drawn.write_text(svg(allocation_map(placement, result, place)), encoding="utf-8")
    return [out, drawn]
