"""Paired differences and average costs; and, from their own modules, all that decisions are made with.

Arrays in, arrays out, draws last. `prices`: one year's prices, discounting, payback, goal-seek. `frontier`: dominance, ratios.
`value_of_information`: net benefit, acceptability, EVPI, EVPPI; strategies are their first axis and draws their last.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from jsna_model.methods.frontier import frontier_probability, icer_interval, icer_table, quadrants
from jsna_model.methods.prices import DiscountSchedule, discount_factors, goal_seek, payback, present_value, reprice
from jsna_model.methods.value_of_information import acceptability, acceptability_frontier, evpi, evppi, evppi_table, net_benefit

__all__ = [
    "DiscountSchedule",
    "acceptability",
    "acceptability_frontier",
    "break_even",
    "child_years",
    "discount_factors",
    "evpi",
    "evppi",
    "evppi_table",
    "frontier_probability",
    "goal_seek",
    "icer_interval",
    "icer_table",
    "net_benefit",
    "paired_difference",
    "payback",
    "present_value",
    "quadrants",
    "reprice",
    "yearly_cost",
]

Array = NDArray[np.float64]

WEEKS_A_YEAR = 365.25 / 7


def paired_difference(values: Array, comparator: int, axis: int = 0) -> Array:
    """Difference of every scenario from one of them, draw by draw.

    Parameters
    ----------
    values : ndarray
        Scenario along `axis`, draws last.
    comparator : int
        Place of the comparator on `axis`.

    Returns
    -------
    ndarray
        Same shape; exactly zero for the comparator.
    """
    return values - np.take(values, [comparator], axis=axis)


def child_years(opening: Array, closing: Array) -> Array:
    """Children-years of a stock over a year, by the trapezium rule: ``(opening + closing) / 2``."""
    return (opening + closing) / 2


def yearly_cost(years: Array, weekly: float) -> Array:
    """Average cost in pounds of `years` child-years at `weekly` pounds a week, ``years * weekly * 365.25 / 7``."""
    return years * weekly * WEEKS_A_YEAR


def break_even(saving: Array, volume: Array) -> Array:
    """Most that one unit may cost for cost and saving to balance: ``saving / volume``; NaN where there is no volume.

    Parameters
    ----------
    saving : ndarray
        Pounds saved (negative: spent more).
    volume : ndarray
        Units bought.
    """
    return np.divide(saving, volume, out=np.full(np.broadcast(saving, volume).shape, np.nan), where=volume != 0)
