"""The areas that an estimate is made of: checked, in code order, with their covariates, and the groups that they make."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from jsna_model.conventions import AGE_BANDS
from jsna_model.errors import Problem, raise_all
from jsna_model.population import Population

Array = NDArray[np.float64]
BANDS = list(AGE_BANDS)


def check_arguments(population: Population, covariates: Sequence[str], draws: int, seed: int) -> None:
    """Raise all that an estimate cannot be made of, at once."""
    problems = []
    if not _whole(draws) or draws < 2:
        problems.append(Problem(f"draws is {draws!r}", "give a whole number of draws, at least 2 (1000 is usual)"))
    if not _whole(seed) or seed < 0:
        problems.append(Problem(f"seed is {seed!r}", "give a whole number, zero or more"))
    if population.frame is None:
        problems.append(
            Problem("the population carries no England frame", "load it with data_sources.load_population, or pass frame=load_frame()")
        )
    if "deprivation" not in population.data:
        problems.append(Problem("the population has no 'deprivation'", "give the IMD decile of each area"))
    elif population.frame is not None:
        frame = population.frame.over(covariates)
        for name in covariates:
            problems += _out_of_range(name, population.covariate(name), np.array(population.areas), *frame.range(name))
    if "age_band" not in population.data["children"].dims:
        problems.append(Problem("children are not by 'age_band'", f"give the DfE bands {', '.join(BANDS)}"))
    elif list(population.data["age_band"].values) != BANDS:
        problems.append(Problem(f"age bands are {list(population.data['age_band'].values)}", f"give {BANDS}, in order"))
    raise_all(problems)


def _whole(value: object) -> bool:
    """Whether a value is a whole number."""
    return not isinstance(value, bool) and isinstance(value, (int, float, np.integer)) and float(value).is_integer()


def _out_of_range(name: str, values: Array, areas: NDArray[np.str_], low: float, high: float) -> list[Problem]:
    """A covariate that is missing somewhere, or that no area of England has: a percentage for a share, a score for a decile."""
    margin = 1e-9 * (high - low)
    wrong = ~((values >= low - margin) & (values <= high + margin))
    if not wrong.any():
        return []
    codes = ", ".join(f"{a} ({v:g})" for a, v in zip(areas[wrong][:5], values[wrong], strict=False))
    if name == "deprivation":
        fix = "give the IMD 2025 decile, 1 for the most deprived: not a rank or a score"
    elif high <= 1 and np.nanmax(values, initial=0.0) > 1:
        fix = "give a share from 0 to 1: these look like percentages, so divide by 100"
    else:
        fix = "give it on the scale of the England frame, and for every area; load_population(..., impute=True) fills what is missing"
    return [Problem(f"{name} is missing or outside {low:g} to {high:g} in {int(wrong.sum())} areas, such as {codes}", fix, "population")]


def areas_of(population: Population, covariates: Sequence[str]) -> xr.Dataset:
    """Areas in code order with their place, and ``x``, their standardised covariates."""
    frame = population.frame
    assert frame is not None
    x = np.stack([frame.standardise(name, population.covariate(name)) for name in covariates], axis=1)
    data = population.data.drop_vars(["covariate_value", "covariate"], errors="ignore")
    data = data.assign(x=(("area", "covariate"), x)).assign_coords(covariate=list(covariates))
    data = data.isel(area=np.argsort(data["area"].values.astype(str), kind="stable"))
    data = _split_crossing(data.transpose("area", "age_band", ...))
    data = data.assign_coords(place=("area", np.arange(data.sizes["area"])))
    data.attrs |= {"level": population.level, "whole": population.whole}
    return data


def _split_crossing(data: xr.Dataset) -> xr.Dataset:
    """Name the parts of a group that crosses authorities: ``<code>:<authority>``, "<name> (<authority> part)" (law 9)."""
    authority, authority_name = data["authority"].values.astype(str), data["authority_name"].values.astype(str)
    for level in ("msoa", "ward", "locality", "district"):
        if level not in data.coords:
            continue
        codes = data[level].values.astype(str)
        owners: dict[str, set[str]] = {}
        for code, owner in zip(codes, authority, strict=True):
            owners.setdefault(code, set()).add(owner)
        crosses = np.array([len(owners[c]) > 1 for c in codes])
        if not crosses.any():
            continue
        names = data[f"{level}_name"].values.astype(str) if f"{level}_name" in data.coords else codes
        parts = [f"{c}:{a}" if x else c for c, a, x in zip(codes, authority, crosses, strict=True)]
        named = [f"{n} ({a} part)" if x else n for n, a, x in zip(names, authority_name, crosses, strict=True)]
        data = data.assign_coords({level: ("area", np.array(parts)), f"{level}_name": ("area", np.array(named))})
    return data


def log_sd_of(here: xr.Dataset) -> Array:
    """Error of each count of children, as sd of the log; none where the population gives none."""
    shape = here["children"].shape
    return np.broadcast_to(here["children_log_sd"].values, shape) if "children_log_sd" in here else np.zeros(shape)


def parents_of(here: xr.Dataset) -> list[str]:
    """MSOA of each area, whose child counts err together; the area itself where there is none."""
    return [str(c) for c in here["msoa" if "msoa" in here.coords else "area"].values]


def groups_of(here: xr.Dataset, level: str, finest: str) -> tuple[NDArray[np.int64], list[str], list[str]]:
    """Place of each area in the groups of a level, with the groups' codes and names, in code order."""
    if level == finest:
        return np.arange(here.sizes["area"]), here["area"].values.tolist(), here["area_name"].values.tolist()
    keys = here[level].values.astype(str)
    labels, index = np.unique(keys, return_inverse=True)
    first = [int(np.flatnonzero(index == i)[0]) for i in range(len(labels))]
    names = here[f"{level}_name"].values[first].tolist() if f"{level}_name" in here.coords else labels.tolist()
    return index, labels.tolist(), names
