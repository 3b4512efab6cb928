"""Local data in the estimate: draws conditioned on direct estimates, and areas benchmarked to known totals, by a common logit shift."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from jsna_model.conventions import ENGLAND, LEVELS
from jsna_model.direct import Direct, check_together
from jsna_model.draws import normals
from jsna_model.errors import LabelError, Problem, nearest, raise_all
from jsna_model.methods.conditioning import common_shift, condition
from jsna_model.methods.distributions import expit, log_normal_from_interval, logit, logit_normal_from_interval
from jsna_model.verbs.need_model import NeedModel

Array = NDArray[np.float64]
#: Child counts of one authority: its areas' codes, standardised deprivation and draws of children, shape (area, age_band, draw).
Counts = Callable[[str], tuple[list[str], Array, Array]]


def with_local(model: NeedModel, base: xr.Dataset, direct: Sequence[Direct], counts: Counts) -> tuple[NeedModel, list[dict[str, Any]]]:
    """The model with a shift for every area that has local data, finest areas first and totals last.

    A direct estimate of an area conditions that area alone: other areas and other risks keep their draws. A total shifts every area inside
    it alike.

    Parameters
    ----------
    model : NeedModel
    base : xarray.Dataset
        Areas of the population with their parents.
    direct : sequence of Direct
    counts : callable

    Returns
    -------
    model : NeedModel
    records : list of dict
        For provenance: what was given, the model's own estimate before it, how much of it was taken, and the estimate after.

    Raises
    ------
    InputError, LabelError
        Every unknown area or risk, and every one given twice, at once.
    """
    levels = {d.area: _level(base, d.area) for d in direct}
    problems = check_together(direct)
    for d in direct:
        if not levels[d.area]:
            close = nearest(d.area, _codes(base))
            hint = f"did you mean {' or '.join(close)}?" if close else "give the code of an area of this population"
            problems.append(Problem("no such area in the population", hint.rstrip("?"), None, d.area, "area"))
        elif levels[d.area] in ("region", "england") and not d.total:
            problems.append(Problem("a direct estimate of several authorities", "give one authority, or a total", None, d.area, "area"))
        elif levels[d.area] in ("region", "england") and d.area not in base.attrs["whole"]:
            what = f"a total of {d.area}, of which the population holds only some authorities"
            problems.append(Problem(what, "load the population of the whole region, or of England", None, d.area, "area"))
        if d.risk not in model.risks:
            problems.append(Problem(f"no risk {d.risk!r} in the evidence", f"give one of {', '.join(model.risks)}", None, d.area, "risk"))
    raise_all(problems, LabelError)
    records = []
    for d in sorted(direct, key=lambda d: (d.total, LEVELS.index(levels[d.area]), d.area, d.risk)):
        model, record = _apply(model, base, d, levels[d.area], counts)
        records.append(record)
    return model, records


def _apply(model: NeedModel, base: xr.Dataset, d: Direct, level: str, counts: Counts) -> tuple[NeedModel, dict[str, Any]]:
    k = model.risks.index(d.risk)
    inside = _inside(base, d.area, level)
    owners = base["authority"].values.astype(str)

    def pieces() -> Iterator[tuple[str, NDArray[np.bool_], Array, Array]]:
        for authority in sorted(set(owners[inside].tolist())):
            codes, x, n = counts(authority)
            mine = inside[owners == authority]
            yield authority, mine, model.logits(authority, [c for c, m in zip(codes, mine, strict=True) if m], x[mine], k), n[mine]

    few = inside.sum() <= 2000
    kept = list(pieces()) if few else None

    def affected(shift: Array) -> tuple[Array, Array]:
        total, slope = np.zeros(model.draws), np.zeros(model.draws)
        for _, _, eta, n in kept if kept is not None else pieces():
            p = expit(eta + shift)
            total += (n * p).sum((0, 1))
            slope += (n * p * (1 - p)).sum((0, 1))
        return total, slope

    children = sum((n.sum((0, 1)) for _, _, _, n in (kept if kept is not None else pieces())), np.zeros(model.draws))
    prior = affected(np.zeros(model.draws))[0] / children
    z = normals(model.seed, f"direct/{d.area}/{d.risk}", model.draws)
    weight = 1.0
    if d.total:
        mean, sd = log_normal_from_interval(d.value, d.lower, d.upper, d.level).parameters
        target = np.exp(mean + sd * z)
    else:
        drawn, weight = condition(logit(prior), *logit_normal_from_interval(d.value, d.lower, d.upper, d.level), z)
        target = expit(drawn) * children
    shift = common_shift(affected, target, children)
    added = dict(model.shifts)
    for authority in sorted(set(owners[inside].tolist())):
        whole = bool(inside[owners == authority].all())
        for code in [authority] if whole else base["area"].values[inside & (owners == authority)].astype(str).tolist():
            mine = np.array(added.get(code, np.zeros((len(model.risks), model.draws))))
            mine[k] += shift
            added[code] = mine
    record = {
        "area": d.area, "level": level, "risk": d.risk, "total": d.total, "policy": d.policy, "source": d.source,
        "value": d.value, "lower": d.lower, "upper": d.upper, "interval": d.level, "model_alone": _interval(prior), "weight": weight,
        "combined": _interval(target / children),
    }  # fmt: skip
    return replace(model, shifts=added), record


def _interval(shares: Array) -> list[float]:
    """Mean and 95% limits of draws."""
    return [float(shares.mean()), *(float(q) for q in np.quantile(shares, [0.025, 0.975]))]


def _level(base: xr.Dataset, code: str) -> str:
    """Level at which a code occurs, finest first; empty where it does not."""
    if code in base["area"].values:
        return str(base.attrs["level"])
    found = [lv for lv in LEVELS if lv in base.coords and code in base[lv].values]
    return found[0] if found else "england" if code == ENGLAND else ""


def _inside(base: xr.Dataset, code: str, level: str) -> NDArray[np.bool_]:
    if level == "england":
        return np.ones(base.sizes["area"], dtype=bool)
    held = base["area"].values if level == base.attrs["level"] else base[level].values
    return np.asarray(held.astype(str) == code)


def _codes(base: xr.Dataset) -> list[str]:
    names = ["area", *(lv for lv in LEVELS if lv in base.coords)]
    return sorted({str(c) for n in names for c in base[n].values})
