"""How long the engine takes: ratios in one run against plain baselines, and how it grows with areas and draws; writes docs/performance.md.

Run from the top of the repository: ``python -m benchmarks.performance`` (a minute on two cores; ``--england`` adds all of England,
three more). Times are of one machine and move with its load; ratios in one run are what is claimed.
"""

from __future__ import annotations

import argparse
import os
import platform
import resource
from collections.abc import Callable
from pathlib import Path
from time import perf_counter

import numpy as np
from scipy.special import expit

import data_sources as src
import jsna_model as jm
from jsna_model.methods.fay_herriot import fay_herriot
from jsna_model.methods.joint import three_risks
from jsna_model.verbs import need_model

ROOT = Path(__file__).resolve().parent.parent
DOCUMENT = ROOT / "docs/performance.md"
MARKERS = ("<!-- measured -->", "<!-- /measured -->")
CELLS = (40, 5, 1000)  # areas, age bands, draws


def seconds(function: Callable[[], object], repeats: int = 3) -> float:
    """Least of several times."""
    times = []
    for _ in range(repeats):
        start = perf_counter()
        function()
        times.append(perf_counter() - start)
    return min(times)


def proportional_fitting(p: np.ndarray, odds_ratios: np.ndarray) -> np.ndarray:
    """The plain baseline: eight cells of one joint, scaled to each marginal in turn until they hold to 1e-10."""
    holds = np.array([[i >> k & 1 for i in range(8)] for k in range(3)], dtype=bool)
    cells = np.ones(8)
    for (j, k), ratio in zip(((0, 1), (0, 2), (1, 2)), odds_ratios[:3], strict=True):
        cells[holds[j] & holds[k]] *= ratio
    cells[7] *= odds_ratios[3]
    cells /= cells.sum()
    while np.abs((holds * cells).sum(1) - p).max() > 1e-10:
        for k in range(3):
            now = cells[holds[k]].sum()
            cells[holds[k]] *= p[k] / now
            cells[~holds[k]] *= (1 - p[k]) / (1 - now)
    return cells


def kernels() -> list[tuple[str, float, float]]:
    """Cells a second of each way to solve three risks, and its ratio to cell-by-cell proportional fitting."""
    rng = np.random.default_rng(1)
    areas, bands, draws = CELLS
    base = np.array([-2.65, -1.86, -3.18])[None, :, None] + 0.2 * rng.normal(size=(bands, 3, draws))
    local = 0.4 * rng.normal(size=(areas, 3, draws))
    theta = np.array([1.2, 1.0, 1.3, 0.2])[:, None] + 0.2 * rng.normal(size=(4, draws))
    start, counts, out = np.full((3, draws), -0.5), np.ones((areas, bands, draws)), np.empty((areas, bands, 8, draws))
    n = areas * bands * draws

    def numpy_way() -> None:
        for i in range(areas):
            three_risks([base[None, :, k] + local[i : i + 1, None, k] for k in range(3)], list(theta), list(start))

    def plain() -> None:
        for d in range(200):
            proportional_fitting(expit(base[0, :, d] + local[0, :, d]), np.exp(theta[:, d]))

    rate = {"proportional fitting, cell by cell": 200 / seconds(plain), "numpy": n / seconds(numpy_way)}
    kernel = need_model.compiled_kernel()
    if kernel is not None:
        odds = [np.exp(a) for a in (base, local, theta, start)]
        first = perf_counter()
        kernel(*odds, counts, out)
        print(f"numba: first call {perf_counter() - first:.1f} s, compilation or its cache included")
        rate["numba"] = n / seconds(lambda: kernel(*odds, counts, out))
    slow = rate["proportional fitting, cell by cell"]
    return [(name, r, r / slow) for name, r in rate.items()]


def small_area() -> list[tuple[int, float]]:
    """Fay-Herriot by REML: seconds by number of areas."""
    rng = np.random.default_rng(2)
    rows = []
    for n in (1_000, 10_000, 100_000):
        x = np.column_stack([np.ones(n), rng.normal(size=n)])
        variance = rng.uniform(0.5, 2.0, n)
        y = x @ [1.0, 0.5] + rng.normal(size=n) + np.sqrt(variance) * rng.normal(size=n)
        rows.append((n, seconds(lambda y=y, x=x, v=variance: fay_herriot(y, x, v), 1)))  # type: ignore[misc]
    return rows


