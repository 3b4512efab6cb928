"""The third verb: Result + comparator -> paired differences and costs."""

from __future__ import annotations

import numpy as np
import xarray as xr

from jsna_model.errors import InputError, unknown_name
from jsna_model.methods.economics import child_years, paired_difference, yearly_cost
from jsna_model.result import Result, check_tree

#: Services that cost by the week: unit cost -> published stock that it is spent on.
WEEKLY = {"social_work": "child_in_need_at_31_march", "looked_after": "looked_after_at_31_march"}


def compare(result: Result, to: str = "baseline") -> Result:
    """Compare every scenario with one of them, draw by draw, in outcomes and in average costs.

    Parameters
    ----------
    result : Result
        From `project`.
    to : str
        Name of the comparator.

    Returns
    -------
    Result
        With group ``decision``: ``difference`` (flows, caseloads and families helped) and ``cost_difference`` in pounds of the unit
        costs' price year, not discounted. Average costs are what the service spends, not what can be saved.

    Raises
    ------
    InputError
        Before `project`; UnknownNameError for an unknown comparator.
    """
    if "demand" not in result.data.children:
        raise InputError("compare() needs a projected result: call project() first.")
    flows, caseload = result.node("demand/flows"), result.node("demand/caseload")
    names = [str(s) for s in flows["scenario"].values]
    if to not in names:
        raise unknown_name("scenario", to, names)
    place = names.index(to)

    counts = xr.concat([flows["flow"], caseload["caseload"]], dim="service", join="exact").transpose(*flows["flow"].dims)
    difference = counts.copy(data=paired_difference(counts.values, place)).rename("difference")
    families = flows["families_helped"].copy(data=paired_difference(flows["families_helped"].values, place))

    costs = {c["service"]: c for c in result.provenance["pathway"]["unit_costs"]}
    years = sorted({c["price_year"] for c in costs.values()})
    if len(years) > 1:
        raise InputError(f"unit costs are in prices of {', '.join(years)}; give them in one price year.")
    parts = {}
    for service, stock in WEEKLY.items():
        if service in costs:
            parts[service] = yearly_cost(_stock_years(caseload["caseload"], stock, place), float(costs[service]["amount"]))
    if "early_help" in costs:
        parts["early_help"] = families.values * float(costs["early_help"]["amount"])
    decision = xr.Dataset({"difference": difference}, attrs={"comparator": to, "basis": "scenario"})
    decision["families_helped"] = families
    tree = result.nodes("need", "demand")
    tree["decision"] = xr.Dataset(coords={"draw": np.arange(flows.sizes["draw"])})
    tree["decision/outcomes"] = decision
    if parts:
        data = np.stack(list(parts.values()), axis=3)
        coords = {k: difference.coords[k] for k in ("scenario", "year", "area", "area_name")}
        tree["decision/costs"] = xr.Dataset(
            {"cost_difference": (difference.dims, data)},
            coords={**coords, "service": list(parts)},
            attrs={"comparator": to, "price_year": years[0], "basis": "scenario", "early_help_costed": int("early_help" in parts)},
        )
    provenance = dict(result.provenance) | {"comparator": to, "price_year": years[0] if years else ""}
    return Result(check_tree(xr.DataTree.from_dict(tree)), provenance)


def _stock_years(caseload: xr.DataArray, stock: str, place: int) -> np.ndarray:
    """Difference in child-years from the comparator, (scenario, year, area, draw); all scenarios open the horizon alike."""
    values = paired_difference(caseload.sel(service=stock).values, place)
    opening = np.concatenate([np.zeros_like(values[:, :1]), values[:, :-1]], axis=1)
    return child_years(opening, values)
