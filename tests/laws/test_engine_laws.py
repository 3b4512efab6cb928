"""The engine: one answer whatever the threads, the blocks and the kernel, and whichever areas were asked for."""

import numpy as np
import pytest
import xarray as xr

import data_sources as src
import jsna_model as jm
from jsna_model.verbs import need_model
from jsna_model.verbs.tidy import tidy
from tests.examples import evidence, evidence_set, overlap, population

DRAWS = 60


def made(**more: object) -> jm.Result:
    return jm.estimate(population(), (*evidence_set(), evidence("alone", 0.2)), overlap(), draws=DRAWS, **more)  # type: ignore[arg-type]


def assert_same(a: jm.Result, b: jm.Result, rtol: float = 0.0) -> None:
    for path, node in a.nodes("need").items():
        other = b.node(path)
        for name, values in node.data_vars.items():
            if values.dtype.kind == "f":
                np.testing.assert_allclose(values.values, other[name].values, rtol=rtol, atol=0, err_msg=f"{path} {name}")


def test_threads_and_blocks_do_not_change_a_bit(monkeypatch: pytest.MonkeyPatch) -> None:
    one = made(threads=1)
    assert_same(one, made(threads=3))
    monkeypatch.setattr(need_model, "_BLOCK", 1)
    assert_same(one, made(threads=1))
    monkeypatch.setattr(need_model, "_BLOCK", 7)
    assert_same(one, made(threads=2))


def test_kernels_agree(monkeypatch: pytest.MonkeyPatch) -> None:
    """Draws to 1e-12 relative; limits of small areas, which are differences of nothing, to the same."""
    if need_model.compiled_kernel() is None:
        pytest.skip("numba is not installed (extra 'fast')")
    compiled = made()
    for module in ("need_model", "estimate"):
        monkeypatch.setattr(f"jsna_model.verbs.{module}.compiled_kernel", lambda: None)
    plain = made()
    a, b = (r.node("need/authority")["children_by_pattern"].values for r in (compiled, plain))
    np.testing.assert_allclose(a, b, rtol=2e-12)
    assert_same(compiled, plain, rtol=1e-11)
    assert (compiled.provenance["kernel"], plain.provenance["kernel"]) == ("numba", "numpy")


def test_law_13_an_authority_alone_is_the_same_as_among_others() -> None:
    """To the last bit: real areas, each asked for by itself and both together."""
    own, bounds = src.load_evidence_set(), src.load_overlap()
    both = src.load_population("South West")
    code = both.authorities[0]
    together = jm.estimate(both, own, bounds, draws=20).node("need/authority").sel(area=code)
    alone = jm.estimate(src.load_population(code), own, bounds, draws=20).node("need/authority").sel(area=code)
    for name in ("children_by_pattern", "affected"):
        xr.testing.assert_identical(together[name].reset_coords(drop=True), alone[name].reset_coords(drop=True))


def test_tidy_has_a_row_an_area_age_and_measure_and_adds_up() -> None:
    result = made(by_age=True)
    finest = result.levels[0]
    for level in (finest, "authority"):
        table = tidy(result, level)
        areas = result.node(f"need/{level}").sizes["area"]
        assert len(table) == areas * 6 * (4 + 8 + 4)  # joint measures, patterns, risks
        assert set(table["age_band"]) == {"under_1", "1_4", "5_9", "10_15", "16_17", "all"}
        assert not table[["value", "lower", "upper"]].isna().any().any()
        wide = table.pivot_table(index=["area", "age_band"], columns="measure", values="value")
        bands = wide.drop("all", level="age_band").groupby("area").sum()
        np.testing.assert_allclose(bands, wide.xs("all", level="age_band"), rtol=1e-9)
        patterns = [c for c in wide.columns if c.endswith("_only")]
        np.testing.assert_allclose(wide[patterns].sum(axis=1), wide["any_risk"], rtol=1e-9)
        assert set(table["basis"]) == {"estimated"}
    few = tidy(made(), finest)
    assert set(few["age_band"]) == {"all"}
