"""A user's own unpublished counts: what may be shown of them, and what would give the rest away."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from reports.disclosure import SUPPRESSED
from reports.suppression import suppress

if TYPE_CHECKING:
    import xarray as xr

#: Counts that add up to the last one: DfE, Children in need, tables B1 and C1.
IDENTITY = ("child_in_need_started", "referrals_no_further_action", "referrals_assessed_not_in_need", "referrals")


def protect(observed: xr.Dataset, code: str) -> xr.Dataset:
    """Counts of one authority with 1 to 5 suppressed, and what would give them away.

    Episodes started, no further action and not in need add up to referrals, so they are one table with a total; the other counts
    stand alone. Suppressed counts become NaN with status ``c``, their rates too.

    Parameters
    ----------
    observed : xarray.Dataset
        Node ``demand/observed`` of a result.
    code : str
        The authority whose counts are the user's own.

    Returns
    -------
    xarray.Dataset
    """
    import pandas as pd

    counts = observed["observed"].sel(area=code).to_series()
    parts = [s for s in IDENTITY[:-1] if s in counts.index]
    total = counts.get(IDENTITY[-1], float("nan"))
    added = pd.DataFrame({"count": [*counts[parts], total]}, index=[*parts, "Total"])
    complete = bool(added["count"].notna().all()) and float(counts[parts].sum()) == float(total)
    shown = suppress(added if complete else added.drop(index="Total"))["count"].rename({"Total": IDENTITY[-1]}).to_dict()
    for service in counts.index.difference(list(shown)):
        shown[service] = suppress(pd.DataFrame({"count": [counts[service]]}, index=[service]))["count"].iloc[0]
    hidden = {"area": code, "service": [s for s, value in shown.items() if isinstance(value, str) and value == "[c]"]}
    out = observed.copy(deep=True)
    for name in ("observed", "observed_per_10000"):
        if name in out:
            out[name].loc[hidden] = float("nan")
    if "status" in out:
        out["status"] = out["status"].astype(object)
        out["status"].loc[hidden] = "c"
    return out


def protect_known(rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Records of what services record, with the user's own counts of 1 to 5 suppressed, and what would give them away.

    Counts of one measure, period and unit by area are one table with the whole authority as its total; what the areas leave over is an
    area not shown. Where they count more than the whole (people counted in two areas), they do not add up and stand alone.

    Parameters
    ----------
    rows : sequence of mapping
        Records of `data_sources.local.LocalCount`, in provenance under ``known``.

    Returns
    -------
    list of dict
        Suppressed counts are None with status ``c``.
    """
    import pandas as pd

    out = [dict(r) for r in rows]
    groups: dict[tuple[str, ...], list[dict[str, Any]]] = {}
    for r in out:
        if r["own"]:
            groups.setdefault((r["measure"], r["period"], r["unit"]), []).append(r)
    for group in groups.values():
        counts = {r["area"] or "Total": float("nan") if r["count"] is None else float(r["count"]) for r in group}
        parts = [v for area, v in counts.items() if area != "Total" and v == v]
        rest = counts.get("Total", float("nan")) - sum(parts)
        if parts and rest >= 0:
            if rest > 0:
                counts = {"elsewhere": float("nan"), **counts}
            shown = suppress(pd.DataFrame({"count": counts}))["count"]
        else:
            shown = pd.concat([suppress(pd.DataFrame({"count": [v]}, index=[area]), None)["count"] for area, v in counts.items()])
        for r in group:
            if shown[r["area"] or "Total"] == SUPPRESSED:
                r |= {"count": None, "status": "c"}
    return out
