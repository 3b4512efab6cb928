"""Parameters of the pathway's layouts, with their sources."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import replace
from importlib.resources import files

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
    table = tomllib.loads(files("data_sources").joinpath("defaults/layout.toml").read_text(encoding="utf-8"))["parameters"]
    built = {name: Parameter(**entry) for name, entry in table.items()}
    problems = []
    for name, value in (parameters or {}).items():
        if name not in built:
            raise unknown_name("parameter of the layout", name, built)
        p = built[name]
        if not p.low <= value <= p.high:
            problems.append(Problem(f"{name} is {value}, outside {p.low:g} to {p.high:g} {p.unit}", "give a value in its range"))
    raise_all(problems)
    return built | {n: replace(built[n], value=float(v), source="user", basis="assumption") for n, v in (parameters or {}).items()}
