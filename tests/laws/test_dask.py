"""Where one machine is too small: the same estimate on several processes (law 13)."""

from __future__ import annotations

import numpy as np
import pytest

import data_sources as src
import jsna_model as jm
from jsna_model.errors import InputError

distributed = pytest.importorskip("distributed", reason="needs Dask (extra dask)")


def test_processes_give_the_same_answer_to_the_last_bit() -> None:
    """Law 13 and DESIGN section 4, Sameness: three authorities on two processes against threads."""
    population = src.load_population("East Midlands", level="msoa")
    arguments = (population, src.load_evidence_set("higher_harm"), src.load_overlap("higher_harm"))
    here = jm.estimate(*arguments, draws=20, by_age=True)
    with (
        distributed.LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as cluster,
        distributed.Client(cluster) as client,
    ):
        there = jm.estimate(*arguments, draws=20, by_age=True, executor=client.get_executor())
    assert here.equals(there)
    assert np.array_equal(here.draws("any_risk").values, there.draws("any_risk").values)


def test_no_scheduler_is_said(tmp_path: object) -> None:
    from typer.testing import CliRunner

    from jsna_model.cli.app import app

    given = ["estimate", "--area", "Rutland", "--out", f"{tmp_path}/children.csv", "--scheduler", "tcp://127.0.0.1:1"]
    found = CliRunner().invoke(app, given)
    assert isinstance(found.exception, InputError)
    assert "no Dask scheduler answers" in str(found.exception)
