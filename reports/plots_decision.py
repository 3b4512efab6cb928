"""Charts of decisions from plain tables: waterfall, tornado, cost-effectiveness plane and acceptability curve. Pure: a table in, a figure out."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from jsna_model.errors import InputError
from reports import words
from reports.drawing import BLUE, GREY, INK, ORANGE, PINK, TURQUOISE, Figure, blank, only_grid, thousands, wrapped
from reports.plot_frame import Caption, Show, checked, figure, per_cent
from reports.table import Column

if TYPE_CHECKING:
    import pandas as pd

LINES = ((BLUE, "-", "o"), (ORANGE, "--", "s"), (TURQUOISE, ":", "^"), (PINK, "-.", "D"))
#: Draws of a strategy that are drawn as points: more would hide one another.
MOST_POINTS = 300
#: Changes smaller than this share of the start are drawn on an axis that leaves nought out, and says so.
CLOSE = 0.25
#: 95% point of the chi-squared distribution with two degrees of freedom: -2 ln 0.05.
ELLIPSE = -2 * np.log(0.05)


def number(value: float) -> str:
    """A whole number with thousands separated and a proper minus sign."""
    return words.number(round(float(value)))


def change(value: float) -> str:
    """A change with its sign."""
    shown = number(value)
    return f"+{shown}" if round(float(value)) > 0 else shown


def money(value: float) -> str:
    """Pounds, to the nearest one, with a proper minus sign."""
    shown = number(abs(value))
    return f"{words.MINUS if round(float(value)) < 0 else ''}£{shown}"


def chart_waterfall(
    table: pd.DataFrame, caption: Caption, show: Show = number, start: tuple[str, float] | None = None, end: str = "In all"
) -> Figure:
    """What a change is made of: a bar for each factor from where the one before it ended.

    Parameters
    ----------
    table : pandas.DataFrame
        ``factor``, ``value`` (change, either sign), ``lower``, ``upper`` (of that change), in order.
    caption : Caption
    show : callable
    start : (str, float), optional
        Name and number from which the changes go; nought without it.
    end : str
        Name of the last bar, the start and every change together.

    Returns
    -------
    Figure
    """
    data = checked(table, "waterfall", ["factor"], ["value", "lower", "upper"])
    at = start[1] if start else 0.0
    total = at + float(data["value"].sum())
    labels = [*([start[0]] if start else []), *data["factor"].astype(str), end]
    n = len(labels)
    tall = [wrapped(x, 32) for x in labels]
    drawing, axes = blank(0.75 + 0.22 * sum(t.count("\n") + 1 for t in tall) + 0.14 * n)
    y, edges = n, [at, total]
    reach = [float(v) for v in np.concatenate([data["value"], data["lower"], data["upper"]])]
    near = start is not None and max(map(abs, reach)) < CLOSE * abs(at)  # changes too small to be seen on an axis from nought
    if not near:
        edges.append(0.0)

    def whole(place: int, value: float) -> None:
        """A bar from nought; where the axis leaves nought out, a line, because a bar's length would mislead."""
        if near:
            axes.plot([value, value], [place - 0.3, place + 0.3], color=GREY, linewidth=4, solid_capstyle="butt")
        else:
            axes.barh(place, value, color=GREY, height=0.6)

    if start:
        whole(y, at)
        axes.annotate(show(at), (at, y), xytext=(5, 0), textcoords="offset points", va="center", fontweight="bold")
        y -= 1
    for r in data.itertuples():
        after = at + r.value
        axes.barh(y, r.value, left=at, color=BLUE if r.value >= 0 else ORANGE, height=0.6)
        axes.plot([at + r.lower, at + r.upper], [y, y], color="white", linewidth=3.2, solid_capstyle="butt")
        axes.plot([at + r.lower, at + r.upper], [y, y], color=INK, linewidth=1.4, marker="|", markersize=7)
        right = max(at, after, at + r.upper)
        axes.annotate(
            change(r.value) if show is number else _signed(show, r.value),
            (right, y),
            xytext=(6, 0),
            textcoords="offset points",
            va="center",
        )
        axes.plot([after, after], [y - 0.3, y - 0.7], color=GREY, linewidth=0.8)
        edges += [at + r.lower, at + r.upper, after]
        at, y = after, y - 1
    whole(y, total)
    axes.annotate(
        show(total), (total if near else max(total, 0), y), xytext=(5, 0), textcoords="offset points", va="center", fontweight="bold"
    )
    if near:
        axes.set_title("The axis does not start at zero", loc="left", fontsize=9)
    else:
        axes.axvline(0, color=INK, linewidth=0.8)
    axes.set_yticks(range(n, 0, -1), tall)
    low, high = min(edges), max(edges)
    axes.set_xlim(low - 0.04 * (high - low) if low < 0 or near else 0, high + 0.16 * (high - low or 1))
    thousands(axes.xaxis)
    only_grid(axes, "x")
    parts = "; ".join(
        f"{r.factor}: {_signed(show, r.value)} ({_signed(show, r.lower)} to {_signed(show, r.upper)})" for r in data.itertuples()
    )
    alt = f"Waterfall. {f'From {show(start[1])} ({start[0]}). ' if start else ''}{parts}. {end}: {show(total)}."
    records = [[str(r.factor), _signed(show, r.value), _signed(show, r.lower), _signed(show, r.upper)] for r in data.itertuples()]
    rows = [*([[start[0], show(start[1]), "[z]", "[z]"]] if start else []), *records, [end, show(total), "[z]", "[z]"]]
    return figure(caption, drawing, alt, (Column("Factor"), Column("Change"), Column("Lower limit"), Column("Upper limit")), rows)


