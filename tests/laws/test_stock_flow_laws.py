"""Laws 5, 11 and 12 for the engine of stocks and flows: balance in every step, common random numbers, nothing repaired."""

from __future__ import annotations

from dataclasses import replace
from itertools import repeat

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from jsna_model.draws import NOISE_BLOCK, process_noise
from jsna_model.errors import InputError
from jsna_model.methods.network import Network, Rates, Step
from jsna_model.methods.stock_flow import simulate

NETWORK = Network(
    ("waiting", "help", "care", "adult"),
    (("waiting", None), ("help", "care"), ("help", None), ("care", "help"), ("care", None), ("adult", None)),
    ("help",),
    (("front door", "waiting"), ("front door", None), ("court", "care")),
    {"waiting": "help"},
    frozenset({"adult"}),
    {"care": "adult"},
)
AGES, PATTERNS, SCENARIOS, DRAWS = 4, 2, 3, 70
CELL = np.ones((1, 1, 1, 1))


def rates(scale: np.ndarray | float = 1.0, entry: float = 0.4, places: float = 30.0) -> Rates:
    level = np.array([0.1, 0.08, 0.2, 0.05, 0.1, 0.2])
    age = np.linspace(0.5, 1.5, AGES)[:, None, None, None]
    pattern = np.array([1.0, 2.0])[:, None, None]
    hazard = tuple(h * age * pattern * scale * CELL for h in level)
    entries = (entry * age * pattern * CELL, 3 * entry * CELL * age, 0.1 * entry * pattern * CELL * np.ones((AGES, 1, 1, 1)))
    return Rates(hazard, (0.1 * CELL * pattern,), entries, {"help": np.asarray(places)}, {"care": np.asarray(0.5)})


def run(given_rates: Rates, steps: int = 30, noise: bool = True, draws: int = DRAWS, **changes: object) -> list[Step]:
    opening = np.full((4, AGES, PATTERNS, SCENARIOS, draws), 3.0)
    made = process_noise(7, "laws", draws, scenarios=True) if noise else None
    options = {"noise": made, "dispersion": 2.0, "ageing": "cohort"} | changes
    return [replace(s, stock=s.stock.copy()) for s in simulate(NETWORK, opening, repeat(given_rates, steps), **options)]  # type: ignore[arg-type]


@pytest.mark.parametrize("noise", [True, False])
@pytest.mark.parametrize("ageing", ["cohort", "monthly", None])
def test_law_12_every_state_balances_in_every_step(noise: bool, ageing: str | None) -> None:
    steps = run(rates(), noise=noise, ageing=ageing)
    for before, step in zip([None, *steps[:-1]], steps, strict=True):
        assert np.allclose(step.opening + step.inflow - step.outflow, step.closing, rtol=1e-9)
        assert np.allclose(step.closing, step.stock.sum(1), rtol=1e-12)
        assert (step.stock >= 0).all()
        if before is not None:
            assert np.allclose(before.closing, step.opening, rtol=1e-12)
        if noise:
            assert np.array_equal(step.stock, np.floor(step.stock))
    # What came in and is not there has left: by route, at 18, or from adulthood.
    last, first = steps[-1], steps[0]
    entered = sum(s.entered[[0, 2]].sum(0) for s in steps)
    gone = sum(s.moved[[0, 2, 4, 5]].sum(0) for s in steps)
    aged = sum(s.aged_out.sum(0) for s in steps)
    stayed = sum(s.inflow[3] for s in steps)
    assert np.allclose(first.opening.sum(0) + entered - gone - aged + stayed, last.closing.sum(0), rtol=1e-9)


def test_law_5_a_scenario_without_a_change_differs_by_exactly_zero() -> None:
    scale = np.array([1.0, 1.0, 1.3])[:, None]
    for step in run(rates(scale)):
        for name in ("closing", "moved", "happened", "entered", "aged_out"):
            values = getattr(step, name)
            assert np.array_equal(values[..., 0, :], values[..., 1, :]), name
    assert not np.array_equal(step.closing[..., 0, :], step.closing[..., 2, :])


def test_law_5_a_draw_does_not_depend_on_how_many_are_drawn() -> None:
    many, few = run(rates(), steps=6), run(rates(), steps=6, draws=NOISE_BLOCK + 1)
    assert np.array_equal(many[-1].stock[..., : NOISE_BLOCK + 1], few[-1].stock)
    second = process_noise(7, "laws", DRAWS - NOISE_BLOCK, first_block=1)("x", 0, (2,))
    assert np.array_equal(process_noise(7, "laws", DRAWS)("x", 0, (2,))[:, NOISE_BLOCK:], second)


def test_common_random_numbers_make_differences_sharper() -> None:
    scale = np.array([1.0, 1.0, 1.05])[:, None]
    closing = run(rates(scale), draws=400)[-1].closing.sum((0, 1))
    paired = (closing[2] - closing[0]).std()
    assert paired < 0.75 * np.sqrt(2) * closing[0].std()


