"""How much early help does: sceptical by default; as published, or optimistic, where asked for, and always labelled."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import replace
from functools import cache
from importlib.resources import files
from math import log
from typing import Any

from data_sources.evidence import load_evidence
from jsna_model.errors import Problem, raise_all, unknown_name
from jsna_model.methods.distributions import quantile_of
from jsna_model.pathway import Parameter

PREFIX = "early_help.effect."
DEFAULT = "sceptical"
_WORDS = ("label", "statement", "doubts")


@cache
def _levels() -> dict[str, dict[str, Any]]:
    return tomllib.loads(files("data_sources").joinpath("defaults", "effects.toml").read_text(encoding="utf-8"))


def effect_levels() -> dict[str, dict[str, str]]:
    """Levels of effects with label, statement and doubts, in words.

    Examples
    --------
    >>> list(effect_levels())
    ['sceptical', 'as_published', 'optimistic']
    """
    return {name: {k: str(level[k]) for k in _WORDS} for name, level in _levels().items()}


def at_level(parameters: Mapping[str, Parameter], level: str) -> dict[str, Parameter]:
    """Parameters with the effects of early help at a level; every effect's source begins with the level's label.

    ``value = ln RR`` and ``sd = ln(upper / lower) / (2 z)`` of a ratio of the catalogue, z that of its level.

    Parameters
    ----------
    parameters : mapping of str to Parameter
        The defaults, which are sceptical.
    level : str
        One of `effect_levels`.

    Raises
    ------
    UnknownNameError
    """
    levels = _levels()
    if level not in levels:
        raise unknown_name("level of effects", level, levels)
    changes = {name: entry for name, entry in levels[level].items() if name not in _WORDS}
    label = f"Effects {levels[level]['label'].lower()}"
    return {name: _changed(p, changes.get(name, {}), label) if name.startswith(PREFIX) else p for name, p in parameters.items()}


def _changed(parameter: Parameter, entry: Mapping[str, Any], label: str) -> Parameter:
    value, sd = float(entry.get("value", parameter.value)), parameter.sd
    if key := entry.get("log_ratio_of"):
        (ratio,) = load_evidence(key)
        z = quantile_of(ratio.level)
        value, sd = log(ratio.value), (log(ratio.upper) - log(ratio.lower)) / (2 * z)
    if entry.get("certain"):
        sd = 0.0
    return replace(parameter, value=value, sd=sd, source=f"{label}: {entry.get('source', parameter.source)}")


def own_effects(given: Iterable[str], reasons: Mapping[str, str]) -> dict[str, str]:
    """Source of each effect that the user gives: the reason, which is asked for.

    Raises
    ------
    InputError
        For every effect without a reason.
    """
    effects = [name for name in given if name.startswith(PREFIX)]
    raise_all(
        Problem(
            f"{name} is the user's own and has no reason",
            "give one under reasons, such as the evaluation it is from",
            column=f"parameters.{name}",
        )
        for name in effects
        if not reasons.get(name, "").strip()
    )
    return {name: f"user's own effect: {reasons[name].strip()}" for name in effects}
