"""Charts of compare.html: fans by scenario, cost by who pays, the cost-effectiveness plane and acceptability, each with its table.

Every chart is drawn from numbers as they are displayed, so that nothing unrounded is in the page.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from jsna_model.pathway import STOCKS
from reports import svg, words
from reports.choice_tables import title_of
from reports.choices import _Drawn
from reports.demand_tables import CASES, other_scenarios, service_label
from reports.disclosure import decimal, difference, is_absent, significant
from reports.likelihood import direction, percent
from reports.need_tables import counts
from reports.table import cell
from reports.view import View, interval

Array = NDArray[np.float64]
#: Draws of a scenario that are drawn as points.
MOST_POINTS = 150


@dataclass(frozen=True)
class Chart:
    """A chart with its words and the table behind it.

    Parameters
    ----------
    key, title, drawing : str
        Short name, headline sentence, and markup.
    heads : tuple of str
        Of the table behind it; the first column is words.
    rows : tuple of tuple of str
    note : str
        What the drawing holds.
    scenario : str
        Whose it is; empty for all of them.
    """

    key: str
    title: str
    drawing: str
    heads: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    note: str = ""
    scenario: str = ""


def charts(view: View) -> list[Chart]:
    """Every chart that the result has data for: by scenario first."""
    drawn = _Drawn.of(view)
    out: list[Chart] = []
    for scenario in [view.comparator, *other_scenarios(view)]:
        stocks = [s for s in STOCKS if s in drawn.numbers]
        if scenario != view.comparator:
            out += [c for s in stocks if (c := _moved(view, drawn, scenario, s))]
        out += [c for s in stocks if (c := _fan(view, drawn, scenario, s))]
        if scenario not in (view.comparator, *drawn.tests):
            out += [c for agency in drawn.costs if (c := _cost(view, drawn, scenario, agency))]
    return [*out, *_plane(view), *_acceptability(view)]


def _numbers(found: Sequence[object]) -> bool:
    return all(isinstance(v, (int, float)) and not is_absent(v) for v in found)


def _fan(view: View, drawn: _Drawn, scenario: str, service: str) -> Chart | None:
    """A caseload over the years: the scenario with its interval beside the comparator with its own."""
    who = [drawn.comparator] if scenario == drawn.comparator else [drawn.comparator, scenario]
    shown = {s: [counts(interval(row), CASES) for row in drawn.numbers[service][drawn.at(s)]] for s in who}
    if not all(_numbers(row) for rows in shown.values() for row in rows):
        return None
    lines = [svg.Line(title_of(view, s), *(tuple(float(r[i]) for r in rows) for i in range(3))) for s, rows in shown.items()]
    label, last = service_label(service), drawn.years[-1]
    told = f"{label}: {_words(shown[scenario][-1], 'count')} at the end of {last}"
    described = "; ".join(
        f"{title_of(view, s)}: {_words(rows[0], 'count')} in {drawn.years[0]}, {_words(rows[-1], 'count')} in {last}"
        for s, rows in shown.items()
    )
    key = f"fan-{scenario}-{service}"
    markup = svg.fan(key, told, f"Lines by financial year, shaded to the 95% interval. {described}.", drawn.years, lines, _whole)
    heads = ("Financial year", *(f"{title_of(view, s)}: {part}" for s in who for part in ("number", "lower", "upper")))
    rows = tuple((year, *(cell(v, "count") for s in who for v in shown[s][i])) for i, year in enumerate(drawn.years))
    return Chart(key, told, svg.legend([x.label for x in lines]) + markup, heads, rows, "Shaded: 95% credible interval.", scenario)


def _moved(view: View, drawn: _Drawn, scenario: str, service: str) -> Chart | None:
    """Difference of a caseload from the comparator's over the years."""
    draws = drawn.moved[service][drawn.at(scenario)]
    shown = [[difference(float(v)) for v in (x.value, x.lower, x.upper)] for x in (interval(row) for row in draws)]
    if not all(_numbers(row) for row in shown):
        return None
    told = f"{service_label(service)}: {direction(draws[-1])} at the end of {drawn.years[-1]}"
    line = svg.Line(title_of(view, scenario), *(tuple(float(r[i]) for r in shown) for i in range(3)))
    last = f"{_words(shown[0], 'difference')} in {drawn.years[0]}, {_words(shown[-1], 'difference')} in {drawn.years[-1]}"
    described = f"Difference from {view.scenario_title(view.comparator)} by year, shaded to the 95% interval: {last}."
    markup = svg.fan(f"moved-{scenario}-{service}", told, described, drawn.years, [line], _whole)
    rows = tuple((year, *(cell(v, "difference") for v in row)) for year, row in zip(drawn.years, shown, strict=True))
    heads = ("Financial year", "Difference", "Lower limit", "Upper limit")
    note = "Difference from the comparator, on the same draws. Shaded: 95% credible interval."
    return Chart(f"moved-{scenario}-{service}", told, markup, heads, rows, note, scenario)


def _whole(value: float) -> str:
    """A number on an axis.

    Examples
    --------
    >>> _whole(5000.0), _whole(-2.5)
    ('5,000', '−2.5')
    """
    return words.number(int(value)) if value == int(value) else words.number(value)


def _words(x: Sequence[object], kind: str) -> str:
    value, lower, upper = (cell(v, kind) for v in x)
    return f"{value} ({lower} to {upper})"


