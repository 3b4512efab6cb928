"""Structured expert judgement: one distribution of several people's quantiles."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from data_sources.evidence import load_evidence
from jsna_model.errors import InputError
from jsna_model.methods.distributions import expit, logit
from jsna_model.methods.elicitation import pool_judgements
from tests.sources.test_evidence import GOOD

THREE = [{0.05: 0.02, 0.5: 0.05, 0.95: 0.12}, {0.05: 0.05, 0.5: 0.10, 0.95: 0.20}, {0.25: 0.03, 0.75: 0.06}]


def test_one_judgement_of_two_quantiles_is_kept() -> None:
    one = pool_judgements([{0.1: 0.02, 0.9: 0.08}], "logit", level=0.8)
    assert (one.lower, one.upper) == pytest.approx((0.02, 0.08))
    assert one.misfit[0] == pytest.approx(0, abs=1e-12)
    assert one.between == 0


def test_the_pool_is_the_mixture_of_the_fitted_distributions() -> None:
    """Against draws of the mixture by scipy."""
    pooled = pool_judgements(THREE, "logit")
    rng = np.random.default_rng(1)
    which = rng.integers(0, 3, 400_000)
    draws = expit(stats.norm.rvs(np.array(pooled.means)[which], np.array(pooled.sds)[which], random_state=rng))
    assert np.quantile(draws, [0.025, 0.5, 0.975]) == pytest.approx([pooled.lower, pooled.value, pooled.upper], rel=0.01)


@given(st.lists(st.tuples(st.floats(-4, 2), st.floats(0.05, 2)), min_size=1, max_size=5))
def test_limits_enclose_the_median_and_lie_between_those_of_the_people(people: list[tuple[float, float]]) -> None:
    z = stats.norm.ppf(0.95)
    judgements = [{0.05: float(expit(m - z * s)), 0.95: float(expit(m + z * s))} for m, s in people]
    pooled = pool_judgements(judgements, "logit")
    assert 0 < pooled.lower < pooled.value < pooled.upper < 1
    own = [float(expit(m - stats.norm.ppf(0.975) * s)) for m, s in people]
    assert logit(min(own)) - 1e-6 <= logit(pooled.lower) <= logit(max(own)) + 1e-6


def test_disagreement_widens() -> None:
    close = pool_judgements([{0.05: 9.0, 0.95: 11.0}, {0.05: 9.0, 0.95: 11.0}], "log")
    apart = pool_judgements([{0.05: 4.5, 0.95: 5.5}, {0.05: 18.0, 0.95: 22.0}], "log")
    assert apart.upper / apart.lower > 3 * close.upper / close.lower
    assert close.between == pytest.approx(0)
    assert apart.between > 0.9


def test_every_bad_judgement_is_named() -> None:
    bad = [{0.5: 0.1}, {0.05: 0.2, 0.95: 0.1}, {5: 0.1, 95: 0.2}, {0.05: 2, 0.95: 12}]
    with pytest.raises(InputError) as caught:
        pool_judgements(bad, "logit")
    assert {p.row for p in caught.value.problems} == {f"judgement {i}" for i in range(1, 5)}


def test_a_file_may_give_judgements_in_place_of_a_value(tmp_path: Path) -> None:
    judged = """judgements = [
  { role = "head of early help", reason = "cases seen", quantiles = { "0.05" = 0.02, "0.5" = 0.05, "0.95" = 0.12 } },
  { role = "public health analyst", reason = "survey of schools", quantiles = { "0.05" = 0.05, "0.5" = 0.10, "0.95" = 0.20 } },
]"""
    text = GOOD.replace("value = 0.08\nlower = 0.06\nupper = 0.10", judged)
    (tmp_path / "mine.toml").write_text(text, encoding="utf-8")
    (e,) = load_evidence(path=tmp_path / "mine.toml")
    pooled = pool_judgements(THREE[:2], "logit")
    assert (e.value, e.lower, e.upper) == pytest.approx((pooled.value, pooled.lower, pooled.upper))
    assert "head of early help" in e.interval_basis
    assert "survey of schools" in e.interval_basis
    (tmp_path / "mine.toml").write_text(text.replace('"0.5" = 0.05', '"0.5" = 0.5'), encoding="utf-8")
    with pytest.raises(InputError, match="do not rise"):
        load_evidence(path=tmp_path / "mine.toml")
