"""Expected children by pattern of risks of every authority: ``python -m benchmarks.need_patterns``.

Writes ``data_sources/figures/need_patterns.csv`` (area, set, pattern, share) and stamps it: for each shipped set the mean over draws of
each authority's share of children by pattern, as `jsna_model.estimate` has it, and in the row of England the mean of the national joint
that draws are made from. Rates by pattern are fitted against it (`jsna_model.verbs.pattern_rates`), so that a run of one authority need not
estimate all. Run it again when evidence, overlap or population change; ``tests/sources/test_recorded.py`` says when.
"""

from __future__ import annotations

import pandas as pd

import data_sources as src
import jsna_model as jm
from benchmarks.build_frame import FIGURES, stamp
from jsna_model.conventions import ENGLAND
from jsna_model.verbs.pattern_rates import national_patterns

SETS = ("higher_harm", "wider_exposure")
DRAWS, SEED = 400, 2026


def shares(area: str, name: str, draws: int = DRAWS) -> pd.DataFrame:
    """Rows of an area's authorities, and of England, for a set."""
    evidence = (*src.load_evidence_set(name), *src.default_evidence())
    now = jm.estimate(src.load_population(area), evidence, src.load_overlap(name), draws=draws, seed=SEED)
    children = now.node("need/authority")["children_by_pattern"].sum("age_band").transpose("area", "pattern", "draw").values
    patterns = [str(p) for p in now.data["need"].ds["pattern"].values]
    risks = [p for p in patterns if p != "none" and "+" not in p]
    areas = now.node("need/authority")["area"].values.astype(str)
    rows = dict(zip(areas, (children / children.sum(1, keepdims=True)).mean(-1), strict=True))
    rows[ENGLAND] = national_patterns(now, risks).mean(0)
    records = [(a, name, p, v) for a, row in rows.items() for p, v in zip(patterns, row, strict=True)]
    return pd.DataFrame(records, columns=["area", "set", "pattern", "share"])


if __name__ == "__main__":
    table = pd.concat([shares("England", name) for name in SETS])
    table.to_csv(FIGURES / "need_patterns.csv", index=False, float_format="%.7g", lineterminator="\n")
    stamp()
    print(table.groupby(["set", "pattern"], sort=False)["share"].describe().to_string())
