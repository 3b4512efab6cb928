"""Over-dispersion of entries, from the panel of all authorities: ``python -m benchmarks.entry_dispersion DATA_FOLDER``.

Writes ``benchmarks/results/entry_dispersion.csv``, a row a flow: variance over mean given the rate (`jsna_model.methods.dispersion`), its
standard error by a bootstrap of authorities, and the log sd of the rate's own change over one, two and three years. ``entries.dispersion``
of ``defaults/layout.toml`` is that of children starting to be looked after: the one entry whose counts are small enough to tell.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pandas as pd

from benchmarks.layout_backtest import published
from jsna_model.draws import uniforms
from jsna_model.methods.dispersion import count_dispersion

RESULT = Path(__file__).parent / "results" / "entry_dispersion.csv"
FLOWS = ("looked_after_started", "looked_after_ceased", "child_protection_plan_started", "section_47_enquiries", "referrals")
#: Below, logarithms of counts are no longer near normal.
LEAST = 20
REPLICATES, SEED = 200, 2026


def table(folder: Path) -> pd.DataFrame:
    """A row a flow."""
    rows = []
    for flow in FLOWS:
        wide = published(folder)[flow]
        counts = wide.reindex(columns=range(int(wide.columns.min()), int(wide.columns.max()) + 1)).to_numpy(float)
        counts = np.where(counts >= LEAST, counts, np.nan)
        counts = counts[np.isfinite(counts).sum(1) >= 3]
        found = count_dispersion(counts)
        u = uniforms(SEED, f"entry_dispersion/{flow}", REPLICATES * len(counts)).reshape(REPLICATES, -1)
        picked = np.floor(u * len(counts)).astype(int)
        again = [count_dispersion(counts, weight=np.bincount(p, minlength=len(counts)).astype(float)).dispersion for p in picked]
        row: dict[str, object] = {"flow": flow, "years": f"{wide.columns.min()}-{wide.columns.max()}", "authorities": len(counts)}
        row |= {"median_count": float(np.nanmedian(counts)), "dispersion": round(found.dispersion, 2), "se": round(float(np.std(again)), 2)}
        row |= {f"walk_sd_h{h}": round(float(s), 3) for h, s in zip((1, 2, 3), found.walk_sd, strict=True)}
        rows.append(row | {"changes": found.changes, "left_out": round(found.left_out, 3)})
    return pd.DataFrame(rows)


if __name__ == "__main__":
    made = table(Path(sys.argv[1]))
    made.to_csv(RESULT, index=False, lineterminator="\n")
    print(made.to_string(index=False))
