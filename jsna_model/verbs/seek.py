"""Goal-seek: what reach, price or effect makes a scenario pay, by bisection over whole runs on the same draws."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from jsna_model.errors import InputError, unknown_name
from jsna_model.methods.prices import goal_seek
from jsna_model.pathway import Pathway
from jsna_model.population import Population
from jsna_model.result import Result
from jsna_model.scenario import Scenario
from jsna_model.verbs.compare import compare
from jsna_model.verbs.project import project

#: Prefix of unit costs among what can be sought.
COST = "unit_cost."


@dataclass(frozen=True)
class Sought:
    """What makes a scenario pay.

    Parameters
    ----------
    value : float
        At which it breaks even; NaN where it does nowhere in the range, or only where it changes nothing.
    above : bool
        Whether it pays above `value`, not below.
    low, high : tuple of float
        Each end of the range, and what it comes to there, pounds.
    """

    value: float
    above: bool
    low: tuple[float, float]
    high: tuple[float, float]


def seek(
    now: Result,
    projection: Population,
    pathway: Pathway,
    scenarios: Sequence[Scenario],
    name: str,
    parameter: str,
    low: float,
    high: float,
    *,
    years: int,
    comparison: Mapping[str, Any],
    threshold: float = 0.0,
    quantile: float | None = None,
    tolerance: float = 0.01,
) -> Sought:
    """Value of a parameter at which a scenario breaks even against the comparator, with process noise averaged out.

    Parameters
    ----------
    now, projection, pathway
        As for `project`.
    scenarios : sequence of Scenario
    name : str
        Of the scenario.
    parameter : str
        One that the scenario changes: the value of its change is sought. Or a parameter of the pathway, such as
        ``early_help.effect.care``: its central value is. Or a unit cost, ``unit_cost.early_help``.
    low, high : float
        Between which to look.
    years : int
    comparison : mapping
        Arguments of `compare`.
    threshold : float
        Pounds that one unit of the effect is worth; 0 asks for a saving.
    quantile : float, optional
        Of the draws, that has to break even: 0.1 asks for nine chances in ten. Their mean by default.
    tolerance : float
        Width of the answer, as a share of the range.

    Raises
    ------
    InputError
        For a range that makes no sense, and a scenario that is no choice because its cost is not known.
    UnknownNameError
    """
    if name not in [s.name for s in scenarios]:
        raise unknown_name("scenario", name, [s.name for s in scenarios])
    if not (np.isfinite([low, high]).all() and low < high):
        raise InputError(f"the range is {low} to {high}; give a low end below the high one.")
    to = str(comparison.get("to", "baseline"))
    asked = {k: v for k, v in comparison.items() if k not in ("thresholds", "information", "waterfall", "sources")}
    asked["effect"] = asked.get("effect") or "families_helped"
    kept = [s for s in scenarios if s.name in (name, to)]

    @cache
    def outcome(x: float) -> NDArray[np.float64]:
        changed, own = _set_to(pathway, kept, name, parameter, x)
        choice = compare(project(now, projection, changed, own, years=years), **asked).node("decision/choice")
        if name not in choice["scenario"].values:
            raise InputError(f"{name} is no choice: it is a test, or what it takes is not costed. Give [unit_costs] with of = {name!r}.")
        at = choice.sel(scenario=name).isel(area=0)
        return np.asarray(threshold * at["effect_difference"].values - at["net_cost"].values)

    def level(x: float) -> float:
        return float(outcome(x).mean() if quantile is None else np.quantile(outcome(x), quantile))

    ends = (low, level(low)), (high, level(high))
    above = ends[1][1] > 0
    if (ends[0][1] > 0) == above:
        return Sought(np.nan, above, *ends)
    value = goal_seek(outcome, low, high, quantile=quantile, tolerance=tolerance)
    nothing = float(np.abs(outcome(value)).max()) <= 2 * tolerance * max(float(np.abs(outcome(x)).max()) for x in (low, high))
    return Sought(np.nan if nothing else value, above, *ends)


def _set_to(pathway: Pathway, scenarios: Sequence[Scenario], name: str, parameter: str, x: float) -> tuple[Pathway, list[Scenario]]:
    """The pathway and scenarios with the sought value in place."""
    (scenario,) = (s for s in scenarios if s.name == name)
    places = [i for i, c in enumerate(scenario.changes) if c.parameter == parameter]
    if len(places) > 1:
        raise InputError(f"{name} changes {parameter} {len(places)} times; seek one that it changes once.")
    if places:
        changes = tuple(replace(c, value=x) if i in places else c for i, c in enumerate(scenario.changes))
        return pathway, [replace(s, changes=changes) if s is scenario else s for s in scenarios]
    costs = {f"{COST}{c.service}": c for c in pathway.unit_costs}
    if parameter in costs:
        units = tuple(replace(c, amount=x) if c is costs[parameter] else c for c in pathway.unit_costs)
        return replace(pathway, unit_costs=units), list(scenarios)
    if parameter not in pathway.parameters:
        raise unknown_name("parameter or unit cost", parameter, [*pathway.parameters, *costs])
    values = {**pathway.parameters, parameter: replace(pathway.parameters[parameter], value=x)}
    return replace(pathway, parameters=values), list(scenarios)
