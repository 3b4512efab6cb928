"""Tables for choosing: all scenarios beside one another, money, which is best, what is worth finding out, and what the change is made of."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from jsna_model.group import Group
from jsna_model.methods.attribution import SWING_ERRORS
from jsna_model.pathway import STOCKS
from jsna_model.verbs.decision_sources import SOURCES
from reports import words
from reports.demand_tables import CASES, horizon, other_scenarios, pathway_source, service_label, stock_or_flow
from reports.disclosure import decimal, difference, is_absent, significant
from reports.likelihood import RULE, direction, percent
from reports.need_tables import CREDIBLE, counts, pattern_label
from reports.table import Column, Table, frame
from reports.view import BAND_NAMES, View, interval

if TYPE_CHECKING:
    import xarray as xr

#: Services that are shown for all scenarios at once.
MAIN = (*STOCKS, "referrals", "re_referrals")
#: Inputs of a tornado that are shown, those that move the effect most first.
MOST_INPUTS = 8
AVERAGE = "Average cost, not a saving: average spend on a child is not what is avoided when one fewer child needs the service."
WITHOUT_TESTS = "Tests are not among the choices: what would bring them about, harm, and later cost are not modelled."
#: In place of a difference from itself; and where a difference and its interval all round to nothing.
COMPARATOR: list[object] = ["[z]", "[z]", "[z]", "comparator"]
SMALL = "less than one either way"
#: Display rule: least share of a variance that is listed.
LEAST_SHARE = 0.005
BY_GROUP = {
    "affected_by_age": "Children affected",
    "affected_by_pattern": "Children by risks",
    "open_by_age": "Open episodes of need",
    "known_by_pattern": "Known to a service, by risks",
}
PARTS = {"population": "Number of children", "need": "Share affected", "pathway": "Rates of services", "scenario": "The scenario"}


def title_of(view: View, scenario: str) -> str:
    """Title of a scenario; a stress test says so."""
    title = view.scenario_title(scenario)
    plain = view.is_stress_test(scenario) and not any(w in title.lower() for w in ("stress test", "what if"))
    return f"Stress test, not a proposal: {title}" if plain else title


def choice_tables(view: View) -> list[Table]:
    """Every table for choosing that the result has data for, in order."""
    found = [all_scenarios(view), money(view), best(view), worth(view), movers(view), sources(view), groups(view), change(view)]
    return [t for t in found if t is not None and len(t.rows)]


def all_scenarios(view: View) -> Table | None:
    """Every scenario beside the comparator: main services in the last checked year and the last one."""
    data = view.group("decision")
    if data is None:
        return None
    years = [str(y) for y in data["year"].values]
    checked = horizon(view, years)
    last = max((i for i, c in enumerate(checked) if c == "checked"), default=len(years) - 1)
    columns = (
        Column("Scenario"),
        Column("Service"),
        Column("Financial year"),
        Column("Projected number", "count"),
        Column("Lower limit", "count"),
        Column("Upper limit", "count"),
        Column("Difference", "difference"),
        Column("Difference: lower", "difference"),
        Column("Difference: upper", "difference"),
        Column("How sure"),
        Column("Horizon"),
    )
    records: list[list[object]] = []
    shown = [s for s in MAIN if s in data["service"].values]
    numbers = {s: values for s in shown if (values := stock_or_flow(view, s)) is not None}
    for scenario in [view.comparator, *other_scenarios(view)]:
        for service, values in numbers.items():
            for i in sorted({last, len(years) - 1}):
                number = interval(values.sel(scenario=scenario).isel(year=i).values)
                moved = data["difference"].sel(scenario=scenario, service=service).isel(year=i).values
                compared = COMPARATOR if scenario == view.comparator else against(moved)
                records.append([title_of(view, scenario), service_label(service), years[i], *counts(number, CASES), *compared, checked[i]])
    return Table(
        "all_scenarios",
        f"All scenarios, main services, {view.name}",
        f"modelled by jsna_model from {pathway_source(view)}",
        "counts as DfE defines them; differences on the same draws",
        "scenario",
        CREDIBLE,
        columns,
        frame(columns, records),
        (f"Comparator: {view.scenario_title(view.comparator)}.", RULE, "Rows overlap and are not added to one another."),
        kind="decision",
    )


def against(draws: NDArray[np.float64]) -> list[object]:
    """A difference from the comparator with its interval, rounded, and how sure it is; what rounds to nothing is said to be small."""
    x = interval(draws)
    shown: list[object] = [difference(float(v)) for v in (x.value, x.lower, x.upper)]
    return [*shown, SMALL if shown == [0, 0, 0] and draws.any() else direction(draws)]


def money(view: View) -> Table | None:
    """Cost by agency over the horizon, the most that early help may cost to pay, and what is cashable."""
    data, scenarios = view.group("decision/agencies"), [s for s in other_scenarios(view) if not view.is_stress_test(s)]
    if data is None or not scenarios:
        return None
    columns = (
        Column("Scenario"),
        Column("What"),
        Column("Difference", "money"),
        Column("Lower limit", "money"),
        Column("Upper limit", "money"),
        Column("How sure"),
    )
    records: list[list[object]] = []
    for scenario in scenarios:
        at = data.sel(scenario=scenario)
        for agency in at["agency"].values:
            records.append(
                [title_of(view, scenario), f"Whole horizon: {agency}", *pounds(at["present_value"].sel(agency=agency).values, True)]
            )
            if "cashable_difference" in at:
                of_it = at["cashable_difference"].sel(agency=agency).sum("year", skipna=False).values
                records.append([title_of(view, scenario), f"Of it cashable, as you judge, not discounted: {agency}", *pounds(of_it, True)])
            for part in ("marginal", "fixed"):
                if f"{part}_difference" in at:
                    of_it = at[f"{part}_difference"].sel(agency=agency).sum("year", skipna=False).values
                    if not of_it.any():
                        continue
                    which = words.listed([words.lower_first(service_label(s)) for s in str(data.attrs.get("split")).split(", ")])
                    label = f"Of it {part}, of {which}, not discounted: {agency}"
                    records.append([title_of(view, scenario), label, *pounds(of_it, True)])
        most = at["break_even_cost"].values if "break_even_cost" in at else np.array([np.nan])
        if np.isfinite(most).all():
            label = "Most that one more family helped may cost for services to pay for it"
            records.append([title_of(view, scenario), label, *pounds(most, True)])
    years = [str(y) for y in data["year"].values]
    return Table(
        "money",
        f"Difference in cost by who pays, {years[0]} to {years[-1]}, {data.attrs.get('price_year')} prices, {view.name}",
        "difference in services times unit costs",
        f"average cost, not a saving; {data.attrs.get('price_year')} prices, {data.attrs.get('discounting')}",
        "scenario",
        CREDIBLE,
        columns,
        frame(columns, records),
        (AVERAGE, costed(view), WITHOUT_TESTS, *free(view)),
        kind="decision",
    )


def free(view: View) -> list[str]:
    """What is said of scenarios that are no choices, because what it takes to bring them about has no cost."""
    data = view.group("decision/choice")
    names = [n for n in str(data.attrs.get("without_cost", "")).split(", ") if n] if data is not None else []
    if not names:
        return []
    titles = words.listed([title_of(view, n) for n in names])
    return [f"Not among the choices: {titles}. What it takes is not costed, and it would look free: give [unit_costs] with of = its name."]


def costed(view: View) -> str:
    """Which services have a unit cost, and which agencies are absent."""
    data = view.group("decision/costs")
    services = [] if data is None else [str(s) for s in data["service"].values]
    labels = words.listed([words.lower_first(service_label(s)) for s in services]) if services else "none"
    missing = "" if "early_help" in services else " What early help itself costs is not in it: it was not given."
    agencies = view.group("decision/agencies")
    absent = str(agencies.attrs.get("not_costed", "")) if agencies is not None else ""
    named = words.listed(absent.split(", ")) if absent else ""
    unknown = f" Not costed: {named}. They are absent, not zero: give [unit_costs] with that agency." if named else ""
    return f"Services with a unit cost: {labels}.{missing}{unknown}"


def pounds(draws: NDArray[np.float64], sure: bool) -> list[object]:
    """A difference in money with its interval, rounded, and how sure it is."""
    x = interval(draws)
    shown: list[object] = [significant(float(v)) for v in (x.value, x.lower, x.upper)]
    return [*shown, direction(draws, "lower", "higher")] if sure else shown


def best(view: View) -> Table | None:
    """Expected net cost and effect, payback, and at each threshold the probability to be best."""
    data, accept = view.group("decision/choice"), view.group("decision/acceptability")
    if data is None:
        return None
    thresholds = [] if accept is None else [float(k) for k in accept["component"].values]
    columns = (
        Column("Scenario"),
        Column("Net cost", "money"),
        Column("Gain in effect", "difference"),
        Column("Gain: lower", "difference"),
        Column("Gain: upper", "difference"),
        Column("Cost of one more unit", "money"),
        Column("Probability to be on the frontier"),
        Column("Paid back within the horizon"),
        *(Column(f"Probability best at £{k:,.0f}") for k in thresholds),
    )
    records = []
    for scenario in [str(s) for s in data["scenario"].values]:
        at = data.sel(scenario=scenario)
        draws = at.sizes["draw"]
        gain = interval(at["effect_difference"].values)
        ratio = float(at["icer"])
        paid = percent(float(np.isfinite(at["payback"].values).mean()), draws) if scenario != view.comparator else "comparator"
        row: list[object] = [title_of(view, scenario), significant(float(at["net_cost"].mean()))]
        row += [difference(float(v)) for v in (gain.value, gain.lower, gain.upper)]
        row += [significant(ratio) if np.isfinite(ratio) else "[z]", percent(float(at["probability_on_frontier"]), draws), paid]
        for k in thresholds:
            assert accept is not None
            cell = accept.sel(scenario=scenario, component=k)
            text = percent(float(cell["probability_best"]), draws)
            row.append(f"{text}; highest expected" if float(cell["most_expected"]) else text)
        records.append(row)
    effect = str(data.attrs.get("effect"))
    gained = "more families helped" if effect == "families_helped" else f"fewer: {words.lower_first(service_label(effect))}"
    return Table(
        "best",
        f"Which is best, and what it costs to gain, {view.name}",
        "net benefit of each scenario on the same draws",
        f"{gained}, over the horizon (stocks in child-years); {data.attrs.get('price_year')} prices, {data.attrs.get('discounting')}",
        "scenario",
        CREDIBLE,
        columns,
        frame(columns, records),
        (
            "A threshold is what one unit of the effect is worth, as the user judges; none is assumed.",
            "[z] in cost of one more unit: the scenario others start from, or one that another does at least as well for no more.",
            WITHOUT_TESTS,
            *free(view),
            AVERAGE,
        ),
        kind="decision",
        document_columns=(*(c.label for c in columns[:5]), *(f"Probability best at £{k:,.0f}" for k in _few(thresholds))),
    )


def _few(thresholds: list[float]) -> list[float]:
    """First, middle and last, which a page has room for."""
    return thresholds if len(thresholds) <= 3 else [thresholds[0], thresholds[len(thresholds) // 2], thresholds[-1]]


def worth(view: View) -> Table | None:
    """What finding out more would be worth, where it is known well enough to show."""
    accept = view.group("decision/acceptability")
    nodes = [n for n in view.result.nodes("decision") if n.startswith("decision/information/at_")]
    if accept is None or not nodes:
        return None
    columns = (
        Column("What could be found out"),
        Column("Threshold", "money"),
        Column("Worth at most", "money"),
        Column("Of all that is not known"),
    )
    records: list[list[object]] = []
    for path in nodes:
        node = view.group(path)
        assert node is not None
        k = float(node.attrs["threshold"])
        all_of_it = float(accept["evpi"].sel(component=k))
        order = np.argsort(-node["evppi"].values, kind="stable")
        for i in order:
            cell = node.isel(component=int(i))
            stable, value = bool(float(cell["evppi_stable"])), float(cell["evppi"])
            share = decimal(value / all_of_it, 100) if stable and all_of_it > 0 else "[z]"
            shown = significant(value) if stable else "not known well enough"
            records.append([name_of(str(cell["component"].values)), significant(k), shown, share if share == "[z]" else f"{share}%"])
        records.append(["Everything (an upper bound)", significant(k), significant(all_of_it), "100.0%" if all_of_it > 0 else "[z]"])
    return Table(
        "worth",
        f"Which number is worth finding out, {view.name}",
        "expected value of partial perfect information, by regression on the draws (Strong, Oakley and Brennan 2014)",
        "pounds for this decision of this area over the horizon",
        "scenario",
        "none: an expected value",
        columns,
        frame(columns, records),
        (
            "A study that costs more than this is not worth it for this decision alone. Zero: the choice would be the same whatever was found.",
            "'Not known well enough': doubling the draws moves it by a tenth or more; ask for more draws.",
        ),
        kind="decision",
    )


def movers(view: View) -> Table | None:
    """Inputs that move the effect of each scenario most."""
    data = view.group("decision/tornado")
    if data is None:
        return None
    columns = (Column("Scenario"), Column("Input"), Column("Gain where it is low", "rate"), Column("Gain where it is high", "rate"))
    records: list[list[object]] = []
    for scenario in [str(s) for s in data["scenario"].values if str(s) != view.comparator]:
        low, high = (data[k].sel(scenario=scenario).values for k in ("at_low", "at_high"))
        told = told_from_chance(data.sel(scenario=scenario))
        if not told:
            records.append([title_of(view, scenario), "none that is told from chance with so many draws", "[z]", "[z]"])
        for i in told[:MOST_INPUTS]:
            name = name_of(str(data["component"].values[i]))
            records.append([title_of(view, scenario), name, decimal(float(low[i])), decimal(float(high[i]))])
    return Table(
        "movers",
        f"What moves the answer, {view.name}",
        "regression of the effect on each input, over the draws",
        f"gain in effect at the input's 10% and 90% quantiles: {words.lower_first(service_label(str(data.attrs.get('effect'))))}",
        "scenario",
        "none: expected values",
        columns,
        frame(columns, records),
        (
            "Inputs that vary together each carry what the other does.",
            "Left out: inputs whose low and high differ by no more than the number of draws makes by chance "
            f"({SWING_ERRORS:g} standard errors).",
        ),
        kind="decision",
    )


def told_from_chance(data: xr.Dataset) -> list[int]:
    """Places of the inputs of a scenario's tornado that are told from chance, those that move the effect most first."""
    swing = np.abs(data["at_high"].values - data["at_low"].values)
    # Results of earlier versions have no error.
    error = data["swing_error"].values if "swing_error" in data else np.zeros_like(swing)
    return [int(i) for i in np.argsort(-swing, kind="stable") if swing[i] > SWING_ERRORS * error[i]]


