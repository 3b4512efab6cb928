"""Frontiers, ratios and discount factors against published examples; EVPI and EVPPI against closed forms."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest
from scipy.stats import norm

import data_sources as src
from benchmarks import value_of_information as study
from jsna_model.errors import InputError
from jsna_model.methods.economics import (
    acceptability,
    acceptability_frontier,
    discount_factors,
    evpi,
    evppi,
    evppi_table,
    icer_table,
    net_benefit,
)

HERE = Path(__file__).parent


def test_the_shared_strategies() -> None:
    """Also the example of US Veterans Affairs, HERC, Cost-effectiveness analysis (R dampack, tests/testthat/test_calculate_icers.R)."""
    with (HERE / "icer_strategies.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    found = icer_table([float(r["cost"]) for r in rows], [float(r["effect"]) for r in rows], [r["strategy"] for r in rows])
    assert found.strategy.tolist() == [r["strategy"] for r in rows]
    assert found.status.tolist() == [r["status"] for r in rows]
    np.testing.assert_array_equal(found.icer, [float(r["icer"] or "nan") for r in rows])
    assert found.incremental_cost[2] == 25_000
    assert found.incremental_effect[2] == 2


def test_hiv_screening() -> None:
    """Paltiel et al. 2006, Ann. Intern. Med. 145:797-806, table 4, high-risk population; annual testing is dominated."""
    cost = [26_000, 27_000, 28_020, 28_440, 29_440]
    months = np.array([277.25, 277.57, 277.78, 277.83, 277.76])
    found = icer_table(cost, months / 12, ["status quo", "one time", "5yr", "3yr", "annual"])
    assert found.status.tolist() == ["reference", "on frontier", "on frontier", "on frontier", "strong dominance"]
    expected = [np.nan, 1_000 / (0.32 / 12), 1_020 / (0.21 / 12), 420 / (0.05 / 12), np.nan]
    np.testing.assert_allclose(found.icer, expected, rtol=1e-9)
    assert found.icer[1:4].round(-3).tolist() == [38_000, 58_000, 101_000]  # as published, to the rounding of costs and months


def test_bowel_cancer_screening() -> None:
    """Howard et al. 2005, Aust. New Zealand Health Policy 2:10, table 7: what is left after dominance, in any order."""
    names = ["existing practice", "FOBT2", "DCBE5", "DCBE3", "FOBT1+DCBE5", "FOBT1+DCBE3"]
    cost = np.array([0, 140_117_791, 248_112_291, 304_301_903, 370_181_240, 422_777_702])
    effect = np.array([0, 3_551, 6_023, 6_720, 7_076, 7_299])
    published = [np.nan, 39_459, 43_687, 80_616, 185_054, 235_859]
    for order in ([0, 1, 2, 3, 4, 5], [5, 2, 0, 4, 1, 3]):
        found = icer_table(cost[order], effect[order], [names[i] for i in order])
        # Life years are rounded in the table: to a half in 223 at worst.
        np.testing.assert_allclose(found.icer, np.array(published)[order], rtol=3e-3)
        assert found.order.tolist() == order


def test_equal_effects_are_decided_by_cost() -> None:
    """R dampack, tests/testthat/test_calculate_icers.R: 'Test & treat' costs least and does no less than the others."""
    found = icer_table([163_771.0, 164_848.7, 163_765.1], [6.48273, 6.52861, 6.52861], ["no", "all", "test"])
    assert found.status.tolist() == ["strong dominance", "strong dominance", "reference"]


def test_green_book_discount_factors() -> None:
    """Published factors of years 10, 20, 40 and 125 (as tested in the Python package py_wlc, tests of Discount)."""
    schedule = src.load_discount_schedule("green_book_2026")
    found = discount_factors([0, 10, 20, 40, 125], schedule)
    np.testing.assert_allclose(found, [1.0, 0.7089, 0.5026, 0.2651, 0.0274], atol=5e-5)
    assert found[3] == pytest.approx(1.035**-30 * 1.03**-10, rel=1e-14)


def loss(mean: float, sd: float) -> float:
    """Expected loss of a normal gain decided by its mean: ``sd phi(m / sd) - |m| Phi(-|m| / sd)`` (Raiffa and Schlaifer 1961, ch. 5)."""
    return float(sd * norm.pdf(mean / sd) - abs(mean) * norm.cdf(-abs(mean) / sd))


def stratified(draws: int, seed: int) -> np.ndarray:
    """Two independent normals of mean 0 and sd 1 to high accuracy, each stratified."""
    rng = np.random.default_rng(seed)
    return np.stack([norm.ppf((rng.permutation(draws) + rng.uniform(size=draws)) / draws) for _ in range(2)])


@pytest.mark.parametrize("mean", [0.0, 0.5, -1.0, 2.5])
def test_a_normal_choice_of_two(mean: float) -> None:
    """Gain N(mean, a^2 + b^2): EVPI is the loss at its sd, EVPPI of each input the loss at that input's sd."""
    a, b = 1.0, 1.5
    x = stratified(20_000, 5)
    values = np.stack([np.zeros(x.shape[1]), mean + a * x[0] + b * x[1]])
    assert evpi(values) == pytest.approx(loss(mean, np.hypot(a, b)), rel=0.03, abs=1e-3)
    table = evppi_table(values, {"a": x[0], "b": x[1], "both": x, "neither": stratified(20_000, 9)[0]})
    exact = {"a": loss(mean, a), "b": loss(mean, b), "both": loss(mean, np.hypot(a, b)), "neither": 0.0}
    for row in table:
        assert abs(row.evppi - exact[row.group]) < 3 * row.standard_error + 1e-3, row
        assert row.standard_error < 0.012
        assert row.evppi == evppi(values, {"a": x[0], "b": x[1], "both": x}[row.group]) if row.group != "neither" else row.evppi < 4e-3
    np.testing.assert_allclose(acceptability(values)[1], norm.cdf(mean / np.hypot(a, b)), atol=5e-3)


