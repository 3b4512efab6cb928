"""Parameters of the pathway's layouts, with their sources."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import replace
from functools import cache
from importlib.resources import files
from typing import Any

from jsna_model.errors import Problem, raise_all, unknown_name
from jsna_model.pathway import Parameter


def load_layout(parameters: Mapping[str, float] | None = None) -> dict[str, Parameter]:
    """Parameters of `jsna_model.layout`, by name.

    Parameters
    ----------
    parameters : mapping of str to float, optional
        Central values of the user's own.

    Returns
    -------
    dict of str to Parameter

    Raises
    ------
    UnknownNameError
    InputError
        For values outside their range; all at once.

    Examples
    --------
    >>> load_layout()["early_help.months"].basis
    'assumption'
    """
    table = _table()
    built = {name: Parameter(**entry) for name, entry in table["parameters"].items()}
    # A ratio of one risk alone is there where the user gives it: otherwise it is that of all, fitted.
    built |= {n: built["need.rate_ratio"] for n in ratio_names() if n in (parameters or {})}
    problems = []
    for name, value in (parameters or {}).items():
        if name not in built:
            raise unknown_name("parameter of the layout", name, (*built, *ratio_names()))
        p = built[name]
        if not p.low <= value <= p.high:
            problems.append(Problem(f"{name} is {value}, outside {p.low:g} to {p.high:g} {p.unit}", "give a value in its range"))
    raise_all(problems)
    return built | {n: replace(built[n], value=float(v), source="user", basis="assumption") for n, v in (parameters or {}).items()}


def factors() -> dict[str, tuple[str, ...]]:
    """Recorded factors that stand for a risk, by risk: columns of ``england_upper_tier_2025.csv``.

    Examples
    --------
    >>> factors()["alcohol_or_drug_dependency"]
    ('factor_parent_alcohol', 'factor_parent_drugs')
    """
    return {risk: tuple(columns) for risk, columns in _table()["factors"].items()}


def ratio_names() -> tuple[str, ...]:
    """Rate ratios of single risks that a user may give."""
    return tuple(f"need.rate_ratio.{risk}" for risk in factors())


@cache
def _table() -> dict[str, Any]:
    return tomllib.loads(files("data_sources").joinpath("defaults/layout.toml").read_text(encoding="utf-8"))
