"""Error of the few nodes that integrate area effects, against a dense rule, for every default risk.

``python -m benchmarks.quadrature`` writes ``benchmarks/results/quadrature.csv``: relative error of the frame's mean prevalence, the
greatest over 200 draws.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

import data_sources as src
from jsna_model.methods.risk_model import frame_mean, linear_predictor
from jsna_model.verbs.need_model import _integration_rules, fit_need

DENSE = 61


def error(set_name: str, draws: int = 200) -> pd.DataFrame:
    """Greatest relative error over draws, by risk of a set and of the risks that stand alone."""
    evidence = (*src.load_evidence_set(set_name), *src.default_evidence())
    frame = src.load_frame()
    model = fit_need(evidence, src.load_overlap(set_name), frame, draws, 2026)
    x = frame.matrix(("deprivation",))
    weights = frame.children.transpose("area", "age_band").values.ravel()
    sd = np.hypot(model.authority_sd, model.small_area_sd)
    z, u = np.polynomial.hermite_e.hermegauss(DENSE)
    rows = []
    for k, (nodes, node_weights) in enumerate(_integration_rules(sd, model.joint)):
        linear = (linear_predictor(x, model.gradient[k])[:, None] + model.age_effect[None, :, k]).reshape(-1, draws)
        few = frame_mean(model.intercept[k], linear, weights, nodes, node_weights)
        dense = frame_mean(model.intercept[k], linear, weights, sd[k] * z, u / u.sum())
        worst = float(np.abs(few / dense - 1).max())
        rows.append(
            {"set": set_name, "risk": model.risks[k], "nodes": len(nodes), "area_sd": round(float(sd[k]), 3), "relative_error": worst}
        )
    return pd.DataFrame(rows)


if __name__ == "__main__":
    table = pd.concat([error("higher_harm"), error("wider_exposure")]).drop_duplicates(["set", "risk"])
    table["relative_error"] = table["relative_error"].map("{:.1e}".format)
    table.to_csv(Path(__file__).parent / "results" / "quadrature.csv", index=False)
    print(table.to_string(index=False))
