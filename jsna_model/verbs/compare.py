"""The third verb: Result + comparator -> paired differences, costs, the choice, and what is worth finding out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import xarray as xr

from jsna_model.errors import InputError, unknown_name
from jsna_model.methods.economics import DiscountSchedule, child_years, paired_difference, yearly_cost
from jsna_model.result import Result, check_tree
from jsna_model.verbs import decisions

#: Services that cost by the week: unit cost -> published stock that it is spent on.
WEEKLY = {"social_work": "child_in_need_at_31_march", "looked_after": "looked_after_at_31_march"}


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
    effect: str | None = None,
    thresholds: Sequence[float] | None = None,
    information: decisions.Information = False,
    waterfall: bool = False,
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
    effect : str, optional
        What is gained: a service, of which fewer is better (stocks in child-years), or ``families_helped``, of which more is.
    thresholds : sequence of float, optional
        Pounds that one unit of `effect` is worth. There is no default.
    information : bool or mapping of str to array_like, shape (draw,) or (parameter, draw)
        Whether to value what could be found out about the parameters of the pathway and need, at each threshold; or the groups to value.
    waterfall : bool
        Whether to split the change from the base year to the last year into its factors.

    Returns
    -------
    Result
        With group ``decision``.

        - ``outcomes``, always: ``difference`` of flows and caseloads, and families helped.
        - ``costs``, with unit costs: ``cost_difference`` by service and year, not discounted: what services spend, not what is saved.
        - ``agencies``, likewise: by who pays, ``present_value``, ``break_even_cost`` (the most that one more family helped may cost) and,
          if asked for, ``cashable_difference``.
        - ``choice`` and ``plane``, with `effect`: ``net_cost``, ``effect_difference`` and ``payback`` by draw; expected ratios, place on
          the frontier, probability to be on it; quadrants. Stress tests are not among the choices.
        - ``acceptability``, with `thresholds`: probability best, most expected, EVPI; per decision of an area.
        - ``information/at_<threshold>`` and ``tornado``, with `information`: EVPPI (show what is stable), and what moves the effect.
        - ``change``, with `waterfall`.

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
    how = decisions.prices(units, price_year, deflators, discount, discount_base, optimism_bias)

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

    parts = {}
    for service, stock in WEEKLY.items():
        if service in units:
            parts[service] = yearly_cost(_stock_years(caseload["caseload"], stock, place), how.amount(units[service]))
    if "early_help" in units:
        parts["early_help"] = families.values * how.amount(units["early_help"])
    if parts:
        data = np.stack(list(parts.values()), axis=3)
        coords = {k: difference.coords[k] for k in ("scenario", "year", "area", "area_name")}
        tree["decision/costs"] = xr.Dataset(
            {"cost_difference": (difference.dims, data)},
            coords={**coords, "service": list(parts)},
            attrs={"comparator": to, "price_year": how.price_year, "basis": "scenario", "early_help_costed": int("early_help" in parts)},
        )
        agency_of = {s: str(units[s].get("agency", "local authority")) for s in parts}
        tree["decision/agencies"] = decisions.by_agency(
            tree["decision/costs"]["cost_difference"], families.values, agency_of, cashable, how
        )
    elif cashable:
        raise InputError("cashable shares are given and no unit costs; give unit costs with the pathway.")
    if effect is not None or thresholds is not None or information is not False:
        tree |= _choice(result, tree, names, place, effect, thresholds, information, families.values, how)
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
    families: np.ndarray,
    how: decisions.Prices,
) -> dict[str, xr.Dataset]:
    """Nodes of the choice, of proposals only."""
    kept = decisions.proposals(result, names, names[place])
    rows = [names.index(n) for n in kept]
    costs = tree["decision/costs"]["cost_difference"] if "decision/costs" in tree else None
    decisions.check_choice(costs, families[rows], thresholds, effect, information)
    assert effect is not None
    assert costs is not None
    gained = decisions.effect_of(result, effect, place, how)[rows]
    cost = tree["decision/agencies"]["present_value"].sum("agency", skipna=False).values[rows]
    if not (np.isfinite(gained).all() and np.isfinite(cost).all()):
        raise InputError(f"{effect} or a cost is not known in some areas, and no choice can be made there. Choose another effect or area.")
    areas = tree["decision/outcomes"]
    factors = how.factors([str(y) for y in areas["year"].values])[:, None, None]
    yearly = tree["decision/agencies"]["cost_by_agency"].sum("agency", skipna=False).values[rows] * factors
    said = {"comparator": names[place], "effect": effect, "price_year": how.price_year, "discounting": how.says}
    nodes = {
        "decision/choice": decisions.choice(cost, gained, yearly, kept, areas),
        "decision/plane": decisions.plane(cost, gained, kept, areas),
    }
    if thresholds is not None:
        nodes["decision/acceptability"] = decisions.acceptable(cost, gained, kept, areas, thresholds)
    if information is not False and thresholds is not None:
        nodes["decision/information"] = xr.Dataset()
        nodes |= decisions.information(result, cost, gained, areas, thresholds, information)
        nodes["decision/tornado"] = decisions.movers(result, gained, kept, areas, information)
    return {path: node.assign_attrs(said) if node.data_vars else node for path, node in nodes.items()}


def by_group(counts: xr.Dataset, place: int, to: str) -> xr.Dataset:
    """Differences of children by age and by pattern of risks."""
    moved = {f"{n}_difference": (x.dims, paired_difference(x.values, place)) for n, x in counts.data_vars.items()}
    return xr.Dataset(moved, coords=counts.coords, attrs={"comparator": to, "basis": "scenario"})


def _stock_years(caseload: xr.DataArray, stock: str, place: int) -> np.ndarray:
    """Difference in child-years from the comparator, (scenario, year, area, draw); all scenarios open the horizon alike."""
    values = paired_difference(caseload.sel(service=stock).values, place)
    opening = np.concatenate([np.zeros_like(values[:, :1]), values[:, :-1]], axis=1)
    return child_years(opening, values)
