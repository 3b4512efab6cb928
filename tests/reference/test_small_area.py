"""Spatial Fay–Herriot against R `sae` mseSFH, the unit-level model against eblupBHF and tight optima (tests/reference/README.md)."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from jsna_model.methods.small_area import spatial_fay_herriot, unit_level

HERE = Path(__file__).parent


def _read(name: str) -> pd.DataFrame:
    return pd.read_csv(HERE / f"{name}.csv")


@pytest.mark.parametrize("method", ["reml", "ml"])
def test_spatial_fay_herriot_agrees_with_sae(method: str) -> None:
    case = "spatial_fay_herriot/lattice10_rho07."
    given, near = _read(case + "input"), _read(case + "input_W_triplets")
    proximity = np.zeros((len(given), len(given)))
    proximity[near["i"] - 1, near["j"] - 1] = near["w"]
    found = spatial_fay_herriot(given["y"], given.loc[:, "intercept":], given["vardir"], proximity, method=method)
    name = method.upper()
    areas, coef = _read(case + "expected_area"), _read(case + "expected_coef").query("method == @name")
    params = _read(case + "expected_params").set_index("method").loc[name]
    for ours, theirs in [
        (found.area_variance, params["refvar"]),
        (found.spatial_correlation, params["rho"]),
        (found.loglik, params["loglike"]),
        (found.beta, coef["beta"]),
        (found.beta_se, coef["std_error"]),
        (found.estimate, areas[f"eblup_{name}"]),
        (found.mse, areas[f"mse_{name}"]),
    ]:
        np.testing.assert_allclose(ours, theirs, rtol=1e-9)


@pytest.mark.parametrize("method", ["reml", "ml"])
def test_unit_level_agrees_with_sae_and_with_the_tight_optimum(method: str) -> None:
    units, areas, exact, expected = (_read(f"unit_level/gen60.{n}") for n in ("input_units", "input_areas", "exact_area", "expected_area"))
    params = _read("unit_level/gen60.exact_params").set_index("param")["value"]
    likelihood = _read("unit_level/gen60.expected_params").set_index("method")["loglike"]
    X, means = (np.column_stack([np.ones(len(t)), t["x1"], t["x2"]]) for t in (units, areas))
    name, group = method.upper(), units["dom"].to_numpy() - 1
    found = unit_level(units["y"], X, group, means, areas["N"], method=method)
    endless = unit_level(units["y"], X, group, means, method=method)
    for ours, theirs in [
        (found.area_variance, params[f"sv2_{name}"]),
        (found.unit_variance, params[f"se2_{name}"]),
        (found.beta, [params[f"beta{j}_{name}"] for j in range(3)]),
        (found.loglik, likelihood[name]),
        (found.estimate, exact[f"eblup_{name}"]),
        (endless.estimate, exact[f"eblup_infpop_{name}"]),
    ]:
        np.testing.assert_allclose(ours, theirs, rtol=1e-9)
    np.testing.assert_allclose(found.estimate, expected[f"eblup_{name}"], rtol=1e-6)


def test_the_mean_squared_error_is_that_of_the_bootstrap() -> None:
    # 200 bootstraps have an error of 10% (the square root of 2/200); 60 of them, at most three times that, and their mean is close.
    units, areas, expected = (_read(f"unit_level/gen60.{n}") for n in ("input_units", "input_areas", "expected_area"))
    X, means = (np.column_stack([np.ones(len(t)), t["x1"], t["x2"]]) for t in (units, areas))
    found = unit_level(units["y"], X, units["dom"].to_numpy() - 1, means, areas["N"])
    ratio = expected["pbmse_REML"] / found.mse
    assert ratio.between(0.7, 1.3).all()
    assert abs(ratio.mean() - 1) < 0.05
