"""An authority's counts of the base year with all authorities behind them: pooled rates, draws of the year, and what was learned."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from jsna_model.draws import normals
from jsna_model.errors import Problem, raise_all
from jsna_model.methods.calibration import IDENTIFIED, TAU_GRID, Counts, Fit, fit, log_likelihood, posterior, residuals

if TYPE_CHECKING:
    import xarray as xr

Array = NDArray[np.float64]

#: What ``c`` hides: 1 to 5 (DfE, Children in need: methodology). It is not secondary suppression: in 2024-25 England's count less that of
#: all authorities published leaves 25 referrals with no further action for eight authorities that are hidden.
SUPPRESSED = (1.0, 5.0)
#: Standardised residual above which a count is listed, and its authority's rate not pooled.
BEYOND = 3.0


@dataclass(frozen=True)
class Flow:
    """A count of the year, what it is a rate or a share of, and on which scale rates are normal over authorities."""

    count: str
    of: str
    scale: str


#: In the order in which counts follow from one another. ``assessed`` is referrals less no further action: identities are not fitted twice.
FLOWS = (
    Flow("referrals", "children", "log"),
    Flow("re_referrals", "referrals", "logit"),
    Flow("referrals_no_further_action", "referrals", "logit"),
    Flow("referrals_assessed_not_in_need", "assessed", "logit"),
    Flow("section_47_enquiries", "referrals", "log"),
    Flow("initial_child_protection_conferences", "section_47_enquiries", "logit"),
    Flow("child_protection_plan_started", "initial_child_protection_conferences", "logit"),
    Flow("looked_after_started", "children", "log"),
)
#: Stocks of which only those that are suppressed are estimated: the others are published, and opening values.
STOCKS = (
    Flow("child_protection_plan_at_31_march", "children", "log"),
    Flow("looked_after_at_31_march", "children", "log"),
)
#: Ends, shown beside the fit and no target of it (`benchmarks.closing_gap`).
ENDS = (
    Flow("child_in_need_ended", "child_in_need_at_31_march", "log"),
    Flow("looked_after_ceased", "looked_after_at_31_march", "log"),
)


@dataclass(frozen=True)
class YearCounts:
    """Counts of the base year of one authority, given its own and those of all.

    Parameters
    ----------
    point : dict of str to float
        At the posterior means of the rates; stocks as published.
    draws : dict of str to ndarray, shape (draw,)
        Of the flows.
    learned : dict of str to dict
        By flow: posterior ``mean`` and ``sd`` on its scale, ``rate``, ``contraction`` of the prior's variance, ``identified``,
        ``pooled``, and ``data`` (``published``, ``suppressed``, ``prior only``).
    notes : tuple of str
    """

    point: dict[str, float]
    draws: dict[str, Array]
    learned: dict[str, dict[str, float | bool | str]]
    notes: tuple[str, ...]


def impossible(counts: Mapping[str, float], place: str, children: float) -> list[Problem]:
    """Counts of one authority that cannot be: below zero, parts above their whole, more looked after than children.

    Parameters
    ----------
    counts : mapping of str to float
        NaN where not published.
    place : str
    children : float
    """
    fix = "correct the counts; nothing is rescaled"
    problems = [Problem(f"{place}: {n} is {v:g}", "give zero or more") for n, v in counts.items() if v < 0]
    counts = dict.fromkeys((*(f.count for f in FLOWS), *(f.count for f in STOCKS), "child_in_need_at_31_march"), np.nan) | dict(counts)
    plans, care, stock = (counts[f"{n}_at_31_march"] for n in ("child_protection_plan", "looked_after", "child_in_need"))
    if plans + care > stock:
        found = f"{place}: {plans:,.0f} children on a plan and {care:,.0f} looked after are more than the {stock:,.0f} in need at 31 March"
        problems.append(Problem(found, "every open episode is in need: correct the counts"))
    if care > children:
        problems.append(Problem(f"{place}: {care:,.0f} looked after of {children:,.0f} children", fix))
    closed = counts["referrals_no_further_action"] + counts["referrals_assessed_not_in_need"]
    for part, name in ((counts["re_referrals"], "re-referrals"), (closed, "referrals closed or assessed not in need")):
        if part > counts["referrals"]:
            problems.append(Problem(f"{place}: {part:,.0f} {name} of {counts['referrals']:,.0f} referrals", fix))
    return problems


def check_counts(observed: xr.Dataset) -> None:
    """Refuse counts of authorities that cannot be, by name and all at once (`impossible`).

    Raises
    ------
    InputError
    """
    services, problems = [str(s) for s in observed["service"].values], []
    for i in np.flatnonzero(observed["role"].values == "authority"):
        counts = dict(zip(services, observed["observed"].values[i].astype(float).tolist(), strict=True))
        problems += impossible(counts, str(observed["area_name"].values[i]), float(observed["children"].values[i]))
    raise_all(problems)


def panel_counts(observed: xr.Dataset, flow: Flow) -> Counts:
    """Counts of a flow over the areas of a dataset of `Pathway.observed`'s form: suppressed ones as intervals, missing ones as NaN."""
    value, hidden = _values(observed, flow.count)
    low, high = np.where(hidden, SUPPRESSED[0], value), np.where(hidden, SUPPRESSED[1], value)
    if flow.of == "children":
        size = observed["children"].values.astype(float)
    elif flow.of == "assessed":
        closed, few = _values(observed, "referrals_no_further_action")
        size = _values(observed, "referrals")[0] - np.where(few, np.mean(SUPPRESSED), closed)
    else:
        size = _values(observed, flow.of)[0]
    # Nothing of nothing says nothing.
    return Counts(low, high, np.where((size == 0) & (low == 0), np.nan, size))