def _cost(view: View, drawn: _Drawn, scenario: str, agency: str) -> Chart | None:
    """Difference in cost of an agency, year by year."""
    draws = drawn.costs[agency][drawn.at(scenario)]
    shown = [[significant(float(v)) for v in (x.value, x.lower, x.upper)] for x in (interval(row) for row in draws)]
    if not all(_numbers(row) for row in shown):
        return None
    whole = draws.sum(0)
    told = f"{words.upper_first(agency)}: cost {direction(whole, 'lower', 'higher')} over the horizon"
    line = svg.Line(title_of(view, scenario), *(tuple(float(r[i]) for r in shown) for i in range(3)))
    last = f"{_words(shown[0], 'money')} in {drawn.years[0]}, {_words(shown[-1], 'money')} in {drawn.years[-1]}"
    key = f"cost-{scenario}-{agency.replace(' ', '_')}"
    markup = svg.fan(key, told, f"Difference in average cost from the comparator by year, shaded to the 95% interval: {last}.", drawn.years, [line], _pounds)  # fmt: skip
    rows = tuple((year, *(cell(v, "money") for v in row)) for year, row in zip(drawn.years, shown, strict=True))
    heads = ("Financial year", "Difference in cost", "Lower limit", "Upper limit")
    return Chart(key, told, markup, heads, rows, "Average cost, not a saving. Shaded: 95% credible interval.", scenario)


def _pounds(value: float) -> str:
    """Pounds on an axis, short.

    Examples
    --------
    >>> _pounds(-2500000), _pounds(40000), _pounds(0)
    ('−£2.5m', '£40k', '£0')
    """
    size = abs(value)
    text = f"{size / 1e6:g}m" if size >= 1e6 else f"{size / 1e3:g}k" if size >= 1e3 else f"{size:g}"
    return f"{words.MINUS if value < 0 else ''}£{text}"


def _chosen(view: View) -> list[str]:
    """Scenarios among the choices, without the comparator, as many as can be told apart."""
    data = view.group("decision/choice")
    return [] if data is None else [str(s) for s in data["scenario"].values if str(s) != view.comparator][: len(svg.COLOURS)]


def _plane(view: View) -> list[Chart]:
    """Cost against gain, a point a draw."""
    data, names = view.group("decision/choice"), _chosen(view)
    if data is None or not names:
        return []
    clouds, rows, parts = [], [], []
    for name in names:
        cost, gain = (data[v].sel(scenario=name).values for v in ("net_cost", "effect_difference"))
        n = len(cost)
        keep = np.linspace(0, n - 1, min(n, MOST_POINTS)).astype(int)
        shown = ([float(decimal(float(v))) for v in gain[keep]], [float(significant(float(v))) for v in cost[keep]])
        clouds.append((title_of(view, name), *shown))
        quadrants = [((gain > 0) & (cost < 0)), ((gain > 0) & (cost >= 0)), ((gain <= 0) & (cost < 0)), ((gain <= 0) & (cost >= 0))]
        shares = [percent(float(q.mean()), n) for q in quadrants]
        mean = [cell(difference(float(gain.mean())), "difference"), cell(significant(float(cost.mean())), "money")]
        rows.append((title_of(view, name), *mean, *shares))
        parts.append(f"{title_of(view, name)}: gain {mean[0]} on average, cost {mean[1]}; more gain and lower cost in {shares[0]} of draws")
    effect = str(data.attrs.get("effect"))
    gained = "more families helped" if effect == "families_helped" else f"fewer: {words.lower_first(service_label(effect))}"
    told = "Each point is one draw: what is gained, and what it costs"
    markup = svg.points("plane", told, f"Right: {gained}. Up: dearer. {'; '.join(parts)}.", clouds, _whole, _pounds)
    heads = ("Scenario", "Mean gain", "Mean difference in cost", "More gain, lower cost", "More gain, no lower cost", "No more gain, lower cost", "No more gain, no lower cost")  # fmt: skip
    note = (
        f"Across: {gained}, over the horizon. Up: difference in cost over the horizon. Large marks: means. Process noise is averaged out."
    )
    return [Chart("plane", told, svg.legend([c[0] for c in clouds]) + markup, heads, tuple(rows), note)]


def _acceptability(view: View) -> list[Chart]:
    """Probability that each is best, over the thresholds that were given."""
    data = view.group("decision/acceptability")
    if data is None:
        return []
    names = [view.comparator, *_chosen(view)][: len(svg.COLOURS)]
    at = sorted(float(k) for k in data["component"].values)
    n = int(view.provenance.get("draws", 1000))
    values = {s: [float(data["probability_best"].sel(scenario=s, component=k)) for k in at] for s in names}
    lines = [svg.Line(title_of(view, s), tuple(round(v, 2) for v in rows)) for s, rows in values.items()]
    rows = tuple((cell(significant(k), "money"), *(percent(values[s][i], n) for s in names)) for i, k in enumerate(at))
    best = max(names, key=lambda s: values[s][-1])
    told = f"At {cell(significant(at[-1]), 'money')}, best most often: {title_of(view, best)} ({percent(values[best][-1], n)})"
    parts = "; ".join(f"{x.label}: " + ", ".join(f"{row[i + 1]} at {row[0]}" for row in rows) for i, x in enumerate(lines))
    markup = svg.curves("acceptability", told, f"Probability to be best by what a unit of gain is worth. {parts}.", at, lines, _pounds)
    heads = ("What one unit is worth", *(x.label for x in lines))
    note = "Across: what one unit of gain is worth, as the user judges. Process noise is averaged out."
    return [Chart("acceptability", told, svg.legend([x.label for x in lines]) + markup, heads, rows, note)]
