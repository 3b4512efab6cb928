"""Charts: named risks with intervals, patterns, years to 2035, caseload by scenario. Each has a table behind it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from jsna_model.conventions import risks_of
from jsna_model.pathway import STOCKS
from reports import pathway_tables, words
from reports.demand_tables import other_scenarios, pathway_source, service_label, stock_or_flow
from reports.disclosure import modelled
from reports.drawing import BLUE, GREY, ORANGE, PINK, TURQUOISE, Figure, blank, only_grid, thousands, wrapped
from reports.need_tables import CREDIBLE, projection
from reports.plot_frame import Caption
from reports.plots import chart_fan, chart_flow, chart_overlap
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
    """Children by combination of risks: the eight patterns, an UpSet figure."""
    import pandas as pd

    x = view.need_by_pattern()
    rows = pd.DataFrame({"value": x.value, "lower": x.lower, "upper": x.upper})
    for risk in view.members:
        rows[risk] = [risk in risks_of(p) for p in view.patterns]
    one, two, three = (view.need(m) for m in ("exactly_one", "two_or_more", "all_three"))
    share = float(two.value / max(float(one.value + two.value), 1e-9))
    caption = Caption(
        "patterns",
        f"{words.percent(share)} of children affected are estimated to live with two or more risks",
        f"Estimated children by combination of the {view.set_label} set, {view.name}, mid-2024. Filled circles: risks present. Each child is in one row. {CREDIBLE}.",
        table.source,
        construct=view.set_construct,
        table_key=table.key,
    )
    made = chart_overlap(rows, {risk: view.label(risk) for risk in view.members}, caption)
    return replace(
        made,
        alt=f"{made.alt} In all, exactly one: {_interval_words(one)}; two or more: {_interval_words(two)}; all three: {_interval_words(three)}.",
    )


def flow(view: View) -> Figure | None:
    """What became of the published referrals of the base year; None where a part is not published or the parts do not add up."""
    import pandas as pd

    observed = view.group("demand/observed")
    if observed is None or view.code not in observed["area"].values:
        return None
    counts = observed["observed"].sel(area=view.code).to_series()
    after = ("referrals_no_further_action", "referrals_assessed_not_in_need", "child_in_need_started")
    if not {"referrals", "re_referrals", *after} <= set(counts.index):
        return None
    referrals, again = float(counts["referrals"]), float(counts["re_referrals"])
    if not np.isfinite(counts[["referrals", "re_referrals", *after]]).all() or float(counts[list(after)].sum()) != referrals:
        return None
    rows = [("First referral in 12 months", "Referrals", referrals - again), (service_label("re_referrals"), "Referrals", again)]
    rows += [("Referrals", service_label(s), float(counts[s])) for s in after]
    started = float(counts["child_in_need_started"]) / max(referrals, 1.0)
    caption = Caption(
        "flow",
        f"{words.percent(started)} of referrals started an episode of need",
        f"Referrals in the year to 31 March {int(view.base_year[:4]) + 1}, {view.name}: what came before, and what followed. Plans and care are not parts of these flows.",
        pathway_source(view),
        "observed",
        "none: published counts",
        "counts as DfE defines them",
    )
    return chart_flow(pd.DataFrame(rows, columns=["source", "target", "value"]), caption)


def pathway(view: View, table: Table) -> Figure | None:
    """Front door and early help as one flow, projected; None without a layout."""
    import pandas as pd

    rows = pathway_tables.flows(view)
    if not rows:
        return None
    helped = sum(v for _, t, v in rows if t == "Early help")
    year = int(view.base_year[:4]) + 1
    caption = Caption(
        "pathway",
        f"{words.upper_first(words.about(helped, 'service'))} a year are projected to enter early help",
        f"Expected flows from the front door and through early help, {view.name}, {year}-{(year + 1) % 100:02d}. Parts of referrals add up to referrals; "
        "contacts and children are different units.",
        table.source,
        "projected",
        "none: expected numbers; intervals are in the table",
        "early help as this model defines it",
    )
    return chart_flow(pd.DataFrame(rows, columns=["source", "target", "value"]), caption, lambda v: words.number(modelled(v, "service")))


def to_2035(view: View, table: Table) -> Figure:
    """Children affected by year, with intervals: a fan."""
    import pandas as pd

    data = view.group("demand/population")
    assert data is not None
    years = data["year"].values.astype(int)
    children, affected = projection(view)
    x, half = interval(affected), interval(affected, 0.5)
    rows = pd.DataFrame(
        {"year": years, "value": x.value, "lower": x.lower, "upper": x.upper, "lower_inner": half.lower, "upper_inner": half.upper}
    )
    first, last = modelled(float(x.value[0]), "authority"), modelled(float(x.value[-1]), "authority")
    caption = Caption(
        "to_2035",
        f"The number affected is projected to {_direction(first, last)} by {years[-1]}",
        f"Projected children living with at least one risk of the {view.set_label} set, {view.name}, {years[0]} to {years[-1]}. Pale: {CREDIBLE}; darker: 50%.",
        table.source,
        "projected",
        table_key=table.key,
    )
    made = chart_fan(rows, caption)
    alt = (
        f"Line with shaded intervals. Children projected to live with at least one risk: {_interval_words(x[0])} in {years[0]}, "
        f"{_interval_words(x[-1])} in {years[-1]}. Children in all: {words.number(modelled(float(children[0]), 'authority'))} in {years[0]}, "
        f"{words.number(modelled(float(children[-1]), 'authority'))} in {years[-1]}."
    )
    return replace(made, alt=alt)


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
        for tick, align in zip(axes.get_xticklabels(), ("left", "right"), strict=False):
            tick.set_horizontalalignment(align)  # inside its panel: clear of the numbers of the axis
        axes.set_xlim(-0.1, len(years) - 0.9)
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
