"""Attack on suppressed tables at full size, and cells hidden beyond the fewest: ``python -m benchmarks.disclosure [--resume]``.

Random tables of small areas within two districts within an authority, by age, as a user's own counts are: many small, some zero, some
absent. The attacker (written apart from what suppresses) is given every number shown, all totals, the authority's total as published
elsewhere, and the model's outputs that were fitted to the counts, rounded to 10 as the report shows them. Writes
``benchmarks/results/disclosure.csv`` and ``disclosure_optimum.csv``; kept in ``out/`` as it goes.
"""

from __future__ import annotations

import argparse
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from jsna_model.errors import InputError
from reports.suppression import POLICIES, Cells, Policy, hide, suppress_cells, width

ROOT = Path(__file__).resolve().parent.parent
ATTACKS, OPTIMUM, CACHE = (
    ROOT / "benchmarks/results/disclosure.csv",
    ROOT / "benchmarks/results/disclosure_optimum.csv",
    ROOT / "out/disclosure.csv",
)
TABLES, SMALL_CASES = 1000, 60


def publication(seed: int) -> dict[str, Any]:
    """Arguments of `suppress_cells` for a random hierarchical table: (area, age), with what is public and what a model shows."""
    rng = np.random.default_rng(seed)
    n, ages = int(rng.integers(3, 7)), [f"age_{i}" for i in range(int(rng.integers(2, 4)))]
    areas = [f"area_{i}" for i in range(n)]
    cut = int(rng.integers(1, n))
    rate = rng.choice([0.7, 2.0, 6.0, 25.0], size=(n, len(ages)))
    counts = {(a, g): float(rng.poisson(rate[i, j])) for i, a in enumerate(areas) for j, g in enumerate(ages)}
    districts = {"district_0": areas[:cut], "district_1": areas[cut:]}
    totals: list[tuple[Any, list[Any]]] = []
    for g in ages:
        for d, inside in districts.items():
            counts[d, g] = sum(counts[a, g] for a in inside)
            totals.append(((d, g), [(a, g) for a in inside]))
        counts["authority", g] = counts["district_0", g] + counts["district_1", g]
        totals.append((("authority", g), [(d, g) for d in districts]))
    for a in [*areas, *districts, "authority"]:
        counts[a, "all"] = sum(counts[a, g] for g in ages)
        totals.append(((a, "all"), [(a, g) for g in ages]))
    for key in [(a, g) for a in areas for g in ages]:
        if rng.random() < 0.05:
            counts[key] = float("nan")
    public = [("authority", "all")] if rng.random() < 0.5 else []
    # What is published elsewhere of a small count is no secret, so the official total is of a size that its publisher shows.
    public = [k for k in public if counts[k] > 7]
    bounds = {}
    for key, value in counts.items():
        if np.isfinite(value) and rng.random() < 0.3:  # fitted to the count, shown to the nearest ten
            shown = 10 * np.floor(value / 10 + 0.5)
            bounds[key] = (shown - 5, shown + 5) if value >= 10 else (0.0, 9.0)  # below ten: "fewer than 10"
    return {"counts": counts, "totals": totals, "public": public, "bounds": bounds}


def attack(given: dict[str, Any], shown: dict[Any, Any], rule: Policy) -> float:
    """The narrowest interval of whole numbers that fits a suppressed cell, less what the policy claims; infinite where there is none."""
    from scipy.optimize import Bounds, LinearConstraint, milp

    keys = list(shown)
    place = {k: i for i, k in enumerate(keys)}
    low, high = np.zeros(len(keys)), np.full(len(keys), 1e6)
    for k, i in place.items():
        if k in given["public"]:
            low[i] = high[i] = given["counts"][k]
        elif shown[k] == "[c]":
            low[i] = rule.low
        elif shown[k] != "[x]":
            rough = rule.base if shown[k] else 1  # zeros are true
            low[i], high[i] = shown[k] - rough // 2, shown[k] + rough - 1 - rough // 2
            if shown[k]:
                low[i] = max(low[i], rule.high + 1)  # small counts are never shown
        if k in given["bounds"]:
            low[i], high[i] = max(low[i], np.ceil(given["bounds"][k][0])), min(high[i], np.floor(given["bounds"][k][1]))
    rows = np.zeros((len(given["totals"]), len(keys)))
    for row, (total, parts) in zip(rows, given["totals"], strict=True):
        row[[place[p] for p in parts]] = 1
        row[place[total]] -= 1
    worst = np.inf
    for k, i in place.items():
        if shown[k] != "[c]":
            continue
        objective = np.zeros(len(keys))
        objective[i] = 1
        ends = []
        for sign in (1, -1):
            found = milp(
                sign * objective, constraints=LinearConstraint(rows, 0, 0), bounds=Bounds(low, high), integrality=np.ones(len(keys))
            )
            assert found.status == 0, found.message
            ends.append(round(sign * found.fun))
        worst = min(worst, ends[1] - ends[0] - rule.protection)
    return worst


