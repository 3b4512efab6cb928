"""Charts: named risks with intervals, patterns, years to 2035, caseload by scenario. Each has a table behind it."""

from __future__ import annotations

from typing import Any

import numpy as np

from jsna_model.pathway import STOCKS
from reports import words
from reports.demand_tables import other_scenarios, service_label, stock_or_flow
from reports.disclosure import modelled
from reports.drawing import BLUE, GREY, INK, ORANGE, PINK, TURQUOISE, Figure, blank, only_grid, thousands, wrapped
from reports.need_tables import CREDIBLE, pattern_label, projection
from reports.table import Table
from reports.view import View, interval

LINES = ((BLUE, "-"), (ORANGE, "--"), (TURQUOISE, ":"), (PINK, "-."))


def named_risks(view: View, table: Table) -> Figure:
    """Dot-and-interval chart of every risk, those that stand alone above those of the set."""
    risks = [*view.alone, *view.members]
    figure, axes = blank(0.62 * len(risks) + 0.8)
    for place, risk in enumerate(risks):
        x = view.need(risk)
        y = len(risks) - place
        colour, marker = (BLUE, "o") if risk in view.members else (PINK, "D")
        axes.plot([x.lower, x.upper], [y, y], color=colour, linewidth=3, solid_capstyle="butt", alpha=0.55)
        axes.plot([x.value], [y], marker=marker, color=colour, markersize=8, linestyle="none")
        label = modelled(float(x.value), "authority")
        axes.annotate(words.number(label), (x.upper, y), xytext=(7, 0), textcoords="offset points", va="center")
    axes.set_yticks(range(len(risks), 0, -1), [wrapped(view.label(r)) for r in risks])
    if view.alone and view.members:
        axes.axhline(len(view.members) + 0.5, color=GREY, linewidth=0.8)
    axes.set_ylim(0.4, len(risks) + 0.6)
    axes.set_xlim(left=0)
    axes.margins(x=0.12)
    axes.set_xlim(0, axes.get_xlim()[1] * 1.08)
    thousands(axes.xaxis)
    axes.set_xlabel("Estimated children, with 95% credible interval")
    only_grid(axes, "x")
    parts = [f"{view.label(r)}: {_interval_words(view.need(r))}" for r in risks]
    alt = f"Chart of {len(risks)} risks, a dot for the estimate and a bar for its interval. {'; '.join(parts)}. " + (
        f"The last {len(view.members)} are the {view.set_label} set, drawn as circles; the others, drawn as diamonds, stand alone."
        if view.alone and view.members
        else ""
    )
    return Figure(
        "named_risks",
        "Each risk is estimated on its own definition: none can be added to another",
        f"Estimated children aged 0 to 17 living with each risk, {view.name}, mid-2024. Circles: {view.set_label} set; diamonds: risks on their own construct. {CREDIBLE}.",
        alt.strip(),
        table.source,
        table.key,
        figure,
    )


def _interval_words(x: Any) -> str:
    shown = [words.number(modelled(float(v), "authority")) for v in (x.value, x.lower, x.upper)]
    return f"{shown[0]} ({shown[1]} to {shown[2]})"


def patterns(view: View, table: Table) -> Figure:
    """Bars of children by combination, coloured and labelled by the number of risks."""
    x = view.need_by_pattern()
    chosen = [i for i, p in enumerate(view.patterns) if p != "none"]
    chosen.sort(key=lambda i: (view.patterns[i].count("+"), -float(x.value[i])))
    colours = (BLUE, TURQUOISE, PINK)
    figure, axes = blank(0.56 * len(chosen) + 1.0)
    for place, i in enumerate(chosen):
        y = len(chosen) - place
        size = view.patterns[i].count("+")
        axes.barh(y, x.value[i], color=colours[min(size, 2)], height=0.62)
        axes.plot([x.lower[i], x.upper[i]], [y, y], color=INK, linewidth=1.4)
        for end in (x.lower[i], x.upper[i]):
            axes.plot([end, end], [y - 0.12, y + 0.12], color=INK, linewidth=1.4)
        axes.annotate(
            words.number(modelled(float(x.value[i]), "authority")), (x.upper[i], y), xytext=(7, 0), textcoords="offset points", va="center"
        )
    axes.set_yticks(range(len(chosen), 0, -1), [wrapped(pattern_label(view, view.patterns[i]), 42) for i in chosen])
    axes.set_xlim(0, float(np.max(x.upper[chosen])) * 1.14)
    for size in (1, 2):
        first = sum(view.patterns[i].count("+") < size for i in chosen)
        if 0 < first < len(chosen):
            axes.axhline(len(chosen) - first + 0.5, color=GREY, linewidth=0.8)
    thousands(axes.xaxis)
    axes.set_xlabel("Estimated children, with 95% credible interval")
    only_grid(axes, "x")
    one, two, three = (view.need(m) for m in ("exactly_one", "two_or_more", "all_three"))
    share = float(two.value / max(float(one.value + two.value), 1e-9))
    alt = (
        "Bar chart. "
        + "; ".join(f"{pattern_label(view, view.patterns[i])}: {_interval_words(x[i])}" for i in chosen)
        + f". In all, exactly one: {_interval_words(one)}; two or more: {_interval_words(two)}; all three: {_interval_words(three)}."
    )
    return Figure(
        "patterns",
        f"{words.percent(share)} of children affected are estimated to live with two or more risks",
        f"Estimated children by combination of the {view.set_label} set, {view.name}, mid-2024. Colours: one risk (dark blue), two (turquoise), three (dark pink). {CREDIBLE}.",
        alt,
        table.source,
        table.key,
        figure,
    )