def sources(view: View) -> Table | None:
    """Variance by source of effect, net cost and net benefit."""
    nodes = [n for n in view.result.nodes("decision") if n.startswith("decision/sources/")]
    if not nodes:
        return None
    held = {str(s) for path in nodes if (node := view.group(path)) is not None for s in node["scenario"].values}
    names = [s for s in other_scenarios(view) if not view.is_stress_test(s) and s in held]
    columns = (Column("Of what"), Column("What is not known"), *(Column(title_of(view, s), "percent") for s in names))
    records: list[list[object]] = []
    for path in nodes:
        node = view.group(path)
        assert node is not None
        parts = node["variance"].sel(scenario=names).transpose("component", "scenario")
        total = parts.sum("component").values
        shares = np.divide(parts.values, total, out=np.full(parts.shape, np.nan), where=total > 0)
        for name, row in zip([str(c) for c in parts["component"].values], shares, strict=True):
            if np.nanmax(np.abs(row), initial=0.0) >= LEAST_SHARE:
                shown = [decimal(float(v), 100) if np.isfinite(v) else "[z]" for v in row]
                records.append([outcome_name(path.rpartition("/")[2]), words.upper_first(SOURCES[name]), *shown])
    return Table(
        "uncertainty",
        f"What makes the answer uncertain, {view.name}",
        "variance shared out among what is not known: Shapley values of what each set explains (Owen 2014)",
        "share of the variance over the draws",
        "scenario",
        "none: shares of a variance",
        columns,
        frame(columns, records),
        (
            "Shares add up to the whole variance; those below half a percent are left out. 'Chance' is not part of a decision: it is averaged out.",
            "A source that nobody has put an uncertainty on, such as a unit cost, has no share.",
        ),
        kind="decision",
    )


