"""Pathway: how need becomes early help and statutory work, and which parameters a scenario may change."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from jsna_model.conventions import validate
from jsna_model.errors import InputError, Problem, raise_all, unknown_name
from jsna_model.placements import Placements

Array = NDArray[np.float64]

#: Annual flows as DfE counts them, in pathway order.
FLOWS = (
    "referrals",
    "re_referrals",
    "referrals_no_further_action",
    "referrals_assessed_not_in_need",
    "section_47_enquiries",
    "initial_child_protection_conferences",
    "child_in_need_started",
    "child_in_need_ended",
    "child_protection_plan_started",
    "looked_after_started",
    "looked_after_ceased",
)
#: Stocks as DfE counts them, at 31 March.
STOCKS = ("child_in_need_at_31_march", "child_protection_plan_at_31_march", "looked_after_at_31_march")
#: Model states: mutually exclusive. Published stocks are sums of them (see `published_stocks`).
STATES = ("in_need_only", "on_plan", "looked_after")
#: States that each published stock counts: child in need at 31 March is every open episode.
PUBLISHED: dict[str, tuple[str, ...]] = dict(zip(STOCKS, (STATES, ("on_plan",), ("looked_after",)), strict=True))

#: Counts that are made of published ones: every referral that is not closed at once is assessed.
DERIVED = {"assessments": ("referrals_assessed_not_in_need", "child_in_need_started")}
#: What a unit cost is spent on, where it does not bear the name of a count.
COUNTED_ON = {"social_work": STOCKS[0], "looked_after": STOCKS[2], "early_help": "families_helped"}
#: Who may pay for a service, or gain where it is needed less.
AGENCIES = ("local authority", "schools", "NHS", "police", "voluntary sector", "justice")

#: What a layout assumes that a scenario may change; the others are what its rates are found with.
HELD = ("entries.dispersion", "need.rate_ratio", "early_help.places")
#: The rate ratio of every risk, and of each: ``need.rate_ratio.<risk>``.
RATIO = "need.rate_ratio"

SERVICE_LABELS = {
    "referrals": "Referrals",
    "re_referrals": "Re-referrals within 12 months",
    "referrals_no_further_action": "Referrals closed with no further action",
    "referrals_assessed_not_in_need": "Referrals assessed and found not in need",
    "section_47_enquiries": "Section 47 enquiries",
    "initial_child_protection_conferences": "Initial child protection conferences",
    "child_in_need_started": "Child in need episodes started",
    "child_in_need_ended": "Child in need episodes ended",
    "child_protection_plan_started": "Child protection plans started",
    "looked_after_started": "Children starting to be looked after",
    "looked_after_ceased": "Children ceasing to be looked after",
    "child_in_need_at_31_march": "Children in need at 31 March",
    "child_protection_plan_at_31_march": "Children on a child protection plan at 31 March",
    "looked_after_at_31_march": "Children looked after at 31 March",
}


@dataclass(frozen=True)
class Parameter:
    """One number of the pathway that a scenario may change.

    Parameters
    ----------
    value : float
        Central value.
    sd : float
        Standard deviation on the scale of `scale`.
    scale : {"log", "duration", "logit", "identity"}
        Scale on which it is drawn, so that draws stay inside its range by construction (law 10). ``log``: the mean is `value`.
        ``duration``: a rate whose mean length of stay, its inverse, is kept. ``logit``: the median is `value`.
    low, high : float
        Range; a scenario that leaves it is refused.
    unit, source : str
    basis : {"observed", "evidence", "assumption", "illustration"}
    yearly_sd, persistence : float
        Of the yearly walk ``e_t = persistence * e_(t-1) + yearly_sd * noise`` on the log scale, for rates that move by themselves
        (with mean multiplier 1).
    """

    value: float
    sd: float
    scale: str
    low: float
    high: float
    unit: str
    source: str
    basis: str
    yearly_sd: float = 0.0
    persistence: float = 1.0


@dataclass(frozen=True)
class UnitCost:
    """Average cost of one unit of a service: `amount` in pounds of `price_year`, per `per`; `cashable` says if it can be saved in cash.

    `of` is the count that it is spent on, where `service` is not one by itself; `times` how often, for each that is counted: on a stock, a
    child-year; without it, a stock costs by the week. `placement` names the placement that it is of, `share` its share of that stock.
    """

    service: str
    amount: float
    per: str
    price_year: str
    source: str
    agency: str = "local authority"
    cashable: bool = False
    of: str = ""
    times: float | None = None
    placement: str = ""
    share: float = 1.0


@dataclass(frozen=True)
class Recorded:
    """Factors at the end of assessment of all authorities, to which rates by pattern are fitted (`jsna_model.methods.factors`).

    Parameters
    ----------
    areas : tuple of str
    assessments : ndarray, shape (area,)
        With at least one factor.
    counts : mapping of str to ndarray, shape (area,)
        By factor, NaN where not published.
    hidden : mapping of str to ndarray of bool, shape (area,)
        Where a count is suppressed for being small.
    factors : mapping of str to tuple of str
        Factors that stand for a risk, by risk.
    shares : mapping of tuple of str to ndarray, shape (area, pattern)
        Expected share of children by pattern of risks, by the patterns of a set.
    england : mapping of tuple of str to ndarray, shape (pattern,)
        Likewise of England, as the national draws have it on average: what a draw of England's patterns is compared with.
    source : str
    """

    areas: tuple[str, ...]
    assessments: Array
    counts: Mapping[str, Array]
    hidden: Mapping[str, NDArray[np.bool_]]
    factors: Mapping[str, tuple[str, ...]]
    shares: Mapping[tuple[str, ...], Array]
    england: Mapping[tuple[str, ...], Array]
    source: str


@dataclass(frozen=True)
class Pathway:
    """Services of one authority, or of several that are modelled one by one.

    Parameters
    ----------
    observed : xarray.Dataset
        ``observed`` (area, service): published counts of the base year, NaN where suppressed or absent; ``status`` (area, service):
        why (`jsna_model.conventions.STATUS`). Coordinates on ``area``: ``area_name``, ``role`` (``authority``, ``neighbour``,
        ``england``), ``children`` (0-17).
    parameters : mapping of str to Parameter
        By dotted name. Rates that are calibrated to the observed counts, draw by draw, are multipliers with value 1.
    unit_costs : tuple of UnitCost
    base_year : str
        Financial year of the counts, e.g. ``"2024-25"``.
    published : bool
        Whether the counts are published ones; a user's own unpublished counts are suppressed wherever they are shown.
    layout : mapping of str to Parameter
        Of `jsna_model.layout`: where given (`data_sources.load_pathway(layout=...)`), `project` runs the pathway by age, pattern and
        state; otherwise three states for the authority as a whole.
    family_help_from : str
        Month from which targeted early help and section 17 are one service; empty for never.
    panel : xarray.Dataset, optional
        Counts of all authorities, in the form of `observed`: with a layout, rates are pooled over them and drawn from their posterior
        (`jsna_model.verbs.calibrate`); without it, they are those of the authority's own counts.
    placements : Placements, optional
        Shares of looked-after children by placement, the user's own; none is assumed.
    recorded : Recorded, optional
        Factors recorded by all authorities: with a layout, rates by pattern of risks are fitted to them (`jsna_model.verbs.pattern_rates`).
    early_help_supplied : bool
        Whether volume of early help was given; if not, effects are per 100 families helped (an illustration).
    """

    observed: xr.Dataset
    parameters: Mapping[str, Parameter]
    unit_costs: tuple[UnitCost, ...]
    base_year: str
    source: str
    early_help_supplied: bool = False
    published: bool = True
    notes: tuple[str, ...] = field(default=())
    layout: Mapping[str, Parameter] = field(default_factory=dict)
    family_help_from: str = ""
    panel: xr.Dataset | None = None
    placements: Placements | None = None
    recorded: Recorded | None = None

    def __post_init__(self) -> None:
        validate(self.observed.drop_vars("status", errors="ignore"), "pathway")
        problems = []
        for name, p in {**self.parameters, **self.layout}.items():
            if not p.low <= p.value <= p.high:
                problems.append(Problem(f"{name} is {p.value}, outside {p.low} to {p.high} {p.unit}", "give a value in its range"))
            if p.sd < 0:
                problems.append(Problem(f"{name} has sd {p.sd}", "give zero or more"))
        raise_all(problems)

    def parameter(self, name: str) -> Parameter:
        """A parameter by name.

        Raises
        ------
        UnknownNameError
            With the nearest names.
        """
        if name not in self.parameters:
            raise unknown_name("pathway parameter", name, self.parameters)
        return self.parameters[name]

    @property
    def changeable(self) -> frozenset[str]:
        """Parameters that a scenario may change: with a layout, those of its ways too, whose values are found by calibration."""
        from jsna_model.layout import compile_layout

        ways = compile_layout("family_help" if self.family_help_from else "early_help_and_cin").parameters if self.layout else ()
        by_risk = (f"{RATIO}.{r}" for r in self.recorded.factors) if self.layout and self.recorded else ()
        return frozenset((*self.parameters, *(HELD if self.layout else ()), *ways, *by_risk))

    def with_early_help(
        self, families_per_year: float, unit_cost: float | None = None, children_per_family: float | None = None, source: str = "user"
    ) -> Pathway:
        """A copy that knows the authority's own volume of early help, and its cost in pounds per family where given."""
        if not families_per_year > 0:
            raise InputError(f"families_per_year is {families_per_year}; give the number of families helped in a year.")
        changes = {
            "early_help.reach": replace(self.parameter("early_help.reach"), value=families_per_year, source=source, basis="observed")
        }
        if children_per_family is not None:
            name = "early_help.children_per_family"
            changes[name] = replace(self.parameter(name), value=children_per_family, source=source, basis="observed")
        costs = tuple(c for c in self.unit_costs if c.service != "early_help")
        if unit_cost is not None:
            if unit_cost < 0:
                raise InputError(f"unit_cost is {unit_cost}; give pounds per family helped, zero or more.")
            costs = (*costs, UnitCost("early_help", unit_cost, "family helped", self.base_year, source))
        return replace(self, parameters={**self.parameters, **changes}, unit_costs=costs, early_help_supplied=True)


def published_stocks(states: xr.DataArray) -> xr.DataArray:
    """Published stocks at 31 March from model states.

    Child in need at 31 March is every open episode: in need only, on a plan, or looked after (DfE, Children in need methodology).

    Parameters
    ----------
    states : xarray.DataArray
        With dim ``state`` = `STATES`.

    Returns
    -------
    xarray.DataArray
        With dim ``service`` = `STOCKS` in place of ``state``.
    """
    parts = [states.sel(state=list(PUBLISHED[s])).sum("state", skipna=False) for s in STOCKS]
    out = xr.concat(parts, dim="service", join="exact").assign_coords(service=list(STOCKS))
    order = [("service" if d == "state" else d) for d in states.dims]
    return out.transpose(*order)
