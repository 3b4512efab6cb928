"""Draws of what a real count of children would find: whole children, who come in households."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import xarray as xr

from jsna_model.conventions import ENGLAND
from jsna_model.draws import uniforms
from jsna_model.methods.counts import beta_binomial, concentration, design_effect, dirichlet_multinomial, round_to_total
from jsna_model.result import JOINT_MEASURES
from jsna_model.verbs.estimate import model_of
from jsna_model.verbs.need_areas import groups_of, log_sd_of, parents_of
from jsna_model.verbs.need_model import NeedModel

if TYPE_CHECKING:
    from jsna_model.result import Result


def count_draws(result: Result, measure: str, level: str, siblings: float, rho: float) -> xr.DataArray:
    """Draws of a count of children affected, in the areas of a level: sums of the whole children of its finest areas.

    Parameters
    ----------
    result : Result
    measure : str
        One of `Result.measures`.
    level : str
        One of `Result.levels`.
    siblings, rho : float
        As in `methods.counts.design_effect`.

    Returns
    -------
    xarray.DataArray of int
        Dims (area, draw).
    """
    model, known = model_of(result)
    finest = result.levels[0]
    base = result.node(f"need/{finest}")
    labels = result.node(f"need/{level}")["area"].values.astype(str).tolist()
    place = {code: i for i, code in enumerate(labels)}
    above = level in ("region", "england")
    region = result.node("need/authority")["region"].to_series().to_dict() if level == "region" else {}
    out = np.zeros((len(labels), model.draws), dtype=np.int64)
    for authority in sorted(set(base["authority"].values.astype(str).tolist())):
        here = base.isel(area=np.flatnonzero(base["authority"].values.astype(str) == authority))
        counts = _of_measure(authority_counts(result, model, authority, here, known, siblings, rho), measure, result.risks)
        if above or level == "authority":
            out[place[str(region.get(authority, ENGLAND)) if above else authority]] += counts.sum(0)
        else:
            index, names, _ = groups_of(here, level, finest)
            np.add.at(out, np.array([place[str(name)] for name in names])[index], counts)
    return xr.DataArray(out, dims=("area", "draw"), coords={"area": labels, "draw": np.arange(model.draws)}, name=measure)


def authority_counts(
    result: Result, model: NeedModel, authority: str, here: xr.Dataset, known_total: bool, siblings: float, rho: float
) -> xr.Dataset:
    """Whole children of each finest area of one authority, all ages together: siblings are of different ages.

    Children are rounded on stream ``count/children/<authority>`` so that the authority keeps its total; patterns are drawn on
    ``count/<area>/<pattern>`` and ``.../share``, a risk that stands alone on ``count/<area>/<risk>``. What is nested in another risk is a
    beta-binomial part of that risk's count, on streams named after it, so that nested ones keep their order.

    Returns
    -------
    xarray.Dataset
        ``children`` (area, draw), ``affected`` (area, risk, draw) and ``children_by_pattern`` (area, pattern, draw), all whole.
    """
    codes = [str(c) for c in here["area"].values]
    counts = model.child_counts(codes, parents_of(here), here["children"].values, log_sd_of(here), known_total)
    expected = counts.sum(1)
    children = round_to_total(expected, uniforms(model.seed, f"count/children/{authority}", model.draws))
    effect = design_effect(siblings, rho)
    names = tuple(str(p) for p in result.node("need")["pattern"].values) if model.joint else ()
    patterns = np.zeros((len(codes), len(names), model.draws), dtype=np.int64)
    affected = np.zeros((len(codes), len(model.risks), model.draws), dtype=np.int64)
    for part, p, a in model.blocks(authority, codes, here["x"].values, counts):
        n, spread = children[part], concentration(children[part], effect)
        share = _share(a.sum(1).swapaxes(0, 1), expected[part])
        if model.joint:
            u = np.stack([_uniforms(model, codes[part], name) for name in names[:-1]])
            found = dirichlet_multinomial(n, _share(p.sum(1).swapaxes(0, 1), expected[part], close=True), spread, u[:, 0], u[:, 1])
            patterns[part] = found.swapaxes(0, 1)
            for bit, k in enumerate(model.joint):
                affected[part, k] = found[[i for i in range(len(names)) if i >> bit & 1]].sum(0)
        for k in _outer_first(model):
            if k in model.joint:
                continue
            outer = model.risks.index(model.streams[k])
            if outer == k:
                affected[part, k] = beta_binomial(n, share[k], spread, *_uniforms(model, codes[part], model.risks[k]))
            else:
                ratio = np.minimum(np.divide(share[k], share[outer], out=np.zeros_like(share[k]), where=share[outer] > 0), 1.0)
                u = _uniforms(model, codes[part], f"{model.risks[outer]}/nested")
                within = np.where(share[outer] > 0, spread, 0.0) * np.where(share[outer] > 0, share[outer], 1.0)
                affected[part, k] = beta_binomial(affected[part, outer], ratio, within, *u)
    return xr.Dataset(
        {
            "children": (("area", "draw"), children),
            "affected": (("area", "risk", "draw"), affected),
            "children_by_pattern": (("area", "pattern", "draw"), patterns),
        },
        coords={"area": codes, "risk": list(model.risks), "pattern": list(names)},
    )


def _outer_first(model: NeedModel) -> list[int]:
    """Places of the risks, those that others may be nested in first."""
    return sorted(range(len(model.risks)), key=lambda k: (model.streams[k] != model.risks[k], k))


def _share(children: np.ndarray, total: np.ndarray, close: bool = False) -> np.ndarray:
    """Share of all children, shape (pattern or risk, area, draw); where no child lives, as if the first pattern had them all."""
    share = np.divide(children, total, out=np.zeros_like(children), where=total > 0)
    if close:
        share[0] = np.where(total > 0, share[0], 1.0)
    return share


def _uniforms(model: NeedModel, codes: Sequence[str], name: str) -> np.ndarray:
    """Two uniforms for each area and draw, of the share and of the count, shape (2, area, draw)."""
    pairs = [[uniforms(model.seed, f"count/{code}/{name}{end}", model.draws) for code in codes] for end in ("/share", "")]
    return np.array(pairs)


def _of_measure(counts: xr.Dataset, measure: str, risks: Sequence[str]) -> np.ndarray:
    """Counts of one measure, shape (area, draw)."""
    if measure in risks:
        found = counts["affected"].values[:, list(risks).index(measure)]
    else:
        least, most = JOINT_MEASURES[measure]
        size = np.array([bin(i).count("1") for i in range(counts.sizes["pattern"])])
        found = counts["children_by_pattern"].values[:, (size >= least) & (size <= most)].sum(1)
    return np.asarray(found)