def test_a_curved_gain() -> None:
    """Gain ``x^2 - 1 + y``: to know x is worth ``E (x^2 - 1)_+ = 2 phi(1)``."""
    x, y = stratified(20_000, 3)
    values = np.stack([np.zeros(len(x)), x**2 - 1 + y])
    assert evppi(values, x) == pytest.approx(2 * norm.pdf(1), rel=0.05)


def test_net_benefit_of_the_frontier() -> None:
    """At a threshold between two ratios the strategy between them is best."""
    with (HERE / "icer_strategies.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    cost, effect = (np.array([[float(r[c])] for r in rows]) for c in ("cost", "effect"))
    best = net_benefit(cost, effect, [4_000, 10_000, 15_000, 30_000])[..., 0].argmax(0)
    assert [rows[i]["strategy"] for i in best] == ["F", "D", "B", "A"]


def test_the_study_of_evppi_stands() -> None:
    """A small sample of `benchmarks.value_of_information` agrees with the committed results, and these with the closed forms."""
    with study.RESULTS.open(encoding="utf-8") as file:
        kept = list(csv.DictReader(file))
    for row in kept:
        exact, mean, spread, error = (float(row[c]) for c in ("exact", "mean", "spread", "mean_error"))
        assert mean < exact + 4 * spread / np.sqrt(study.REPEATS) + 0.006, row  # does not overstate
        if row["mean_gain"] != "0.0" and exact > 0:
            assert mean == pytest.approx(exact, rel=0.05)
        if exact > 0 and row["group"] != "EVPI":
            assert error == pytest.approx(spread, rel=0.25)
    again = {str(r["group"]): r for r in study.measured(250, 0.5, repeats=20)}
    for row in kept:
        if (row["draws"], row["mean_gain"]) == ("250", "0.5"):
            assert abs(float(str(again[row["group"]]["mean"])) - float(row["mean"])) < 4 * float(row["spread"]) / np.sqrt(20) + 1e-3


def test_combination_therapy_for_hiv() -> None:
    """Chancellor et al. 1997, PharmacoEconomics 12:54-66, as in Briggs, Claxton and Sculpher 2006, ch. 2: £6,276 for a life-year.

    Transitions from the published counts, the relative risk of two years, costs discounted at 6% and life-years not; rebuilt here, so
    that factors and ratio are of this package.
    """
    counts = np.array([[1251, 350, 116, 17], [0, 731, 512, 15], [0, 0, 1312, 437], [0, 0, 0, 1]], dtype=float)
    usual = counts / counts.sum(1, keepdims=True)
    treated = 0.509 * usual
    np.fill_diagonal(treated, 0.0)
    np.fill_diagonal(treated, 1 - treated.sum(1))
    care, alive = np.array([1701 + 1055, 1774 + 1278, 6948 + 2059, 0.0]), np.array([1.0, 1.0, 1.0, 0.0])
    factors = discount_factors(list(range(21)), 0.06)[1:]
    cost, years = [], []
    for both in (False, True):
        state, spent, lived = np.array([1.0, 0, 0, 0]), [], 0.0
        for year in range(20):
            state = state @ (treated if both and year < 2 else usual)
            drug = 2278 + (2086.5 if both and year < 2 else 0.0)
            spent.append(state @ care + drug * (state @ alive))
            lived += state @ alive
        cost.append(float(factors @ spent))
        years.append(float(lived))
    found = icer_table(cost, years, ["zidovudine", "with lamivudine"])
    assert found.status.tolist() == ["reference", "on frontier"]
    assert found.icer[1] == pytest.approx(6_276, abs=1.0)


def test_perfect_information_about_an_investment() -> None:
    """Wikipedia, Expected value of perfect information: stock, fund or deposit; the market rises (0.5), stays (0.3) or falls."""
    chances = [5, 3, 2]
    values = np.repeat([[1500.0, 300, -800], [900, 600, -200], [500, 500, 500]], chances, axis=1)
    assert evpi(values) == pytest.approx(350)
    np.testing.assert_allclose(acceptability(values), [0.5, 0.3, 0.2])


def test_best_on_average_need_not_be_best_most_often() -> None:
    """By hand: means 12 and 13, EVPI 13.8 - 13; the second is chosen, and is best in two draws of five (Fenwick et al. 2001)."""
    values = np.array([[9.0, 12, 14, 11, 14], [12, 10, 20, 10, 13]])
    assert evpi(values) == pytest.approx(0.8)
    np.testing.assert_allclose(acceptability(values), [0.6, 0.4])
    best, probability = acceptability_frontier(values)
    assert int(best) == 1
    assert float(probability) == pytest.approx(0.4)


def test_cases_at_the_edge() -> None:
    """One strategy, ties, equal effects, effects below zero, a frontier in a straight line; what is not a number is refused by name."""
    assert icer_table([100.0], [1.0]).status.tolist() == ["reference"]
    assert icer_table([100.0, 100.0], [1.0, 1.0]).status.tolist() == ["reference", "reference"]
    assert icer_table([100.0, 200.0], [1.0, 1.0]).status.tolist() == ["reference", "strong dominance"]
    harm = icer_table([100.0, 200.0, 300.0], [-3.0, -2.0, -1.0])
    np.testing.assert_array_equal(harm.icer, [np.nan, 100, 100])
    assert harm.status.tolist() == ["reference", "on frontier", "on frontier"]
    assert icer_table([0.0, 0, 10], [0.0, 1, 1]).status.tolist() == ["strong dominance", "reference", "strong dominance"]
    saves = icer_table([0.0, -50.0, 20.0], [0.0, 1.0, 2.0], ["now", "cheaper", "dearer"])
    assert saves.status.tolist() == ["strong dominance", "reference", "on frontier"]
    assert saves.icer[2] == 70
    with pytest.raises(InputError, match="the effect of strategy 'b' is nan"):
        icer_table([1.0, 2.0], [1.0, np.nan], ["a", "b"])
    for call in (evpi, acceptability):
        with pytest.raises(InputError, match="not finite"):
            call(np.array([[np.nan, 1.0], [1.0, 2.0]]))
    assert evpi(np.ones((1, 10))) == 0
    np.testing.assert_allclose(acceptability(np.ones((2, 10))), [0.5, 0.5])
    with pytest.raises(InputError, match="is not finite in some draws"):
        evppi(np.ones((2, 50)), np.full(50, np.nan))


def test_treatments_for_clostridioides_difficile() -> None:
    """Rajasingham et al. 2020, Clin. Infect. Dis. 70:754-762, as in R dampack, vignettes/cdiff_icers.csv: both kinds of dominance."""
    published = {  # cost, QALYs, ratio and status as published (ND on the frontier, ED by extension, D strongly dominated)
        "s3": (57_336.0060, 12.93996392, np.nan, "ND"),
        "s27": (57_541.2526, 13.01406407, 2_769.8547, "ND"),
        "s33": (57_642.2588, 13.03891163, 4_065.0311, "ND"),
        "s31": (57_934.0743, 13.09662579, 5_056.2216, "ND"),
        "s43": (58_072.1137, 13.11285767, 8_504.2161, "ND"),
        "s44": (58_665.7823, 13.12833284, 38_362.6520, "ND"),
        "s39": (57_814.6471, 13.04627902, np.nan, "ED"),
        "s4": (57_887.4815, 12.99706572, np.nan, "D"),
        "s13": (58_018.6252, 13.06504124, np.nan, "D"),
        "s37": (58_081.7948, 13.10297112, np.nan, "D"),
        "s20": (58_634.2026, 13.11005689, np.nan, "D"),
    }
    cost, effect, ratio, status = (list(column) for column in zip(*published.values(), strict=True))
    found = icer_table(cost, effect, list(published))
    np.testing.assert_allclose(found.icer, ratio, rtol=1e-5)
    words = {"reference": "ND", "on frontier": "ND", "extended dominance": "ED", "strong dominance": "D"}
    assert [words[s] for s in found.status] == status
    # At a threshold between two ratios the strategy between them has the most net benefit.
    best = net_benefit(np.array(cost)[:, None], np.array(effect)[:, None], [1_000, 4_000, 6_000, 20_000, 50_000])[..., 0].argmax(0)
    assert [list(published)[i] for i in best] == ["s3", "s27", "s31", "s43", "s44"]


def test_correlated_parameters_and_a_curved_gain() -> None:
    """Gain ``exp(x / 2) + 0.8 y - 1.3`` of two normals with correlation 0.6: to know one tells of the other, by quadrature.

    ``E(gain | x) = exp(x / 2) + 0.48 x - 1.3``; ``E(gain | y) = exp(0.3 y + 0.08) + 0.8 y - 1.3``, as x given y is N(0.6 y, 0.64).
    """
    z = stratified(20_000, 7)
    x, y = z[0], 0.6 * z[0] + 0.8 * z[1]
    values = np.stack([np.zeros(len(x)), np.exp(x / 2) + 0.8 * y - 1.3])
    at = np.linspace(-8, 8, 160_001)
    weight = norm.pdf(at) * (at[1] - at[0])
    now = max(np.exp(1 / 8) - 1.3, 0.0)
    exact = {
        "x": float((np.maximum(np.exp(at / 2) + 0.48 * at - 1.3, 0) * weight).sum()) - now,
        "y": float((np.maximum(np.exp(0.3 * at + 0.08) + 0.8 * at - 1.3, 0) * weight).sum()) - now,
    }
    table = {str(row.group): row for row in evppi_table(values, {"x": x, "y": y, "both": np.stack([x, y])})}
    for name, value in exact.items():
        assert table[name].evppi == pytest.approx(value, rel=0.03), name
        assert table[name].evppi <= evpi(values)
    assert table["both"].evppi == pytest.approx(evpi(values), rel=0.01)  # all that is uncertain, known
    assert table["x"].evppi + table["y"].evppi > table["both"].evppi  # not additive: each tells of the other
