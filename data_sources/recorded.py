"""Factors that assessments record, of all authorities, with the need that they are set against."""

from __future__ import annotations

from functools import lru_cache

from data_sources.figures_io import read_figures
from data_sources.layouts import AUTHORITIES, NEED_PATTERNS
from data_sources.pathway_layout import factors
from jsna_model.conventions import ENGLAND
from jsna_model.pathway import Recorded

ASSESSED = "assessments_with_factor"


@lru_cache(maxsize=1)
def load_recorded() -> Recorded:
    """Factors at the end of assessment, year to 31 March 2025, and expected children by pattern of risks of each shipped set.

    Returns
    -------
    Recorded
        Always of the embedded figures: a user's own file may hold few authorities.

    Examples
    --------
    >>> len(load_recorded().areas)
    153
    """
    table = read_figures(AUTHORITIES)
    if table.status is None:
        raise AssertionError("the layout of authorities allows symbols")
    areas = tuple(table.values["utla23_code"].astype(str))
    of_risk = factors()
    names = dict.fromkeys(f for names in of_risk.values() for f in names)
    counts = {n: table.values[n].to_numpy(float) for n in names}
    hidden = {n: table.status[n].to_numpy(str) == "c" for n in names}
    need = read_figures(NEED_PATTERNS).values
    shares, england = {}, {}
    for _, of_set in need.groupby("set", sort=False):
        wide = of_set.pivot(index="area", columns="pattern", values="share")[list(dict.fromkeys(of_set["pattern"]))]
        patterns = tuple(str(p) for p in wide.columns)
        shares[patterns], england[patterns] = wide.loc[list(areas)].to_numpy(float), wide.loc[ENGLAND].to_numpy(float)
    size = table.values[ASSESSED].to_numpy(float)
    source = "DfE, Children in need 2025, file C3: factors at the end of assessment concerning the parent, year to 31 March 2025"
    return Recorded(areas, size, counts, hidden, of_risk, shares, england, source)
