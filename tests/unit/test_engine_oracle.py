"""The engine against an individual-level simulation: means and variances, with noise, siblings, a queue and ageing out."""

from __future__ import annotations

from dataclasses import replace
from itertools import repeat

import numpy as np
import pytest

from jsna_model.draws import process_noise
from jsna_model.methods.network import Network, Rates
from jsna_model.methods.stock_flow import simulate
from tests.oracle import Setting, lives

DRAWS, HISTORIES = 3000, 1000
PLAIN = Setting(
    {"need": {"care": 0.05, None: 0.12}, "care": {"need": 0.02, None: 0.04}},
    arrivals=2.5,
    into="need",
    steps=24,
    opening={"need": 12, "care": 6},
)
QUEUE = Setting(
    {"waiting": {"need": 0.1, None: 0.05}, "help": {None: 0.25}, "need": {None: 0.15}},
    arrivals=3.0,
    into="waiting",
    steps=24,
    opening={"help": 8},
    queue="waiting",
    service="help",
    places=8,
)
AGEING = Setting({"care": {None: 0.03}}, arrivals=1.5, into="care", steps=30, opening={"care": 20}, ages=3, opening_age=0, arriving_age=1)


def engine(setting: Setting, noise: bool = True, entries: str = "siblings") -> dict[str, np.ndarray]:
    """The same setting in the engine: draws in rows, as the oracle's histories."""
    states = tuple(setting.hazards)
    routes = tuple((a, b) for a, ways in setting.hazards.items() for b in ways)
    network = Network(
        states,
        routes,
        entries=(("outside", setting.into),),
        queues={setting.queue: setting.service} if setting.queue and setting.service else {},
    )
    ages, draws = max(setting.ages, 1), DRAWS if noise else 1
    cell = np.ones((1, 1, 1))
    entry = np.zeros((ages, 1, 1))
    entry[setting.arriving_age] = setting.arrivals
    rates = Rates(
        tuple(setting.hazards[a][b] * cell for a, b in routes),
        entry=(entry,),
        places={} if setting.service is None else {setting.service: np.asarray(setting.places)},
    )
    opening = np.zeros((len(states), ages, 1, draws))
    for state, n in setting.opening.items():
        opening[states.index(state), setting.opening_age] = n
    out: dict[str, list[np.ndarray]] = {s: [] for s in (*states, "18", "waited", "admitted")}
    for step in simulate(
        network,
        opening,
        repeat(rates, setting.steps),
        noise=process_noise(3, "oracle", draws) if noise else None,
        entries=entries,
        dispersion=setting.dispersion,
        ageing="cohort" if setting.ages else None,
    ):
        for i, state in enumerate(states):
            out[state].append(step.closing[i, 0])
        out["18"].append(step.aged_out.sum(0)[0])
        out["waited"].append(step.opening[states.index(setting.queue), 0] if setting.queue else np.zeros(draws))
        out["admitted"].append(step.admitted[setting.queue][0] if setting.queue else np.zeros(draws))
    return {name: np.array(values).T for name, values in out.items()}


@pytest.mark.parametrize(
    "setting",
    [PLAIN, replace(PLAIN, dispersion=2.5), QUEUE, replace(QUEUE, places=3), AGEING],
    ids=["moves", "siblings", "queue", "short queue", "ageing out"],
)
def test_means_and_variances_are_those_of_individual_children(setting: Setting) -> None:
    """Four standard errors of the difference, for every state at every sixth step, and for the sums over the run."""
    truth, found = lives(setting, HISTORIES), engine(setting)
    for name in truth:
        a, b = np.array(truth[name]), found[name]
        columns = [a[:, i] for i in range(5, setting.steps, 6)] + [a.sum(1)]
        others = [b[:, i] for i in range(5, setting.steps, 6)] + [b.sum(1)]
        for i, (x, y) in enumerate(zip(columns, others, strict=True)):
            error = np.sqrt(x.var() / x.size + y.var() / y.size)
            assert abs(x.mean() - y.mean()) <= 4 * error + 1e-12, (name, i, x.mean(), y.mean())
            # Standard error of a variance from the fourth moment.
            fourth = [np.mean((z - z.mean()) ** 4) - z.var() ** 2 for z in (x, y)]
            error = np.sqrt(max(fourth[0], 0.0) / x.size + max(fourth[1], 0.0) / y.size)
            assert abs(x.var() - y.var()) <= 4 * error + 1e-12, (name, i, x.var(), y.var())


def test_without_noise_the_flows_are_the_individuals_means() -> None:
    truth, expected = lives(AGEING, HISTORIES), engine(AGEING, noise=False)
    for name in ("care", "18"):
        a = np.array(truth[name])
        assert np.all(np.abs(a.mean(0) - expected[name][0]) <= 4.5 * a.std(0) / np.sqrt(len(a)) + 1e-12), name


def test_a_queue_waits_as_individuals_do() -> None:
    """Child-steps of waiting per child admitted, and how many of those who waited were admitted at all."""
    truth, found = lives(replace(QUEUE, places=5), HISTORIES), engine(replace(QUEUE, places=5))
    waits = [np.array(x["waited"]).sum() / np.array(x["admitted"]).sum() for x in (truth, found)]
    assert waits[0] == pytest.approx(waits[1], rel=0.02)
    assert waits[0] > 1


def test_dispersion_of_entries_widens_and_fixed_entries_narrow() -> None:
    sd = [
        engine(replace(PLAIN, dispersion=d), entries=e)["need"][:, -1].std()
        for e, d in (("fixed", 1.0), ("poisson", 1.0), ("siblings", 3.0))
    ]
    assert sd[0] < 0.9 * sd[1] < 0.9 * 0.9 * sd[2]
