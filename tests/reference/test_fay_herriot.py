"""The Fay–Herriot model against R `sae` mseFH (tests/reference/README.md)."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from jsna_model.methods.small_area import fay_herriot

HERE = Path(__file__).parent / "fay_herriot"


@pytest.mark.parametrize("method", ["reml", "ml"])
@pytest.mark.parametrize("case", ["gen150", "zerovar40"])
def test_agrees_with_sae(case: str, method: str) -> None:
    given, areas, coefs, params = (
        pd.read_csv(HERE / f"{case}.{part}.csv") for part in ("input", "expected_area", "expected_coef", "expected_params")
    )
    assert (given["area"] == areas["area"]).all()
    found = fay_herriot(given["y"], given.loc[:, "intercept":], given["vardir"], method=method)
    name = method.upper()
    coef, param = coefs[coefs["method"] == name], params.set_index("method").loc[name]
    for ours, theirs in [
        (found.area_variance, param["refvar"]),
        (found.loglik, param["loglike"]),
        (found.beta, coef["beta"]),
        (found.beta_se, coef["std_error"]),
        (found.estimate, areas[f"eblup_{name}"]),
        (found.mse, areas[f"mse_{name}"]),
    ]:
        np.testing.assert_allclose(ours, theirs, rtol=1e-6, atol=0)
