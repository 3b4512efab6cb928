"""Stocks and flows of children over time: entries, competing moves, ageing, queues, and the balance that they keep.

The engine knows nothing of services. A `Network` names states and the ways between them; `simulate` runs it step by step on arrays of
shape ``(state, age, pattern, *lanes)``, where lanes are whatever runs side by side (scenarios, draws). Within a step, in this order:

1. moves out of the opening stocks, by competing hazards: ``n (1 - exp(-H)) h_r / H`` go by route r, with ``H`` the sum over routes;
2. events, which count something that happens to children who stay (an enquiry that ends where it began);
3. entries from outside;
4. admission from queues, as far as there are places;
5. ageing, and leaving at 18.

Who enters in a step is exposed from the next one on, so that a steady stock is entries over ``1 - exp(-H)``.

Flows are expected ones, or whole children drawn at random where `simulate` is given noise. The noise is uniforms by name and step, the
same for every scenario, so that a scenario that changes nothing differs by exactly zero.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping

import numpy as np
from numpy.typing import NDArray

from jsna_model.errors import InputError
from jsna_model.methods.discrete import SMALL, admit, binomial, over_dispersion, poisson, split
from jsna_model.methods.network import Network, Rates, Step

Array = NDArray[np.float64]
#: A move from one state to another; ``None`` is outside.
Move = tuple[str, str | None]
#: Uniforms of a step by name: ``noise(name, step, shape)`` has `shape` and lanes after it, or what broadcasts to them.
Noise = Callable[[str, int, tuple[int, ...]], Array]

#: Greatest departure from balance, relative to the stock, that is taken for rounding (law 12).
BALANCE_TOLERANCE = 1e-9


def simulate(
    network: Network,
    opening: Array,
    rates: Iterable[Rates],
    *,
    noise: Noise | None = None,
    entries: str = "siblings",
    dispersion: float | Array = 1.0,
    ageing: str | None = None,
    steps_a_year: int = 12,
    first: int = 0,
    kernel: Callable[..., int | None] | None = None,
) -> Iterator[Step]:
    """Run a network, one step at a time.

    Parameters
    ----------
    network : Network
    opening : ndarray, shape (state, age, pattern, *lanes)
        Children; whole numbers where there is noise. It is not changed.
    rates : iterable of Rates
        One for each step.
    noise : callable, optional
        Uniforms by name and step (`Noise`); without it, flows are expected ones.
    entries : {"siblings", "poisson", "fixed"}
        With noise: negative binomial with `dispersion`, Poisson, or as many as expected (rounded so that the running total is).
    dispersion : float or ndarray
        Variance over mean of a step's entries from one source, 1 or more.
    ageing : {"cohort", "monthly"}, optional
        ``cohort``: the age axis is the age reached by the end of the year; all move up when a year ends, and those in the last class
        leave evenly over the year, each in the month of an 18th birthday. ``monthly``: a share ``1 / steps_a_year`` of each class moves
        up every step. Without it nobody ages.
    steps_a_year : int
    first : int
        Number of the first step, for a run that goes on from another.
    kernel : callable, optional
        The same sooner: `stock_kernel.move_expected`, or `stock_kernel.move_whole` with noise, which then has one scenario, or as many
        lanes as the stocks.

    Yields
    ------
    Step

    Raises
    ------
    InputError
        Where stocks do not balance to `BALANCE_TOLERANCE` or become negative, as they do where a rate is negative or not a number.
    """
    if entries not in ("siblings", "poisson", "fixed") or ageing not in (None, "cohort", "monthly"):
        raise InputError(f"entries={entries!r}, ageing={ageing!r}; use siblings, poisson or fixed, and cohort, monthly or None.")
    if noise is not None and not np.array_equal(opening, np.floor(opening)):
        raise InputError("with process noise the opening stocks are whole children; round them first (`whole`).")
    run = _Run(network, opening, noise, entries, dispersion, ageing, steps_a_year, kernel)
    for number, now in enumerate(rates, first):
        yield run.step(number, now)


class _Run:
    """The state of a run: two buffers of stocks, and the step's sums."""

    def __init__(
        self,
        network: Network,
        opening: Array,
        noise: Noise | None,
        entries: str,
        dispersion: float | Array,
        ageing: str | None,
        steps_a_year: int,
        kernel: Callable[..., int | None] | None,
    ) -> None:
        self.kernel = kernel
        self.network, self.noise, self.entries, self.dispersion = network, noise, entries, dispersion
        self.ageing, self.year = ageing, steps_a_year
        self.stock = np.array(opening, dtype=float)
        self.next = np.empty_like(self.stock)
        self.cells = self.stock.shape[1:]
        self.spare = np.empty(self.cells)
        self.closing = self.stock.sum(1)
        self.sums = self.stock.shape[2:]
        self.out_of = {s: [r for r, (a, _) in enumerate(network.routes) if a == s] for s in network.states}
        self.events_of = {s: [e for e, a in enumerate(network.events) if a == s] for s in network.states}
        ends = {s: [network.routes[r][1] for r in routes] for s, routes in self.out_of.items()}
        # Where the routes out of a state lead; -1 is outside.
        self.ends = {s: np.array([-1 if t is None else network.index(t) for t in to], dtype=np.int64) for s, to in ends.items()}
        self.carry: dict[int, Array] = {}

    def step(self, number: int, rates: Rates) -> Step:
        """Advance by one step."""
        if number and self.ageing == "cohort" and number % self.year == 0:
            self._birthdays()
        network, states = self.network, len(self.network.states)
        np.copyto(self.next, self.stock)
        opening = self.closing
        self.inflow, self.outflow = np.zeros((states, *self.sums)), np.zeros((states, *self.sums))
        moved = np.zeros((len(network.routes), *self.sums))
        happened = np.zeros((len(network.events), *self.sums))
        for s, state in enumerate(network.states):
            if self.out_of[state] or self.events_of[state]:
                self._leave(s, state, number, rates, moved, happened)
        entered = self._enter(number, rates)
        admitted = {w: self._admit(w, service, number, rates) for w, service in network.queues.items()}
        aged_out = self._age(number, rates)
        closing = self.closing = self.next.sum(1)
        self._check(number, opening, closing)
        self.stock, self.next = self.next, self.stock
        return Step(
            number, opening, closing, self.inflow, self.outflow, moved, happened, entered, admitted, aged_out, self.stock
        )  # fmt: skip

    def _leave(self, s: int, state: str, number: int, rates: Rates, moved: Array, happened: Array) -> None:
        """Moves out of a state, and events to those in it."""
        n, routes, events = self.stock[s], self.out_of[state], self.events_of[state]
        if not self.closing[s].any():
            return
        if self.noise is None and self.kernel is not None:
            self._compiled_expected(s, state, n, rates, moved, happened)
            return
        total = np.asarray(sum((rates.hazard[r] for r in routes), np.zeros((1,) * n.ndim)))
        if events or self.noise is None:
            # Share of the step for which a child is there: the mean of exp(-H t) over it.
            there = n * np.divide(-np.expm1(-total), total, out=np.ones(total.shape), where=total > 0)
            all_there = there.sum(0)
            for e in events:
                mean = _over_ages(there, all_there, rates.event[e])
                happened[e] = mean if self.noise is None else poisson(self.noise(f"event/{e}", number, mean.shape[:1]), mean)
        if self.noise is not None:
            if routes:
                self._move_whole(s, state, n, total, number, rates, moved)
            return
        self.next[s] -= there * total
        for r in routes:
            moved[r] = _over_ages(there, all_there, rates.hazard[r])
            self.outflow[s] += moved[r]
            to = self.network.routes[r][1]
            if to is not None:
                t = self.network.index(to)
                np.multiply(there, rates.hazard[r], out=self.spare)
                self.next[t] += self.spare
                self.inflow[t] += moved[r]

    def _move_whole(self, s: int, state: str, n: Array, total: Array, number: int, rates: Rates, moved: Array) -> None:
        """Whole children: only cells that somebody leaves are looked at closely."""
        assert self.noise is not None
        uniform = self.noise(f"move/{state}", number, n.shape[:2])
        u = np.broadcast_to(uniform, n.shape)
        at = np.nonzero(u >= np.exp(-n * total) if self.kernel is None else self._compiled(s, state, n, uniform, rates, moved))
        if not at[0].size:
            return
        rate = np.stack([np.broadcast_to(rates.hazard[r], n.shape)[at] for r in self.out_of[state]])
        whole = rate.sum(0)
        leaving, left = binomial(u[at], n[at], -np.expm1(-whole))
        self.next[s][at] -= leaving
        ways = split(left, leaving, rate / whole)
        lanes = np.ravel_multi_index(at[1:], self.sums)
        for r, way in zip(self.out_of[state], ways, strict=True):
            inner = np.bincount(lanes, way, minlength=int(np.prod(self.sums))).reshape(self.sums)
            moved[r] += inner
            self.outflow[s] += inner
            to = self.network.routes[r][1]
            if to is not None:
                t = self.network.index(to)
                self.next[t][at] += way
                self.inflow[t] += inner

    def _compiled(self, s: int, state: str, n: Array, u: Array, rates: Rates, moved: Array) -> NDArray[np.bool_]:
        """Moves of small cells by the kernel; large ones are left, and shown."""
        assert self.kernel is not None
        flat = (*n.shape[:2], -1)
        hazard, to = self._stacked([rates.hazard[r] for r in self.out_of[state]]), self.ends[state]
        large, done = np.zeros(n.shape, dtype=bool), np.zeros((len(to), *self.sums))
        lanes, after = done.reshape(len(to), self.sums[0], -1), self.next.reshape(len(self.next), *flat)
        self.kernel(n.reshape(flat), u.reshape(flat), hazard, to, SMALL, after, s, lanes, large.reshape(flat))
        self._booked(s, state, done, moved)
        return large

    def _compiled_expected(self, s: int, state: str, n: Array, rates: Rates, moved: Array, happened: Array) -> None:
        """Expected moves and events by the kernel."""
        assert self.kernel is not None
        flat, events, to = (*n.shape[:2], -1), self.events_of[state], self.ends[state]
        hazard, event = (self._stacked([by[i] for i in at]) for by, at in ((rates.hazard, self.out_of[state]), (rates.event, events)))
        done, seen = np.zeros((len(to), *self.sums)), np.zeros((len(events), *self.sums))
        lanes, after = (self.sums[0], hazard.shape[-1]), self.next.reshape(len(self.next), *flat)
        self.kernel(n.reshape(flat), hazard, event, to, after, s, done.reshape(len(to), *lanes), seen.reshape(len(events), *lanes))
        happened[events] = seen
        self._booked(s, state, done, moved)

    def _stacked(self, rates: list[Array]) -> Array:
        """Rates of one state's ways, shape (way, age or 1, pattern or 1, lane)."""
        few = tuple(max((r.shape[i] for r in rates), default=1) for i in (0, 1))
        out = np.empty((len(rates), *few, *self.sums[1:]))
        for to, rate in zip(out, rates, strict=True):
            to[...] = rate
        return out.reshape(len(rates), *few, int(np.prod(self.sums[1:])))

    def _booked(self, s: int, state: str, done: Array, moved: Array) -> None:
        """Moves of a state's routes, shape (route, pattern, *lanes), in the sums of the step."""
        for r, amount, t in zip(self.out_of[state], done, self.ends[state], strict=True):
            moved[r] += amount
            self.outflow[s] += amount
            if t >= 0:
                self.inflow[t] += amount

    def _enter(self, number: int, rates: Rates) -> Array:
        """Entries from outside, by stream."""
        streams = self.network.entries
        entered = np.zeros((len(streams), *self.sums))
        means = [np.broadcast_to(rates.entry[i], self.cells) for i in range(len(streams))]
        factor: dict[str, Array | float] = {}
        if self.noise is not None and self.entries == "siblings":
            for source in dict.fromkeys(source for source, _ in streams):
                # Entries of one source in a step share a multiplier over ages and patterns.
                total = np.sum([m.sum((0, 1)) for m, (a, _) in zip(means, streams, strict=True) if a == source], axis=0)
                factor[source] = over_dispersion(self.noise(f"siblings/{source}", number, ()), total, self.dispersion)
        for i, ((source, to), mean) in enumerate(zip(streams, means, strict=True)):
            children = mean if to is not None else mean.sum(0, keepdims=True)
            if self.noise is not None:
                children = self._whole_entries(i, f"entry/{source}/{to}", number, children, factor.get(source, 1.0))
            entered[i] = children.sum(0)
            if to is not None:
                t = self.network.index(to)
                self.next[t] += children
                self.inflow[t] += entered[i]
        return entered

    def _whole_entries(self, i: int, name: str, number: int, mean: Array, factor: Array | float) -> Array:
        assert self.noise is not None
        if self.entries != "fixed":
            return poisson(self.noise(name, number, mean.shape[:2]), mean * factor)
        if i not in self.carry:
            self.carry[i] = np.broadcast_to(self.noise(name, 0, mean.shape[:2]), mean.shape)
        running = self.carry[i] + mean
        children = np.floor(running)
        self.carry[i] = running - children
        return children

    def _age(self, number: int, rates: Rates) -> Array:
        """Ageing within the step, and leaving at 18; by state."""
        out = np.zeros((len(self.network.states), *self.sums))
        if self.ageing is None:
            return out
        last = number % self.year
        share = 1 / (self.year - last) if self.ageing == "cohort" else 1 / self.year
        for s, state in enumerate(self.network.states):
            if state in self.network.ageless:
                continue
            stock = self.next[s]
            ages = stock[-1:] if self.ageing == "cohort" else stock
            older, left = self._share_of(f"age/{state}", number, ages, np.asarray(share))
            ages -= older
            if self.ageing == "monthly":
                stock[1:] += older[:-1]
            out[s] = older[-1]
            self.outflow[s] += out[s]
            if state in self.network.at_18:
                t = self.network.index(self.network.at_18[state])
                stay = np.broadcast_to(rates.stay_at_18.get(state, np.asarray(1.0)), self.sums)
                kept = out[s] * stay if left is None else binomial(left[-1].ravel(), out[s].ravel(), stay.ravel())[0].reshape(self.sums)
                self.next[t][-1] += kept
                self.inflow[t] += kept
        return out

    def _share_of(self, name: str, number: int, n: Array, share: Array) -> tuple[Array, Array | None]:
        if self.noise is None:
            return n * share, None
        u = np.broadcast_to(self.noise(name, number, n.shape[:2]), n.shape)
        count, left = binomial(u.ravel(), n.ravel(), np.broadcast_to(share, n.shape).ravel())
        return count.reshape(n.shape), left.reshape(n.shape)

    def _birthdays(self) -> None:
        for s, state in enumerate(self.network.states):
            if state not in self.network.ageless:
                self.stock[s, 1:] = self.stock[s, :-1].copy()
                self.stock[s, 0] = 0.0

    def _admit(self, waiting: str, service: str, number: int, rates: Rates) -> Array:
        """From a queue into free places; nobody is put out where places are fewer than those who have one."""
        w, s = self.network.index(waiting), self.network.index(service)
        room = np.maximum(np.asarray(rates.places.get(service, np.inf)) - self.next[s].sum((0, 1)), 0.0)
        queue = self.next[w]
        if self.noise is None or np.isposinf(room).all():
            total = queue.sum((0, 1))
            share = np.divide(np.minimum(room, total), total, out=np.ones(total.shape), where=total > 0)
            taken = queue * share
        else:
            flat = queue.reshape(-1, *queue.shape[2:])
            u = np.broadcast_to(self.noise(f"admit/{waiting}", number, ()), flat.shape[1:])
            taken = admit(u, flat, np.minimum(room, flat.sum(0))).reshape(queue.shape)
        self.next[w] -= taken
        self.next[s] += taken
        admitted: Array = taken.sum(0)
        self.outflow[w] += admitted
        self.inflow[s] += admitted
        return admitted

    def _check(self, number: int, opening: Array, closing: Array) -> None:
        off = np.abs(opening + self.inflow - self.outflow - closing) / np.maximum(np.abs(opening) + np.abs(self.inflow), 1.0)
        bad = ~(off <= BALANCE_TOLERANCE) | (closing < -BALANCE_TOLERANCE)
        if bad.any():
            states = [self.network.states[s] for s in np.flatnonzero(bad.any(axis=tuple(range(1, bad.ndim))))]
            raise InputError(
                f"stocks do not balance in step {number} in {', '.join(states)} (law 12): a rate or an entry there is negative or not a "
                "number. Check the rates that lead in and out."
            )


