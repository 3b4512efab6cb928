"""An individual-level simulation: one child at a time, one step at a time, in plain Python. Slow, and independent of the engine.

It shares no code, no formula and no random numbers with `jsna_model.methods.stock_flow`: each child has a state and a month of birth,
families arrive one by one with their children, and a queue is a list that children are picked from.
"""

from __future__ import annotations

import math
import random
from dataclasses import dataclass, field


@dataclass
class Setting:
    """What one child can go through; rates are per step."""

    hazards: dict[str, dict[str | None, float]]
    arrivals: float
    into: str
    steps: int
    also: dict[str, float] = field(default_factory=dict)  # further streams, by state
    opening: dict[str, int] = field(default_factory=dict)
    dispersion: float = 1.0
    queue: str | None = None
    service: str | None = None
    places: float = math.inf
    ages: int = 0
    opening_age: int = 0
    arriving_age: int = 0
    year: int = 12


@dataclass
class Child:
    state: str
    age: int = 0
    birthday: int = 0  # step of the year at whose end an 18th birthday would fall


def family_size(rng: random.Random, theta: float) -> int:
    """Logarithmic: ``P(k)`` in proportion to ``theta^k / k``."""
    u, k = rng.random(), 1
    chance = -theta / math.log(1 - theta)
    while u > chance:
        u -= chance
        chance *= theta * k / (k + 1)
        k += 1
    return k


def poisson(rng: random.Random, mean: float) -> int:
    """Knuth: how many exponential waits fit into one step."""
    k, product, limit = -1, 1.0, math.exp(-mean)
    while product > limit:
        product *= rng.random()
        k += 1
    return k


def arrivals(rng: random.Random, setting: Setting, mean: float) -> int:
    if setting.dispersion <= 1:
        return poisson(rng, mean)
    theta = 1 - 1 / setting.dispersion
    mean_size = -theta / ((1 - theta) * math.log(1 - theta))
    return sum(family_size(rng, theta) for _ in range(poisson(rng, mean / mean_size)))


def live(setting: Setting, seed: int) -> dict[str, list[float]]:
    """One history: children in each state at the end of each step, and ``18``, ``waited`` (child-steps) and ``admitted``."""
    rng = random.Random(seed)
    states = [*setting.hazards]
    children = [Child(state, setting.opening_age, rng.randrange(setting.year)) for state, n in setting.opening.items() for _ in range(n)]
    history: dict[str, list[float]] = {s: [] for s in (*states, "18", "waited", "admitted")}
    for step in range(setting.steps):
        of_year = step % setting.year
        waited = sum(c.state == setting.queue for c in children)
        alive = []
        for child in children:
            exits = setting.hazards[child.state]
            clock, to = min(((rng.expovariate(h), t) for t, h in exits.items() if h > 0), key=lambda pair: pair[0], default=(2.0, None))
            if clock < 1.0:
                if to is None:
                    continue
                child.state = to
            alive.append(child)
        for into, mean in ((setting.into, setting.arrivals), *setting.also.items()):
            for _ in range(arrivals(rng, setting, mean)):
                # Whoever arrives in the last class has a birthday still to come this year.
                alive.append(Child(into, setting.arriving_age, rng.randrange(of_year, setting.year)))
        admitted = 0
        if setting.queue is not None:
            free = setting.places - sum(c.state == setting.service for c in alive)
            waiting = [c for c in alive if c.state == setting.queue]
            rng.shuffle(waiting)
            while waiting and free >= 1:
                waiting.pop().state = setting.service or ""
                free -= 1
                admitted += 1
        left = 0
        if setting.ages:
            stays = [c for c in alive if not (c.age == setting.ages - 1 and c.birthday == of_year)]
            left, alive = len(alive) - len(stays), stays
        children = alive
        for s in states:
            history[s].append(sum(c.state == s for c in children))
        history["18"].append(left)
        history["waited"].append(waited)
        history["admitted"].append(admitted)
        if setting.ages and of_year == setting.year - 1:
            for child in children:
                child.age += 1
                child.birthday = rng.randrange(setting.year)
    return history


def lives(setting: Setting, histories: int, seed: int = 1) -> dict[str, list[list[float]]]:
    """Many histories, one row each."""
    runs = [live(setting, seed * 1_000_003 + i) for i in range(histories)]
    return {name: [run[name] for run in runs] for name in runs[0]}
