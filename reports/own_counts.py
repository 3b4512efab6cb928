"""A user's own unpublished counts: what may be shown of them by each source's policy, and what would give the rest away."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from reports.disclosure import FEWEST, SUPPRESSED, modelled
from reports.policies import of_service, policy, strictest
from reports.suppression import UnprotectableError, suppress_cells

if TYPE_CHECKING:
    from collections.abc import Hashable

    import xarray as xr

#: Counts that add up to the last one: DfE, Children in need, tables B1 and C1.
IDENTITY = ("child_in_need_started", "referrals_no_further_action", "referrals_assessed_not_in_need", "referrals")
#: The policy of a record that names none: that of children's services.
USUAL = "dfe_cin"
ELSEWHERE = "areas not given"


def protect(
    observed: xr.Dataset,
    code: str,
    official: Mapping[str, float] | None = None,
    bounds: Mapping[str, tuple[float, float]] | None = None,
) -> xr.Dataset:
    """Counts of one authority with small ones suppressed, and what would give them away.

    Episodes started, no further action and not in need add up to referrals, so they are one table with a total; the other counts
    stand alone. Each follows the policy of its source. Suppressed counts become NaN with status ``c``, their rates too.

    Parameters
    ----------
    observed : xarray.Dataset
        Node ``demand/observed`` of a result.
    code : str
        The authority whose counts are the user's own.
    official : mapping of str to float, optional
        Counts by service that are published already. One that the user's own equals is shown as published, and an attacker has it.
    bounds : mapping of str to (float, float), optional
        By service, what the report shows of the count by outputs of a model that was fitted to it.

    Returns
    -------
    xarray.Dataset

    Raises
    ------
    UnprotectableError
        Where official counts or outputs give a small count away whatever is hidden.
    """
    counts = {str(k): float(v) for k, v in observed["observed"].sel(area=code).to_series().items()}
    public = [s for s, n in counts.items() if n == n and (official or {}).get(s) == n]
    parts, total = [s for s in IDENTITY[:-1] if s in counts], IDENTITY[-1]
    adds_up = len(parts) == len(IDENTITY) - 1 and counts.get(total) == sum(counts[s] for s in parts)
    together = [[*parts, total]] if adds_up else []
    together += [[s] for s in counts if not together or s not in together[0]]
    hidden: list[str] = []
    for services in together:
        group: dict[Hashable, float] = {s: counts[s] for s in services}
        shown = suppress_cells(
            group,
            [(total, parts)] if len(group) > 1 else [],
            strictest(tuple(of_service(s) for s in services)),
            [s for s in services if s in public],
            {s: around(counts[s], b) for s, b in (bounds or {}).items() if s in group and counts[s] == counts[s]},
        )
        hidden += [str(s) for s, value in shown.items() if value == SUPPRESSED]
    where = {"area": code, "service": hidden}
    out = observed.copy(deep=True)
    for name in ("observed", "observed_per_10000"):
        if name in out:
            out[name].loc[where] = float("nan")
    if "status" in out:
        out["status"] = out["status"].astype(object)
        out["status"].loc[where] = "c"
    return out


def around(count: float, bounds: tuple[float, float]) -> tuple[float, float]:
    """Bounds that hold the count: an output that has moved away from it (a later year's) bounds it on the side where it still does."""
    return min(bounds[0], count), max(bounds[1], count)


def protect_known(rows: Sequence[Mapping[str, Any]]) -> tuple[list[dict[str, Any]], list[str]]:
    """Records of what services record, with the user's own small counts suppressed, and what would give them away.

    Counts of one measure, period and unit by area are one table with the whole authority as its total; what the areas leave over is an
    area not shown. Where they count more than the whole (people counted in two areas), they do not add up and stand alone. A count that is
    marked as published is shown, and an attacker has it.

    Parameters
    ----------
    rows : sequence of mapping
        Records of `data_sources.local.LocalCount`, in provenance under ``known``.

    Returns
    -------
    rows : list of dict
        Suppressed counts are None with status ``c``; others are rounded as their policy has it.
    refused : list of str
        What cannot be protected and is left out, and why.
    """
    groups: dict[tuple[str, ...], list[dict[str, Any]]] = {}
    out = [dict(r) for r in rows]
    for r in out:
        groups.setdefault((r["measure"], r["period"], r["unit"]), []).append(r)
    refused, gone = [], set[int]()
    for group in groups.values():
        if not any(r["own"] for r in group):
            continue
        try:
            _protect_group(group)
        except UnprotectableError as error:
            gone |= {id(r) for r in group if r["own"]}
            refused.append(f"{group[0]['label']}, {group[0]['period']}: {error}")
    return [r for r in out if id(r) not in gone], refused


def _protect_group(group: Sequence[dict[str, Any]]) -> None:
    """Suppress and round the user's own counts of one measure, period and unit, in place."""
    rule = strictest(tuple(r.get("policy") or USUAL for r in group if r["own"]))
    counts = {r["area"]: float("nan") if r["count"] is None else float(r["count"]) for r in group}
    parts = [v for area, v in counts.items() if area and v == v]
    rest = counts.get("", float("nan")) - sum(parts)
    public = [r["area"] for r in group if not r["own"] and r["count"] is not None]
    if parts and rest >= 0:
        inside = [area for area in counts if area]
        if rest > 0:
            counts, inside = counts | {ELSEWHERE: float("nan")}, [*inside, ELSEWHERE]
        shown = suppress_cells(counts, [("", inside)], rule, public)
    else:
        shown = suppress_cells(counts, (), rule, public)
    for r in group:
        if not r["own"] or r["count"] is None:
            continue
        value = shown[r["area"]]
        r |= {"count": None, "status": "c"} if isinstance(value, str) else {"count": value}


def small_placements(shares: Mapping[str, float], children: float) -> frozenset[str]:
    """Placements whose shares of the authority's own records may not be shown: few children, or what would give them away.

    Shares times a published stock are counts, and the stock is known to anyone; so they are suppressed as counts by placement of one
    authority are, whose total is published.

    Parameters
    ----------
    shares : mapping of str to float
        By placement; add to 1.
    children : float
        Looked after at 31 March of the base year.

    Raises
    ------
    UnprotectableError
        Where the total gives a small number away whatever is hidden.
    """
    counts: dict[Hashable, float] = {name: float(round(share * children)) for name, share in shares.items()}
    parts, total = list(counts), "total"
    shown = suppress_cells(counts | {total: sum(counts.values())}, [(total, parts)], of_service("looked_after_at_31_march"), [total])
    return frozenset(str(name) for name in parts if shown[name] == SUPPRESSED)


def shown_bounds(services: xr.Dataset, comparator: str) -> dict[str, tuple[float, float]]:
    """By service, what the report shows of its count by the first projected year, which starts from it: the interval of its rounding."""
    out: dict[str, tuple[float, float]] = {}
    for name in ("caseload", "flow"):
        if name not in services or comparator not in services["scenario"].values:
            continue
        first = services[name].sel(scenario=comparator).isel(year=0)
        means = (first.mean("draw") if "draw" in first.dims else first).to_series()
        for service, value in means.items():
            if value == value:
                number = modelled(float(value), "service")
                out[str(service)] = (0.0, FEWEST - 1.0) if isinstance(number, str) else (number - 5.0, number + 5.0)
    return out


def hide_fitted(node: xr.Dataset, local: Sequence[Mapping[str, Any]]) -> xr.Dataset:
    """Summaries of areas without the estimates that were fitted to a small count of the user's own.

    A known total is case-level: the estimate gives it back, and its share gives it back to one decimal place. Where a total of an area,
    or of one that it lies in, is small by the policy of its source, every measure of that area that is as small is NaN and marked in
    ``hidden``. Other modelled numbers are rounded and flagged, never suppressed (docs/disclosure.md says what subtraction leaves).

    Parameters
    ----------
    node : xarray.Dataset
        ``expected``, ``lower``, ``upper`` by area and component.
    local : sequence of mapping
        Records of `data_sources.load_direct` in provenance.

    Returns
    -------
    xarray.Dataset
    """
    import numpy as np

    if "expected" not in node:
        return node
    small = {r["area"] for r in local if r.get("total") and _is_small(float(r["value"]), r.get("policy"))}
    if not small:
        return node
    held = np.zeros(node.sizes["area"], dtype=bool)
    for name in ("area", "ward", "msoa", "locality", "district", "authority"):
        if name in node.coords:
            held |= np.isin(node[name].values.astype(str), list(small))
    rule = strictest(tuple(r.get("policy") or USUAL for r in local if r["area"] in small))
    expected = node["expected"].transpose("area", "component")
    hidden = expected.copy(data=held[:, None] & (np.nan_to_num(expected.values) <= rule.high + 0.5))
    return node.assign({k: node[k].where(~hidden) for k in ("expected", "lower", "upper")} | {"hidden": hidden})


def _is_small(value: float, name: str | None) -> bool:
    rule = policy(name or USUAL)
    return rule.low <= value <= rule.high