def _signed(show: Show, value: float) -> str:
    return f"+{show(value)}" if value > 0 and show(value) != show(0.0) else show(value)


def chart_tornado(
    table: pd.DataFrame,
    caption: Caption,
    base: float,
    show: Show = number,
    unit: str = "Result",
    line: str = "every parameter at its central value",
) -> Figure:
    """How far the result moves when each parameter is set low and high, widest first.

    Parameters
    ----------
    table : pandas.DataFrame
        ``parameter``, ``low``, ``high``: the result with the parameter at its low and at its high value.
    caption : Caption
    base : float
        The result with every parameter at its central value.
    show : callable
    unit : str
        What the result is.
    line : str
        What `base` is.

    Returns
    -------
    Figure
    """
    data = checked(table, "tornado", ["parameter"], ["low", "high"])
    data = data.assign(width=(data["high"] - data["low"]).abs()).sort_values("width", ascending=False, kind="stable").reset_index(drop=True)
    tall = [wrapped(str(p), 32) for p in data["parameter"]]
    n = len(data)
    drawing, axes = blank(0.95 + 0.2 * sum(t.count("\n") + 1 for t in tall) + 0.14 * n)
    for i, r in data.iterrows():
        y = n - int(i)
        for end, colour, hatch in ((r["low"], ORANGE, "///"), (r["high"], BLUE, "")):
            axes.barh(y, end - base, left=base, color=colour, height=0.6, hatch=hatch, edgecolor="white", linewidth=0)
        for end, other in ((r["low"], r["high"]), (r["high"], r["low"])):
            left = end < base or (end == base and other > base)
            axes.annotate(show(end), (end, y), xytext=(-5 if left else 5, 0), textcoords="offset points", va="center", ha="right" if left else "left", fontsize=9)  # fmt: skip
    axes.axvline(base, color=INK, linewidth=1.2)
    low, high = min(float(data[["low", "high"]].min().min()), base), max(float(data[["low", "high"]].max().max()), base)
    pad = 0.17 * (high - low or 1)
    axes.set_xlim(low - pad, high + pad)
    axes.set_yticks(range(n, 0, -1), tall)
    axes.set_title(f"{unit}; line: {show(base)}, {line}", loc="left", fontsize=10)
    axes.xaxis.set_major_formatter(lambda v, _: show(v))
    axes.locator_params(axis="x", nbins=5)
    only_grid(axes, "x")
    from matplotlib.patches import Patch

    drawing.legend(
        handles=[Patch(facecolor=ORANGE, hatch="///", edgecolor="white", label="parameter low"), Patch(facecolor=BLUE, label="parameter high")],
        loc="outside lower left", ncols=2, frameon=False, fontsize=9,
    )  # fmt: skip
    parts = "; ".join(f"{r.parameter}: {show(r.low)} where low, {show(r.high)} where high" for r in data.itertuples())
    alt = f"Tornado chart of {n} parameters, widest first, around {show(base)} ({unit}). {parts}."
    records = [[str(r.parameter), show(r.low), show(r.high)] for r in data.itertuples()]
    return figure(
        caption, drawing, alt, (Column("Parameter"), Column(f"{unit}: parameter low"), Column(f"{unit}: parameter high")), records
    )


