"""A user's own unpublished counts: what may be shown of them, and what would give the rest away."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reports.disclosure import suppress

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
