"""Population pyramid from a plain table, of one year or of two. Pure: a table in, a figure out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from jsna_model.errors import InputError
from reports import words
from reports.drawing import BLUE, INK, ORANGE, Figure, blank, only_grid
from reports.plot_frame import Caption, Show, checked, few, figure
from reports.table import Column

if TYPE_CHECKING:
    import pandas as pd


def chart_pyramid(
    table: pd.DataFrame, caption: Caption, show: Show = lambda v: f"{v:,.0f}", years: tuple[str, str] = ("now", "later")
) -> Figure:
    """Children by single year of age and sex, one sex to the left and one to the right.

    Parameters
    ----------
    table : pandas.DataFrame
        ``age``, ``sex`` (two of them), ``value``; each age once for each sex. ``later`` where there is a second year, drawn as an outline.
    caption : Caption
    show : callable
    years : (str, str)
        Names of the two years.

    Returns
    -------
    Figure
    """
    two = "later" in table
    data = checked(table, "pyramid", ["sex"], ["age", "value", *(["later"] if two else [])])
    sexes = list(dict.fromkeys(data["sex"].astype(str)))
    if len(sexes) != 2 or data.duplicated(["age", "sex"]).any():
        raise InputError(f"A pyramid has two sexes and each age once for each; found {', '.join(sexes)}. Chart one group as bars instead.")
    wide = data.pivot(index="age", columns="sex", values="value")
    if wide.isna().any(axis=None):
        raise InputError("A pyramid needs every age for both sexes. Add the ages that one of them lacks.")
    after = data.pivot(index="age", columns="sex", values="later") if two else wide
    ages = wide.index.to_numpy(int)
    drawing, axes = blank(0.155 * len(ages) + (1.3 if two else 1.0))
    top = max(float(wide.to_numpy().max()), float(after.to_numpy().max())) * 1.05 or 1.0
    for sex, sign, colour in zip(sexes, (-1, 1), (BLUE, ORANGE), strict=True):
        axes.barh(ages, sign * wide[sex], color=colour, height=0.86)
        if two:
            edges = [*(ages - 0.5), ages[-1] + 0.5]
            axes.stairs(sign * after[sex], edges, orientation="horizontal", baseline=None, color="white", linewidth=3.6)
            axes.stairs(sign * after[sex], edges, orientation="horizontal", baseline=None, color=INK, linewidth=1.8)
        x, align = (-top, "left") if sign < 0 else (top, "right")
        total = f"{words.upper_first(sex)}: {show(float(wide[sex].sum()))}"
        total += f" in {years[0]}, {show(float(after[sex].sum()))} in {years[1]}" if two else " in all"
        axes.annotate(
            total,
            (x, ages[-1] + 1.1),
            ha=align,
            fontweight="bold",
            annotation_clip=False,
            bbox={"facecolor": "white", "edgecolor": "none", "pad": 1.5},
        )
    axes.axvline(0, color="white", linewidth=2)
    axes.set_xlim(-top, top)
    axes.set_ylim(ages[0] - 0.7, ages[-1] + 1.9)
    axes.set_yticks(ages[:: 1 if len(ages) < 25 else 5])
    axes.xaxis.set_major_locator(few(6))
    axes.xaxis.set_major_formatter(lambda v, _: show(abs(v)))
    axes.set_ylabel("Age in years")
    only_grid(axes, "x")
    if two:
        from matplotlib.legend_handler import HandlerTuple

        pair = {tuple: HandlerTuple(ndivide=None)}
        drawing.legend(*_key(years), loc="outside lower center", ncols=2, frameon=False, fontsize=9, handlelength=3.2, handler_map=pair)
    return figure(caption, drawing, _alt(wide, after, sexes, show, years if two else None), *_numbers(wide, after, sexes, show, years, two))


def _key(years: tuple[str, str]) -> tuple[list[Any], list[str]]:
    """Handles and labels: bars for the first year, an outline for the second."""
    from matplotlib.lines import Line2D
    from matplotlib.patches import Patch

    handles = [Patch(facecolor=BLUE), Patch(facecolor=ORANGE), Line2D([], [], color=INK, linewidth=1.8)]
    return [tuple(handles[:2]), handles[2]], [f"Bars: {years[0]}", f"Outline: {years[1]}"]


def _alt(wide: Any, after: Any, sexes: list[str], show: Show, years: tuple[str, str] | None) -> str:
    """Text alternative: totals, and the largest and smallest year of age."""
    totals, later = (" and ".join(f"{show(float(t[s].sum()))} {s}" for s in sexes) for t in (wide, after))
    rows = wide.sum(axis=1)
    text = (
        f"Pyramid of ages {wide.index[0]} to {wide.index[-1]}, {sexes[0]} to the left, {sexes[1]} to the right: {totals}. Largest year of age: "
        f"{int(rows.idxmax())} ({show(float(rows.max()))}); smallest: {int(rows.idxmin())} ({show(float(rows.min()))})."
    )
    return f"{text} Bars: {years[0]}. Outline: {years[1]}, {later}." if years else text


def _numbers(
    wide: Any, after: Any, sexes: list[str], show: Show, years: tuple[str, str], two: bool
) -> tuple[tuple[Column, ...], list[list[object]]]:
    """Columns and rows of the table behind."""
    pairs = [(wide, years[0]), *([(after, years[1])] if two else [])]
    columns = (Column("Age", "year"), *(Column(f"{words.upper_first(s)}{f', {year}' if two else ''}") for _, year in pairs for s in sexes))
    return columns, [[int(a), *(show(float(t.loc[a, s])) for t, _ in pairs for s in sexes)] for a in wide.index]
