"""Why an interval is as wide as it is: the variance of an estimate shared out among its sources."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from threading import Lock
from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray
from scipy.special import expit, logit

from jsna_model.conventions import AGE_BANDS, ENGLAND
from jsna_model.errors import InputError, unknown_name
from jsna_model.methods.attribution import GROUPS, coalitions, group_moments, group_sizes, jackknife_error, shapley, variances
from jsna_model.methods.joint import feasible_shares, maximum_entropy, three_risks
from jsna_model.methods.risk_model import calibrate_overlap, linear_predictor, solve_intercepts
from jsna_model.population import Frame
from jsna_model.result import JOINT_MEASURES
from jsna_model.verbs.estimate import model_of
from jsna_model.verbs.need_areas import groups_of, log_sd_of, parents_of
from jsna_model.verbs.need_model import NeedModel, _integration_rules

if TYPE_CHECKING:
    import pandas as pd

    from jsna_model.result import Result

Array = NDArray[np.float64]

#: Sources of variance, in the order of the model, and what each is in words: "what is not known about ...".
SOURCES: dict[str, str] = {
    "evidence": "the national figure",
    "relevance": "how far the national figure holds for English children today",
    "gradient": "how risk varies with deprivation and other covariates",
    "age_profile": "how risk varies with age",
    "overlap": "how often the risks occur together",
    "authority": "how authorities differ from what deprivation suggests",
    "small_area": "how neighbourhoods differ from what deprivation suggests",
    "denominators": "how many children live in each small area",
    "local": "what local data say, within their own error,",
}
#: Sources that intercepts and overlap are calibrated to, so that holding one calibrates them again.
CALIBRATING = ("evidence", "gradient", "age_profile", "overlap")
#: Above this share of draws whose national figures contradict each other once a source is held, there is no answer.
MAX_LEFT_OUT = 0.05
_FLAT = 1e-12  # a source whose draws differ by less is not one


def explain(
    result: Result,
    measure: str = "any_risk",
    level: str = "authority",
    *,
    areas: Sequence[str] | None = None,
    draws: int | None = None,
    frame: Frame | None = None,
    threads: int | None = None,
) -> pd.DataFrame:
    """Share of each source in the variance of a measure; see `Result.explain`."""
    result._check_measure(measure)
    if level not in result.levels:
        raise unknown_name("level", level, result.levels)
    model, known = model_of(result)
    n = model.draws if draws is None else draws
    if isinstance(n, bool) or not isinstance(n, int | np.integer) or not 3 <= n <= model.draws:
        raise InputError(f"draws is {n!r}; give a whole number from 3 to {model.draws}, the draws that the result holds.")
    labels = _wanted(result, level, areas)
    frame = _frame(result, frame)
    place = {code: i for i, code in enumerate(labels)}
    with ThreadPoolExecutor(threads or int(os.environ.get("JSNA_THREADS", "0")) or os.cpu_count() or 1) as pool:
        fitted = _Fitted(_first(model, int(n)), frame, result, measure, pool)
        held = coalitions(len(fitted.sources))
        sizes = group_sizes(int(fitted.keep.sum()), GROUPS)
        sums, squares = (np.zeros((len(held), len(labels), len(sizes))) for _ in range(2))
        for codes, values in _deviations(result, fitted, held, level, place, known, pool):
            rows = [place[c] for c in codes]
            sums[:, rows], squares[:, rows] = group_moments(values, GROUPS)
    return _table(result, fitted, held, labels, level, measure, *variances(sums, squares, sizes))


def _wanted(result: Result, level: str, areas: Sequence[str] | None) -> list[str]:
    """Codes of the areas that are asked for, in the order of the level."""
    known = result.node(f"need/{level}")["area"].values.astype(str).tolist()
    if areas is None:
        return known
    wanted = [areas] if isinstance(areas, str) else list(areas)
    if not wanted:
        raise InputError("areas is empty; give codes of areas, or leave it out for all of the level.")
    for code in wanted:
        if code not in known:
            raise unknown_name(f"area of level {level}", code, known)
    return [code for code in known if code in wanted]


def _frame(result: Result, frame: Frame | None) -> Frame:
    """The frame that the result was calibrated to: the one it keeps, or the one given; another is refused."""
    found = frame or result.frame
    if found is None:
        raise InputError("this result keeps no England frame, and intercepts are calibrated to it; pass frame=population.frame.")
    expected = result.provenance["frame"]["hash"]
    if found.hash != expected:
        raise InputError(f"frame {found.version} has hash {found.hash}, the result was calibrated to {expected}; pass its own frame.")
    return found


def _first(model: NeedModel, n: int) -> NeedModel:
    """The first `n` draws of a model: draw *i* does not depend on how many are drawn (law 5)."""
    cut = ("national", "frame", "intercept", "relevance", "gradient", "age_effect", "log_linear", "start")
    changes: dict[str, Any] = {name: getattr(model, name)[..., :n] for name in cut}
    return replace(model, shifts={code: shift[..., :n] for code, shift in model.shifts.items()}, **changes)


@dataclass(frozen=True)
class _Inputs:
    """What a calibration starts from: of some draws, each source at its draws or at its centre."""

    national: Array
    two: Array
    three: Array
    gradient: Array
    age: Array


class _Fitted:
    """The fitted model with any set of sources held at the mean of their draws (national shares: of their logits)."""

    def __init__(self, model: NeedModel, frame: Frame, result: Result, measure: str, pool: ThreadPoolExecutor) -> None:
        self.model, self.measure, self._lock = model, measure, Lock()
        self.is_risk = measure in model.risks
        self.k = model.risks.index(measure) if self.is_risk else -1
        self.with_shares = bool(model.joint) and result.provenance["overlap"].get("kind") == "shares" and not self.is_risk
        by_risk = {e["risk"]: e for e in result.provenance["evidence"]}
        ages = [by_risk[r]["ages"] for r in model.risks]
        own = np.array([[first >= a[0] and last <= a[1] for first, last in AGE_BANDS.values()] for a in ages])
        frame = frame.over(model.covariates)
        self.x = frame.matrix(model.covariates)
        self.weights = [(frame.children.transpose("area", "age_band").values * o).ravel() for o in own]
        self.rules = _integration_rules(np.hypot(model.authority_sd, model.small_area_sd), model.joint)
        two, three = self._shares() if self.with_shares else (np.full(model.draws, 0.5), np.full(model.draws, 0.25))
        self.drawn = _Inputs(model.national, two, three, model.gradient, model.age_effect)
        national, two, three = (expit(logit(v).mean(-1, keepdims=True)) for v in (model.national, two, three))
        self.centre = _Inputs(national, two, three, model.gradient.mean(-1, keepdims=True), model.age_effect.mean(-1, keepdims=True))
        finest = result.node(f"need/{result.levels[0]}")
        risks = [self.k] if self.is_risk else list(model.joint)
        self.sources = self._sources(risks, finest, result.levels[0])
        self.keep = np.ones(model.draws, dtype=bool)
        keys = self._keys()
        self.calibrated = dict(zip(keys, pool.map(self._calibrate, keys), strict=True))
        left_out = 1 - self.keep.mean()
        if left_out > MAX_LEFT_OUT:
            raise InputError(
                f"in {left_out:.1%} of draws the single, two-or-more and all-three shares contradict each other once either is held at its "
                f"centre (at most {MAX_LEFT_OUT:.0%} may): evidence and overlap cannot be told apart. Check their intervals."
            )

    def _sources(self, risks: list[int], finest: xr.Dataset, level: str) -> tuple[str, ...]:
        """Sources that vary and that the measure depends on; the rest have no share."""
        model = self.model

        def varies(values: Array) -> bool:
            return bool((np.ptp(values, axis=-1) > _FLAT).any())

        log_sd = log_sd_of(finest)
        present = {
            "evidence": varies(model.national[risks]),
            "relevance": varies(model.relevance[risks]),
            "gradient": varies(model.gradient[risks]),
            "age_profile": varies(model.age_effect[:, risks]),
            "overlap": self.with_shares and varies(np.stack([self.drawn.two, self.drawn.three])),
            "authority": bool((model.authority_sd[risks] > 0).any()),
            "small_area": level != "authority" and bool((model.small_area_sd[risks] > 0).any()),
            "denominators": bool((log_sd > 0).any()),
            "local": any(varies(shift[risks]) for shift in model.shifts.values()),
        }
        return tuple(s for s in SOURCES if present[s])

    def _keys(self) -> list[frozenset[str]]:
        """Sets of the calibrating sources that may vary together."""
        own = [s for s in self.sources if s in CALIBRATING]
        return [frozenset(s for s, here in zip(own, row, strict=True) if here) for row in coalitions(len(own))]

    def _linear(self, inputs: _Inputs, k: int) -> Array:
        """Gradient and age of one risk at the points of the frame, shape (point, draw)."""
        return np.asarray(
            (linear_predictor(self.x, inputs.gradient[k])[:, None] + inputs.age[None, :, k]).reshape(len(self.weights[k]), -1)
        )

    def _frame_cells(self, inputs: _Inputs, intercept: Array) -> tuple[Array, Array]:
        """Logits of the joint risks at points and nodes of the frame, shape (3, cell, draw), and their weights."""
        joint = self.model.joint
        parts = [intercept[k] + self._linear(inputs, k)[:, None] + self.rules[k][0][:, None] for k in joint]
        eta = np.stack([part.reshape(-1, part.shape[-1]) for part in parts])
        own = self.weights[joint[0]]
        return eta, (own[:, None] / own.sum() * self.rules[joint[0]][1]).ravel()

    def _shares(self) -> tuple[Array, Array]:
        """National draws of two-or-more and all-three, read off the calibrated frame, which reproduces them."""
        model = self.model
        inputs = _Inputs(model.national, model.national, model.national, model.gradient, model.age_effect)
        eta, weights = self._frame_cells(inputs, model.intercept)
        cells, _ = three_risks(list(eta), list(model.log_linear), list(model.start))
        share = [(weights[:, None] * cell).sum(0) for cell in cells]
        return share[3] + share[5] + share[6] + share[7], share[7]

    def _calibrate(self, key: frozenset[str]) -> tuple[Array, Array, Array]:
        """Intercepts, interactions and start, each (..., draw), with the sources of `key` at their draws and the rest at their centre."""
        model = self.model
        if key == frozenset(s for s in self.sources if s in CALIBRATING):
            return model.intercept, model.log_linear, model.start
        part = {s: self.drawn if s in key else self.centre for s in CALIBRATING}
        shape = model.national[0].shape if key else (1,)

        def spread(values: Array) -> Array:
            return np.broadcast_to(values, (*values.shape[:-1], *shape))

        national = spread(part["evidence"].national)
        two, three = spread(part["overlap"].two), spread(part["overlap"].three)
        if self.with_shares:
            possible = feasible_shares(national[list(model.joint)].T, two, three)
            if not possible.all():  # left out of the variance; its own shares, which are possible, stand in
                if len(possible) == 1:
                    raise InputError("the central single, two-or-more and all-three shares contradict each other; check their intervals.")
                with self._lock:
                    self.keep &= possible
                own = self.drawn
                national, two, three = (np.where(possible, a, b) for a, b in ((national, own.national), (two, own.two), (three, own.three)))
        inputs = _Inputs(national, two, three, spread(part["gradient"].gradient), spread(part["age_profile"].age))
        intercept = np.array(model.intercept)
        for k in [self.k] if self.is_risk else model.joint:
            linear = np.broadcast_to(self._linear(inputs, k), (len(self.weights[k]), *shape))
            intercept[k] = solve_intercepts(inputs.national[k], linear, self.weights[k], *self.rules[k])
        if not self.with_shares:
            return intercept, model.log_linear, model.start
        joint_shares, guess = maximum_entropy(inputs.national[list(model.joint)].T, inputs.two, inputs.three)
        eta, weights = self._frame_cells(inputs, intercept[:, : shape[0]])
        theta, start, _ = calibrate_overlap(eta, weights, joint_shares, guess)
        whole = (model.draws,)
        return intercept, np.broadcast_to(theta.T, (4, *whole)).copy(), np.broadcast_to(start, (3, *whole)).copy()

    def with_only(self, varying: frozenset[str]) -> NeedModel:
        """The model in which only some sources vary."""
        model = self.model
        intercept, log_linear, start = self.calibrated[varying & frozenset(CALIBRATING)]

        def of(source: str, values: Array) -> Array:
            fixed = source in self.sources and source not in varying
            return np.broadcast_to(values.mean(-1, keepdims=True), values.shape).copy() if fixed else values

        return replace(
            model,
            intercept=intercept,
            log_linear=log_linear,
            start=start,
            relevance=of("relevance", model.relevance),
            gradient=of("gradient", model.gradient),
            age_effect=of("age_profile", model.age_effect),
            authority_sd=model.authority_sd * ("authority" in varying),
            small_area_sd=model.small_area_sd * ("small_area" in varying),
            shifts={},
        )

    def local_logits(self, model: NeedModel, authority: str, codes: list[str], x: Array, children: Array) -> dict[tuple[str, int], Array]:
        """Logit prevalence without local data where there are any, shape (draw,), by area (or authority) and risk."""
        held = {code: self.model.shifts[code] for code in dict.fromkeys([authority, *codes]) if code in self.model.shifts}
        out = {}
        for k in sorted({k for shift in held.values() for k in np.flatnonzero(np.abs(shift).max(-1) > 0).tolist()}):
            affected = (children[..., None] * expit(model.logits(authority, codes, x, k))).sum(1)
            for code, shift in held.items():
                inside = slice(None) if code == authority else slice(codes.index(code), codes.index(code) + 1)
                if np.abs(shift[k]).max() > 0 and children[inside].sum() > 0:
                    out[code, k] = logit(affected[inside].sum(0) / children[inside].sum())
        return out

    def responses(self, authority: str, codes: list[str], x: Array, children: Array) -> dict[tuple[str, int], tuple[float, Array]]:
        """How each shift of local data goes against the draws without it: the slope, and the rest, which is the data's own error."""
        out = {}
        for (code, k), y in self.local_logits(self.with_only(frozenset(self.sources)), authority, codes, x, children).items():
            shift = self.model.shifts[code][k]
            slope = float(np.cov(shift, y)[0, 1] / y.var(ddof=1)) if y.var() > 0 else 0.0
            out[code, k] = slope, shift - slope * y
        return out

    def prevalence(
        self,
        varying: frozenset[str],
        authority: str,
        codes: list[str],
        x: Array,
        children: Array,
        responses: Mapping[tuple[str, int], tuple[float, Array]],
    ) -> Array:
        """Share of children with the measure, shape (area, age_band, draw)."""
        places = np.arange(len(codes))
        model = self.with_only(varying)
        if responses:
            shifts: dict[str, Array] = {}
            for (code, k), y in self.local_logits(model, authority, codes, x, children).items():
                slope, rest = responses[code, k]
                shift = shifts.setdefault(code, np.zeros((len(model.risks), model.draws)))
                shift[k] = slope * y + (rest if "local" in varying else rest.mean())
            model = replace(model, shifts=shifts)
        elif "small_area" not in varying and codes != [authority]:
            _, first, places = np.unique(x, axis=0, return_index=True, return_inverse=True)  # areas that differ in covariates alone
            codes, x, places = [codes[i] for i in first], x[first], places.ravel()
        if self.is_risk:
            return np.asarray(expit(model.logits(authority, codes, x, self.k))[places])
        least, most = JOINT_MEASURES[self.measure]
        holds = [i for i in range(2 ** len(model.joint)) if least <= i.bit_count() <= most]
        out = np.empty((len(codes), len(AGE_BANDS), model.draws))
        for part, patterns, _ in model.blocks(authority, codes, x, np.ones_like(out)):
            out[part] = patterns[:, :, holds].sum(2)
        return np.asarray(out[places])


