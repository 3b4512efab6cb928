"""How near cross-fitted EVPPI comes to its closed form, by number of draws; writes results/value_of_information.csv.

Run from the top of the repository: ``python -m benchmarks.value_of_information``. Two options; the second gains ``mean + x + 1.5 y``, x and
y standard normal, beside three inputs that do not matter. Closed forms: ``sd phi(m / sd) - |m| Phi(-|m| / sd)``.
"""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
from scipy.stats import norm

from jsna_model.methods.economics import evpi, evppi_table
from jsna_model.methods.smooth import design, ridge_fit

RESULTS = Path(__file__).resolve().parent / "results/value_of_information.csv"
DRAWS, MEANS, REPEATS, SEED = (250, 500, 1000, 2000, 4000), (0.0, 0.5, -1.0), 200, 2026
#: Inputs of each group, and the sd of the gain that they carry.
GROUPS = {"x": ([0], 1.0), "y": ([1], 1.5), "x and y": ([0, 1], 3.25**0.5), "three that do not matter": ([2, 3, 4], 0.0)}


def loss(mean: float, sd: float) -> float:
    """Expected loss of a normal gain that is decided by its mean."""
    return float(sd * norm.pdf(mean / sd) - abs(mean) * norm.cdf(-abs(mean) / sd)) if sd else 0.0


def naive(values: np.ndarray, theta: np.ndarray) -> float:
    """EVPPI by the same regression fitted and valued on the same draws: what cross-fitting is there to avoid."""
    basis = design(theta)
    fitted = basis @ ridge_fit(basis, values.T)
    return float(fitted.max(1).mean() - values.mean(1).max())


def measured(draws: int, mean: float, repeats: int = REPEATS, seed: int = SEED) -> list[dict[str, object]]:
    """One row a group: mean and spread over samples, mean reported error, share shown, and what fitting without folds gives."""
    found: dict[str, list[tuple[float, float, float, float]]] = {g: [] for g in (*GROUPS, "EVPI")}
    for r in range(repeats):
        x = np.random.default_rng((seed, draws, r)).normal(size=(5, draws))
        values = np.stack([np.zeros(draws), mean + x[0] + 1.5 * x[1]])
        places = np.random.default_rng((seed, r)).integers(0, draws, (50, draws))
        for row in evppi_table(values, {g: x[rows] for g, (rows, _) in GROUPS.items()}, places):
            theta = x[GROUPS[str(row.group)][0]]
            found[str(row.group)].append((float(row.evppi), float(row.standard_error), float(row.stable), naive(values, theta)))
        found["EVPI"].append((float(evpi(values)), np.nan, np.nan, np.nan))
    out: list[dict[str, object]] = []
    for group, rows in found.items():
        value, error, shown, plain = np.array(rows).T
        exact = loss(mean, GROUPS[group][1] if group in GROUPS else 3.25**0.5)
        numbers = (exact, value.mean(), value.std(ddof=1), error.mean(), shown.mean(), plain.mean())
        names = ("exact", "mean", "spread", "mean_error", "shown", "mean_without_folds")
        out.append({"draws": draws, "mean_gain": mean, "group": group, **{n: f"{v:.4f}" for n, v in zip(names, numbers, strict=True)}})
    return out


def main() -> None:
    """Write every row."""
    rows = [row for draws in DRAWS for mean in MEANS for row in measured(draws, mean)]
    with RESULTS.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    print(f"{len(rows)} rows to {RESULTS}")


if __name__ == "__main__":
    main()
