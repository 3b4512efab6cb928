"""Estimates as tidy tables: a row an area, age band and measure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from jsna_model.conventions import ENGLAND
from jsna_model.errors import InputError, LabelError, Problem, raise_all, unknown_name
from jsna_model.result import Result
from jsna_model.verbs.estimate import INTERVAL, components_of, measured, model_of, regenerated, summarised
from jsna_model.verbs.need_areas import BANDS

if TYPE_CHECKING:
    import pandas as pd

Array = NDArray[np.float64]


def tidy(result: Result, level: str) -> pd.DataFrame:
    """Every measure of every area of a level as a tidy table: a row an area, age band and measure.

    Parameters
    ----------
    result : Result
    level : str
        One of `Result.levels`.

    Returns
    -------
    pandas.DataFrame
        ``area``, ``area_name``, ``age_band`` (``all`` for 0-17; each band too for authorities and above, and for finer areas estimated
        with ``by_age=True``), ``measure`` (each risk, ``any_risk``, ``exactly_one``, ``two_or_more``, ``all_three``, each pattern as
        ``a+b_only``, ``none``), ``value`` (mean of the draws), ``lower``, ``upper``, ``interval``, ``unit``, ``basis``.

    Raises
    ------
    UnknownNameError
    """
    import pandas as pd

    _require_level(result, level)
    node = result.node(f"need/{level}")
    ages = BANDS
    if "affected" in node:
        model, _ = model_of(result)
        names, weights = components_of(model, patterns=True)
        cells = node["children_by_pattern"].values if model.joint else np.zeros((*node["affected"].shape[:2], 0, model.draws))
        stats = summarised(measured(cells, node["affected"].values, weights, by_age=True))
    else:
        names = node["component"].values.tolist()
        stats = {k: node[k].values[:, None] for k in ("expected", "lower", "upper")}
        if "expected_by_age" in node:
            stats = {k: np.concatenate([node[f"{k}_by_age"].values, v], axis=1) for k, v in stats.items()}
        else:
            ages = []
    index = pd.MultiIndex.from_product([range(node.sizes["area"]), [*ages, "all"], names], names=["place", "age_band", "measure"])
    return _table(stats, index, node)


def _require_level(result: Result, level: str) -> None:
    """Refuse a level that the result does not have, and say why where it is known."""
    if level in result.levels:
        return
    why = {
        "locality": "localities need a footprint: --footprint FILE",
        "district": "every authority here is its own district: use authority",
        "region": "a region needs all of England: --area England",
        "england": "England needs all of its authorities: --area England",
    }.get(level)
    if why:
        raise InputError(f"there is no level {level!r} in this estimate: {why}. It has {', '.join(result.levels)}.")
    raise unknown_name("level", level, result.levels)


def _table(stats: Mapping[str, Array], index: pd.MultiIndex, node: xr.Dataset) -> pd.DataFrame:
    """Statistics of shape (area, ...) as a tidy table; `index` names their axes, the first ``place``."""
    import pandas as pd

    columns = {"value": stats["expected"].ravel(), "lower": stats["lower"].ravel(), "upper": stats["upper"].ravel()}
    table = pd.DataFrame(columns, index=index).reset_index()
    place = table.pop("place").to_numpy()
    table.insert(0, "area", node["area"].values[place])
    table.insert(1, "area_name", node["area_name"].values[place])
    return table.assign(interval=INTERVAL, unit="children", basis="estimated")


def tidy_groups(result: Result, level: str, shares: xr.DataArray) -> pd.DataFrame:
    """`tidy` in age bands of the user's own, by sex where wanted: draws of the DfE bands are shared out, then summarised (law 6).

    Within a DfE band, single years and sexes are taken to be alike in their risks, and every small area to have its authority's mix of
    them: the evidence says nothing of a child's sex, and small-area children are not published by single year.

    Parameters
    ----------
    result : Result
    level : str
        One of `Result.levels`.
    shares : xarray.DataArray
        Dims (area, age_band, component): share of each authority's children of a DfE band that are of each group
        (`data_sources.age_sex_shares`); ``sex`` and ``own_band`` on ``component``. They sum to 1 over the groups.

    Returns
    -------
    pandas.DataFrame
        Columns of `tidy`, and ``sex``: ``girls``, ``boys`` or ``all``.

    Raises
    ------
    UnknownNameError
    LabelError
        Where the shares lack an authority of the result.
    """
    import pandas as pd

    _require_level(result, level)
    held = set(shares["area"].values.astype(str).tolist())
    authorities = result.node("need/authority")
    codes = authorities["area"].values.astype(str).tolist()
    raise_all((Problem(f"no shares of {c}", "make the shares for the area of the result") for c in codes if c not in held), LabelError)
    model, _ = model_of(result)
    names, weights = components_of(model, patterns=True)

    def measures(authority: str, data: xr.Dataset) -> Array:
        """Draws of every measure, shape (area, group, measure, draw)."""
        share = shares.sel(area=authority).transpose("age_band", "component").values
        affected = np.einsum("gc,ngrd->ncrd", share, data["affected"].values)
        if not model.joint:
            return affected
        patterns = np.einsum("gc,ngpd->ncpd", share, data["children_by_pattern"].values)
        return np.concatenate([np.einsum("mp,ncpd->ncmd", weights, patterns), affected], axis=2)

    node = result.node(f"need/{level}")
    labels = node["area"].values.astype(str).tolist()
    if level in ("region", "england"):
        above = authorities["region"].values.astype(str) if level == "region" else np.full(len(codes), ENGLAND)
        sums = np.zeros((len(labels), shares.sizes["component"], len(names), model.draws))
        for i, code in enumerate(codes):
            sums[labels.index(above[i])] += measures(code, authorities.isel(area=[i]))[0]
        stats = summarised(sums)
    else:
        parts = regenerated(result, level) if level != "authority" else ((c, authorities.sel(area=[c])) for c in codes)
        found = {a: s for code, data in parts for a, s in _by_area(data, summarised(measures(code, data)))}
        stats = {key: np.stack([found[a][key] for a in labels]) for key in ("expected", "lower", "upper")}
    groups = shares["component"].values.tolist()
    index = pd.MultiIndex.from_product([range(len(labels)), groups, names], names=["place", "group", "measure"])
    table = _table(stats, index, node)
    group = table.pop("group").map({g: i for i, g in enumerate(groups)}).to_numpy()
    table.insert(2, "age_band", shares["own_band"].values[group])
    table.insert(3, "sex", shares["sex"].values[group])
    return table


def _by_area(data: xr.Dataset, stats: Mapping[str, Array]) -> Iterator[tuple[str, dict[str, Array]]]:
    for i, area in enumerate(data["area"].values.astype(str).tolist()):
        yield area, {key: values[i] for key, values in stats.items()}