def _values(observed: xr.Dataset, service: str) -> tuple[Array, NDArray[np.bool_]]:
    value = observed["observed"].sel(service=service).values.astype(float)
    return value, np.isnan(value) & (observed["status"].sel(service=service).values.astype(str) == "c")


def pooled(panel: xr.Dataset, dispersion: float, flows: tuple[Flow, ...] = (*FLOWS, *STOCKS)) -> dict[str, Fit]:
    """Hyperparameters of every flow over the authorities of a panel (`jsna_model.methods.calibration.fit`).

    An authority with more conferences than enquiries, say, has no share: it is left out of that flow's pool.

    Parameters
    ----------
    panel : xarray.Dataset
        Of `Pathway.observed`'s form; rows other than authorities are left aside.
    dispersion : float
        Variance of a count over that of independent events (``entries.dispersion``).
    flows : tuple of Flow

    Raises
    ------
    InputError
        For counts that cannot be, of all authorities at once.
    """
    check_counts(panel)
    own = panel.isel(area=np.flatnonzero(panel["role"].values == "authority"))
    return {f.count: fit(_of_shares(panel_counts(own, f), f.scale), f.scale, dispersion) for f in flows}


def _of_shares(counts: Counts, scale: str) -> Counts:
    """Without counts above what they are a share of: they say nothing of a share, and `year_counts` names their authority."""
    no_share = (counts.low > counts.size) & (scale == "logit")
    return Counts(counts.low, counts.high, np.where(no_share, np.nan, counts.size))


def year_counts(observed: xr.Dataset, area: str, filled: Mapping[str, float], fits: Mapping[str, Fit], seed: int, draws: int) -> YearCounts:
    """Counts of the base year: of flows, posterior means and draws; of stocks, what is published.

    Each flow is a rate or share of the one before it, so that shares stay shares in every draw. Streams are named
    ``calibration/<area>/<flow>``: the same for every scenario.

    Parameters
    ----------
    observed : xarray.Dataset
        `Pathway.observed`.
    area : str
    filled : mapping of str to float
        All counts, with what is not published replaced; used for what does not apply and for stocks.
    fits : mapping of str to Fit
        From `pooled`.
    seed, draws : int

    Returns
    -------
    YearCounts
    """
    own = observed.sel(area=[area])
    children = float(own["children"].values[0])
    point, drawn = dict(filled), {}
    learned: dict[str, dict[str, float | bool | str]] = {}
    notes = []
    for flow in FLOWS:
        counts, fitted = panel_counts(own, flow), fits[flow.count]
        status = str(own["status"].sel(service=flow.count).values[0])
        if status == "z" or (flow.scale == "logit" and bool((counts.low > counts.size)[0])):
            if status != "z":
                notes.append(f"{flow.count}: more than {flow.of}, so that it is no share of them; the count is kept as it is.")
            drawn[flow.count] = np.full(draws, filled[flow.count])
            continue
        alone = abs(float(residuals(counts, fitted)[0])) > BEYOND
        # An authority that is unlike all others says nothing of them, nor they of it.
        found = posterior(counts, flow.scale, fitted.mu, TAU_GRID[1] if alone else fitted.tau, fitted.dispersion)
        if alone:
            notes.append(
                f"{flow.count}: the count is more than {BEYOND:g} sd from what other authorities have: its rate "
                "is its own and is not pooled."
            )
        rate = found.draws(normals(seed, f"calibration/{area}/{flow.count}", draws)[None, :])[0]
        point[flow.count] = float(_size(flow, point, children)) * float(found.rate[0])
        drawn[flow.count] = np.asarray(_size(flow, drawn, children) * rate)
        data = "published" if counts.exact[0] else "suppressed" if counts.known[0] else "prior only"
        if data != "published":
            says = "published as 1 to 5, and its rate" if data == "suppressed" else "its own counts say nothing of its rate, which"
            notes.append(
                f"{flow.count}: {says} is pooled over {fitted.areas} authorities: {point[flow.count]:.1f} a year expected "
                f"(sd {drawn[flow.count].std():.1f})."
            )
        learned[flow.count] = {
            "data": data,
            "mean": float(found.mean[0]),
            "sd": float(found.sd[0]),
            "rate": float(found.rate[0]),
            # Of what all authorities said beforehand, also where this one is left out of the pool.
            "contraction": 1 - float(found.sd[0] / fitted.tau) ** 2,
            "identified": 1 - float(found.sd[0] / fitted.tau) ** 2 > IDENTIFIED,
            "pooled": not alone,
        }
    for flow in STOCKS:
        if str(own["status"].sel(service=flow.count).values[0]) == "c":
            point[flow.count] = _hidden(children, fits[flow.count])
            notes.append(f"{flow.count}: 1 to 5, as suppressed; {point[flow.count]:.1f} expected, given all authorities.")
    return YearCounts(point, drawn, learned, tuple(notes))


def _size(flow: Flow, counts: Mapping[str, Array] | Mapping[str, float], children: float) -> Array | float:
    if flow.of == "children":
        return children
    if flow.of == "assessed":
        return counts["referrals"] - counts["referrals_no_further_action"]
    return counts[flow.of]


def _hidden(children: float, fitted: Fit) -> float:
    """Expected count given that it is suppressed, and the rates of all authorities."""
    ends = np.array(SUPPRESSED)
    inside = np.arange(ends[0], ends[1] + 1)
    size = np.full(len(inside), children)
    prior = np.linspace(-6, 6, 241)
    theta = np.broadcast_to(fitted.mu + fitted.tau * prior, (len(inside), len(prior)))
    chance = np.exp(log_likelihood(theta, Counts(inside, inside, size), fitted.scale, fitted.dispersion) - prior**2 / 2).sum(1)
    return float((inside * chance).sum() / chance.sum())
