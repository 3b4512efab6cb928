"""Sums of a layout's run by financial year: stocks and flows, who is known to which service, and who was closed without help."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from jsna_model.conventions import AGE_BANDS
from jsna_model.counting import published_counts
from jsna_model.layout import AGELESS, CARE, CLOSED, KNOWN_TO, OPEN, Layout, Route
from jsna_model.methods.network import Rates, Step

Array = NDArray[np.float64]

#: Arrays of `Outcome` that come first.
ARRAYS = ("opening", "entries", "exits", "closing", "known", "known_by_pattern", "open_by_age")


@dataclass
class Outcome:
    """Sums by financial year, for every scenario.

    Parameters
    ----------
    opening, entries, exits, closing : ndarray, shape (year, state, scenario, draw)
        Stocks at the start and end of the year, and what came and went.
    known : ndarray, shape (year + 1, service, 3, scenario, draw)
        Children known to services (`jsna_model.layout.KNOWN_TO`) at 31 March, from that before the first year: all, those with a risk, and
        those with two or more.
    known_by_pattern : ndarray, shape (year, pattern, scenario, draw)
        Children in early help or with an open episode at the end of the year.
    open_by_age : ndarray, shape (year, age band, scenario, draw)
        Children with an open episode at the end of the year, by age; the unborn and those over 18 are in none.
    flow : dict of count to ndarray, shape (year, scenario, draw)
        What is counted on the ways (`jsna_model.layout.UNITS`).
    affected : dict of count to ndarray, shape (year, scenario, draw)
        Part of it with a risk.
    published : dict of count to ndarray, shape (year, scenario, draw)
    closed_by : ndarray, shape (year, age band, pattern, draw)
        In the baseline: referrals closed without early help, with or without an assessment.
    """

    opening: Array
    entries: Array
    exits: Array
    closing: Array
    known: Array
    known_by_pattern: Array
    open_by_age: Array
    flow: dict[str, Array] = field(default_factory=dict)
    affected: dict[str, Array] = field(default_factory=dict)
    published: dict[str, Array] = field(default_factory=dict)
    closed_by: Array = field(default_factory=lambda: np.zeros(0))

    @property
    def waiting_months(self) -> Array:
        """Mean months of waiting of those admitted to early help in the year (Little's law); NaN where nobody is admitted."""
        admitted = self.flow["early_help_admitted"]
        return np.divide(self.flow["early_help_waited"], admitted, out=np.full(admitted.shape, np.nan), where=admitted > 0)


def joined(blocks: Sequence[Outcome]) -> Outcome:
    """Blocks of draws side by side."""

    def whole(name: str) -> Array:
        return np.concatenate([getattr(b, name) for b in blocks], axis=-1)

    def each(name: str) -> dict[str, Array]:
        return {n: np.concatenate([getattr(b, name)[n] for b in blocks], axis=-1) for n in getattr(blocks[0], name)}

    arrays = {n: whole(n) for n in (*ARRAYS, "closed_by")}
    return Outcome(**arrays, flow=each("flow"), affected=each("affected"), published=each("published"))


def closes_without_help(route: Route) -> bool:
    """Whether a route closes a referral, with or without an assessment, and nobody is helped."""
    return bool({"closed_without_help", "assessed_closed_without_help"} & set(route.counts))


def band_of(classes: int) -> NDArray[np.int64]:
    """Age band of each age reached by the end of the year; who reaches 18 is 17 for part of it."""
    ages = np.minimum(np.arange(classes), max(last for _, last in AGE_BANDS.values()))
    return np.searchsorted([first for first, _ in AGE_BANDS.values()], ages, side="right") - 1


class Sums:
    """Adds up months into years."""

    def __init__(self, years: int, states: Sequence[str], lanes: tuple[int, int], masks: Array, baseline: int) -> None:
        self.years, self.states, self.lanes, self.masks = years, states, lanes, masks
        self.opening, self.entries, self.exits, self.closing = (np.zeros((years, len(states), *lanes)) for _ in range(4))
        self.known = np.zeros((years + 1, len(KNOWN_TO), len(masks), *lanes))
        self.known_by_pattern = np.zeros((years, masks.shape[1], *lanes))
        self.open_by_age = np.zeros((years, len(AGE_BANDS), *lanes))
        self.moved = np.zeros((len(states), *lanes))
        self.baseline = baseline
        self.closed_by = np.zeros((years, len(AGE_BANDS), masks.shape[1], lanes[1]))
        #: Of those recently closed, how many were closed without help, by state and pattern.
        self.unhelped: dict[str, Array] = {}
        self.flow: dict[str, Array] = {}
        self.affected: dict[str, Array] = {}
        self.published: dict[str, Array] = {}

    def _count(self, name: str, year: int, amount: Array, affected: Array | None = None) -> None:
        for sums, value in ((self.flow, amount), (self.affected, affected)):
            if value is not None:
                sums.setdefault(name, np.zeros((self.years, *self.lanes)))[year] += value

    def add(self, step: Step, layout: Layout, rates: Rates) -> None:
        """Count a month."""
        year, place = step.number // 12, self.states.index
        if step.number % 12 == 0:
            self.opening[year] = step.opening.sum(1) - self.moved
        self.moved = np.zeros_like(self.moved)
        self.entries[year] += step.inflow.sum(1)
        self.exits[year] += step.outflow.sum(1)
        kinds: tuple[tuple[tuple[Route, ...], Array], ...] = (
            (layout.routes, step.moved),
            (layout.events, step.happened),
            (layout.entries, step.entered),
        )
        for routes, amounts in kinds:
            affected = np.einsum("rpsd,p->rsd", amounts, self.masks[1])
            for route, amount, part in zip(routes, amounts.sum(1), affected, strict=True):
                for name in route.counts:
                    self._count(name, year, amount, part)
        self._closed(year, step, layout, rates)
        aged = step.aged_out.sum(1)
        kept = step.inflow[place("over_18")].sum(0)
        self._count("left_care_at_18", year, sum((aged[place(s)] for s in CARE), np.zeros(self.lanes)))
        self._count("left_at_18", year, sum((aged[place(s)] for s in OPEN), np.zeros(self.lanes)) - kept)
        self._count("early_help_waited", year, step.opening[place("early_help_waiting")].sum(0))
        self._count("early_help_admitted", year, step.admitted["early_help_waiting"].sum(0))

    def _closed(self, year: int, step: Step, layout: Layout, rates: Rates) -> None:
        """Closures without help: those of the baseline by age band and pattern, and how many of them are referred again."""
        place, first = self.states.index, CLOSED[0]
        closed, again = np.zeros(step.opening.shape[1:]), np.zeros(step.opening.shape[1:])
        kinds = ((layout.routes, step.moved), (layout.events, step.happened), (layout.entries, step.entered))
        for routes, amounts in kinds:
            for i, (route, amount) in enumerate(zip(routes, amounts, strict=True)):
                if closes_without_help(route):
                    closed += amount
                    # Closed again within three months: an event, which leaves the child where it was.
                    again += amount if routes is layout.events else 0.0
                    # By age as those of the pattern who could be closed in the month.
                    ages = rates.entry[i] if routes is layout.entries else step.stock[place(route.origin)]
                    self._by_age(year, np.broadcast_to(ages, step.stock.shape[1:])[:, :, self.baseline], amount[:, self.baseline])
        if not self.unhelped:
            # Before the first month is seen, the recently closed are taken to have been closed as those of that month are.
            into = step.inflow[place(first)] + again
            share = np.divide(closed, into, out=np.zeros_like(closed), where=into > 0)
            self.unhelped = {s: share * step.opening[place(s)] for s in CLOSED}
        of, onward = {}, np.zeros_like(closed)
        for s in CLOSED:
            there = step.opening[place(s)]
            of[s] = np.minimum(np.divide(self.unhelped[s], there, out=np.zeros_like(there), where=there > 0), 1.0)
        for routes, amounts in kinds[:2]:
            for route, amount in zip(routes, amounts, strict=True):
                if "re_referral" in route.counts:
                    back = of[route.origin] * amount
                    self._count("returned_after_no_help", year, back.sum(0), np.einsum("psd,p->sd", back, self.masks[1]))
                if (route.origin, route.to) == CLOSED:
                    onward += of[first] * amount
        gone = {s: of[s] * step.outflow[place(s)] for s in CLOSED}
        self.unhelped = {
            first: self.unhelped[first] - gone[first] + closed - of[first] * again,
            CLOSED[1]: self.unhelped[CLOSED[1]] - gone[CLOSED[1]] + onward,
        }

    def _by_age(self, year: int, there: Array, amount: Array) -> None:
        total = there.sum(0)
        share = np.divide(there, total, out=np.zeros_like(there), where=total > 0)
        bands = band_of(len(there))
        for band in range(len(AGE_BANDS)):
            self.closed_by[year, band] += share[bands == band].sum(0) * amount

    def transfer(self, year: int, change: Array) -> None:
        """Children who pass from one layout's states to the other's."""
        self.entries[year] += np.maximum(change, 0.0)
        self.exits[year] += np.maximum(-change, 0.0)
        self.moved = change

    def close(self, step: Step, layout: Layout, section_17: Array) -> None:
        """Stocks at 31 March, and the published counts of the year."""
        year = step.number // 12
        self.closing[year] = step.closing.sum(1)
        self.know(year + 1, step.closing)
        known = [i for i, s in enumerate(self.states) if s in (*OPEN, "early_help", "family_help")]
        self.known_by_pattern[year] = step.closing[known].sum(0)
        aged = [i for i, s in enumerate(self.states) if s in (*OPEN, "family_help") and s not in AGELESS]
        # By the age reached when the year ends; of family help, those under section 17.
        parts = [step.stock[i].sum(1) * (section_17 if self.states[i] == "family_help" else 1.0) for i in aged]
        by_age = np.sum(parts, axis=0)
        self.open_by_age[year] = [by_age[first : last + 1].sum(0) for first, last in AGE_BANDS.values()]
        states = {s: self.closing[year, i] for i, s in enumerate(self.states)}
        counts = published_counts(states, {n: v[year] for n, v in self.flow.items()}, section_17 if layout.name == "family_help" else 0.0)
        for name, values in counts.items():
            if name not in self.published:
                self.published[name] = np.zeros((self.years, *self.lanes))
            self.published[name][year] = values

    def know(self, year: int, stock: Array) -> None:
        """Children known to services, from stocks by state and pattern."""
        for g, states in enumerate(KNOWN_TO.values()):
            at = [self.states.index(s) for s in states]
            self.known[year, g] = np.einsum("psd,mp->msd", stock[at].sum(0), self.masks)

    def outcome(self) -> Outcome:
        """The sums."""
        stocks = {name: getattr(self, name) for name in ARRAYS}
        return Outcome(**stocks, flow=self.flow, affected=self.affected, published=self.published, closed_by=self.closed_by)
