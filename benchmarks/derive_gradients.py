"""Derive the deprivation gradients and the drift that the evidence catalogue uses; writes gradients.csv and _derived.toml.

Run from the top of the repository: ``python -m benchmarks.derive_gradients``. The recorded-factor gradients are ecological: over-dispersed
counts of assessments in which a factor concerning the parent was recorded, by authority, on mean deprivation. Recording practice, referral
and thresholds are mixed in, which is why the catalogue widens them. `share_gradient` is the slope of the logarithm of the factor's share of
assessments: what is left when referral and thresholds are taken out, and recording is not.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import statsmodels.api as sm

from jsna_model.methods.distributions import drift_sd, logit, widened_gradient_sd

ROOT = Path(__file__).resolve().parent.parent
FIGURES = ROOT / "data_sources/figures/england_upper_tier_2025.csv"
FACTORS = ("alcohol", "drugs", "domestic_abuse", "mental_health")
SYMBOLS = ["c", "x", "z", "low", "k", "u"]

#: Mean and sd over England's children of the IMD 2025 decile: the constants of the England frame.
DECILE_MEAN, DECILE_SD = 5.217804, 2.941189
QUINTILE_DECILES = np.array([1.5, 3.5, 5.5, 7.5, 9.5])

#: Evidence rows DA-01-2015 to DA-01-2023: women with any domestic abuse in the last year, Crime Survey, old questions.
CRIME_SURVEY_YEARS = (2015, 2016, 2018, 2019, 2020, 2022, 2023)
CRIME_SURVEY_WOMEN = (0.082, 0.077, 0.079, 0.075, 0.073, 0.069, 0.057)

#: Evidence rows ALC-53 (HSE 2014) and ALC-54 (HSE 2015): share above the weekly limit, highest against lowest income, men and women.
INCOME = {"ALC-53": ((0.27, 0.17), (0.23, 0.10)), "ALC-54": ((0.37, 0.29), (0.22, 0.09))}


def standardised_deprivation(figures: pd.DataFrame) -> np.ndarray:
    """Mean deprivation of each authority's children in frame sds, positive where more deprived; shape (authorities,)."""
    shares = figures[[f"imd2025_quintile_{i}_share" for i in range(1, 6)]].to_numpy(float)
    return -(shares @ QUINTILE_DECILES - DECILE_MEAN) / DECILE_SD


def factor_gradient(figures: pd.DataFrame, factor: str) -> dict[str, Any]:
    """Negative-binomial (NB2) slope of a recorded parental factor on deprivation, with its covariance and diagnostics.

    ``count ~ NB(mean = children exp(a + b x), variance = mean + alpha mean^2)``, maximum likelihood; published zeros kept, symbols dropped.
    """
    count = figures[f"factor_parent_{factor}"]
    x = standardised_deprivation(figures)
    use = count.notna().to_numpy()
    y, design, children = count[use].to_numpy(float), sm.add_constant(x[use]), figures["children_0_17"][use].to_numpy(float)
    fitted = sm.NegativeBinomial(y, design, loglike_method="nb2", exposure=children).fit(disp=False, maxiter=200)
    if not fitted.mle_retvals["converged"]:
        raise RuntimeError(f"{factor}: the likelihood did not converge")
    gradient, error, alpha = float(fitted.params[1]), float(fitted.bse[1]), float(fitted.params[2])
    mean = fitted.predict(exposure=children)
    pearson = float(((y - mean) ** 2 / (mean + alpha * mean**2)).sum() / (len(y) - 2))
    poisson = sm.GLM(y, design, family=sm.families.Poisson(), offset=np.log(children))
    share = count / figures["assessments_with_factor"]
    some = (share > 0).to_numpy()
    residual = sm.OLS(np.log(share[some]), sm.add_constant(x[some])).fit()
    curved = sm.NegativeBinomial(y, np.column_stack([design, x[use] ** 2]), exposure=children).fit(disp=False, maxiter=200)
    return {
        "name": factor,
        "intercept": float(fitted.params[0]),
        "gradient": gradient,
        "standard_error": error,
        "gradient_sd": widened_gradient_sd(gradient, error),
        "alpha": alpha,
        "covariance": np.asarray(fitted.cov_params()).round(8).tolist(),
        "authorities": len(y),
        "zeros": int((y == 0).sum()),
        "pearson_over_df": pearson,
        "log_likelihood": float(fitted.llf),
        "log_likelihood_poisson": float(poisson.fit().llf),
        "quasi_poisson_gradient": float(poisson.fit(scale="X2").params[1]),
        "curvature": float(curved.params[2]),
        "curvature_se": float(curved.bse[2]),
        "share_gradient": float(np.asarray(residual.params)[1]),
        "share_residual_sd": float(np.sqrt(residual.scale)),
    }