def _deviations(
    result: Result,
    fitted: _Fitted,
    held: NDArray[np.bool_],
    level: str,
    place: Mapping[str, int],
    known: bool,
    pool: ThreadPoolExecutor,
) -> Iterator[tuple[list[str], Array]]:
    """Children with the measure less their central value, in groups of areas: codes, and values (coalition, area, draw)."""
    finest = result.levels[0]
    base = result.node(f"need/{finest}")
    owner = base["authority"].values.astype(str)
    parent = _parents_above(result, level)
    waiting: dict[str, Array] = {}
    for authority in sorted(set(owner.tolist())):
        here = base.isel(area=np.flatnonzero(owner == authority))
        above = parent.get(authority, "")
        if above or level == "authority":
            index, labels = np.zeros(here.sizes["area"], dtype=np.int64), [above or authority]
        else:
            index, names, _ = groups_of(here, level, finest)
            labels = [str(name) for name in names]
        rows = [i for i, label in enumerate(labels) if label in place]
        if not rows:
            continue
        values = _of_authority(fitted, held, authority, here, index, len(labels), known, pool)[:, rows]
        if not above:
            yield [labels[i] for i in rows], values
        elif above in waiting:
            waiting[above] += values
        else:
            waiting[above] = values
    for code, values in waiting.items():
        yield [code], values


