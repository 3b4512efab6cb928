"""Trend forecasts judged on authorities that tuned nothing: ``python -m benchmarks.backtest_held_out DATA_FOLDER``.

Authorities whose history is given are split in two at random, four times. On one half the constants that the backtest was tuned by are
chosen anew, one after the other, from the values below (the two of the mixture by pooled WAPE, the two of widths by the pooled score of
80% intervals); on the other half, run as a panel of its own, the forecasts are scored, with these constants and with those shipped. Each
half takes each part. Written: ``benchmarks/results/backtest_held_out*.csv`` and the section of ``docs/validation.md`` between its markers;
``--document`` rewrites the section alone.
"""

from __future__ import annotations

import argparse
import textwrap
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pandas as pd

from benchmarks.backtest import GIVEN, LABELS, panel
from jsna_model.draws import uniforms
from jsna_model.methods import forecast_ensemble as ensemble
from jsna_model.verbs import backtest as verb
from jsna_model.verbs.backtest import ALL, backtest

ROOT = Path(__file__).resolve().parent.parent
RESULTS, DOCUMENT = ROOT / "benchmarks/results", ROOT / "docs/validation.md"
SCORES, CHOSEN = RESULTS / "backtest_held_out.csv", RESULTS / "backtest_held_out_chosen.csv"
MARKERS = ("<!-- held out: written by python -m benchmarks.backtest_held_out -->", "<!-- held out: end -->")
#: Constant, values tried, and the score that chooses.
TRIED = (
    ("PRIOR_YEARS", (0.3, 1.0, 4.0), "wape"),
    ("PRIOR_AREAS", (30.0, 100.0, 300.0), "wape"),
    ("HALF_LIFE", (3.0, 4.0, 12.0), "interval_score80"),
    ("NEAR", (0.25, 0.5, 1.0), "interval_score80"),
)
SPLITS, SEED = 4, 2026
KEPT = ("wape", "wape_persistence", "coverage80", "coverage95", "interval_score80", "interval_score80_persistence")


@contextmanager
def constants(values: dict[str, float]) -> Iterator[None]:
    """The ensemble with other constants."""
    before = {k: getattr(ensemble, k) for k in values}
    for k, v in values.items():
        setattr(ensemble, k, v)
    try:
        yield
    finally:
        for k, v in before.items():
            setattr(ensemble, k, v)


def halves(rows: pd.DataFrame) -> Iterator[tuple[int, pd.DataFrame, pd.DataFrame]]:
    """Number of the split, rows to tune on and rows to score."""
    years = rows.dropna(subset=["value"]).groupby("area_code")["year"].nunique()
    areas = np.array(sorted(years.index[years >= 10]))
    for split in range(SPLITS):
        order = areas[np.argsort(uniforms(SEED, f"backtest/held_out/{split}", len(areas)))]
        first, second = (rows[rows["area_code"].isin(part)] for part in np.array_split(order, 2))
        yield split, first, second
        yield split, second, first


def tuned(rows: pd.DataFrame) -> dict[str, float]:
    """Constants chosen on some authorities."""
    chosen: dict[str, float] = {}
    for name, values, score in TRIED:
        found = {}
        for value in values:
            with constants({**chosen, name: value}):
                found[value] = _whole(backtest(rows).summary)[score]
        chosen[name] = min(found, key=lambda v: found[v])
    return chosen


def _whole(summary: pd.DataFrame) -> pd.Series:
    return summary[(summary["measure"] == ALL) & (summary["horizon"] == ALL)].iloc[0]


