"""Where a network of stocks and flows settles, by matrices: what calibration solves, and how opening stocks divide over ages."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Places = NDArray[np.int64]


def transition(hazard: Array, origin: Places, to: Places, states: int) -> tuple[Array, Array, Array]:
    """Monthly transition matrices of competing hazards, as the engine has them.

    Parameters
    ----------
    hazard : ndarray, shape (route, age)
        One age where hazards are the same at all.
    origin, to : ndarray of int, shape (route,)
        Places of states; `to` -1 leaves.
    states : int

    Returns
    -------
    matrix : ndarray, shape (age, state, state)
        Column: where a child of that state is at the end of the month; columns of states that are left add to less than 1.
    chance : ndarray, shape (route, age)
        That a child of the origin takes the route in a month: ``(1 - exp(-H)) h / H``.
    there : ndarray, shape (state, age)
        Share of the month for which such a child is there.
    """
    total = np.zeros((states, hazard.shape[1]))
    np.add.at(total, origin, hazard)
    there = np.divide(-np.expm1(-total), total, out=np.ones(total.shape), where=total > 0)
    chance = hazard * there[origin]
    matrix = np.zeros((hazard.shape[1], states, states))
    matrix[:, np.arange(states), np.arange(states)] = np.exp(-total).T
    inside = to >= 0
    np.add.at(matrix.transpose(1, 2, 0), (to[inside], origin[inside]), chance[inside])
    return matrix, chance, there


def stationary_by_age(matrix: Array, entries: Array, ageless: NDArray[np.bool_], months: int = 12) -> tuple[Array, Array, Array]:
    """Stocks that come back every year, by age reached at the year's end; those in the last class leave evenly over the year.

    Parameters
    ----------
    matrix : ndarray, shape (age, state, state)
        Monthly transitions; one age where they are the same at all.
    entries : ndarray, shape (age, state, *lanes)
        Entries a month.
    ageless : ndarray of bool, shape (state,)
        States that do not age: their children stay in the class in which they entered. They are entered from outside only.
    months : int

    Returns
    -------
    stock : ndarray, shape (age, state, *lanes)
        After the year's birthdays: opening stocks of a year.
    exposure : ndarray, shape (age, state, *lanes)
        Opening stocks of a year's months: times the chance of a route, its flow a year.
    aged_out : ndarray, shape (state, *lanes)
        Children a year who reach 18 there.
    """
    ages, states = entries.shape[:2]
    flat = entries.reshape(ages, states, -1)
    monthly = np.broadcast_to(matrix, (ages, states, states))
    opening, exposure = np.zeros_like(flat), np.zeros_like(flat)
    aged_out = np.zeros(flat.shape[1:])
    now = np.zeros(flat.shape[1:])
    held = monthly[:, ageless][:, :, ageless]
    steady = np.linalg.solve(np.eye(held.shape[-1]) - held, flat[:, ageless])
    for age in range(ages):
        now[ageless] = steady[age]
        opening[age] = now
        for month in range(months):
            exposure[age] += now
            now = monthly[age] @ now + flat[age]
            if age == ages - 1:
                leaving = now / (months - month)
                leaving[ageless] = 0.0
                aged_out += leaving
                now = now - leaving
    return opening.reshape(entries.shape), exposure.reshape(entries.shape), aged_out.reshape(entries.shape[1:])


def plan_hazards(shares: Array, widths: Array, starts: float = 1.0) -> tuple[Array, Array]:
    """Hazards of leaving, by band of duration, that give published shares of a steady stock.

    Bands are phases: a child passes from band i to the next at ``1 / width_i`` a month and leaves at ``h_i``. In a steady state what
    enters band i is ``n_i (h_i + 1 / width_i)``, and what enters the next is ``n_i / width_i``. Where a share is larger than the band
    could hold with nobody leaving, ``h_i`` is zero and the next band takes what there is.

    Parameters
    ----------
    shares : ndarray, shape (band,)
        Of the stock; add to 1.
    widths : ndarray, shape (band - 1,)
        Months; the last band is open.
    starts : float
        Relative inflow to the first band; the level of the hazards is found by calibration, only their profile is used.

    Returns
    -------
    leave : ndarray, shape (band,)
        A month.
    progress : ndarray, shape (band - 1,)
    """
    progress = 1 / widths
    # The stock that one start a month sustains: the published shares say what part of it is in each band.
    stock = shares / shares[0] * widths[0] * starts
    inflow, leave = starts, np.zeros(len(shares))
    for i in range(len(shares)):
        onward = progress[i] if i < len(progress) else 0.0
        leave[i] = max(inflow / stock[i] - onward, 0.0)
        inflow = stock[i] * onward
    return leave, progress
