"""Tables of services: published counts, projected caseload and flows, scenarios and their costs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from jsna_model.pathway import FLOWS, SERVICE_LABELS, STOCKS
from jsna_model.placements import PLACEMENTS
from reports import words
from reports.disclosure import decimal, difference, significant
from reports.need_tables import CREDIBLE, counts
from reports.table import Column, Table, frame
from reports.view import Interval, View, interval

if TYPE_CHECKING:
    import xarray as xr

ORDER = (*STOCKS, *FLOWS)
#: Level of rounding of numbers of cases.
CASES = "service"
#: Columns of what is projected, by year.
PROJECTED = (
    Column("Financial year"),
    Column("Projected number", "count"),
    Column("Lower limit", "count"),
    Column("Upper limit", "count"),
    Column("Horizon"),
)
#: Ends balance the stocks that are projected; they are not projections (docs/methods.md).
NOT_PROJECTED = ("child_in_need_ended", "looked_after_ceased")
COST_LABELS = {"social_work": "Social work with children in need", "looked_after": "Children looked after", "early_help": "Early help"}
NO_POLARITY = "A higher or lower rate is neither better nor worse: it reflects need, recording and thresholds together."
#: Services whose differences the documents show.
HEADLINE_SERVICES = (
    *STOCKS,
    "referrals",
    "re_referrals",
    "section_47_enquiries",
    "child_protection_plan_started",
    "looked_after_started",
)


def service_label(service: str) -> str:
    """Plain-English name of a service."""
    return (SERVICE_LABELS | COST_LABELS | PLACEMENTS).get(service, words.upper_first(service.replace("_", " ")))


def ordered(services: list[str]) -> list[str]:
    """Services in pathway order, stocks first; unknown ones last."""
    return sorted(services, key=lambda s: (ORDER.index(s) if s in ORDER else len(ORDER), s))


def pathway_source(view: View) -> str:
    """Source line of service counts."""
    return str(view.provenance.get("pathway", {}).get("source") or f"DfE, children's services counts, {view.base_year}")


# -- observed ------------------------------------------------------------------------------------------------------------


def rates(view: View, service: str) -> tuple[float, float, float, int]:
    """Published rates per 10,000 children: here, England, median of the statistical neighbours that published one, and their number."""
    observed = view.group("demand/observed")
    assert observed is not None
    cell = observed["observed_per_10000"].sel(service=service)
    role = observed["role"].values
    values = cell.values.astype(float)
    here = values[observed["area"].values == view.code]
    england = values[role == "england"]
    neighbours = values[(role == "neighbour") & ~np.isnan(values)]
    return (
        float(here[0]) if here.size else float("nan"),
        float(england[0]) if england.size else float("nan"),
        float(np.median(neighbours)) if neighbours.size else float("nan"),
        int(neighbours.size),
    )


# -- projected -----------------------------------------------------------------------------------------------------------


def stock_or_flow(view: View, service: str) -> xr.DataArray | None:
    """Draws of a service by scenario and year; None where the result has none."""
    data = view.group("demand/services")
    if data is None:
        return None
    for name in ("caseload", "flow"):
        if name in data and service in data[name]["service"].values:
            values = data[name].sel(service=service)
            if bool(values.notnull().any()):
                return values if "draw" in values.dims else values.expand_dims(draw=[0], axis=-1)
    return None


def projected_services(view: View) -> list[str]:
    """Services that the projection has, in pathway order."""
    data = view.group("demand/services")
    known = [] if data is None else ordered([str(s) for s in data["service"].values])
    return [s for s in known if s not in NOT_PROJECTED and stock_or_flow(view, s) is not None]


def horizon(view: View, years: list[str]) -> list[str]:
    """For each projected year, whether it lies within the horizon that was tested against the past."""
    data = view.group("demand/services")
    tested = data.attrs.get("checked_years") if data is not None else None
    if tested is None:
        return ["illustrative"] * len(years)
    if isinstance(tested, (int, float, np.integer, np.floating)):
        return ["checked" if i < int(tested) else "illustrative" for i in range(len(years))]
    names = {str(t) for t in np.atleast_1d(tested)}
    return ["checked" if y in names else "illustrative" for y in years]


def services_ahead(view: View) -> Table | None:
    """Projected caseload and flows of the comparator, by financial year."""
    services = projected_services(view)
    data = view.group("demand/services")
    if data is None or not services or view.comparator not in data["scenario"].values:
        return None
    years = [str(y) for y in data["year"].values]
    columns = (Column("Service"), *PROJECTED)
    records: list[list[object]] = []
    brief: list[int] = []
    for service in services:
        values = stock_or_flow(view, service)
        assert values is not None
        x = interval(values.sel(scenario=view.comparator).transpose("year", "draw").values)
        for i, (year, tested) in enumerate(zip(years, horizon(view, years), strict=True)):
            if i in (0, len(years) - 1) or (service in STOCKS and i == 4):
                brief.append(len(records))
            records.append([service_label(service), year, *counts(x[i], CASES), tested])
    return Table(
        "services_ahead",
        f"Projected caseload and flows, {view.scenario_title(view.comparator).lower()}, {view.name}",
        f"modelled by jsna_model from {pathway_source(view)}",
        "counts as DfE defines them; stocks at 31 March that ends the year, flows in the year",
        "projected",
        CREDIBLE,
        columns,
        frame(columns, records),
        (
            "Rates of the base year are carried forward with uncertainty; the projection follows the number of children affected. It does not forecast policy or practice.",
            "Horizon: over 'checked' years, rates were seen to move as much as assumed here; later years are illustrative.",
            "Rows overlap (a child on a plan is also in need) and are not added to one another.",
        ),
        kind="demand",
        brief=tuple(brief),
        brief_title="first and last years, and caseloads after five",
    )


# -- scenarios -----------------------------------------------------------------------------------------------------------


def other_scenarios(view: View) -> list[str]:
    """Scenarios that are compared with the comparator, in order."""
    data = view.group("decision")
    return [] if data is None else [str(s) for s in data["scenario"].values if str(s) != view.comparator]


def extra_families(view: View, scenario: str) -> xr.DataArray | None:
    """Extra families helped in each year against the comparator, draws; None where the result does not say."""
    data = view.group("demand/services")
    if data is None or "families_helped" not in data:
        return None
    helped = data["families_helped"]
    return helped.sel(scenario=scenario) - helped.sel(scenario=view.comparator)


def differences(view: View) -> Table | None:
    """Difference from the comparator by scenario, service and year."""
    data = view.group("decision")
    scenarios = other_scenarios(view)
    if data is None or not scenarios:
        return None
    years = [str(y) for y in data["year"].values]
    columns = (
        Column("Scenario"),
        Column("Service"),
        Column("Financial year"),
        Column("Modelled difference", "difference"),
        Column("Lower limit", "difference"),
        Column("Upper limit", "difference"),
        Column("Horizon"),
    )
    checked = horizon(view, years)
    records: list[list[object]] = []
    brief: list[int] = []
    for scenario in scenarios:
        for service in ordered([str(s) for s in data["difference"]["service"].values if str(s) not in NOT_PROJECTED]):
            values = data["difference"].sel(scenario=scenario, service=service)
            if not bool(values.notnull().any()):
                continue
            x = interval(values.transpose("year", "draw").values)
            for i, year in enumerate(years):
                if i == len(years) - 1 and service in HEADLINE_SERVICES:
                    brief.append(len(records))
                shown = [difference(float(v)) for v in _three(x[i])]
                records.append([view.scenario_title(scenario), service_label(service), year, *shown, checked[i]])
    return Table(
        "differences",
        f"Difference each scenario makes to services, {view.name}",
        f"modelled by jsna_model from {pathway_source(view)}; effects from published evidence and stated assumptions",
        "difference from the comparator on the same draws",
        "scenario",
        CREDIBLE,
        columns,
        frame(columns, records),
        (
            f"Comparator: {view.scenario_title(view.comparator)}. An interval that spans zero means that the direction is not known.",
            "Differences in stocks are at 31 March that ends the year; years are not added to one another.",
            "Horizon: see the table of projected caseload; later years are illustrative.",
            *merged_service(view),
            *(() if view.early_help_supplied else (illustration(),)),
        ),
        kind="decision",
        brief=tuple(brief),
        brief_title=f"main services, {years[-1]}{' (illustrative)' if checked[-1] == 'illustrative' else ''}",
        document_columns=("Scenario", "Service", "Modelled difference", "Lower limit", "Upper limit"),
    )


def merged_service(view: View) -> tuple[str, ...]:
    """What is said where early help and section 17 are one service for a part of the horizon."""
    month = view.provenance.get("pathway", {}).get("layout", {}).get("family_help_from")
    if not month:
        return ()
    return (
        f"From {month} targeted early help and section 17 are one service, and a fixed share of it, that of {month}, is counted as children in "
        "need. A scenario that brings more families into it raises children in need, and what follows from them, by that share, and one that "
        "brings fewer lowers them: this is how they are counted here, not what help does to a child.",
    )


def illustration() -> str:
    """What is said where the authority gave no volume of early help."""
    return (
        "The authority's own volume of early help was not given, and none is published. The numbers of families in these scenarios are an "
        "illustration, not a plan: read the effects per 100 families helped."
    )


def per_100_families(view: View) -> Table | None:
    """Effect per 100 extra families helped, over the whole horizon, where the volume of early help was not supplied."""
    data = view.group("decision")
    scenarios = other_scenarios(view)
    if data is None or not scenarios or view.early_help_supplied:
        return None
    columns = (
        Column("Scenario"),
        Column("Service"),
        Column("Difference per 100 families helped", "difference"),
        Column("Lower limit", "difference"),
        Column("Upper limit", "difference"),
    )
    records = []
    too_few: list[str] = []
    for scenario in scenarios:
        extra = extra_families(view, scenario)
        if extra is None:
            continue
        yearly = (extra.mean("draw") if "draw" in extra.dims else extra).values
        families, last = float(yearly.sum()), float(yearly[-1])
        # a divisor near zero gives effects of any size
        if min(families / len(yearly), last) < 1:
            too_few.append(view.scenario_title(scenario))
            continue
        for service in ordered([str(s) for s in data["difference"]["service"].values]):
            values = data["difference"].sel(scenario=scenario, service=service).transpose("year", "draw").values
            if service not in HEADLINE_SERVICES or np.isnan(values).all():
                continue
            effect = values[-1] / last if service in STOCKS else values.sum(0) / families
            x = interval(effect * 100)
            records.append([view.scenario_title(scenario), service_label(service), *(_one_decimal(v) for v in _three(x))])
    if not records:
        return None
    years = [str(y) for y in data["year"].values]
    return Table(
        "per_100_families",
        f"Modelled effect per 100 more families helped, {years[0]} to {years[-1]}, {view.name}",
        "modelled by jsna_model; effects from published evidence and stated assumptions",
        "difference from the comparator, divided by the extra families helped",
        "scenario",
        CREDIBLE,
        columns,
        frame(columns, records),
        (
            "Flows: added up over the horizon, for each 100 families helped in it. Stocks: at its last 31 March, for each 100 families helped "
            "in every year.",
            *((f"Left out, because fewer than one more family a year is helped: {'; '.join(too_few)}.",) if too_few else ()),
            illustration(),
        ),
        kind="decision",
    )


def costs(view: View) -> Table | None:
    """Difference in average cost by scenario and service over the horizon."""
    data = view.group("decision")
    scenarios = other_scenarios(view)
    if data is None or "cost_difference" not in data or not scenarios:
        return None
    years = [str(y) for y in data["year"].values]
    price_year = str(data.attrs.get("price_year") or "not stated")
    columns = (
        Column("Scenario"),
        Column("Service"),
        Column("Difference in average cost", "money"),
        Column("Lower limit", "money"),
        Column("Upper limit", "money"),
    )
    records = []
    for scenario in (s for s in scenarios if not view.is_stress_test(s)):
        total = []
        for service in ordered([str(s) for s in data["cost_difference"]["service"].values]):
            values = data["cost_difference"].sel(scenario=scenario, service=service).transpose("year", "draw").values
            if np.isnan(values).any() or not values.any():
                continue
            label = service_label(service)
            total.append(values.sum(0))
            records.append([view.scenario_title(scenario), label, *(significant(float(v)) for v in _three(interval(total[-1])))])
        if len(total) > 1:
            x = interval(np.sum(total, axis=0))
            records.append([view.scenario_title(scenario), "All services with a unit cost", *(significant(float(v)) for v in _three(x))])
    if not records:
        return None
    return Table(
        "costs",
        f"Difference in average cost, {years[0]} to {years[-1]}, {price_year} prices, {view.name}",
        "difference in services times published average unit costs",
        f"average cost, not a saving; {price_year} prices, not discounted",
        "scenario",
        CREDIBLE,
        columns,
        frame(columns, records),
        (
            "Average cost, not a saving: average spend on a child is not what is avoided when one fewer child needs the service.",
            "Tests are left out: what would bring them about, harm, and later cost are not modelled. Children turned away are still affected.",
            *(
                ()
                if view.early_help_supplied
                else ("The cost of early help itself is not in the table unless the authority gave one: none is published.",)
            ),
        ),
        kind="decision",
    )


def _three(x: Interval) -> tuple[float, float, float]:
    return float(x.value), float(x.lower), float(x.upper)


def _one_decimal(value: float) -> float | str:
    return decimal(value)


def latest_caseload(view: View, service: str) -> tuple[str, Interval] | None:
    """Last projected year of a service in the comparator, and its interval."""
    values = stock_or_flow(view, service)
    if values is None or view.comparator not in values["scenario"].values:
        return None
    last = values.sel(scenario=view.comparator).isel(year=-1)
    return str(values["year"].values[-1]), interval(last.values)