def growth() -> tuple[list[tuple[str, int, float]], list[tuple[int, float]]]:
    """Seconds of `estimate` by areas at 1,000 draws, and by draws in one county; one thread."""
    evidence, overlap = (*src.load_evidence_set(), *src.default_evidence()), src.load_overlap()

    def run(name: str, draws: int) -> tuple[int, float]:
        population = src.load_population(name)
        jm.estimate(src.load_population("Rutland"), evidence, overlap, draws=draws, threads=1)  # parameters are then in memory
        return len(population.areas), seconds(lambda: jm.estimate(population, evidence, overlap, draws=draws, threads=1), 1)

    by_area = [(name, *run(name, 1000)) for name in ("Milton Keynes", "Kent", "South West", "London")]
    by_draws = [(draws, run("Kent", draws)[1]) for draws in (250, 500, 1000, 2000, 4000)]
    return by_area, by_draws


def england() -> list[str]:
    """All of England at 1,000 draws, by kernel and output."""
    evidence, overlap = (*src.load_evidence_set(), *src.default_evidence()), src.load_overlap()
    population = src.load_population("England")
    lines = []
    ways = [("numba", True), ("numpy", False)] if need_model.compiled_kernel() is not None else [("numpy", False)]
    compiled = need_model.compiled_kernel
    for name, fast in ways:
        need_model.compiled_kernel = compiled if fast else lambda: None  # type: ignore[assignment]
        for by_age in (False, True) if fast else (False,):
            took = seconds(lambda by_age=by_age: jm.estimate(population, evidence, overlap, draws=1000, by_age=by_age), 1)  # type: ignore[misc]
            peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
            what = "every LSOA by age band and pattern" if by_age else "every LSOA, all ages"
            lines.append(f"| {name} | {what} | {took:.0f} s | {peak:.1f} GiB |")
            print(lines[-1])
    need_model.compiled_kernel = compiled  # type: ignore[assignment]
    return lines


def document(whole: bool) -> str:
    """The measured part of the page."""
    by_area, by_draws = growth()
    lines = [
        f"Measured on {os.cpu_count()} cores ({platform.machine()}, {platform.system()}), Python {platform.python_version()}, "
        f"numpy {np.__version__}; eight risks, three of them joint.",
        "",
        "| Three risks, one cell | Cells a second | Times proportional fitting |",
        "|---|---|---|",
        *(f"| {name} | {rate:,.0f} | {ratio:,.0f} |" for name, rate, ratio in kernels()),
        "",
        "| Areas (1,000 draws, one thread) | LSOAs | Seconds | Milliseconds an LSOA |",
        "|---|---|---|---|",
        *(f"| {name} | {n:,} | {t:.1f} | {1000 * t / n:.2f} |" for name, n, t in by_area),
        "",
        "| Draws (Kent, one thread) | Seconds | Milliseconds a draw |",
        "|---|---|---|",
        *(f"| {n:,} | {t:.1f} | {1000 * t / n:.2f} |" for n, t in by_draws),
        "",
        "| Fay-Herriot (REML), areas | Seconds | Microseconds an area |",
        "|---|---|---|",
        *(f"| {n:,} | {t:.3f} | {1e6 * t / n:.1f} |" for n, t in small_area()),
    ]
    if whole:
        lines += ["", "| All of England, 33,755 LSOAs, 1,000 draws | Kept | Time | Peak memory so far |", "|---|---|---|---|", *england()]
    return "\n".join(lines)


def main() -> None:
    """Measure, and write the page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--england", action="store_true", help="all of England too")
    text = DOCUMENT.read_text(encoding="utf-8")
    head, tail = text[: text.index(MARKERS[0])], text[text.index(MARKERS[1]) :]
    measured = document(parser.parse_args().england)
    DOCUMENT.write_text(f"{head}{MARKERS[0]}\n\n{measured}\n\n{tail}", encoding="utf-8", newline="\n")
    print(measured)


if __name__ == "__main__":
    main()