def outcome_name(what: str) -> str:
    """An outcome of a decision in words.

    Examples
    --------
    >>> outcome_name("net_benefit_at_50000"), outcome_name("effect")
    ('Net benefit at £50,000', 'Gain in effect')
    """
    if what.startswith("net_benefit_at_"):
        return f"Net benefit at £{float(what.removeprefix('net_benefit_at_')):,.0f}"
    return "Gain in effect" if what == "effect" else "Net cost"


def groups(view: View) -> Table | None:
    """Differences by age and by risks at the end of the horizon."""
    data = view.group("decision/groups")
    if data is None:
        return None
    columns = (
        Column("Scenario"),
        Column("What"),
        Column("Group"),
        Column("Difference", "difference"),
        Column("Lower limit", "difference"),
        Column("Upper limit", "difference"),
        Column("How sure"),
    )
    records: list[list[object]] = []
    for scenario in other_scenarios(view):
        for name, label in BY_GROUP.items():
            if f"{name}_difference" not in data:
                continue
            cells = data[f"{name}_difference"].sel(scenario=scenario).isel(year=-1)
            if not cells.values.any():
                continue
            dim = "age_band" if "age_band" in cells.dims else "pattern"
            for group in [str(g) for g in cells[dim].values]:
                called = pattern_label(view, group) if dim == "pattern" else BAND_NAMES.get(group, group)
                records.append([title_of(view, scenario), label, called, *against(cells.sel({dim: group}).values)])
    return Table(
        "groups",
        f"Differences by age and by risks, end of {data['year'].values[-1]}, {view.name}",
        f"modelled by jsna_model from {pathway_source(view)}",
        "children; differences on the same draws",
        "scenario",
        CREDIBLE,
        columns,
        frame(columns, records),
        (RULE, "Who is affected no more has none of the risks: groups by risks add up to no difference."),
        kind="decision",
        # Long: documents show it where a scenario is for a group, the workbook always.
        brief=tuple(i for i, r in enumerate(records) if r[1] == BY_GROUP["affected_by_age"]) or None,
        brief_title="children affected",
        in_documents=any(Group.of(c.get("group")) for s in view.provenance.get("scenarios", ()) for c in s.get("changes", ())),
    )