def _over_ages(children: Array, summed: Array, rate: Array) -> Array:
    """``sum(children * rate)`` over ages, where `summed` is the sum of children."""
    return np.asarray(summed * rate[0] if rate.shape[0] == 1 else (children * rate).sum(0))


def monthly_hazard(yearly_flow: Array, stock: Array) -> Array:
    """Hazard a month of a flow seen over a year from a stock held steady.

    With competing moves, a month's outflow is ``stock * (1 - exp(-sum h)) * h_i / sum h``. For one flow,
    ``h = -log(1 - flow / (12 stock))``.

    Parameters
    ----------
    yearly_flow, stock : ndarray, same shape
        Flow in the year, and stock, in the same unit.

    Returns
    -------
    ndarray
        A month; zero where the stock is zero.

    Raises
    ------
    InputError
        Where a month's flow would exceed the stock.
    """
    share = np.divide(yearly_flow, 12 * stock, out=np.zeros(np.broadcast(yearly_flow, stock).shape), where=stock > 0)
    if (share >= 1).any():
        raise InputError("a flow takes more than the whole stock in a month; check the counts of the year against those at 31 March.")
    return np.asarray(-np.log1p(-share))


def hazards(yearly_flows: Mapping[Move, Array], stock: Mapping[str, Array]) -> dict[Move, Array]:
    """Monthly hazards of competing moves that reproduce yearly flows from steady stocks.

    The hazards out of a state share ``-log(1 - total / (12 stock))`` in proportion to their flows.

    Parameters
    ----------
    yearly_flows : mapping of (from, to) to ndarray
    stock : mapping of state to ndarray

    Returns
    -------
    dict of (from, to) to ndarray
    """
    out: dict[Move, Array] = {}
    for state in stock:
        moves = {m: f for m, f in yearly_flows.items() if m[0] == state}
        if not moves:
            continue
        total = np.sum(list(moves.values()), axis=0)
        whole = monthly_hazard(total, stock[state])
        for move, flow in moves.items():
            out[move] = whole * np.divide(flow, total, out=np.zeros_like(total), where=total > 0)
    return out


