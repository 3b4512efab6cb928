"""The third verb: Result + comparator -> paired differences, costs, the choice, and what is worth finding out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import xarray as xr

from jsna_model.errors import InputError, unknown_name
from jsna_model.methods.economics import DiscountSchedule, break_even, paired_difference, present_value
from jsna_model.result import Result, check_tree
from jsna_model.verbs import decisions
from jsna_model.verbs.costs import Cost, check_shares, in_force, in_order, spent_on, volume
from jsna_model.verbs.decision_sources import sources as by_source


def compare(
    result: Result,
    to: str = "baseline",
    *,
    discount: float | DiscountSchedule | None = None,
    discount_base: str = "",
    price_year: str | None = None,
    deflators: Mapping[str, float] | None = None,
    optimism_bias: Mapping[str, float] | None = None,
    cashable: Mapping[str, float] | None = None,
    fixed: Mapping[str, float] | None = None,
    cost_uncertainty: Mapping[str, float] | None = None,
    effect: str | None = None,
    thresholds: Sequence[float] | None = None,
    information: decisions.Information = False,
    waterfall: bool = False,
    sources: bool = False,
) -> Result:
    """Compare every scenario with one of them, draw by draw, in outcomes and in average costs; and, where asked, help to choose.

    Parameters
    ----------
    result : Result
        From `project`.
    to : str
        Name of the comparator.
    discount : float or DiscountSchedule, optional
        Real rate a year, or a schedule (`data_sources.load_discount_schedule`), for costs and effect; none by default.
    discount_base : str
        Financial year that is not discounted; the first of the horizon by default.
    price_year, deflators : str and mapping, optional
        Prices to put unit costs in, and the index to do it with (``data_sources.load_deflators(path).index``).
    optimism_bias : mapping of str to float, optional
        By service, uplift of its unit cost, such as ``{"early_help": 0.2}``. None is assumed.
    cashable : mapping of str to float, optional
        By service, share of the average cost that goes when one fewer child needs it. None is assumed.
    fixed : mapping of str to float, optional
        By service, share of the average cost that stays the same however many need it; the rest is marginal. None is assumed.
    cost_uncertainty : mapping of str to float, optional
        By service, standard deviation of its unit cost as a share of it. None is assumed.
    effect : str, optional
        What is gained: a service, of which fewer is better (stocks in child-years), or ``families_helped``, of which more is.
    thresholds : sequence of float, optional
        Pounds that one unit of `effect` is worth. There is no default.
    information : bool or mapping of str to array_like, shape (draw,) or (parameter, draw)
        Whether to value what could be found out about the parameters of the pathway and need, at each threshold; or the groups to value.
    waterfall : bool
        Whether to split the change from the base year to the last year into its factors.
    sources : bool
        Whether to share out the variance of effect, net cost and net benefit among what is not known (`Result.explain`); with `effect`.

    Returns
    -------
    Result
        With group ``decision``.

        - ``outcomes``, always: ``difference`` of flows and caseloads, and families helped.
        - ``groups``, where children are told apart by age and risks: differences by age band and pattern.
        - ``costs``, with unit costs: ``cost_difference`` by service and year, not discounted: what services spend, not what is saved.
        - ``agencies``, likewise: by who pays, ``present_value``, ``break_even_cost`` (the most that one more family helped may cost) and,
          if asked for, ``cashable_difference``, ``fixed_difference`` and ``marginal_difference``. Agencies without a unit cost are named in
          its attributes: they are absent, not zero.
        - ``choice`` and ``plane``, with `effect`: ``net_cost``, ``effect_difference`` and ``payback`` by draw; expected ratios, place on
          the frontier, probability to be on it; quadrants. Stress tests are not among the choices, nor are scenarios that help no more
          families and have no unit cost of their own, ``of`` their name: they would look free. They are named in ``without_cost``.
        - ``acceptability``, with `thresholds`: probability best, most expected, EVPI; per decision of an area.
        - ``information/at_<threshold>`` and ``tornado``, with `information`: EVPPI (show what is stable), and what moves the effect.
        - ``change``, with `waterfall`.
        - ``sources/effect``, ``sources/net_cost`` and ``sources/net_benefit_at_<threshold>``, with `sources`: variance by source.

        What a decision rests on (``break_even_cost``, and all from ``choice`` to ``tornado``) is of outcomes with process noise averaged
        out: its draws differ in parameters alone. ``outcomes``, ``costs`` and ``agencies`` say what may happen, and hold the noise.

    Raises
    ------
    InputError
        Before `project`; for costs without a price year or in several, a deflator that does not reach the price year, thresholds without an
        effect or out of range, and a choice in which early help would look free because its cost is not known.
    UnknownNameError
        For an unknown comparator, effect or service.
    """
    if "demand" not in result.data.children:
        raise InputError("compare() needs a projected result: call project() first.")
    flows, caseload = result.node("demand/flows"), result.node("demand/caseload")
    names = [str(s) for s in flows["scenario"].values]
    if to not in names:
        raise unknown_name("scenario", to, names)
    place = names.index(to)
    thresholds = None if thresholds is None else [float(k) for k in np.atleast_1d(thresholds)]
    units = {c["service"]: c for c in result.provenance["pathway"]["unit_costs"]}
    if units:
        check_shares(list(units), cashable or {}, fixed or {}, cost_uncertainty)
    seed, draws = int(result.provenance["seed"]), int(result.provenance["draws"])
    how = decisions.prices(units, price_year, deflators, discount, discount_base, optimism_bias, cost_uncertainty, seed, draws, names)
    running = in_force(result.provenance["scenarios"], [str(y) for y in flows["year"].values])

    def priced(difference: xr.DataArray, families: np.ndarray) -> xr.Dataset | None:
        return _costs(units, difference, families, how, running, to)

    counts = xr.concat([flows["flow"], caseload["caseload"]], dim="service", join="exact").transpose(*flows["flow"].dims)
    difference = counts.copy(data=paired_difference(counts.values, place)).rename("difference")
    families = flows["families_helped"].copy(data=paired_difference(flows["families_helped"].values, place))
    outcomes = xr.Dataset({"difference": difference}, attrs={"comparator": to, "basis": "scenario"})
    outcomes["families_helped"] = families
    tree = result.nodes("need", "demand")
    tree["decision"] = xr.Dataset(coords={"draw": np.arange(flows.sizes["draw"])})
    tree["decision/outcomes"] = outcomes
    if "groups" in result.data["demand"].children:
        tree["decision/groups"] = by_group(result.node("demand/groups"), place, to)

    settled = _settled(result, difference, families.values, place)
    costs = priced(difference, families.values)
    if costs is not None:
        tree["decision/costs"] = costs.assign_attrs(comparator=to)
        agency_of = {s: str(units[s].get("agency", "local authority")) for s in units}
        tree["decision/agencies"] = decisions.by_agency(costs["cost_difference"], agency_of, cashable, fixed, how)
        if settled is not None:
            tree["decision/agencies"]["break_even_cost"] = _break_even(priced(*settled), settled[1], how)
    elif cashable or fixed:
        raise InputError("cashable or fixed shares are given and no unit costs; give unit costs with the pathway.")
    if effect is not None or thresholds is not None or information is not False or sources:
        if settled is None:
            raise InputError(
                "a choice is made on outcomes with process noise averaged out, and this result has none: "
                "call project() with average_noise=True."
            )
        averaged = priced(*settled)
        free = decisions.without_cost(result, names, place, settled[1], [spent_on(c) for c in units.values()])
        tree |= _choice(result, tree, names, place, effect, thresholds, information, settled, averaged, how, free)
        if sources:
            tree["decision/sources"] = xr.Dataset()
            drawn = (difference, families.values), settled
            costed = priced(difference, families.values), averaged
            tree |= _sources(result, tree["decision/choice"], drawn, costed, thresholds or (), str(effect), how)
    if waterfall:
        tree["decision/change"] = decisions.change(result, place)
    provenance = dict(result.provenance) | {"comparator": to, "price_year": how.price_year}
    return Result(check_tree(xr.DataTree.from_dict(tree)), provenance)


def _choice(
    result: Result,
    tree: Mapping[str, xr.Dataset],
    names: list[str],
    place: int,
    effect: str | None,
    thresholds: Sequence[float] | None,
    information: decisions.Information,
    settled: tuple[xr.DataArray, np.ndarray],
    averaged: xr.Dataset | None,
    how: decisions.Prices,
    free: Sequence[str] = (),
) -> dict[str, xr.Dataset]:
    """Nodes of the choice, of proposals whose cost is known only, on outcomes with process noise averaged out."""
    kept = [n for n in decisions.proposals(result, names, names[place]) if n not in free]
    rows = [names.index(n) for n in kept]
    difference, families = settled
    costs = averaged["cost_difference"] if averaged is not None else None
    decisions.check_choice(costs, families[rows], thresholds, effect, information)
    assert effect is not None
    assert costs is not None
    gained = decisions.effect_of(difference, families, effect, how)[rows]
    spent = costs.sum("service", skipna=False).values[rows]
    factors = how.factors([str(y) for y in difference["year"].values])
    cost = present_value(spent, factors, axis=1)
    if not (np.isfinite(gained).all() and np.isfinite(cost).all()):
        raise InputError(f"{effect} or a cost is not known in some areas, and no choice can be made there. Choose another effect or area.")
    areas = tree["decision/outcomes"]
    yearly = spent * factors[:, None, None]
    said = {
        "comparator": names[place],
        "effect": effect,
        "price_year": how.price_year,
        "discounting": how.says,
        "process_noise": "averaged out",
        "without_cost": ", ".join(free),
    }
    nodes = {
        "decision/choice": decisions.choice(cost, gained, yearly, kept, areas),
        "decision/plane": decisions.plane(cost, gained, kept, areas),
    }
    if thresholds is not None:
        nodes["decision/acceptability"] = decisions.acceptable(cost, gained, kept, areas, thresholds)
    if information is not False and thresholds is not None:
        nodes["decision/information"] = xr.Dataset()
        nodes |= decisions.information(result, cost, gained, areas, thresholds, information, how)
        nodes["decision/tornado"] = decisions.movers(result, gained, kept, areas, information)
    return {path: node.assign_attrs(said) if node.data_vars else node for path, node in nodes.items()}


def _sources(
    result: Result,
    chosen: xr.Dataset,
    drawn: tuple[tuple[xr.DataArray, np.ndarray], tuple[xr.DataArray, np.ndarray]],
    costed: tuple[xr.Dataset | None, xr.Dataset | None],
    thresholds: Sequence[float],
    effect: str,
    how: decisions.Prices,
) -> dict[str, xr.Dataset]:
    """Nodes of variance by source: of effect, cost and net benefit, as they may happen and with process noise averaged out."""
    names = [str(s) for s in chosen["scenario"].values]
    rows = [[str(s) for s in drawn[0][0]["scenario"].values].index(n) for n in names]
    gained, cost = [], []
    for (difference, families), costs in zip(drawn, costed, strict=True):
        assert costs is not None
        gained.append(decisions.effect_of(difference, families, effect, how)[rows])
        spent = costs["cost_difference"].sum("service", skipna=False).values[rows]
        cost.append(present_value(spent, how.factors([str(y) for y in difference["year"].values]), axis=1))
    wanted = {"effect": (gained[0], gained[1]), "net_cost": (cost[0], cost[1])}
    wanted |= {f"net_benefit_at_{k:.15g}": (k * gained[0] - cost[0], k * gained[1] - cost[1]) for k in thresholds}
    found = by_source(result, wanted, names, chosen, how.uncertainty)
    said = {"effect": effect, "price_year": how.price_year, "discounting": how.says}
    return {path: node.assign_attrs(said) for path, node in found.items()}


def by_group(counts: xr.Dataset, place: int, to: str) -> xr.Dataset:
    """Differences of children by age and by pattern of risks."""
    moved = {f"{n}_difference": (x.dims, paired_difference(x.values, place)) for n, x in counts.data_vars.items()}
    return xr.Dataset(moved, coords=counts.coords, attrs={"comparator": to, "basis": "scenario"})


def _settled(result: Result, difference: xr.DataArray, families: np.ndarray, place: int) -> tuple[xr.DataArray, np.ndarray] | None:
    """Differences of counts and of families helped with process noise averaged out; None where `project` did not average it."""
    if "expected" not in result.data["demand"].children:
        return (difference, families) if difference.sizes["scenario"] == 1 else None
    node = result.node("demand/expected")
    counts = node["expected_count"].sel(service=difference["service"])
    return counts.copy(data=paired_difference(counts.values, place)), paired_difference(node["expected_families_helped"].values, place)


def _costs(
    units: Mapping[str, Cost],
    difference: xr.DataArray,
    families: np.ndarray,
    how: decisions.Prices,
    running: Mapping[str, np.ndarray],
    to: str,
) -> xr.Dataset | None:
    """Difference in cost by service, year and area; None where nothing has a unit cost."""
    if not units:
        return None
    services = in_order(units)
    data = np.stack([volume(units[s], difference, families, running, to) * how.drawn(units[s]) for s in services], axis=3)
    coords = {k: difference.coords[k] for k in ("scenario", "year", "area", "area_name")}
    return xr.Dataset(
        {"cost_difference": (("scenario", "year", "area", "service", "draw"), data)},
        coords={**coords, "service": services},
        attrs={"price_year": how.price_year, "basis": "scenario", "early_help_costed": int("early_help" in services)},
    )


def _break_even(costs: xr.Dataset | None, families: np.ndarray, how: decisions.Prices) -> tuple[tuple[str, ...], np.ndarray]:
    """Most that one more family helped may cost for the services to pay for it, process noise averaged out."""
    assert costs is not None
    others = costs["cost_difference"].drop_sel(service="early_help", errors="ignore").sum("service", skipna=False).values
    factors = how.factors([str(y) for y in costs["year"].values])
    most = break_even(-present_value(others, factors, axis=1), present_value(families, factors, axis=1))
    return ("scenario", "area", "draw"), most
