"""Where a network of stocks and flows settles, by matrices: what calibration solves, and how opening stocks divide over ages."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Places = NDArray[np.int64]


def transition(hazard: Array, origin: Places, to: Places, states: int) -> tuple[Array, Array, Array]:
    """Monthly transition matrix of competing hazards, as the engine has them.

    Parameters
    ----------
    hazard : ndarray, shape (route,)
    origin, to : ndarray of int, shape (route,)
        Places of states; `to` -1 leaves.
    states : int

    Returns
    -------
    matrix : ndarray, shape (state, state)
        Column: where a child of that state is at the end of the month; columns of states that are left add to less than 1.
    chance : ndarray, shape (route,)
        That a child of the origin takes the route in a month: ``(1 - exp(-H)) h / H``.
    there : ndarray, shape (state,)
        Share of the month for which such a child is there.
    """
    total = np.bincount(origin, hazard, minlength=states)
    there = np.divide(-np.expm1(-total), total, out=np.ones(states), where=total > 0)
    chance = hazard * there[origin]
    matrix = np.diag(np.exp(-total))
    inside = to >= 0
    np.add.at(matrix, (to[inside], origin[inside]), chance[inside])
    return matrix, chance, there


def stationary_by_age(matrix: Array, entries: Array, ageless: NDArray[np.bool_], months: int = 12) -> tuple[Array, Array, Array]:
    """Stocks that come back every year, by age reached at the year's end; those in the last class leave evenly over the year.

    Parameters
    ----------
    matrix : ndarray, shape (state, state)
        Monthly transitions, the same at every age.
    entries : ndarray, shape (age, state, *lanes)
        Entries a month.
    ageless : ndarray of bool, shape (state,)
        States that do not age: their children stay in the class in which they entered. They are entered from outside only.
    months : int

    Returns
    -------
    stock : ndarray, shape (age, state, *lanes)
        After the year's birthdays: opening stocks of a year.
    exposure : ndarray, shape (state, *lanes)
        Opening stocks of a year's months: times the chance of a route, its flow a year.
    aged_out : ndarray, shape (state, *lanes)
        Children a year who reach 18 there.
    """
    ages, states = entries.shape[:2]
    flat = entries.reshape(ages, states, -1)
    opening = np.zeros_like(flat)
    exposure, aged_out = np.zeros(flat.shape[1:]), np.zeros(flat.shape[1:])
    steady = np.linalg.inv(np.eye(int(ageless.sum())) - matrix[np.ix_(ageless, ageless)])
    now = np.zeros(flat.shape[1:])
    for age in range(ages):
        now[ageless] = steady @ flat[age, ageless]
        opening[age] = now
        for month in range(months):
            exposure += now
            now = matrix @ now + flat[age]
            if age == ages - 1:
                leaving = now / (months - month)
                leaving[ageless] = 0.0
                aged_out += leaving
                now = now - leaving
    return opening.reshape(entries.shape), exposure.reshape(entries.shape[1:]), aged_out.reshape(entries.shape[1:])


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
