"""The library of scenarios: each with what it rests on, what is doubtful, and what it needs."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, partial
from importlib.resources import files
from math import exp
from typing import Any

from data_sources.evidence import load_evidence
from data_sources.pathway import ready_scenarios
from jsna_model.errors import InputError, Problem, gathered, raise_all, unknown_name
from jsna_model.group import Group
from jsna_model.pathway import Pathway
from jsna_model.scenario import Change, Scenario


@dataclass(frozen=True)
class LibraryScenario:
    """One entry of the library.

    Parameters
    ----------
    name, title, kind, reason, doubts : str
        `kind` is ``proposal``, ``stress test``, or ``what if`` where no source gives an effect.
    evidence : tuple of str
        Keys of the catalogue.
    changes : tuple of mapping
        Parameter, operation and value, or the rule of the value.
    needs_layout : str
        Layout of the pathway that it takes: ``any``, or one by name; empty where it takes none.
    needs_places : bool
        Whether early help must have a limit of places.
    needs_volume : bool
        Whether the authority's own volume of early help is needed.
    built_in : bool
        Whether `ready_scenarios` builds it, with words for the authority.
    """

    name: str
    title: str
    kind: str
    reason: str
    doubts: str
    evidence: tuple[str, ...]
    changes: tuple[Mapping[str, Any], ...] = ()
    needs_layout: str = ""
    needs_places: bool = False
    needs_volume: bool = False
    built_in: bool = False


@cache
def scenario_library() -> dict[str, LibraryScenario]:
    """Every scenario of the library by name.

    Examples
    --------
    >>> library = scenario_library()
    >>> library["follow_up"].kind, library["alcohol_treatment"].kind
    ('proposal', 'what if')
    """
    text = files("data_sources").joinpath("defaults", "scenarios.toml").read_text(encoding="utf-8")
    rows = tomllib.loads(text)["scenario"]
    return {
        row["name"]: LibraryScenario(
            **{k: v for k, v in row.items() if k not in ("evidence", "change")},
            evidence=tuple(row["evidence"]),
            changes=tuple(row.get("change", ())),
        )
        for row in rows
    }


def library_scenarios(pathway: Pathway, names: Sequence[str], start: str = "2026-04", set_name: str = "higher_harm") -> list[Scenario]:
    """Scenarios of the library for an authority.

    Parameters
    ----------
    pathway : Pathway
    names : sequence of str
    start : str
        First month of the change; whole a year later.
    set_name : str
        Coherent set whose risks a change may be for.

    Returns
    -------
    list of Scenario

    Raises
    ------
    UnknownNameError
    InputError
        For every scenario that waits for something that the model, or the study, does not have.
    """
    library = scenario_library()

    def known(name: str) -> None:
        if name not in library:
            raise unknown_name("scenario of the library", name, library, "jsna scenarios list", key=("ready",))
        raise_all(_lacking(library[name], pathway, set_name))

    gathered(*(partial(known, name) for name in names))
    full = f"{int(start[:4]) + 1}{start[4:]}"
    built = [library[name] for name in names]
    return [ready_scenarios(pathway, (e.name,), start)[0] if e.built_in else _built(e, pathway, start, full, set_name) for e in built]


def _lacking(entry: LibraryScenario, pathway: Pathway, set_name: str) -> Iterator[Problem]:
    """What keeps an entry from being run for this authority."""
    if entry.needs_volume and not pathway.early_help_supplied:
        yield Problem(f"scenario {entry.name!r} needs the authority's own volume of early help", "give families_per_year", column="ready")
    layout = ("family_help" if pathway.family_help_from else "early_help_and_cin") if pathway.layout else ""
    if (entry.needs_layout and not layout) or entry.needs_layout not in ("", "any", layout):
        wanted = "early_help_and_cin" if entry.needs_layout == "any" else entry.needs_layout
        yield Problem(f"scenario {entry.name!r} needs a layout of the pathway", f'write layout = "{wanted}" in the study', column="ready")
        return
    if entry.needs_places and pathway.layout["early_help.places"].value >= pathway.layout["early_help.places"].high:
        found = f"scenario {entry.name!r} takes away a limit of places, and early help has none"
        yield Problem(found, 'give "early_help.places" under [parameters]', column="ready")
    for change in entry.changes:
        name = change["parameter"]
        if set_name not in change.get("risk", {set_name: ""}):
            found = f"scenario {entry.name!r} is for a risk of {' or '.join(change['risk'])}, and the set is {set_name}"
            yield Problem(found, "write it as a scenario of your own, with group = { risk = ... }", column="ready")
        if name not in pathway.changeable:
            found = f"scenario {entry.name!r} changes {name}, which this pathway does not have"
            yield Problem(found, "leave it out", column="ready")


def _built(entry: LibraryScenario, pathway: Pathway, start: str, full: str, set_name: str) -> Scenario:
    groups = (Group(risk=c["risk"][set_name]) if "risk" in c else Group() for c in entry.changes)
    changes = tuple(Change(c["parameter"], c["op"], _value(c, pathway), start, full, g) for c, g in zip(entry.changes, groups, strict=True))
    reason = f"{entry.reason} ({', '.join(entry.evidence)})"
    return Scenario(entry.name, entry.title, reason, changes, entry.kind != "proposal")


def _value(change: Mapping[str, Any], pathway: Pathway) -> float:
    """The value of a change: as written, or from how much the parameter moves by itself."""
    if sds := change.get("walk_sds"):
        return exp(float(sds) * pathway.parameter(change["parameter"]).yearly_sd)
    if keys := change.get("ratio_of"):
        first, second = load_evidence(*keys)
        return first.value / second.value
    if rule := change.get("rest_of"):
        part = pathway.layout[rule["part"]].value
        if part * rule["scaled"] > 1:
            raise InputError(f"{rule['part']} is {part:g}: {rule['scaled']:g} times as much is more than all. Leave the scenario out.")
        return (1 - part * float(rule["scaled"])) / (1 - part) if part < 1 else 1.0
    if key := change.get("half_way_to"):
        (ratio,) = load_evidence(key)
        return (1 + ratio.value) / 2
    return float(change["value"])
