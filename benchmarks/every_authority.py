"""Project every authority with the pathway's layout, streamed to disk: ``python -m benchmarks.every_authority OUT``.

All 153 authorities, two scenarios (baseline, and referrals followed up into early help), 200 draws, ten years, expected flows, in one
process a core. A block of authorities is one call of `jsna_model.project`; its summary is written as soon as it is done, and a block that
is on disk is not run again, so that a run may be stopped and started. OUT gets ``blocks/*.csv``, their union ``authorities.csv`` (area,
scenario, year, service, mean, median, lower80, upper80, lower95, upper95), ``notes.csv`` (what was pooled, or does not reconcile, by
authority) and ``time.json``. Nothing is kept in memory but a block.

``--draws N``, ``--years N``, ``--processes N``, ``--areas CODE,CODE`` change the run; ``--document`` writes time and memory into
``docs/performance.md``. From Python: ``run(Path("out"), draws=200)``.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import resource
import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import replace
from functools import cache
from multiprocessing import get_context
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
DOCUMENT = ROOT / "docs/performance.md"
MARKERS = ("<!-- every authority: written by python -m benchmarks.every_authority -->", "<!-- every authority: end -->")
BLOCK, DRAWS, YEARS, SEED = 8, 200, 10, 2026
LIMITS = {"lower95": 0.025, "lower80": 0.1, "median": 0.5, "upper80": 0.9, "upper95": 0.975}
#: Libraries of linear algebra take all cores by themselves, unless told.
THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


@cache
def _nouns() -> tuple:  # type: ignore[type-arg]
    """What every block shares, read once a process."""
    import data_sources as src

    pathway = src.load_pathway("England", layout="early_help_and_cin")
    follow_up = src.ready_scenarios(pathway, ("follow_up",))
    evidence = (*src.load_evidence_set("higher_harm"), *src.default_evidence())
    return src.load_population("England"), src.load_projection("England"), pathway, evidence, src.load_overlap("higher_harm"), follow_up


def authorities() -> list[str]:
    """Codes of all authorities, in order."""
    import data_sources as src

    services = src.load_services("England")
    return sorted(str(a) for a, role in zip(services["area"].values, services["role"].values, strict=True) if role == "authority")


def block(areas: Sequence[str], out: Path, draws: int, years: int) -> tuple[str, float, float]:
    """Estimate, calibrate and project a block of authorities, and write its summary and notes.

    Its first area, peak MiB of the process so far, and seconds of processor that it took, the reading of the nouns included.
    """
    import numpy as np
    import pandas as pd

    import jsna_model as jm
    from jsna_model.conventions import ENGLAND
    from jsna_model.pathway import FLOWS

    began = time.process_time()
    population, projection, pathway, evidence, overlap, scenarios = _nouns()
    inside = np.isin(population.data["authority"].values.astype(str), list(areas))
    here = replace(population, data=population.data.isel(area=np.flatnonzero(inside)))
    now = jm.estimate(here, evidence, overlap, draws=draws, seed=SEED)
    ahead = replace(projection, data=projection.data.sel(area=list(areas)))
    own = replace(pathway, observed=pathway.observed.sel(area=[*areas, ENGLAND]))
    done = jm.project(now, ahead, own, scenarios, years=years)
    tables = []
    for node, name in (("demand/flows", "flow"), ("demand/caseload", "caseload"), ("demand/pathway", "pathway_flow")):
        values = done.node(node)[name]
        parts = {"mean": values.mean("draw")} | {n: values.quantile(q, "draw").drop_vars("quantile") for n, q in LIMITS.items()}
        rows = pd.DataFrame({n: v.to_series() for n, v in parts.items()}).reset_index()
        # What the pathway counts under a published name (those who leave care before 18) is not the published count.
        tables.append(rows[~rows["service"].isin(FLOWS)] if name == "pathway_flow" else rows)
    found = pd.concat(tables)[["area", "scenario", "year", "service", "mean", "median", "lower80", "upper80", "lower95", "upper95"]]
    notes = done.provenance["pathway"]["layout"]["notes"]
    rows = [(a, n) for a in areas for n in notes.get(a, ())]
    pd.DataFrame(rows, columns=["area", "note"]).to_csv(out / f"{areas[0]}-notes.csv", index=False)
    part = out / f"{areas[0]}.part"
    found.to_csv(part, index=False, float_format="%.6g")
    part.rename(out / f"{areas[0]}.csv")
    return areas[0], resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, time.process_time() - began


def _start(cores: object) -> None:
    """Pin a worker to a core of its own."""
    core = cores.get()  # type: ignore[attr-defined]
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {core})


def run(
    out: Path, draws: int = DRAWS, years: int = YEARS, processes: int | None = None, areas: Sequence[str] | None = None
) -> dict[str, object]:
    """Run what is not on disk; seconds, peak memory of the largest worker, and how many authorities.

    Parameters
    ----------
    out : Path
        Folder; made where missing.
    draws, years : int
        Years after the base year.
    processes : int, optional
        One a core by default.
    areas : sequence of str, optional
        Codes; all by default.
    """
    import pandas as pd

    blocks = out / "blocks"
    blocks.mkdir(parents=True, exist_ok=True)
    settings = {"draws": draws, "years": years, "seed": SEED}
    kept = out / "settings.json"
    if kept.exists() and json.loads(kept.read_text(encoding="utf-8")) != settings:
        raise SystemExit(f"{out} holds a run with {kept.read_text(encoding='utf-8')}: give another folder, or the same settings.")
    kept.write_text(json.dumps(settings), encoding="utf-8")
    named = list(areas) if areas else authorities()
    groups = [named[i : i + BLOCK] for i in range(0, len(named), BLOCK)]
    todo = [g for g in groups if not (blocks / f"{g[0]}.csv").exists()]
    cores = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else list(range(os.cpu_count() or 1))
    count = processes or len(cores)
    start, peak, processor = time.perf_counter(), 0.0, 0.0
    os.environ.update(dict.fromkeys(THREADS, "1"))  # before the workers load numpy
    context = get_context("spawn")
    queue = context.Manager().Queue()
    for i in range(count):
        queue.put(cores[i % len(cores)])
    with ProcessPoolExecutor(count, mp_context=context, initializer=_start, initargs=(queue,)) as pool:
        waiting = {pool.submit(block, g, blocks, draws, years): g for g in todo}
        for number, future in enumerate(as_completed(waiting), 1):
            first, used, took = future.result()
            peak, processor = max(peak, used), processor + took
            print(f"{number} of {len(todo)} blocks, {time.perf_counter() - start:.0f} s, {first}, {used:.0f} MiB", flush=True)
    seconds = time.perf_counter() - start
    pd.concat([pd.read_csv(blocks / f"{g[0]}.csv") for g in groups]).to_csv(out / "authorities.csv", index=False)
    pd.concat([pd.read_csv(blocks / f"{g[0]}-notes.csv") for g in groups]).to_csv(out / "notes.csv", index=False)
    told: dict[str, object] = {"authorities": len(named), "blocks_run": len(todo), "processes": count, "seconds": round(seconds)}
    told["processor_seconds"] = round(processor)
    told |= {"peak_mib_of_a_process": round(peak), "load_at_end": round(os.getloadavg()[0], 1), **settings}
    (out / "time.json").write_text(json.dumps(told, indent=1) + "\n", encoding="utf-8")
    return told


def document(told: dict[str, object]) -> None:
    """Write time and memory into ``docs/performance.md``."""
    text = f"""## The pathway of every authority

