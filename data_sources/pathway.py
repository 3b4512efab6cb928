"""The pathway of an authority: its published counts, default parameters with their sources, unit costs and ready scenarios."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import replace
from functools import partial
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np

from data_sources.effects import DEFAULT, at_level, own_effects
from data_sources.figures_io import Layout, read_figures
from data_sources.layouts import AUTHORITIES, COSTS, STOCK_DISCREPANCY
from data_sources.pathway_layout import load_layout, ratio_names
from data_sources.recorded import load_recorded
from data_sources.services import load_services
from jsna_model.errors import InputError, Problem, gathered, raise_all, unknown_name
from jsna_model.pathway import Parameter, Pathway, UnitCost
from jsna_model.scenario import Scenario, month_index

VOLATILITY = Layout("service_volatility.csv", text=("service", "fitted_on"), counts=("yearly_log_sd", "persistence"), key=("service",))
PRICE_YEAR = "2024-25"
_ENGLANDS = "England's re-referrals over referrals, 2024-25 (DfE, table C1): the authority's own are not both published, so prior only"


def load_pathway(
    area: str,
    parameters: Mapping[str, float] | None = None,
    figures: Path | None = None,
    layout: str | None = None,
    family_help_from: str = "",
    effects: str = DEFAULT,
    reasons: Mapping[str, str] | None = None,
) -> Pathway:
    """Pathway of an authority, on its own 2024-25 counts.

    Parameters
    ----------
    area : str
        Name or code of an authority, district (its county is used), region or England.
    parameters : mapping of str to float, optional
        Central values of the user's own, by parameter name.
    figures : Path, optional
        Folder of figures; the embedded ones by default.
    layout : {"early_help_and_cin", "family_help"}, optional
        Project by age, pattern and state, early help included (`jsna_model.layout`); `parameters` may then name the layout's too. By
        default three states for the authority as a whole.
    family_help_from : str
        Month from which targeted early help and section 17 are one service; needed by ``family_help``.
    effects : str
        How much early help does: ``sceptical``, ``as_published`` or ``optimistic`` (`effect_levels`).
    reasons : mapping of str to str, optional
        Why, by parameter; asked for where `parameters` gives an effect of early help.

    Returns
    -------
    Pathway

    Raises
    ------
    UnknownNameError
        For an unknown area, parameter, layout or level of effects.
    InputError
        For a value outside its parameter's range, and an effect without a reason; all problems at once.
    """
    observed = load_services(area, figures=figures)
    table = _defaults()
    volatility = read_figures(VOLATILITY, figures).values.set_index("service")
    built = {name: _parameter(entry, volatility) for name, entry in table["parameters"].items()}
    built |= _own(built, observed)
    built = at_level(built, effects)
    of_layout = load_layout() if _layout(layout, family_help_from) else {}
    given = dict(parameters or {})
    by_risk = ratio_names() if of_layout else ()
    of_layout = load_layout({n: given.pop(n) for n in list(given) if n in of_layout or n in by_risk}) if of_layout else {}
    known = (*built, *of_layout, *by_risk)
    whence, *_ = gathered(
        lambda: dict.fromkeys(given, "user") | own_effects(given, reasons or {}),
        *(partial(_refuse_unknown, name, known) for name in given if name not in built),
        lambda: raise_all(_outside(name, value, built[name]) for name, value in given.items() if not _inside(value, built.get(name))),
    )
    built |= {name: replace(built[name], value=float(value), source=whence[name], basis="assumption") for name, value in given.items()}
    source = "DfE, Children in need 2025 and Children looked after 2025 (year to 31 March 2025), as published"
    published = figures is None or not (Path(figures) / AUTHORITIES.file).is_file()
    if not published:
        source = f"the user's own counts ({AUTHORITIES.file}), not published; England and neighbours: as in that file"
    return Pathway(
        observed,
        built,
        _unit_costs(table, figures),
        "2024-25",
        source,
        notes=(*_gaps(observed), *(_lasting(observed) if of_layout else ())) if published else (),
        published=published,
        layout=of_layout,
        family_help_from=family_help_from,
        # Always that of the package: a user's own file may hold few authorities.
        panel=load_services("England") if of_layout else None,
        recorded=load_recorded() if of_layout else None,
    )


def _refuse_unknown(name: str, known: Iterable[str]) -> None:
    raise unknown_name("pathway parameter", name, known, key=("parameters", name))


def _inside(value: float, parameter: Parameter | None) -> bool:
    return parameter is None or parameter.low <= value <= parameter.high


def _outside(name: str, value: float, p: Parameter) -> Problem:
    found = f"{name} is {value}, outside {p.low:g} to {p.high:g} {p.unit}"
    return Problem(found, "give a value in its range", key=("parameters", name))


def _layout(layout: str | None, family_help_from: str) -> bool:
    """Whether a layout is asked for, with a date where it needs one."""
    if layout not in (None, "early_help_and_cin", "family_help"):
        raise unknown_name("layout", layout, ("early_help_and_cin", "family_help"))
    if (layout == "family_help") != bool(family_help_from):
        raise InputError(
            f"layout={layout!r} with family_help_from={family_help_from!r}: give layout='family_help' and the month from which targeted "
            "early help and section 17 are one service, such as 2026-04, or neither."
        )
    if family_help_from:
        month_index(family_help_from)
    return layout is not None


def ready_scenarios(pathway: Pathway, names: tuple[str, ...] = ("early_help_reach", "follow_up"), start: str = "2026-04") -> list[Scenario]:
    """Scenarios that come with the package.

    Parameters
    ----------
    pathway : Pathway
    names : tuple of str
        Among ``early_help_reach``, ``follow_up`` and, only where asked for, ``threshold_up`` (a stress test).
    start : str
        First month of the change; whole a year later.

    Raises
    ------
    UnknownNameError
    """
    full = f"{int(start[:4]) + 1}{start[4:]}"
    families = families_to_illustrate(pathway)
    reach = Scenario(
        "early_help_reach",
        f"Early help reaches {families} more {'families' if families > 1 else 'family'} a year",
        "Ofsted 2015: earlier opportunities to help were missed in over 40% (paragraph 21) or over a third (summary) of 56 cases seen",
    ).add("early_help.reach", families, start, full)
    if pathway.early_help_supplied:
        volume = pathway.parameter("early_help.reach").value
        reach = Scenario("early_help_reach", f"Early help reaches a quarter more families (from {volume:,.0f} a year)", reach.reason)
        reach = reach.scale("early_help.reach", 1.25, start, full)
    follow_up = Scenario(
        "follow_up",
        "Three in ten referrals closed without an episode are followed up into early help",
        "Ofsted 2015, paragraphs 36-46: in 30% of 84 referrals seen, children needed early help and got none (a purposive sample)",
    ).set("referral.follow_up_share", 0.3, start, full)
    threshold = Scenario(
        "threshold_up",
        "Stress test: odds of accepting a referral fall by a fifth",
        "asked for by the user; not a proposal",
        stress_test=True,
    ).scale("front_door.acceptance", 0.8, start, full)
    ready = {s.name: s for s in (reach, follow_up, threshold)}
    for name in names:
        if name not in ready:
            raise unknown_name("ready scenario", name, ready)
    return [ready[name] for name in names]


def families_to_illustrate(pathway: Pathway) -> int:
    """Families a year that an illustration adds: 100, or fewer where 100 could be more than all who are affected."""
    roles = pathway.observed["role"].values == "authority"
    children = float(pathway.observed["children"].values[roles].min())
    return 100 if children >= 20_000 else 10 if children >= 2_000 else 1


def _defaults() -> dict[str, Any]:
    return _toml("defaults/pathway.toml")


def _toml(name: str) -> dict[str, Any]:
    return tomllib.loads(files("data_sources").joinpath(name).read_text(encoding="utf-8"))


def _parameter(entry: Mapping[str, Any], volatility: Any) -> Parameter:
    known = ("value", "sd", "scale", "low", "high", "unit", "source", "basis", "yearly_sd", "persistence")
    fields = {k: entry[k] for k in known if k in entry}
    if "volatility" in entry:
        row = volatility.loc[entry["volatility"]]
        fields |= {"yearly_sd": float(row["yearly_log_sd"]), "persistence": float(row["persistence"])}
    if entry.get("drift"):
        fields["yearly_sd"] = float(_toml("evidence/_derived.toml")["drift"]["sd_per_root_year"])
    return Parameter(**fields)


def _own(built: Mapping[str, Parameter], observed: Any) -> dict[str, Parameter]:
    """Parameters that come from the authority's own counts, pooled where there are several; from England's, which says so, without them."""
    roles, name = observed["role"].values, "referral.re_referral_share"
    services = ["re_referrals", "referrals"]
    pairs = observed["observed"].sel(service=services).transpose("area", "service").values
    raise_all(
        [
            Problem(f"{place}: {returned:,.0f} re-referrals of {referrals:,.0f} referrals", "correct the counts; nothing is rescaled")
            for place, role, (returned, referrals) in zip(observed["area_name"].values, roles, pairs, strict=True)
            if role == "authority" and returned > referrals
        ]
    )
    for role in ("authority", "england"):
        rows = pairs[roles == role]
        returned, referrals = rows[np.isfinite(rows).all(1)].sum(0).tolist()
        if referrals > 0:
            found = replace(built[name], value=returned / referrals)
            return {name: found if role == "authority" else replace(found, source=_ENGLANDS)}
    raise InputError("the figures hold no referrals with their re-referrals for this area or England, so that no pathway can be built.")


def _gaps(observed: Any) -> tuple[str, ...]:
    """Where published starts and ends differ by more than a tenth: what the steady state leaves aside, by name."""
    notes = []
    own = observed.isel(area=np.flatnonzero(observed["role"].values == "authority"))
    for name, starts, ends, stock in (
        ("child in need episodes", "child_in_need_started", "child_in_need_ended", "child_in_need_at_31_march"),
        ("looked-after children", "looked_after_started", "looked_after_ceased", "looked_after_at_31_march"),
    ):
        observed_stock = own["observed"].sel(service=stock)
        for area in own["area"].values:
            began, ended = (float(own["observed"].sel(area=area, service=s)) for s in (starts, ends))
            known = bool(np.isfinite(float(observed_stock.sel(area=area))))
            if known and began > 0 and np.isfinite(ended) and abs(ended / began - 1) > 0.1:
                place = str(own["area_name"].sel(area=area).values)
                notes.append(
                    f"{place}, {name} in 2024-25: {began:,.0f} started, {ended:,.0f} ended ({ended / began - 1:+.0%}). The "
                    "projection starts from the published stock of 31 March 2025 and does not carry this difference on: it has not told "
                    "where stocks go."
                )
    return tuple(notes)


def _lasting(observed: Any) -> tuple[str, ...]:
    """What stocks and flows of past years did not reconcile, by authority (benchmarks/calibration.py); what it did not see says so."""
    table = read_figures(STOCK_DISCREPANCY).values.set_index(["utla23_code", "stock"])
    notes = []
    own = observed.isel(area=np.flatnonzero(observed["role"].values == "authority"))
    for area, place in zip(own["area"].values.tolist(), own["area_name"].values.tolist(), strict=True):
        for stock, words in (("child_in_need", "children in need"), ("looked_after", "children looked after")):
            if (area, stock) not in table.index:
                continue
            row = table.loc[(area, stock)]
            seen = (
                f"over {row['years']:.0f} years"
                if row["years"] > 0
                else "on average over authorities, its own history not having been seen"
            )
            notes.append(
                f"{place}, {words}: {seen}, the published stock ends each year {row['lasting_share']:+.1%} (sd {row['lasting_sd']:.1%}) of "
                "its opening away from opening + starts - ends. The discrepancy is not carried on."
            )
    return tuple(notes)


def _unit_costs(table: Mapping[str, Any], figures: Path | None) -> tuple[UnitCost, ...]:
    published = read_figures(COSTS, figures).values
    out = []
    for entry in table["unit_costs"]:
        row = published[(published["measure"] == entry["measure"]) & (published["year"] == f"{PRICE_YEAR} (OT)")]
        if len(row) != 1:
            raise InputError(f"{COSTS.file}: no single row for {entry['measure']!r} in {PRICE_YEAR} (OT). Restore the row.")
        out.append(UnitCost(entry["service"], float(row["value"].iloc[0]), entry["per"], PRICE_YEAR, entry["source"]))
    return tuple(out)