def chart_plane(
    table: pd.DataFrame,
    caption: Caption,
    threshold: float | None = None,
    effect: str = "Difference in effect",
    cost: str = "Difference in cost",
    show_effect: Show = number,
    show_cost: Show = money,
) -> Figure:
    """Cost-effectiveness plane: draws of difference in cost against difference in effect, with their mean and an ellipse of 95% of them.

    Parameters
    ----------
    table : pandas.DataFrame
        ``strategy``, ``effect``, ``cost``: one row a draw, differences from the comparator.
    caption : Caption
    threshold : float, optional
        Willingness to pay for a unit of effect: drawn as a line.
    effect, cost : str
        Names of the axes, with their units and which way is better.
    show_effect, show_cost : callable

    Returns
    -------
    Figure
        The ellipse takes the draws to be bivariate normal: it is a guide to the eye.
    """
    data = checked(table, "cost-effectiveness plane", ["strategy"], ["effect", "cost"])
    strategies = list(dict.fromkeys(data["strategy"].astype(str)))
    if len(strategies) > len(LINES):
        raise InputError(f"The plane has {len(strategies)} strategies; more than {len(LINES)} cannot be told apart. Chart fewer.")
    drawing, axes = blank(4.0)
    records, parts = [], []
    turn = np.linspace(0, 2 * np.pi, 90)
    for name, (colour, line, marker) in zip(strategies, LINES, strict=False):
        rows = data[data["strategy"].astype(str) == name][["effect", "cost"]].to_numpy(float)
        keep = rows[np.linspace(0, len(rows) - 1, min(len(rows), MOST_POINTS)).astype(int)]
        axes.plot(keep[:, 0], keep[:, 1], marker, color=colour, alpha=0.28, markersize=3, markeredgewidth=0)
        middle = rows.mean(0)
        if len(rows) > 2:
            values, vectors = np.linalg.eigh(np.cov(rows.T))
            ring = (vectors * np.sqrt(np.maximum(values, 0) * ELLIPSE)) @ np.vstack([np.cos(turn), np.sin(turn)])
            axes.plot(middle[0] + ring[0], middle[1] + ring[1], color=colour, linestyle=line, linewidth=1.8)
        axes.plot(*middle, marker, color=colour, markersize=10, markeredgecolor="white", label=name)
        better = rows[:, 0] > 0
        cheaper = rows[:, 1] < 0
        shares = [(better & cheaper).mean(), (better & ~cheaper).mean(), (~better & cheaper).mean(), (~better & ~cheaper).mean()]
        records.append([name, show_effect(middle[0]), show_cost(middle[1]), *(per_cent(s) for s in shares)])
        parts.append(
            f"{name}: mean effect {show_effect(middle[0])}, mean cost {show_cost(middle[1])}; more effect and lower cost in {per_cent(shares[0])} of draws, more effect and higher or equal cost in {per_cent(shares[1])}"
        )
    axes.axhline(0, color=INK, linewidth=0.8)
    axes.axvline(0, color=INK, linewidth=0.8)
    if threshold is not None:
        x = np.array(axes.get_xlim())
        y = axes.get_ylim()
        axes.plot(x, threshold * x, color=GREY, linewidth=1.2, linestyle=(0, (1, 1)), label=f"{show_cost(threshold)} for a unit of effect")
        axes.set_xlim(*x)
        axes.set_ylim(*y)
    axes.xaxis.set_major_formatter(lambda v, _: show_effect(v))
    axes.yaxis.set_major_formatter(lambda v, _: show_cost(v))
    axes.locator_params(axis="x", nbins=6)
    axes.set_xlabel(effect)
    axes.set_title(cost, loc="left", fontsize=10)
    axes.grid(True)
    axes.tick_params(length=0)
    drawing.legend(loc="outside upper left", ncols=1, frameon=False, fontsize=9)
    told = f" Dotted line: {show_cost(threshold)} for a unit of effect." if threshold is not None else ""
    alt = f"Cost-effectiveness plane. {'; '.join(parts)}.{told}"
    columns = (
        Column("Strategy"), Column("Mean difference in effect"), Column("Mean difference in cost"), Column("More effect, lower cost"),
        Column("More effect, higher or equal cost"), Column("No more effect, lower cost"), Column("No more effect, higher or equal cost"),
    )  # fmt: skip
    return figure(caption, drawing, alt, columns, records)