`python -m benchmarks.every_authority OUT` projects all authorities with a layout, in one process a core, streamed to OUT block by
block, and goes on where it was stopped. Measured on {platform.machine()}, {os.cpu_count()} cores, with a load of
{told["load_at_end"]} at the end (above the number of cores, they were shared): {told["authorities"]} authorities, two scenarios,
{told["draws"]} draws, {told["years"]} years, expected flows, {told["processes"]} processes: **{told["seconds"]} s**, and
{told["processor_seconds"]} s of processor over all processes; at most {told["peak_mib_of_a_process"]} MiB a process. It must be at
most 900 s on two cores of one's own.
"""
    old = DOCUMENT.read_text(encoding="utf-8")
    before, _, rest = old.partition(MARKERS[0])
    after = rest.partition(MARKERS[1] + "\n")[2]
    DOCUMENT.write_text(f"{before.rstrip()}\n\n{MARKERS[0]}\n{text}{MARKERS[1]}\n{after}", encoding="utf-8", newline="\n")


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("out", type=Path)
    parser.add_argument("--draws", type=int, default=DRAWS)
    parser.add_argument("--years", type=int, default=YEARS)
    parser.add_argument("--processes", type=int)
    parser.add_argument("--areas", type=lambda text: text.split(","))
    parser.add_argument("--document", action="store_true")
    given = parser.parse_args()
    told = run(given.out, given.draws, given.years, given.processes, given.areas)
    print(json.dumps(told))
    if given.document:
        document(told)


if __name__ == "__main__":
    main()
