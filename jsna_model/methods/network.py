"""What the engine of stocks and flows runs on: the ways between states, what drives a step, and what happened in it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from jsna_model.errors import Problem, raise_all

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Network:
    """States and the ways between them.

    Parameters
    ----------
    states : tuple of str
    routes : tuple of (from, to)
        Moves that compete; `to` None leaves the model.
    events : tuple of str
        State to whose children each event happens; it moves nobody.
    entries : tuple of (source, to)
        Streams from outside. Streams of one source share the over-dispersion of a step (siblings). `to` None is only counted.
    queues : mapping of waiting state to service state
        The service takes from the queue as many as it has places.
    ageless : frozenset of str
        States that do not age (unborn, over 18).
    at_18 : mapping of state to state
        Where some of those go who reach 18; all others leave the model.
    """

    states: tuple[str, ...]
    routes: tuple[tuple[str, str | None], ...] = ()
    events: tuple[str, ...] = ()
    entries: tuple[tuple[str, str | None], ...] = ()
    queues: Mapping[str, str] = field(default_factory=dict)
    ageless: frozenset[str] = frozenset()
    at_18: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        ends = [s for pair in (*self.routes, *self.queues.items(), *self.at_18.items()) for s in pair]
        named = [*ends, *self.events, *(to for _, to in self.entries), *self.ageless]
        problems = [Problem(f"{s!r} is not a state of the network", "add it to the states") for s in {*named} - {*self.states, None}]
        problems += [Problem(f"a route leads from {a!r} to itself", "make it an event") for a, b in self.routes if a == b]
        raise_all(problems)

    def index(self, state: str) -> int:
        """Place of a state."""
        return self.states.index(state)


@dataclass(frozen=True)
class Rates:
    """What drives one step; every array broadcasts to ``(age, pattern, *lanes)``.

    Parameters
    ----------
    hazard : sequence of ndarray
        Of each route, a step.
    event : sequence of ndarray
        Rate of each event, a step.
    entry : sequence of ndarray
        Expected children of each entry stream, in the step.
    places : mapping of service state to ndarray
        Places, broadcasting to lanes; none named is no limit.
    stay_at_18 : mapping of state to ndarray
        Share of those who reach 18 that goes to `Network.at_18`, broadcasting to ``(pattern, *lanes)``.
    """

    hazard: tuple[Array, ...] = ()
    event: tuple[Array, ...] = ()
    entry: tuple[Array, ...] = ()
    places: Mapping[str, Array] = field(default_factory=dict)
    stay_at_18: Mapping[str, Array] = field(default_factory=dict)


@dataclass(frozen=True)
class Step:
    """What happened in a step, summed over age: arrays of shape ``(state, route, event or entry, pattern, *lanes)``.

    Parameters
    ----------
    number : int
    opening, closing, inflow, outflow : ndarray
        By state: ``opening + inflow - outflow = closing``.
    moved, happened, entered : ndarray
        By route, event and entry stream.
    admitted : dict of waiting state to ndarray
    aged_out : ndarray
        By state: children who reached 18 there.
    stock : ndarray, shape (state, age, pattern, *lanes)
        Closing stocks by age. The engine's own array: copy what is to be kept.
    """

    number: int
    opening: Array
    closing: Array
    inflow: Array
    outflow: Array
    moved: Array
    happened: Array
    entered: Array
    admitted: dict[str, Array]
    aged_out: Array
    stock: Array
