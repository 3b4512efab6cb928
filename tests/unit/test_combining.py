"""Pooling estimates of the catalogue: the numbers are those of `methods.pooling`; what differs is refused, pair by pair."""

from __future__ import annotations

from dataclasses import replace
from math import isnan, nan
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jsna_model.combining import SOFT, differences, pool
from jsna_model.errors import ConstructError, InputError
from jsna_model.evidence import Conversion, Evidence
from jsna_model.methods.distributions import expit, logit, logit_normal_from_interval, quantile_of
from jsna_model.methods.pooling import random_effects
from tests import examples

Z = quantile_of(0.95)


def study(name: str, value: float = 0.1, **changes: Any) -> Evidence:
    """A synthetic share from data of its own."""
    return examples.evidence(name, value, data_group=f"survey of {name}", **changes)


def ratio(name: str, value: float, lower: float, upper: float) -> Evidence:
    return study(name, value, unit="odds ratio", lower=lower, upper=upper)


# --- numbers -------------------------------------------------------------------------------------------------------------------------


@settings(deadline=None)
@given(st.lists(st.floats(0.02, 0.6), min_size=3, max_size=6), st.sampled_from(["paule_mandel", "reml"]), st.sampled_from([0.8, 0.95]))
def test_shares_are_pooled_on_the_logit_scale(values: list[float], method: str, level: float) -> None:
    studies = [study(f"s{i}", v) for i, v in enumerate(values)]
    made, pooled = pool(*studies, key="POOLED", method=method, level=level)  # type: ignore[arg-type]
    y, sd = np.array([logit_normal_from_interval(e.value, e.lower, e.upper, e.level) for e in studies]).T
    expected = random_effects(y, sd**2, method, level, at_least_one=True)  # type: ignore[arg-type]
    assert pooled == expected
    assert logit([made.lower, made.value, made.upper]) == pytest.approx([expected.lower, expected.value, expected.upper])
    assert made.level == level
    assert 0 < made.lower < made.value < made.upper < 1


def test_ratios_are_pooled_on_the_log_scale_about_their_published_values() -> None:
    """An interval that is not symmetric gives the width; the published value, not the middle of the interval, is the centre."""
    studies = [ratio("a", 2.0, 1.0, 5.0), ratio("b", 3.0, 2.0, 4.0), ratio("c", 1.5, 1.2, 2.0)]
    made, pooled = pool(*studies, key="POOLED")
    y = np.log([e.value for e in studies])
    sd = np.array([np.log(e.upper / e.lower) / (2 * Z) for e in studies])
    expected = random_effects(y, sd**2, at_least_one=True)
    assert pooled == expected
    assert np.log([made.lower, made.value, made.upper]) == pytest.approx([expected.lower, expected.value, expected.upper])


def test_differences_are_pooled_as_they_are() -> None:
    studies = [study(n, v, unit="elasticity", lower=v - 0.1, upper=v + 0.1, distribution="") for n, v in (("a", -0.1), ("b", 0.05))]
    made, _ = pool(*studies, key="POOLED")
    assert made.value == pytest.approx(-0.025)


def test_the_prediction_interval_is_wider_and_needs_three() -> None:
    studies = [study("a", 0.05), study("b", 0.1), study("c", 0.2), study("d", 0.1)]
    mean, pooled = pool(*studies, key="POOLED")
    another, _ = pool(*studies, key="POOLED", interval="prediction")
    assert another.value == mean.value
    assert another.lower < mean.lower < mean.upper < another.upper
    assert another.lower == pytest.approx(float(expit(pooled.prediction_lower)))
    with pytest.raises(ConstructError, match=r"two estimates have no prediction interval.*give three or more"):
        pool(*studies[:2], key="POOLED", interval="prediction")


def test_identical_estimates_keep_their_sampling_error() -> None:
    made, pooled = pool(study("a"), study("b"), key="POOLED")
    assert pooled.tau2 == 0
    assert made.value == pytest.approx(0.1)
    assert made.lower < 0.1 < made.upper


# --- what is recorded ----------------------------------------------------------------------------------------------------------------


def test_what_was_varied_across_is_recorded_with_every_earlier_conversion() -> None:
    steps = [Conversion("count to share", f"step {i}", "synthetic") for i in range(2)]
    a = study("a", conversions=(steps[0],), period="2014", sample_size=900.0)
    b = study("b", 0.12, conversions=(steps[1],), period="2019")
    made, _ = pool(a, b, key="POOLED", across=("period",))
    assert made.key == "POOLED"
    assert made.conversions[:2] == tuple(steps)
    statement = made.conversions[-1].statement
    assert made.conversions[-1].name == "pooled"
    assert f"over {a.key}, {b.key}, with period taken as variation between studies" in statement
    assert made.interval_basis == "assumed: mean interval of the pooled estimate"
    assert isnan(made.sample_size)
    assert made.set_name == ""