def chart_acceptability(
    table: pd.DataFrame,
    caption: Caption,
    show: Show = money,
    unit: str = "Willingness to pay for a unit of effect",
    digits: Show = per_cent,
) -> Figure:
    """Probability that each strategy is the best buy, by willingness to pay.

    Parameters
    ----------
    table : pandas.DataFrame
        ``threshold``, ``strategy``, ``probability`` (0 to 1).
    caption : Caption
    show : callable
        Of a threshold.
    unit : str
    digits : callable
        Of a probability.

    Returns
    -------
    Figure
    """
    checked(table, "acceptability", ["strategy"], ["threshold"])
    data = checked(table, "acceptability", ["strategy"], ["probability"], probability=True)
    strategies = list(dict.fromkeys(data["strategy"].astype(str)))
    if len(strategies) > len(LINES):
        raise InputError(f"The curve has {len(strategies)} strategies; more than {len(LINES)} cannot be told apart. Chart fewer.")
    drawing, axes = blank(3.2)
    parts, records = [], []
    for name, (colour, line, _) in zip(strategies, LINES, strict=False):
        rows = data[data["strategy"].astype(str) == name].sort_values("threshold")
        axes.plot(rows["threshold"], rows["probability"], color=colour, linestyle=line, linewidth=2.2, label=name)
        first, last = rows.iloc[0], rows.iloc[-1]
        parts.append(
            f"{name}: {digits(first['probability'])} at {show(first['threshold'])}, {digits(last['probability'])} at {show(last['threshold'])}"
        )
        records += [[name, show(r.threshold), digits(r.probability)] for r in rows.itertuples()]
    axes.set_ylim(0, 1)
    axes.yaxis.set_major_formatter(lambda v, _: f"{v:.0%}")
    axes.xaxis.set_major_formatter(lambda v, _: show(v))
    axes.locator_params(axis="x", nbins=6)
    axes.margins(x=0.02)
    axes.set_xlabel(unit)
    axes.set_title("Probability of being the best buy", loc="left", fontsize=10)
    only_grid(axes, "y")
    drawing.legend(loc="outside upper left", ncols=1, frameon=False, fontsize=9, handlelength=3.2)
    alt = f"Lines of the probability that each strategy is the best buy, by willingness to pay. {'; '.join(parts)}."
    return figure(caption, drawing, alt, (Column("Strategy"), Column("Willingness to pay"), Column("Probability")), records)