def income_gradient() -> float:
    """Logit change in drinking above the weekly limit per frame sd of deprivation, were area deprivation individual income."""
    distance = (QUINTILE_DECILES[-1] - QUINTILE_DECILES[0]) / DECILE_SD
    differences = [np.mean([logit(high) - logit(low) for high, low in pairs]) for pairs in INCOME.values()]
    return -float(np.mean(differences)) / float(distance)


def derive(figures: pd.DataFrame) -> tuple[pd.DataFrame, str]:
    """Table of gradients, and the text of _derived.toml."""
    table = pd.DataFrame([factor_gradient(figures, f) for f in FACTORS])
    pair = table[table["name"].isin(["alcohol", "drugs"])]
    mean, error = float(pair["gradient"].mean()), float(pair["standard_error"].mean())
    income = income_gradient()
    lines = [
        "# Written by benchmarks/derive_gradients.py; do not edit. Per sd of deprivation, logit or log scale.",
        "# Source: DfE Children in need 2025 (file C3), ONS mid-2024 estimates, MHCLG Indices of Deprivation 2025; evidence rows as named.",
        "",
        "[drift]  # Crime Survey for England and Wales, women, rows DA-01-2015 to DA-01-2023",
        f"years = {list(CRIME_SURVEY_YEARS)}",
        f"shares = {list(CRIME_SURVEY_WOMEN)}",
        f"sd_per_root_year = {drift_sd(CRIME_SURVEY_YEARS, CRIME_SURVEY_WOMEN):.6f}",
        "",
    ]
    for row in table.to_dict("records"):
        lines.append(f"[gradient.{row['name']}]  # negative binomial over authorities; covariance of intercept, gradient, alpha")
        lines += [f"{k} = {v:.6f}" if isinstance(v, float) else f"{k} = {v}" for k, v in row.items() if k != "name"]
        lines.append("")
    lines += [
        "[gradient.alcohol_and_drugs]  # mean of the two; errors taken as fully correlated",
        f"gradient = {mean:.6f}",
        f"standard_error = {error:.6f}",
        f"gradient_sd = {widened_gradient_sd(mean, error):.6f}",
        "",
        "[gradient.any_substance_misuse]  # assumption: half of the dependency gradient, sd as large as itself",
        f"gradient = {mean / 2:.6f}",
        f"gradient_sd = {mean / 2:.6f}",
        "",
        "[gradient.hazardous_drinking]  # rows ALC-53, ALC-54; assumption: half of the individual gradient, 95% from none to all of it",
        f"individual = {income:.6f}",
        f"gradient = {income / 2:.6f}",
        f"gradient_sd = {abs(income) / 2 / 1.959964:.6f}",
    ]
    return table, "\n".join(lines) + "\n"


def main() -> None:
    """Write ``benchmarks/results/gradients.csv`` and ``data_sources/evidence/_derived.toml``."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--figures", type=Path, default=FIGURES, help="table of authorities (default: the embedded one)")
    table, text = derive(pd.read_csv(parser.parse_args().figures, na_values=SYMBOLS))
    table.round(6).to_csv(ROOT / "benchmarks/results/gradients.csv", index=False, lineterminator="\n")
    (ROOT / "data_sources/evidence/_derived.toml").write_text(text, encoding="utf-8", newline="\n")
    print(table.round(3).to_string(index=False))


if __name__ == "__main__":
    main()