def to_2035(view: View, table: Table) -> Figure:
    """Children affected by year, with interval."""
    data = view.group("demand/population")
    assert data is not None
    years = data["year"].values.astype(int)
    children, affected = projection(view)
    x = interval(affected)
    figure, axes = blank(3.0)
    axes.fill_between(years, x.lower, x.upper, color=BLUE, alpha=0.22, linewidth=0)
    axes.plot(years, x.value, color=BLUE, linewidth=2.4)
    for place, align in ((0, "left"), (-1, "right")):
        axes.plot([years[place]], [x.value[place]], marker="o", color=BLUE)
        axes.annotate(
            words.number(modelled(float(x.value[place]), "authority")),
            (years[place], x.value[place]),
            xytext=(0, 9),
            textcoords="offset points",
            ha=align,
        )
    axes.annotate("95% credible interval", (years[-1], x.upper[-1]), xytext=(0, 5), textcoords="offset points", ha="right", color=BLUE)
    axes.set_ylim(0, float(np.max(x.upper)) * 1.15)
    axes.set_xlim(years[0] - 0.3, years[-1] + 0.3)
    axes.set_xticks(years[:: 2 if len(years) > 8 else 1], [str(y) for y in years[:: 2 if len(years) > 8 else 1]])
    thousands(axes.yaxis)
    axes.set_ylabel("Children")
    only_grid(axes, "y")
    first, last = modelled(float(x.value[0]), "authority"), modelled(float(x.value[-1]), "authority")
    move = _direction(first, last)
    alt = (
        f"Line with a shaded interval. Children projected to live with at least one risk: {_interval_words(x[0])} in {years[0]}, "
        f"{_interval_words(x[-1])} in {years[-1]}. Children in all: {words.number(modelled(float(children[0]), 'authority'))} in {years[0]}, "
        f"{words.number(modelled(float(children[-1]), 'authority'))} in {years[-1]}."
    )
    return Figure(
        "to_2035",
        f"The number affected is projected to {move} by {years[-1]}",
        f"Projected children living with at least one risk of the {view.set_label} set, {view.name}, {years[0]} to {years[-1]}. {CREDIBLE}.",
        alt,
        table.source,
        table.key,
        figure,
    )


def _direction(first: int | str, last: int | str) -> str:
    if isinstance(first, str) or isinstance(last, str):
        return "stay small"
    if abs(last - first) <= 0.02 * first:
        return "change little"
    return "rise" if last > first else "fall"


def caseload(view: View, table: Table) -> Figure | None:
    """Small multiples of each stock: the comparator with its interval, and each scenario as a line."""
    stocks = [s for s in STOCKS if stock_or_flow(view, s) is not None]
    if not stocks:
        return None
    scenarios = [view.comparator, *other_scenarios(view)]
    figure, grid = blank(3.0 + 0.22 * len(scenarios), 1, len(stocks), squeeze=False)
    handles, texts = [], []
    for axes, service in zip(grid[0], stocks, strict=True):
        values = stock_or_flow(view, service)
        assert values is not None
        years = [str(y) for y in values["year"].values]
        place = np.arange(len(years))
        top = 0.0
        for (colour, style), scenario in zip(LINES, scenarios, strict=False):
            x = interval(values.sel(scenario=scenario).transpose("year", "draw").values)
            if scenario == view.comparator:
                axes.fill_between(place, x.lower, x.upper, color=colour, alpha=0.18, linewidth=0)
                top = float(np.max(x.upper))
                texts.append(
                    f"{service_label(service)}: {_interval_words(x[0])} at the end of {years[0]}, {_interval_words(x[-1])} at the end of {years[-1]}"
                )
            axes.plot(place, x.value, color=colour, linestyle=style, linewidth=2.2, label=view.scenario_title(scenario))
        axes.set_title(wrapped(service_label(service).replace(" at 31 March", ""), 24), loc="left", fontsize=10)
        axes.set_ylim(0, max(top * 1.1, 1))
        axes.set_xticks(place[:: max(1, len(years) - 1)], [years[0], years[-1]] if len(years) > 1 else years)
        axes.set_xlim(-0.3, len(years) - 0.7)
        thousands(axes.yaxis)
        only_grid(axes, "y")
        handles = axes.get_legend_handles_labels()
    figure.legend(*handles, loc="outside upper left", ncols=1, frameon=False, fontsize=9, handlelength=3.2)
    names = words.listed([view.scenario_title(s) for s in scenarios])
    return Figure(
        "caseload",
        "Scenarios differ by less than the uncertainty of the projection"
        if _all_inside(view, stocks, scenarios)
        else "Scenarios move some caseloads outside the baseline interval",
        f"Projected children at 31 March, {view.name}, by scenario. Shaded: {CREDIBLE} of {view.scenario_title(view.comparator).lower()}.",
        f"Three small line charts, one for each caseload, with a line for each of: {names}. {view.scenario_title(view.comparator)}: {'; '.join(texts)}.",
        table.source,
        table.key,
        figure,
    )


def _all_inside(view: View, stocks: list[str], scenarios: list[str]) -> bool:
    """Whether every scenario's expectation lies inside the comparator's interval at the end."""
    for service in stocks:
        values = stock_or_flow(view, service)
        assert values is not None
        last = values.isel(year=-1)
        base = interval(last.sel(scenario=view.comparator).values)
        for scenario in scenarios[1:]:
            mean = float(last.sel(scenario=scenario).mean("draw"))
            if not float(base.lower) <= mean <= float(base.upper):
                return False
    return True