def _parents_above(result: Result, level: str) -> dict[str, str]:
    """Region or England of each authority, where the level is one of these."""
    if level not in ("region", "england"):
        return {}
    node = result.node("need/authority")
    codes = node["area"].values.astype(str).tolist()
    parents: Iterable[str] = node["region"].values.astype(str).tolist() if level == "region" else [ENGLAND] * len(codes)
    return dict(zip(codes, parents, strict=True))


def _of_authority(
    fitted: _Fitted,
    held: NDArray[np.bool_],
    authority: str,
    here: xr.Dataset,
    index: NDArray[np.int64],
    groups: int,
    known: bool,
    pool: ThreadPoolExecutor,
) -> Array:
    """Deviations from the centre in the groups of one authority, shape (coalition, group, draw)."""
    codes = here["area"].values.astype(str).tolist()
    x, children = here["x"].values, here["children"].values
    counts = fitted.model.child_counts(codes, parents_of(here), children, log_sd_of(here), known)
    central = np.broadcast_to(children[..., None], counts.shape)
    counted = "denominators" in fitted.sources
    responses = fitted.responses(authority, codes, x, children)
    sets = [frozenset(s for s, inside in zip(fitted.sources, row, strict=True) if inside) for row in held]
    alike: dict[frozenset[str], list[int]] = {}
    for i, varying in enumerate(sets):
        alike.setdefault(varying - {"denominators"}, []).append(i)

    def grouped(values: Array) -> Array:
        out = np.zeros((groups, values.shape[-1]))
        np.add.at(out, index, values)
        return out

    def one(varying: frozenset[str]) -> dict[int, Array]:
        share = fitted.prevalence(varying, authority, codes, x, children, responses)
        chosen = {i: counts if not counted or "denominators" in sets[i] else central for i in alike[varying]}
        return {i: grouped(np.einsum("agd,agd->ad", n, share))[:, fitted.keep] for i, n in chosen.items()}

    out = np.empty((len(held), groups, int(fitted.keep.sum())))
    for found in pool.map(one, alike):
        for i, values in found.items():
            out[i] = values
    out[1:] -= out[0][:, :1]
    out[0] = 0.0  # nothing varies
    return out


