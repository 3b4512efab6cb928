"""How a study wants scenarios compared: files and keys made into what `jsna_model.compare` takes, and checked before anything is run."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from data_sources.effects import DEFAULT, PREFIX, effect_levels
from data_sources.prices import discount_schedules, load_deflators, load_discount_schedule
from jsna_model.errors import InputError, Problem, nearest, raise_all
from jsna_model.methods.prices import reprice
from jsna_model.pathway import COUNTED_ON, DERIVED, FLOWS, STOCKS, Pathway, UnitCost
from jsna_model.placements import PLACEMENTS
from jsna_model.scenario import Scenario
from jsna_model.study import Study

#: Changes of these help more families, so that a choice needs what early help costs.
HELPS_MORE = ("early_help.reach", "referral.follow_up_share")


def with_own_costs(pathway: Pathway, study: Study) -> Pathway:
    """The pathway with the study's own unit costs in place of published averages, and early help in prices of its own year."""
    costs = {c.service: c for c in pathway.unit_costs}
    placements = pathway.placements or study.placements.build()
    shares = placements.shares if placements else {}
    for service, own in study.unit_costs.items():
        of, placed = _spent_on(service, own.of)
        counted = {*STOCKS, *FLOWS, *DERIVED, "families_helped"}
        usual = "a year in force" if of not in counted else "a child a week" if of in STOCKS and own.times is None else "each"
        per = costs[service].per if service in costs else usual
        costs[service] = UnitCost(
            service, own.amount, per, own.price_year, own.source, own.agency, of=STOCKS[2] if placed else own.of, times=own.times
        )
        if placed:
            costs[service] = replace(costs[service], placement=placed, share=shares[placed])
    if "early_help" in costs:
        costs["early_help"] = replace(costs["early_help"], price_year=study.early_help.price_year)
    return replace(pathway, unit_costs=tuple(costs.values()))


def _spent_on(service: str, own_of: str) -> tuple[str, str]:
    """The count that an own cost is spent on, and the placement of which it is a share, where it is of one."""
    of = own_of or COUNTED_ON.get(service, service)
    return (STOCKS[2], of) if of in PLACEMENTS else (of, "")


#: Counts whose spending by the local authority the published average of each service holds already.
COVERED = {
    "social_work": {*FLOWS, *DERIVED, *STOCKS} - {"looked_after_started", "looked_after_ceased", STOCKS[2]},
    "looked_after": {"looked_after_started", "looked_after_ceased", STOCKS[2]},
}


def counted_twice(study: Study) -> Iterator[Problem]:
    """Own costs of the local authority that a published average, still in use, holds as well."""
    for name, own in study.unit_costs.items():
        of, _ = _spent_on(name, own.of)
        for average, covered in COVERED.items():
            if name != average and of in covered and own.agency == "local authority" and average not in study.unit_costs:
                found = f"the published average of {average} holds what the local authority spends on {of} already"
                fix = f"give [unit_costs.{average}] of your own without it (0 where nothing is left)"
                yield Problem(found, fix, column=f"unit_costs.{name}")


def labelled(scenarios: Sequence[Scenario], study: Study) -> tuple[Scenario, ...]:
    """Scenarios that help more families say in their title how much help is taken to do, unless it is the sceptical default."""
    own = any(name.startswith(PREFIX) for name in study.parameters)
    said = [] if study.effects == DEFAULT else [f"effects {effect_levels()[study.effects]['label'].lower()}"]
    label = ", ".join([*said, *(["the user's own effects"] if own else [])])
    if not label:
        return tuple(scenarios)
    helps = [any(c.parameter in HELPS_MORE for c in s.changes) for s in scenarios]
    return tuple(replace(s, title=f"{s.title} ({label})") if h else s for s, h in zip(scenarios, helps, strict=True))


