"""Law 5: streams are named, pinned, and do not depend on how many draws are taken."""

from __future__ import annotations

from hashlib import blake2b

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from jsna_model.draws import normals, normals_of, uniforms


@pytest.mark.parametrize(
    ("name", "first"),
    [
        ("evidence/OV-20", [0.3095034962485828, 0.29798709881564117, 0.2649032783801028]),
        ("area/E06000042/domestic_abuse", [0.8913727370084112, 0.7035050784532084, 0.9022755141340657]),
        ("pathway/early_help.effect.care", [0.8640707923069741, 0.21241191988923352, 0.7605934709701383]),
    ],
)
def test_the_first_values_of_three_streams_are_pinned(name: str, first: list[float]) -> None:
    assert uniforms(2026, name, 3).tolist() == first


def test_a_stream_is_philox_keyed_by_blake2b() -> None:
    """The recipe of DESIGN law 5, written out a second time."""
    key = int.from_bytes(blake2b(b"7|x", digest_size=16).digest(), "little")
    raw = np.random.Philox(key=key).random_raw(5)
    assert uniforms(7, "x", 5).tolist() == [((int(r) >> 11) + 0.5) * 2.0**-53 for r in raw]


@given(name=st.text(max_size=20), few=st.integers(1, 50), more=st.integers(0, 50))
def test_a_draw_does_not_depend_on_how_many(name: str, few: int, more: int) -> None:
    assert np.array_equal(uniforms(1, name, few + more)[:few], uniforms(1, name, few))


def test_streams_are_uniform_normal_and_independent() -> None:
    z = normals_of(3, [f"area/{i}" for i in range(40)], 2000)
    assert stats.kstest(z.ravel(), "norm").pvalue > 0.001
    correlation = np.corrcoef(z)[np.triu_indices(40, 1)]
    assert np.abs(correlation).max() < 5 / np.sqrt(2000)
    assert np.array_equal(z[4], normals(3, "area/4", 2000))