def one(seed: int, name: str) -> dict[str, Any]:
    """What came of one table under one policy."""
    rule, given = POLICIES[name], publication(seed)
    small = [k for k, v in given["counts"].items() if rule.low <= v <= rule.high and k not in given["public"]]
    row: dict[str, Any] = {"seed": seed, "policy": name, "cells": len(given["counts"]), "small": len(small)}
    try:
        shown = suppress_cells(**given, rule=rule)
    except InputError as error:
        return row | {"refused": "cannot be protected" in str(error), "hidden": np.nan, "margin": np.nan}
    return row | {
        "refused": False,
        "hidden": sum(v == "[c]" for v in shown.values()),
        "margin": attack(given, shown, rule) if small else np.inf,
        "small_shown": sum(shown[k] != "[c]" for k in small),
    }


def optimum(seed: int) -> dict[str, Any]:
    """Cells hidden of a 3 by 2 table with margins, and the fewest that would do, by trying all sets in order of size."""
    rng, rule = np.random.default_rng(10_000 + seed), POLICIES["dfe_cin"]
    inner = rng.poisson(rng.choice([1.5, 6.0, 20.0], size=(3, 2)))
    counts: dict[Any, float] = {(i, j): float(inner[i, j]) for i in range(3) for j in range(2)}
    totals: list[tuple[Any, list[Any]]] = []
    for i in range(3):
        counts[i, "all"] = float(inner[i].sum())
        totals.append(((i, "all"), [(i, 0), (i, 1)]))
    for j in (0, 1, "all"):
        counts["all", j] = sum(counts[i, j] for i in range(3))
        totals.append((("all", j), [(i, j) for i in range(3)]))
    cells = Cells.of(counts, totals)
    try:
        found = hide(cells, rule)
    except InputError:
        return {"seed": seed, "hidden": np.nan, "fewest": np.nan}
    first = (cells.values >= rule.low) & (cells.values <= rule.high)
    others = np.flatnonzero(~first & (cells.values > 0))
    for size in range(int(found.sum() - first.sum()) + 1):
        for more in combinations(others, size):
            tried = first.copy()
            tried[list(more)] = True
            if all(width(cells, tried, int(c), rule) >= rule.protection - 1e-6 for c in np.flatnonzero(tried)):
                return {"seed": seed, "hidden": int(found.sum()), "fewest": int(tried.sum())}
    raise AssertionError("what was found is itself a solution")


def main(resume: bool) -> None:
    """Run, keep and write."""
    done = pd.read_csv(CACHE) if resume and CACHE.is_file() else pd.DataFrame(columns=["seed", "policy"])
    rows = done.to_dict("records")
    have = set(zip(done["seed"], done["policy"], strict=True))
    CACHE.parent.mkdir(exist_ok=True)
    names = list(POLICIES)
    for seed in range(TABLES):
        name = names[seed % len(names)]
        if (seed, name) not in have:
            rows.append(one(seed, name))
        if seed % 50 == 49:
            pd.DataFrame(rows).to_csv(CACHE, index=False)
            print(seed + 1, flush=True)
    table = pd.DataFrame(rows)
    done_ = table[~table["refused"].astype(bool)]
    summary = table.groupby("policy").agg(
        tables=("seed", "size"), cells=("cells", "sum"), small=("small", "sum"), refused=("refused", "sum")
    )
    summary["hidden"] = done_.groupby("policy")["hidden"].sum()
    summary["small_shown"] = done_.groupby("policy")["small_shown"].sum()
    summary["broken"] = done_.groupby("policy")["margin"].apply(lambda m: int((m < 0).sum()))
    summary["narrowest_less_claim"] = done_.groupby("policy")["margin"].min()
    summary.reset_index().to_csv(ATTACKS, index=False, lineterminator="\n")
    print(summary.to_string())
    best = pd.DataFrame([optimum(s) for s in range(SMALL_CASES)])
    best.to_csv(OPTIMUM, index=False, lineterminator="\n")
    print(best.sum(numeric_only=True))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Attack on suppressed tables.")
    parser.add_argument("--resume", action="store_true", help="go on from out/disclosure.csv")
    main(parser.parse_args().resume)