def test_a_pooled_estimate_is_not_pooled_again_with_its_own_data() -> None:
    a, b, other = study("a"), study("b"), study("c")
    made, _ = pool(a, b, key="POOLED")
    assert [d.what for d in differences(made, b)] == ["data_group"]
    assert differences(made, other) == []
    with pytest.raises(ConstructError, match="both come from survey of b: the same people would be counted twice"):
        pool(made, b, other, key="AGAIN")


# --- what is refused -----------------------------------------------------------------------------------------------------------------


def test_every_pair_and_every_reason_is_listed() -> None:
    a = study("a")
    b = study("b", construct=replace(a.construct, instrument="another", threshold="severe"), geography="United Kingdom")
    other = study("c", unit="odds ratio", value=2.0, lower=1.0, upper=4.0)
    with pytest.raises(ConstructError) as caught:
        pool(a, b, other, key="POOLED")
    found = [p.found for p in caught.value.problems]
    assert sum("SYN-a and SYN-b" in f for f in found) == 3
    assert sum("SYN-a and SYN-c" in f for f in found) == 1
    assert sum("SYN-b and SYN-c" in f for f in found) == 4
    for reason in (
        "instrument: synthetic (SYN-a) against another (SYN-b)",
        "threshold: any (SYN-a) against severe (SYN-b)",
        "unit: share (SYN-a) against odds ratio (SYN-c)",
        "geography: England (SYN-a) against United Kingdom (SYN-b)",
    ):
        assert any(reason in f for f in found), reason


@pytest.mark.parametrize("part", ["condition", "instrument", "threshold", "window", "whose", "informant"])
def test_no_argument_allows_another_construct(part: str) -> None:
    a, b = study("a"), study("b")
    b = b.with_(construct=replace(b.construct, **{part: "another"}))
    with pytest.raises(ConstructError, match="convert one of them first"):
        pool(a, b, key="POOLED", across=SOFT)
    with pytest.raises(ConstructError, match=f"'{part}' cannot be varied across"):
        pool(a, study("c"), key="POOLED", across=(part,))


@pytest.mark.parametrize(
    ("what", "change"),
    [
        ("period", {"period": "2014"}),
        ("geography", {"geography": "Wales"}),
        ("ages", {"ages": (0, 15)}),
        ("denominator", {"denominator": "x"}),
    ],
)
def test_other_differences_are_refused_until_they_are_named(what: str, change: dict[str, Any]) -> None:
    a, b = study("a"), study("b", **change)
    assert [(d.what, d.hard) for d in differences(a, b)] == [(what, False)]
    with pytest.raises(ConstructError, match=rf"name it, across=\('{what}',\)"):
        pool(a, b, key="POOLED")
    made, _ = pool(a, b, key="POOLED", across=(what,))
    assert made.value == pytest.approx(0.1)


def test_shared_data_is_refused() -> None:
    shared = {"data_group": "one survey"}
    a, b = study("a").with_(**shared), study("b").with_(**shared)
    assert [(d.what, d.hard) for d in differences(a, b)] == [("data_group", True)]
    with pytest.raises(ConstructError, match="both come from one survey: the same people would be counted twice"):
        pool(a, b, key="POOLED", across=SOFT)


def test_one_estimate_is_not_pooled_with_itself_whatever_its_data_group() -> None:
    a = study("a").with_(data_group="")
    with pytest.raises(ConstructError, match="both are SYN-a: one estimate would be counted twice"):
        pool(a, a, key="POOLED")
    # No data group is no shared data.
    made, _ = pool(a, study("b").with_(data_group=""), key="POOLED")
    assert made.data_group == ""


def test_an_estimate_without_an_interval_has_no_weight() -> None:
    bare = study("a", lower=nan, upper=nan, level=nan, interval_basis="none: a complete count")
    with pytest.raises(ConstructError, match=r"SYN-a has no interval, so no weight \(none: a complete count\)"):
        pool(bare, study("b"), key="POOLED")


def test_arguments_that_mean_nothing_are_refused() -> None:
    with pytest.raises(ConstructError, match="1 estimate given"):
        pool(study("a"), key="POOLED")
    with pytest.raises(ConstructError, match="0 estimates given"):
        pool(key="POOLED")
    with pytest.raises(ConstructError, match=r"interval is 'predictive'.*mean or prediction"):
        pool(study("a"), study("b"), key="POOLED", interval="predictive")  # type: ignore[arg-type]
    with pytest.raises(InputError, match="paule_mandel, reml"):
        pool(study("a"), study("b"), key="POOLED", method="fixed")  # type: ignore[arg-type]


@given(st.sampled_from(["period", "geography", "ages", "unit"]))
def test_differences_do_not_depend_on_the_order(what: str) -> None:
    change: dict[str, Any] = {"period": "1990", "geography": "Wales", "ages": (5, 9), "unit": "children"}
    a, b = study("a"), study("b", **{what: change[what]})
    assert [d.what for d in differences(a, b)] == [d.what for d in differences(b, a)] == [what]