def change(view: View) -> Table | None:
    """What the change from the base year to the last is made of."""
    data = view.group("decision/change")
    if data is None:
        return None
    columns = (
        Column("Scenario"),
        Column("Service"),
        Column("Part of the change"),
        Column("Part", "difference"),
        Column("Lower limit", "difference"),
        Column("Upper limit", "difference"),
    )
    records = [row for scenario in other_scenarios(view) for row in _parts(view, data["change_part"], scenario)]
    return Table(
        "change",
        f"What the change from {data.attrs.get('from')} to {data.attrs.get('to')} is made of, {view.name}",
        f"modelled by jsna_model from {pathway_source(view)}",
        "each factor moved alone; what factors do together is its own row",
        "scenario",
        CREDIBLE,
        columns,
        frame(columns, records),
        ("Parts add up to the change on every draw; as shown, they are rounded one by one.",),
        kind="decision",
    )


def _parts(view: View, data: xr.DataArray, scenario: str) -> Iterator[list[object]]:
    for service in STOCKS:
        cell = data.sel(scenario=scenario, service=service).transpose("component", "draw")
        if is_absent(float(cell.mean())):
            continue
        for part in [str(c) for c in cell["component"].values]:
            x = interval(cell.sel(component=part).values)
            shown = [difference(float(v)) for v in (x.value, x.lower, x.upper)]
            yield [title_of(view, scenario), service_label(service), PARTS.get(part, "What these do together"), *shown]


def name_of(parameter: str) -> str:
    """A parameter or group of them in words.

    Examples
    --------
    >>> name_of("early_help.effect.care"), name_of("need")
    ('Early help: effect, care', 'Need')
    """
    first, *rest = parameter.replace("_", " ").split(".")
    return words.upper_first(first) + (f": {', '.join(rest)}" if rest else "")
