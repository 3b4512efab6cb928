"""Charts of need from plain tables: fan, flow, overlap, dots with intervals and small multiples. Pure: a table in, a figure out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from jsna_model.errors import InputError
from reports import words
from reports.drawing import BLUE, CATEGORICAL, GREY, INK, ORANGE, PINK, RULE, TURQUOISE, Figure, blank, only_grid, thousands, wrapped
from reports.plot_frame import Caption, Show, checked, children, few, figure, three
from reports.table import Column

if TYPE_CHECKING:
    import pandas as pd

LIMITS = (Column("Lower limit"), Column("Upper limit"))
#: Rows beyond which labels could not be read.
MOST_ROWS = 60


def chart_fan(table: pd.DataFrame, caption: Caption, show: Show = children, unit: str = "Children") -> Figure:
    """Line by year with its intervals: the outer one pale, an inner one darker.

    Parameters
    ----------
    table : pandas.DataFrame
        ``year``, ``value``, ``lower``, ``upper``; ``lower_inner`` and ``upper_inner`` where there is an inner interval (50%); ``basis``
        where some years are observed: their line is solid, that of others dashed.
    caption : Caption
    show : callable
    unit : str

    Returns
    -------
    Figure
    """
    inner = {"lower_inner", "upper_inner"} <= set(table.columns)
    data = checked(table, "fan", ["year"], ["value", "lower", "upper", *(["lower_inner", "upper_inner"] if inner else [])])
    years = data["year"].astype(int).to_numpy()
    drawing, axes = blank(3.0)
    axes.fill_between(years, data["lower"], data["upper"], color=BLUE, alpha=0.22, linewidth=0)
    if inner:
        axes.fill_between(years, data["lower_inner"], data["upper_inner"], color=BLUE, alpha=0.3, linewidth=0)
    observed = (data["basis"] == "observed").to_numpy() if "basis" in data else np.zeros(len(data), bool)
    axes.plot(years, data["value"], color=BLUE, linewidth=2.2, linestyle="-" if not observed.any() else (0, (4, 2)))
    if observed.any():
        axes.plot(years[observed], data["value"][observed], color=BLUE, linewidth=2.4)
    for place, align in ((0, "left"), (-1, "right")):
        y = float(data["value"].iloc[place])
        axes.plot([years[place]], [y], marker="o", color=BLUE)
        axes.annotate(show(y), (years[place], y), xytext=(0, 8), textcoords="offset points", ha=align, fontweight="bold")
    top = float(data["upper"].max())
    at = int(len(years) * 0.62)
    axes.annotate("95% interval", (years[at], data["upper"].iloc[at]), xytext=(0, 4), textcoords="offset points", color=BLUE)
    if inner:
        edge = float(data["lower_inner"].iloc[at])
        axes.annotate("50% interval", (years[at], edge), xytext=(0, 4), textcoords="offset points", color=INK, fontsize=9)
    axes.set_ylim(0, top * 1.15 if top > 0 else 1)
    axes.set_xlim(years[0] - 0.3, years[-1] + 0.3)
    step = max(1, int(np.ceil(len(years) / 8)))
    axes.set_xticks(years[::step], [str(y) for y in years[::step]])
    thousands(axes.yaxis)
    axes.set_title(unit, loc="left", fontsize=10)
    only_grid(axes, "y")
    first, last = data.iloc[0], data.iloc[-1]
    alt = f"Line by year with shaded intervals, {unit.lower()}: {three(first, show)} in {years[0]}; {three(last, show)} in {years[-1]}."
    records = [[int(y), show(r.value), show(r.lower), show(r.upper)] for y, r in zip(years, data.itertuples(), strict=True)]
    return figure(caption, drawing, alt, (Column("Year", "year"), Column(unit), *LIMITS), records)


def chart_dots(
    table: pd.DataFrame,
    caption: Caption,
    show: Show = children,
    reference: tuple[str, float] | None = None,
    unit: str = "Estimated children",
    label: str = "Area",
) -> Figure:
    """A dot for each row with its interval, in the order of the table; a hollow dot where reliability is low.

    Parameters
    ----------
    table : pandas.DataFrame
        ``label``, ``value``, ``lower``, ``upper``; ``unreliable`` (bool) and ``group`` (a heading of its own) where there are any.
    caption : Caption
    show : callable
    reference : (str, float), optional
        A line with its name, such as that of the whole authority.
    unit, label : str
        Names of the axis and of the first column of the table behind.

    Returns
    -------
    Figure

    Raises
    ------
    InputError
        Also above `MOST_ROWS` rows, which could not be read.
    """
    return chart_multiples(table.assign(measure=unit), caption, show, reference, label)


def chart_multiples(
    table: pd.DataFrame, caption: Caption, show: Show = children, reference: tuple[str, float] | None = None, label: str = "Area"
) -> Figure:
    """Small multiples: a row for each area, a panel for each measure, a dot with its interval in each; a hollow dot where reliability is low.

    Parameters
    ----------
    table : pandas.DataFrame
        ``label``, ``measure``, ``value``, ``lower``, ``upper``; ``unreliable`` (bool) where there is any. Every area has every measure
        once.
    caption, show, reference, label
        As in `chart_dots`; the reference is drawn where there is one measure.

    Returns
    -------
    Figure
    """
    data = checked(table, "dots", ["label", "measure"], ["value", "lower", "upper"])
    names, panels = list(dict.fromkeys(data["label"].astype(str))), list(dict.fromkeys(data["measure"].astype(str)))
    if len(names) > MOST_ROWS:
        raise InputError(f"The chart has {len(names)} rows; labels of more than {MOST_ROWS} cannot be read. Chart a coarser level.")
    if data.duplicated(["label", "measure"]).any() or len(data) != len(names) * len(panels):
        raise InputError("The chart needs every area with every measure once. Give areas of one name a longer name, and fill the gaps.")
    low = data["unreliable"].astype(bool) if "unreliable" in data else np.zeros(len(data), bool)
    tall = [wrapped(n, 34) for n in names]
    lines = sum(t.count("\n") + 1 for t in tall)
    drawing, grid = blank(0.75 + 0.2 * lines + 0.05 * len(names), 1, len(panels), sharey=True, squeeze=False)
    place = {n: len(names) - i for i, n in enumerate(names)}
    for axes, measure in zip(grid[0], panels, strict=True):
        rows = data[data["measure"].astype(str) == measure]
        for r, hollow in zip(rows.itertuples(), np.asarray(low)[rows.index], strict=True):
            y = place[str(r.label)]
            axes.plot([r.lower, r.upper], [y, y], color=BLUE, linewidth=1.6, solid_capstyle="butt")
            axes.plot([r.value], [y], "o", color=BLUE, markersize=6, markerfacecolor="white" if hollow else BLUE)
        named = reference is not None and len(panels) == 1
        axes.set_ylim(-0.5 if named else 0.4, len(names) + 0.6)
        axes.set_xlim(0, float(rows["upper"].max()) * 1.05 or 1)
        axes.set_yticks([place[n] for n in names], tall)
        axes.xaxis.set_major_formatter(lambda v, _: show(v) if v > 0 else "0")
        axes.xaxis.set_major_locator(few(5 if len(panels) == 1 else 2))
        axes.set_title(wrapped(measure, 60 // len(panels)), loc="left", fontsize=10)
        only_grid(axes, "x")
        if reference and len(panels) == 1:
            axes.axvline(reference[1], color=ORANGE, linewidth=1.6, linestyle="--", zorder=0)
            axes.annotate(
                f"{reference[0]}: {show(reference[1])}", (reference[1], 0.05), xytext=(4, 0), va="center",
                textcoords="offset points", fontsize=9, bbox={"facecolor": "white", "edgecolor": "none", "pad": 1},
            )  # fmt: skip
    parts = []
    for measure in panels:
        rows = data[data["measure"].astype(str) == measure]
        most, least = rows.loc[rows["value"].idxmax()], rows.loc[rows["value"].idxmin()]
        parts.append(f"{measure}: from {three(least, show)} in {least['label']} to {three(most, show)} in {most['label']}")
    flagged = int(np.sum(low))
    hollow_words = f" Hollow dots: low reliability ({flagged})." if flagged else ""
    alt = f"Dots with interval bars for {len(names)} rows, in the order of the table. {'; '.join(parts)}.{hollow_words}"
    more = (Column("Measure"),) if len(panels) > 1 else ()
    records = [[str(r.label), *([str(r.measure)] if more else []), show(r.value), show(r.lower), show(r.upper)] for r in data.itertuples()]
    return figure(caption, drawing, alt, (Column(label), *more, Column("Value" if more else panels[0]), *LIMITS), records)


def chart_overlap(table: pd.DataFrame, risks: dict[str, str], caption: Caption, show: Show = children) -> Figure:
    """Patterns of risks as rows: dots say which risks are present, bars how many children (an UpSet figure on its side).

    A Venn diagram of three circles cannot show eight numbers to scale, nor intervals.

    Parameters
    ----------
    table : pandas.DataFrame
        One row a pattern: ``value``, ``lower``, ``upper``, and a bool column for each risk. The pattern without any risk is written, not
        drawn to scale.
    risks : dict of str to str
        Label of each bool column, in order.
    caption : Caption
    show : callable

    Returns
    -------
    Figure
    """
    keys = list(risks)
    data = checked(table, "overlap", keys, ["value", "lower", "upper"])
    data = data.assign(size=data[keys].astype(bool).sum(axis=1))
    if data.duplicated(keys).any():
        raise InputError("The chart of overlap has one pattern twice. Give each combination of risks once.")
    data = data.sort_values(["size", "value"], ascending=[True, False], kind="stable").reset_index(drop=True)
    data = data.iloc[[*np.flatnonzero(data["size"] > 0), *np.flatnonzero(data["size"] == 0)]].reset_index(drop=True)
    n = len(data)
    heads = [wrapped(risks[k], 13) for k in keys]
    drawing, (left, right) = blank(
        0.36 * n + 0.35 + 0.17 * max(h.count("\n") + 1 for h in heads), 1, 2, width_ratios=(1.25 * len(keys), 5), sharey=True
    )
    colours = (GREY, BLUE, TURQUOISE, PINK)
    some = data[data["size"] > 0]
    top = float(some["upper"].max()) if len(some) else 1.0
    for i, r in data.iterrows():
        y, colour = n - int(i), colours[min(int(r["size"]), 3)]
        on = [j for j, k in enumerate(keys) if bool(r[k])]
        left.plot(range(len(keys)), [y] * len(keys), "o", markersize=9, markerfacecolor="white", markeredgecolor=RULE, linestyle="none")
        left.plot(on, [y] * len(on), "o-", color=colour, markersize=9, linewidth=2.2)
        if int(r["size"]) == 0:
            right.annotate(f"None of these: {three(r, show)}, not drawn", (0, y), xytext=(2, 0), textcoords="offset points", va="center")
            continue
        right.barh(y, r["value"], color=colour, height=0.6)
        right.plot([r["lower"], r["upper"]], [y, y], color="white", linewidth=3.4, solid_capstyle="butt")
        right.plot([r["lower"], r["upper"]], [y, y], color=INK, linewidth=1.4)
        for end in (r["lower"], r["upper"]):
            right.plot([end, end], [y - 0.13, y + 0.13], color=INK, linewidth=1.4)
        right.annotate(show(r["value"]), (max(r["upper"], r["value"]), y), xytext=(6, 0), textcoords="offset points", va="center")
    for size in sorted(set(data["size"]))[1:]:
        first = int((data["size"] != 0).mul(data["size"] < size).sum())
        if 0 < first < n:
            for axes in (left, right):
                axes.axhline(n - first + 0.5, color=RULE, linewidth=0.8)
    left.set_xlim(-0.5, len(keys) - 0.5)
    left.set_ylim(0.4, n + 0.6)
    left.set_xticks(range(len(keys)), heads, fontsize=8.5)
    left.tick_params(length=0, labelbottom=False, labeltop=True, labelleft=False)
    left.spines["bottom"].set_visible(False)
    right.set_xlim(0, top * 1.16 if top > 0 else 1)
    thousands(right.xaxis)
    right.set_title("Estimated children, with interval", loc="left", fontsize=10)
    only_grid(right, "x")
    right.tick_params(labelleft=False)

    def name(r: Any) -> str:
        on = [risks[k] for k in keys if bool(r[k])]
        return (
            f"{words.listed([on[0], *(words.lower_first(o) for o in on[1:])])}{' only' if len(on) < len(keys) else ''}"
            if on
            else "None of these"
        )

    named = [name(r) for _, r in data.iterrows()]
    alt = f"{n} patterns of {len(keys)} risks, each child in one. " + "; ".join(
        f"{w}: {three(r, show)}" for w, r in zip(named, data.itertuples(), strict=True)
    )
    records = [[w, show(r.value), show(r.lower), show(r.upper)] for w, r in zip(named, data.itertuples(), strict=True)]
    return figure(caption, drawing, f"{alt}.", (Column("Pattern"), Column("Estimated children"), *LIMITS), records)


def chart_flow(table: pd.DataFrame, caption: Caption, show: Show = lambda v: f"{v:,.0f}") -> Figure:
    """Flows from left to right as bands whose width is their number (Sankey).

    Parameters
    ----------
    table : pandas.DataFrame
        ``source``, ``target``, ``value`` (0 or more); no flow leads back.
    caption : Caption
    show : callable

    Returns
    -------
    Figure

    Raises
    ------
    InputError
        Also where flows lead in a circle, or are negative.
    """
    from matplotlib.patches import PathPatch, Rectangle
    from matplotlib.path import Path

    data = checked(table, "flow", ["source", "target"], ["value"])
    if (data["value"] < 0).any():
        raise InputError("The chart of flow has a negative flow. Turn its source and target round.")
    links = [(str(r.source), str(r.target), float(r.value)) for r in data.itertuples()]
    nodes = list(dict.fromkeys(n for s, t, _ in links for n in (s, t)))
    layer = dict.fromkeys(nodes, 0)
    for _ in nodes:
        for s, t, _v in links:
            layer[t] = max(layer[t], layer[s] + 1)
    if max(layer.values()) >= len(nodes):
        raise InputError("The chart of flow leads in a circle. Give flows that go one way.")
    depth = max(layer.values())
    into, out = ({n: sum(v for *ends, v in links if ends[k] == n) for n in nodes} for k in (1, 0))
    size = {n: max(into[n], out[n]) for n in nodes}
    total = max(sum(size[n] for n in nodes if layer[n] == d) for d in range(depth + 1)) or 1.0
    gap = 0.14 * total
    most = max(sum(1 for n in nodes if layer[n] == d) for d in range(depth + 1))
    drawing, axes = blank(max(2.4, 0.85 * most + 0.4))
    tall = total + gap * (most - 1)
    bottom: dict[str, float] = {}
    for d in range(depth + 1):
        column = [n for n in nodes if layer[n] == d]
        free = (tall - sum(size[n] for n in column)) / (len(column) + 1)
        y = tall
        for n in column:
            y -= free + size[n]
            bottom[n] = y
    bar, left, right = 0.035, {n: bottom[n] + size[n] for n in nodes}, {n: bottom[n] + size[n] for n in nodes}
    for s, t, v in links:
        x0, x1 = layer[s] + bar, layer[t] - bar
        a, b, c, d2 = right[s], left[t], right[s] - v, left[t] - v
        right[s], left[t] = c, d2
        m = (x0 + x1) / 2
        points = [(x0, a), (m, a), (m, b), (x1, b), (x1, d2), (m, d2), (m, c), (x0, c), (x0, a)]
        codes = [Path.MOVETO, Path.CURVE4, Path.CURVE4, Path.CURVE4, Path.LINETO, Path.CURVE4, Path.CURVE4, Path.CURVE4, Path.CLOSEPOLY]
        colour = CATEGORICAL[[k for _, k, _ in links if layer[k] == layer[t]].index(t) % 4] if layer[t] == depth else GREY
        axes.add_patch(PathPatch(Path(points, codes), facecolor=colour, alpha=0.35, linewidth=0))
    # Where there are many layers, a label between two of them has little room.
    texts = {n: f"{wrapped(n, 14 if depth > 3 and 0 < layer[n] < depth else 24)}\n{show(size[n])}" for n in nodes}
    line = 10.8 * tall * 1.06 / (72 * drawing.get_figheight())  # height of a line of text, in the units of the flows
    place = _apart(nodes, layer, {n: bottom[n] + size[n] / 2 for n in nodes}, {n: line * (t.count("\n") + 1.3) for n, t in texts.items()})
    for n in nodes:
        axes.add_patch(Rectangle((layer[n] - bar, bottom[n]), 2 * bar, max(size[n], tall / 400), facecolor=INK, linewidth=0))
        inner = 0 < layer[n] < depth
        x, align = (layer[n] - bar - 0.03, "right") if layer[n] == 0 else (layer[n] + bar + 0.03, "left")
        box = {"facecolor": "white", "edgecolor": "none", "alpha": 0.8, "pad": 1} if inner else None
        axes.text(x, place[n], texts[n], ha=align, va="center", fontsize=9, linespacing=1.15, bbox=box)
    axes.set_xlim(-0.62 * max(depth, 1) / 1.6, depth + 0.62 * max(depth, 1) / 1.6)
    axes.set_ylim(-0.03 * tall, max(tall * 1.03, *(place[n] + line * 2 for n in nodes)))
    axes.set_axis_off()
    alt = "Flows from left to right. " + "; ".join(f"{s} to {words.lower_first(t)}: {show(v)}" for s, t, v in links) + "."
    return figure(caption, drawing, alt, (Column("From"), Column("To"), Column("Number")), [[s, t, show(v)] for s, t, v in links])


def _apart(nodes: list[str], layer: dict[str, int], middle: dict[str, float], tall: dict[str, float]) -> dict[str, float]:
    """Middles of labels, moved up as little as it takes for none of a layer to lie over the one below it."""
    out = dict(middle)
    for d in set(layer.values()):
        below: str | None = None
        for n in sorted((n for n in nodes if layer[n] == d), key=lambda n: middle[n]):
            if below is not None:
                out[n] = max(out[n], out[below] + (tall[below] + tall[n]) / 2)
            below = n
    return out