def _table(
    result: Result,
    fitted: _Fitted,
    held: NDArray[np.bool_],
    labels: list[str],
    level: str,
    measure: str,
    variance: Array,
    left_out: Array,
) -> pd.DataFrame:
    """One row an area and source, with shares, errors and words."""
    import pandas as pd

    sources = fitted.sources
    total, total_left = variance[-1], left_out[-1]

    def ratio(a: Array, b: Array) -> Array:
        return np.divide(a, b, out=np.full(np.broadcast_shapes(a.shape, b.shape), np.nan), where=b > 0)

    parts = shapley(variance)
    share = ratio(parts, total)
    error = jackknife_error(ratio(shapley(left_out), total_left))
    alone = ratio(variance[[1 << i for i in range(len(sources))]], total)
    known = 1 - ratio(variance[[len(held) - 1 - (1 << i) for i in range(len(sources))]], total)
    node = result.node(f"need/{level}")
    name_of = dict(zip(node["area"].values.astype(str).tolist(), node["area_name"].values.astype(str).tolist(), strict=True))
    # Sources that do not vary, or that the measure does not depend on, have no share; `local` is listed where there are local data.
    shown = [s for s in SOURCES if s in sources or s != "local"]
    rows = []
    for j, code in enumerate(labels):
        for source in shown:
            i = sources.index(source) if source in sources else None
            figures = [v[i, j] if i is not None else (0.0 if total[j] > 0 else np.nan) for v in (share, error, alone, known)]
            part = parts[i, j] if i is not None else 0.0
            sentence = _sentence(source, figures[0])
            rows.append((code, name_of[code], source, part, *figures, sentence))
    columns = ["area", "area_name", "source", "variance", "share", "standard_error", "alone", "if_known", "sentence"]
    table = pd.DataFrame(rows, columns=columns)
    table["total_variance"] = np.repeat(total, len(shown))
    table["unit"] = "children squared"
    table["basis"] = "estimated"
    used = int(fitted.keep.sum())
    typical = table.groupby("source", sort=False)["share"].median().dropna().sort_values(ascending=False, kind="stable")
    table.attrs = {
        "measure": measure,
        "level": level,
        "draws": used,
        "left_out": 1 - used / fitted.model.draws,
        "method": f"exact Shapley values over {len(held)} sets of {len(sources)} sources, on common draws; sources held at their mean",
        "text": _text(typical, measure, level, used, float(table["standard_error"].fillna(0.0).max()), len(labels)),
    }
    return table


def _sentence(source: str, share: float) -> str:
    """One source in words."""
    if np.isnan(share):
        return "There is no variance to share out."
    if share > -0.005:
        return f"What is not known about {SOURCES[source]} makes {abs(share):.0%} of the variance."
    return f"What is not known about {SOURCES[source]} takes off {-share:.0%} of the variance: its draws go against another source's."


def _text(typical: pd.Series, measure: str, level: str, draws: int, error: float, areas: int) -> str:
    """The whole in words, greatest first; of many areas, the median share."""
    if not len(typical):
        return f"{measure}, {level}: there is no variance to share out."
    first, *rest = (f"{SOURCES[str(s)]} {'makes' if v > 0 else 'takes off'} {abs(v):.0%}" for s, v in typical.items() if abs(v) >= 0.005)
    more = f"; {', '.join(rest)}" if rest else ""
    of = f" (median of {areas} areas)" if areas > 1 else ""
    basis = f"{measure}, {level}; {draws:,} draws, standard error at most {error:.1%}"
    return f"What is not known about {first} of the variance{more}{of}. ({basis})"