def run(rows: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Scores of every half by measure and horizon, with constants tuned on the other and as shipped; and what was chosen."""
    scores, choices = [], []
    verb.REPLICATES = 2  # standard errors are not used here
    for split, tune, score in halves(rows):
        chosen = tuned(tune)
        choices.append({"split": split, "authorities": tune["area_code"].nunique(), **chosen})
        for which, values in (("tuned on the other half", chosen), ("shipped", {})):
            with constants(values):
                found = backtest(score).summary
            scores.append(found[["measure", "horizon", "forecasts", *KEPT]].assign(split=split, constants=which))
    return pd.concat(scores, ignore_index=True), pd.DataFrame(choices)


def section(scores: pd.DataFrame, choices: pd.DataFrame) -> str:
    """The section of docs/validation.md."""
    scores = scores.assign(horizon=scores["horizon"].astype(str))
    mean = scores.groupby(["constants", "measure", "horizon"])[list(KEPT)].mean()
    own, shipped = "tuned on the other half", "shipped"
    x, y = mean.loc[own, ALL, ALL], mean.loc[shipped, ALL, ALL]
    pooled = scores[(scores["measure"] == ALL) & (scores["horizon"] == ALL) & (scores["constants"] == own)]
    won = int((pooled["wape"] < pooled["wape_persistence"]).sum())
    low, high = (100 * pooled["coverage80"].min(), 100 * pooled["coverage80"].max())
    low95, high95 = (100 * pooled["coverage95"].min(), 100 * pooled["coverage95"].max())
    size = int(choices["authorities"].median())
    first = (
        f"Written by `python -m benchmarks.backtest_held_out`. Authorities split in two at random, {SPLITS} times: the constants of the "
        "mixture and of the widths are chosen anew on one half, and the other half is forecast as a panel of its own and scored; then the "
        f"other way round. Means over {len(pooled)} halves of about {size} authorities. Weights, steps and widths are always nested by "
        "origin and by measure; this takes the choice of the constants out of sample too, but not that of the models, of the form of the "
        "error, or of what to try, which were made with all authorities in view."
    )
    visible = "not visible" if abs(x["wape"] - y["wape"]) < 5e-4 else "small"
    score = x["interval_score80"] / x["interval_score80_persistence"]
    second = (
        f"Pooled, held-out WAPE is {100 * x['wape']:.2f}% (persistence {100 * x['wape_persistence']:.2f}%; with the constants as shipped "
        f"{100 * y['wape']:.2f}%): what tuning gained in sample is {visible} beside the noise. It is below persistence's in {won} of "
        f"{len(pooled)} halves. 80% intervals hold {100 * x['coverage80']:.1f}% ({low:.1f} to {high:.1f} over halves; as shipped "
        f"{100 * y['coverage80']:.1f}%), 95% intervals {100 * x['coverage95']:.1f}% ({low95:.1f} to {high95:.1f}; as shipped "
        f"{100 * y['coverage95']:.1f}%); the score of 80% intervals is {score:.2f} times that of persistence with empirical intervals."
    )
    lines = [
        "## Trend forecasts of authorities that tuned nothing",
        "",
        textwrap.fill(first, 140),
        "",
        textwrap.fill(second, 140),
        "",
        "WAPE, %, of held-out authorities (of persistence on the same), beside what was stated for persistence on all 153:",
        "",
        "| measure | 1 | 2 | 3 | 4 | 5 | stated, persistence, 1 / 2 / 3 | 80% hold | 95% hold |",
        "| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |",
    ]
    for m, label in LABELS.items():
        cells = [
            f"{100 * mean.loc[(own, m, str(h)), 'wape']:.1f} ({100 * mean.loc[(own, m, str(h)), 'wape_persistence']:.1f})"
            for h in range(1, 6)
        ]
        stated = " / ".join(f"{v:g}" for v in GIVEN[m]) if m in GIVEN else ""
        cover = [f"{100 * mean.loc[(own, m, ALL), c]:.1f}" for c in ("coverage80", "coverage95")]
        lines.append(f"| {label} | {' | '.join([*cells, stated, *cover])} |")
    picked = "; ".join(f"{name} {', '.join(f'{v:g} ({n})' for v, n in choices[name].value_counts().items())}" for name, _, _ in TRIED)
    shipped_values = ", ".join(f"{n} {getattr(ensemble, n):g}" for n, _, _ in TRIED)
    lines += ["", textwrap.fill(f"Chosen (in how many of {len(choices)} halves): {picked}. Shipped: {shipped_values}.", 140), ""]
    return "\n".join(lines)


def document(text: str, content: str) -> str:
    """The document with the section in its place, at the end where it has none."""
    if MARKERS[0] not in text:
        return f"{text.rstrip()}\n\n{MARKERS[0]}\n{content}{MARKERS[1]}\n"
    head, rest = text.split(MARKERS[0], 1)
    return f"{head}{MARKERS[0]}\n{content}{MARKERS[1]}{rest.split(MARKERS[1], 1)[1]}"


def main(arguments: Sequence[str] | None = None) -> None:
    """Run, or rewrite the section from the last tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path, nargs="?")
    parser.add_argument("--document", action="store_true")
    given = parser.parse_args(arguments)
    if not given.document:
        scores, choices = run(panel(given.data))
        scores.round(6).to_csv(SCORES, index=False)
        choices.to_csv(CHOSEN, index=False)
    text = document(DOCUMENT.read_text(encoding="utf-8"), section(pd.read_csv(SCORES), pd.read_csv(CHOSEN)))
    DOCUMENT.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