def comparison(study: Study, pathway: Pathway, scenarios: Sequence[Scenario] = ()) -> dict[str, Any]:
    """Arguments of `jsna_model.compare` beside the result.

    Parameters
    ----------
    study : Study
    pathway : Pathway
        With its unit costs.
    scenarios : sequence of Scenario
        To see whether a choice needs what early help costs.

    Returns
    -------
    dict
        Keyword arguments; what the study does not ask for is not among them.

    Raises
    ------
    InputError
        For an unknown schedule, a deflator that cannot be read or does not reach a year, and costs that are not there; all at once.
    """
    d = study.decision
    problems: list[Problem] = []
    index: Mapping[str, float] | None = None
    if study.deflators:
        try:
            index = load_deflators(study.deflators).index
        except InputError as error:
            found, _, fix = str(error).rstrip(". ").partition(". ")
            problems += error.problems or (Problem(found, fix.rstrip(".") or "give another file"),)
    if not (study.deflators and index is None):
        problems += _prices(study, pathway, index)
    problems += counted_twice(study)
    problems += _choice(study, pathway, scenarios)
    if isinstance(d.discount, str) and d.discount and d.discount not in discount_schedules():
        close = nearest(d.discount, discount_schedules()) or list(discount_schedules())
        problems.append(
            _problem("discount", f"no discount schedule is called {d.discount!r}", f"name {' or '.join(close)}, or give a rate")
        )
    raise_all(problems)
    wanted: dict[str, Any] = {"to": d.comparator, "information": d.information, "waterfall": d.waterfall, "sources": d.sources}
    wanted["deflators"] = index
    wanted["discount"] = (load_discount_schedule(d.discount) if d.discount else None) if isinstance(d.discount, str) else d.discount
    wanted |= {"discount_base": d.discount_base, "price_year": d.price_year or None, "effect": d.effect or None}
    wanted |= {
        "thresholds": list(d.thresholds) or None,
        "optimism_bias": dict(d.optimism_bias) or None,
        "cashable": dict(d.cashable) or None,
        "fixed": dict(d.fixed) or None,
        "cost_uncertainty": dict(d.cost_uncertainty) or None,
    }
    return {name: value for name, value in wanted.items() if value not in (None, "", False)}


def _problem(key: str, found: str, fix: str) -> Problem:
    return Problem(found, fix, column=f"decision.{key}")


def _prices(study: Study, pathway: Pathway, index: Mapping[str, float] | None) -> Iterator[Problem]:
    """Price years that differ without a series, or that the series does not reach."""
    wanted = study.decision.price_year
    years = {c.service: c.price_year for c in pathway.unit_costs}
    if not wanted and len(set(years.values())) > 1:
        said = ", ".join(f"{s} {y}" for s, y in years.items())
        own = next((f"unit_costs.{s}.price_year" for s in study.unit_costs), "early_help.price_year")
        found, fix = (
            f"unit costs are in prices of several years ({said})",
            "give [decision] price_year, and deflators",
        )
        yield Problem(found, fix, column=own)
        return
    unreached: dict[tuple[str, str], list[str]] = {}
    for service, year in years.items():
        if not wanted or year == wanted:
            continue
        if index is None:
            found = f"the unit cost of {service} is in prices of {year}, not {wanted}"
            yield _problem("price_year", found, "give deflators, a file of HM Treasury's series")
            continue
        try:
            reprice(1.0, year, wanted, index)
        except InputError as error:
            for p in error.problems or (Problem(str(error).rstrip("."), "give another series"),):
                unreached.setdefault((p.found, p.fix), []).append(service)
    for (found, fix), services in unreached.items():
        yield _problem("price_year", f"{Path(study.deflators).name}: {found} (unit costs of {', '.join(services)})", fix)


def _choice(study: Study, pathway: Pathway, scenarios: Sequence[Scenario]) -> Iterator[Problem]:
    """Costs that a choice, a share or an uplift needs."""
    d, costed = study.decision, {c.service for c in pathway.unit_costs}
    more = [s.name for s in scenarios if not s.stress_test and any(c.parameter in HELPS_MORE for c in s.changes)]
    if d.effect and "early_help" not in costed and more:
        found = f"{', '.join(more)}: more families are helped, what early help costs is not known, and it would look free"
        yield _problem("effect", found, "give [early_help] families_per_year and unit_cost, or leave effect out")
    for key in ("optimism_bias", "cashable", "fixed", "cost_uncertainty"):
        for service in getattr(d, key):
            if service not in costed:
                yield _problem(f"{key}.{service}", f"{service} has no unit cost", "give one, or leave it out")