def step(
    stock: Mapping[str, Array], entries: Mapping[str, Array], hazard: Mapping[Move, Array]
) -> tuple[dict[str, Array], dict[Move, Array]]:
    """One month: moves out of each opening stock by competing hazards, then entries from outside.

    Stocks cannot become negative: what leaves is ``stock * (1 - exp(-sum h))``.

    Parameters
    ----------
    stock : mapping of state to ndarray
        Opening stocks.
    entries : mapping of state to ndarray
        From outside, in the month.
    hazard : mapping of (from, to) to ndarray
        A month; ``to`` is None for leaving.

    Returns
    -------
    closing : dict of state to ndarray
    flows : dict of (from, to) to ndarray
    """
    closing = {state: np.asarray(values + entries.get(state, 0.0)) for state, values in stock.items()}
    flows: dict[Move, Array] = {}
    for state, values in stock.items():
        moves = {m: h for m, h in hazard.items() if m[0] == state}
        total = np.sum(list(moves.values()), axis=0)
        leaving = values * -np.expm1(-total)
        for move, h in moves.items():
            flow = leaving * np.divide(h, total, out=np.zeros_like(leaving), where=total > 0)
            flows[move] = flow
            closing[state] = closing[state] - flow
            if move[1] is not None:
                closing[move[1]] = closing[move[1]] + flow
    return closing, flows


def imbalance(opening: Array, entries: Array, exits: Array, closing: Array) -> float:
    """Greatest departure from ``opening + entries - exits = closing``, relative to the stock (law 12)."""
    scale = np.maximum(np.abs(opening) + np.abs(entries), 1.0)
    return float(np.max(np.abs(opening + entries - exits - closing) / scale, initial=0.0))