@pytest.mark.parametrize("noise", [True, False])
def test_infinite_capacity_is_the_model_without_a_queue(noise: bool) -> None:
    open_ = run(rates(places=np.inf), noise=noise)
    direct = Network(
        NETWORK.states,
        NETWORK.routes,
        NETWORK.events,
        (("front door", "help"), *NETWORK.entries[1:]),
        {},
        NETWORK.ageless,
        NETWORK.at_18,
    )
    made = process_noise(7, "laws", DRAWS, scenarios=True) if noise else None

    def renamed(what: str, step: int, shape: tuple[int, ...]) -> np.ndarray:
        assert made is not None
        return made(what.replace("front door/help", "front door/waiting"), step, shape)

    opening = np.full((4, AGES, PATTERNS, SCENARIOS, DRAWS), 3.0)
    opening[0] = 0.0
    queued = simulate(NETWORK, opening, repeat(rates(places=np.inf), 30), noise=made, dispersion=2.0, ageing="cohort")
    plain = simulate(direct, opening, repeat(rates(), 30), noise=renamed if noise else None, dispersion=2.0, ageing="cohort")
    for a, b in zip(queued, plain, strict=True):
        assert np.array_equal(a.stock, b.stock) if noise else np.allclose(a.stock, b.stock, rtol=1e-13)
        assert (a.closing[0] == 0).all()
    assert (open_[-1].closing[0] == 0).all()


def test_a_full_service_makes_a_queue_and_nobody_is_put_out() -> None:
    steps = run(rates(places=5.0, entry=2.0))
    assert (steps[0].closing[1] > 0).all()
    assert (steps[-1].closing[0].sum(0) > 0).all()
    assert (steps[-1].closing[1].sum(0) <= np.maximum(5.0, steps[0].closing[1].sum(0))).all()


@settings(max_examples=25, deadline=None)
@example(scale=1.0, entry=5e-324, places=2.0, dispersion=1.0)  # places over a queue of next to nothing once overflowed
@given(scale=st.floats(0, 40), entry=st.floats(0, 80), places=st.floats(0, 500), dispersion=st.floats(1, 6))
def test_law_12_holds_for_any_rates(scale: float, entry: float, places: float, dispersion: float) -> None:
    for noise in (True, False):
        last = run(rates(scale, entry, places), steps=14, noise=noise, draws=3, dispersion=dispersion)[-1]
        assert (last.stock >= 0).all()


def test_without_noise_the_mean_of_the_noise_is_met() -> None:
    """No capacity, so that the network is linear and the mean of whole children is the expected flow."""
    expected = run(rates(places=np.inf), noise=False, steps=24)[-1].closing.sum((1, 2))[:, 0] / SCENARIOS
    found = run(rates(places=np.inf), draws=1500, steps=24)[-1].closing.sum(1)[:, 0]
    assert np.all(np.abs(found.mean(-1) - expected) < 4.5 * found.std(-1) / np.sqrt(1500) + 1e-9)


@pytest.mark.parametrize(
    ("bad", "message"),
    [
        (replace(rates(), hazard=(np.nan * CELL, *rates().hazard[1:])), "do not balance in step 0 in waiting"),
        (replace(rates(), entry=(-50 * CELL, *rates().entry[1:])), "do not balance"),
    ],
)
def test_law_11_rates_that_cannot_be_raise(bad: Rates, message: str) -> None:
    with pytest.raises(InputError, match=message):
        run(bad, noise=False)


def test_a_network_that_leads_nowhere_is_refused() -> None:
    with pytest.raises(InputError, match="2 problems"):
        Network(("a",), (("a", "b"), ("a", "a")))
    with pytest.raises(InputError, match="whole children"):
        list(simulate(Network(("a",)), np.full((1, 1, 1, 2), 0.5), [Rates()], noise=process_noise(1, "x", 2)))
    with pytest.raises(InputError, match="siblings, poisson or fixed"):
        list(simulate(Network(("a",)), np.ones((1, 1, 1, 2)), [Rates()], entries="families"))


def test_the_kernel_gives_the_same_children() -> None:
    pytest.importorskip("numba", reason="needs numba, the extra 'fast'; it is absent here")
    from jsna_model.methods.stock_kernel import move_whole

    # A cell of thousands, and rates of a sixth, so that some cells are left to numpy.
    opening = np.full((4, AGES, PATTERNS, SCENARIOS, DRAWS), 2.0)
    opening[1, 0] = 3000.0
    opening[2, 1] = 90.0
    noise = process_noise(9, "kernel", DRAWS, scenarios=True)
    given_rates = rates(np.array([1.0, 2.0, 5.0])[:, None])
    runs = [
        [
            s.stock.copy()
            for s in simulate(NETWORK, opening, repeat(given_rates, 15), noise=noise, dispersion=2.0, ageing="cohort", kernel=k)
        ]
        for k in (None, move_whole)
    ]
    for a, b in zip(*runs, strict=True):
        assert np.array_equal(a, b)


def test_the_kernel_gives_the_same_expected_flows() -> None:
    pytest.importorskip("numba", reason="needs numba, the extra 'fast'; it is absent here")
    from jsna_model.methods.stock_kernel import move_expected

    opening = np.random.default_rng(4).gamma(1.0, 20.0, (4, AGES, PATTERNS, SCENARIOS, DRAWS))
    varied = rates(np.array([1.0, 2.0, 5.0])[:, None])
    flat = replace(varied, hazard=tuple(h[:1, :1] for h in varied.hazard), event=tuple(e[:1, :1] for e in varied.event))
    for now in (varied, flat):
        runs = [list(simulate(NETWORK, opening, repeat(now, 15), ageing="cohort", kernel=k)) for k in (None, move_expected)]
        for a, b in zip(*runs, strict=True):
            for name in ("closing", "inflow", "outflow", "moved", "happened"):
                np.testing.assert_allclose(getattr(b, name), getattr(a, name), rtol=1e-12, atol=1e-12)
