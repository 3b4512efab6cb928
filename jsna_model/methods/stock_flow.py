"""One step of stocks and flows: entries, moves, exits, and the balance that they keep."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from jsna_model.errors import InputError

Array = NDArray[np.float64]

#: A move from one state to another; ``None`` is outside.
Move = tuple[str, str | None]


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
