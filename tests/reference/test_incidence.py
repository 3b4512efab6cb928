"""Cumulative incidence against another engine, on published data.

Data: Scrucca, Santucci and Aversa 2007, Bone Marrow Transplant. 40:381-387: 35 patients with acute leukaemia after a transplant; time in
months; 1 death from the transplant, 2 relapse, 0 neither by the end. Engine: statsmodels, ``duration.survfunc.CumIncidenceRight``, whose
standard error is Aalen's.
"""

import numpy as np
import pytest

from jsna_model.methods.incidence import cumulative_incidence

TIME = [13, 1, 72, 7, 8, 67, 9, 5, 70, 4, 7, 68, 1, 10, 7, 3, 4, 4, 3, 3, 22, 8, 2, 0, 0, 35, 35, 4, 14, 26, 3, 2, 8, 32, 12]
STATUS = [2, 1, 0, 2, 2, 0, 2, 2, 0, 0, 0, 0, 2, 2, 2, 1, 1, 1, 1, 1, 2, 1, 2, 2, 1, 0, 0, 2, 2, 2, 2, 0, 0, 0, 1]


@pytest.mark.parametrize("cause", [1, 2])
def test_as_statsmodels(cause: int) -> None:
    survfunc = pytest.importorskip("statsmodels.duration.survfunc")
    engine = survfunc.CumIncidenceRight(np.array(TIME) + 0.5, np.array(STATUS))
    at = [0, 3, 8, 12, 20, 40]
    event = [0 if s == 0 else 1 if s == cause else 2 for s in STATUS]
    found = cumulative_incidence(TIME, event, at)
    place = np.searchsorted(engine.times, np.array(at) + 0.5, side="right") - 1
    assert found.value == pytest.approx(engine.cinc[cause - 1][place], abs=1e-12)
    # Ours is the infinitesimal jackknife with G / (G - 1), Aalen's a sum over times: close, not the same.
    assert found.se == pytest.approx(engine.cinc_se[cause - 1][place], rel=0.04)
