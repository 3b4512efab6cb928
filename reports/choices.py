"""What compare.html holds: every scenario, area and year as displayed text, rounded and worded before it is written into the page."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reports import words
from reports.choice_tables import AVERAGE, COMPARATOR, MAIN, SMALL, against, costed, free, pounds, title_of
from reports.demand_tables import (
    CASES,
    NO_POLARITY,
    horizon,
    illustration,
    other_scenarios,
    projected_services,
    service_label,
    stock_or_flow,
)
from reports.disclosure import ABSENT, difference, reliability
from reports.likelihood import NO_DIFFERENCE
from reports.need_tables import component, counts
from reports.table import cell
from reports.view import LEVEL_NAMES, Interval, View, interval

#: Levels whose estimated children can be chosen.
PLACES = ("district", "locality", "ward")
Rows = list[list[str]]
Array = NDArray[np.float64]


@dataclass(frozen=True)
class _Drawn:
    """Draws that pages are made of, taken out of the result once; arrays of shape (scenario, year, draw)."""

    scenarios: list[str]
    years: list[str]
    comparator: str
    tests: frozenset[str]
    numbers: dict[str, Array]
    moved: dict[str, Array]
    families: Array
    costs: dict[str, Array]

    @classmethod
    def of(cls, view: View) -> _Drawn:
        data, agencies = view.group("decision"), view.group("decision/agencies")
        assert data is not None
        dims = ("scenario", "year", "draw")
        numbers: dict[str, Array] = {}
        for service in projected_services(view):
            values = stock_or_flow(view, service)
            assert values is not None
            numbers[service] = values.transpose(*dims).values
        moved = {s: data["difference"].sel(service=s).transpose(*dims).values for s in numbers}
        scenarios = [str(s) for s in data["scenario"].values]
        costs: dict[str, Array] = {}
        if agencies is not None:
            costs = {str(a): agencies["cost_by_agency"].sel(agency=a).transpose(*dims).values for a in agencies["agency"].values}
        return cls(
            scenarios,
            [str(y) for y in data["year"].values],
            view.comparator,
            frozenset(s for s in scenarios if view.is_stress_test(s)),
            numbers,
            moved,
            data["families_helped"].transpose(*dims).values,
            costs,
        )

    def at(self, scenario: str) -> int:
        """Place of a scenario."""
        return self.scenarios.index(scenario)


def choices(view: View) -> dict[str, Any]:
    """Everything that can be chosen among, as text.

    Parameters
    ----------
    view : View
        Of a result with group ``decision``.

    Returns
    -------
    dict
        ``scenarios`` (name, title, reason, stress), ``areas`` (code, name), ``years`` (year, horizon); ``children`` by area: rows of
        label, estimate, lower, upper and reliability now; ``affected`` by year; ``moved`` by scenario that changes need and year;
        ``services``, ``costs`` and ``summary`` by scenario and
        year. Ready for JSON: nothing in it is unrounded.
    """
    drawn = _Drawn.of(view)
    years, scenarios = drawn.years, [view.comparator, *other_scenarios(view)]
    reasons = {str(s.get("name")): str(s.get("reason") or "") for s in view.provenance.get("scenarios", ())}
    places = _places(view)
    services = {s: {y: _services(drawn, s, i) for i, y in enumerate(years)} for s in scenarios}
    costs = {s: {y: _costs(drawn, s, i) for i, y in enumerate(years)} for s in scenarios}
    affected = _affected(view, years)
    return {
        "place": view.name,
        "comparator": view.scenario_title(view.comparator),
        "scenarios": [
            {"name": s, "title": title_of(view, s), "reason": reasons.get(s, ""), "stress": view.is_stress_test(s)} for s in scenarios
        ],
        "areas": [{"code": code, "name": name} for code, name, _ in places],
        "years": [{"year": y, "horizon": h} for y, h in zip(years, horizon(view, years), strict=True)],
        "children": {code: rows for code, _, rows in places},
        "affected": affected,
        "moved": {s: moved for s in scenarios if (moved := _affected_moved(view, s))},
        "families": {s: {y: _families(drawn, s, i) for i, y in enumerate(years)} for s in scenarios},
        "services": services,
        "costs": costs,
        "summary": {s: {y: _summary(view, s, y, services[s][y], costs[s][y]) for y in years} for s in scenarios},
        "notes": _notes(view),
    }


def _three(x: Interval, kind: str) -> list[str]:
    """Displayed differences of an interval."""
    return [cell(difference(float(v)), kind) for v in (x.value, x.lower, x.upper)]


def _places(view: View) -> list[tuple[str, str, Rows]]:
    """Code, name and estimated children of the authority and of the areas in it that may be shown."""
    measures = [*(["any_risk", "two_or_more", "all_three"] if view.members else []), *view.alone]
    out = [(view.code, f"{view.name} (whole authority)", [_children(view, m, view.need(m), "authority") for m in measures])]
    for level in PLACES:
        if not view.has(level):
            continue
        node = view.node(level)
        parts = {m: component(node, m) for m in measures if m in node["component"].values}
        for i, (code, name) in enumerate(zip(node["area"].values, node["area_name"].values, strict=True)):
            out.append((str(code), f"{name} ({LEVEL_NAMES[level][0]})", [_children(view, m, x[i], level) for m, x in parts.items()]))
    return list({code: (code, name, rows) for code, name, rows in out}.values())


def _children(view: View, measure: str, x: Interval, level: str) -> list[str]:
    return [view.measure_label(measure), *(cell(v, "count") for v in counts(x, level)), reliability(float(x.relative_width))]


def _affected(view: View, years: list[str]) -> dict[str, list[str]]:
    """Projected children affected at the start of each financial year, before any change of need by a scenario (`_affected_moved`)."""
    data = view.group("demand/population")
    assert data is not None
    at = {str(y): i for i, y in enumerate(data["year"].values)}
    x = interval(data["affected_projected"].transpose("year", "draw").values)
    return {y: [cell(v, "count") for v in counts(x[at[y[:4]]], "authority")] for y in years if y[:4] in at}


def _affected_moved(view: View, scenario: str) -> dict[str, list[str]]:
    """Difference in children affected, of a scenario that changes need, by financial year; nothing of the others."""
    data = view.group("decision/groups")
    if data is None or "affected_by_age_difference" not in data:
        return {}
    moved = data["affected_by_age_difference"].sel(scenario=scenario).sum("age_band", skipna=False).transpose("year", "draw")
    if not moved.values.any():
        return {}
    x = interval(moved.values)
    return {str(y): _three(x[i], "difference") for i, y in enumerate(moved["year"].values)}


def _families(drawn: _Drawn, scenario: str, year: int) -> list[str]:
    """More families helped than under the comparator."""
    return _three(interval(drawn.families[drawn.at(scenario), year]), "difference")


def _services(drawn: _Drawn, scenario: str, year: int) -> Rows:
    """Service, projected number and limits, difference and limits, how sure."""
    rows, i = [], drawn.at(scenario)
    for service, numbers in drawn.numbers.items():
        x = interval(numbers[i, year])
        compared = COMPARATOR if scenario == drawn.comparator else against(drawn.moved[service][i, year])
        rows.append([service_label(service), *(cell(v, "count") for v in counts(x, CASES)), *(cell(v, "difference") for v in compared)])
    return rows


def _costs(drawn: _Drawn, scenario: str, year: int) -> Rows:
    """Agency, difference in average cost and limits in the year, how sure; none for the comparator and for stress tests."""
    if scenario == drawn.comparator or scenario in drawn.tests:
        return []
    by_agency = {a: x[drawn.at(scenario), year] for a, x in drawn.costs.items()}
    rows = [[words.upper_first(a), *_money(x)] for a, x in by_agency.items()]
    if len(rows) > 1:
        rows.append(["All who have a unit cost", *_money(np.sum(list(by_agency.values()), axis=0))])
    return rows


def _money(draws: Array) -> list[str]:
    *numbers, sure = pounds(draws, True)
    return [*(cell(v, "money") for v in numbers), str(sure)]


def _summary(view: View, scenario: str, year: str, services: Rows, costs: Rows) -> str:
    """One sentence or two for a scenario and year, from the displayed rows."""
    title = title_of(view, scenario)
    if scenario == view.comparator:
        return f"{title}, {year}: this is what the other scenarios are compared with. All numbers are projected, not counted."
    main = [service_label(s) for s in MAIN]
    sure = [f"{words.lower_first(r[0])}: {r[7]}" for r in services if r[0] in main and r[7].startswith(("very likely", "likely"))]
    nothing = all(r[7] in (NO_DIFFERENCE, SMALL, ABSENT) for r in services)
    if nothing:
        said = "no difference in services is modelled in this year, or less than one either way."
    elif sure:
        said = f"{'; '.join(sure)}. The table has every service and how sure each is."
    else:
        said = "for no main service is the direction of the difference likely: it is uncertain, or there is no evidence of a difference."
    money = f" Average cost, {words.lower_first(costs[-1][0])}: {costs[-1][1]}, {costs[-1][4]}." if costs else ""
    test = " A test, not a proposal: what would bring it about, harm, and later cost are not modelled."
    return f"{title}, {year}, against {words.lower_first(view.scenario_title(view.comparator))}: {said}{money}{test if view.is_stress_test(scenario) else ''}"


def _notes(view: View) -> list[str]:
    """What must stand beside the numbers."""
    effects = {
        str(p["source"]).split(":")[0].removeprefix("Effects ") for n, p in _parameters(view).items() if n.startswith("early_help.effect.")
    }
    return [
        "Children are estimated and services projected by a model; nothing here is counted.",
        "Services are projected for the whole authority only; choosing a smaller area changes the estimated children.",
        f"How much early help does is taken as: {words.listed(sorted(effects))}." if effects else "",
        AVERAGE,
        costed(view),
        *free(view),
        NO_POLARITY,
        "" if view.early_help_supplied else illustration(),
    ]


def _parameters(view: View) -> dict[str, Any]:
    return dict(view.provenance.get("pathway", {}).get("parameters", {}))
