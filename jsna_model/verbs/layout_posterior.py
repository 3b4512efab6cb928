"""Base rates of a layout draw by draw: the steady state solved again for each draw of the year's counts."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray
from scipy.special import logit

from jsna_model.layout import compile_layout
from jsna_model.verbs.layout_rates import TARGETS, BaseRates, _fixed, _rates, _targets, achieved, entry_ages, natural_rates

Array = NDArray[np.float64]

#: The chord method, with the Jacobian of the point calibration: most steps, the greatest on the log scale, and what counts may be off by.
CHORD_STEPS = 8
_LARGEST_STEP = 2.0
_OFF_TOLERANCE = 1e-3


def rate_draws(
    base: BaseRates,
    point: Mapping[str, float],
    counts: Mapping[str, Array],
    values: Mapping[str, float],
    by_class: Array,
    early_help: float | None = None,
) -> dict[str, Array]:
    """How far each draw's rates are from the point calibration.

    Parameters
    ----------
    base : BaseRates
        `layout_rates.base_rates` of `point`.
    point : mapping of str to float
        Counts of the point calibration.
    counts : mapping of str to ndarray, shape (draw,)
        Flows, draw by draw; what is not in it stays as in `point`.
    values, by_class
        As for `layout_rates.base_rates`.
    early_help : float, optional
        Children accepted for early help a year, where that is known: it does not follow referrals.

    Returns
    -------
    dict of str to ndarray, shape (draw,)
        By rate: difference of logarithms, of logits for shares; rates of zero, and those that do not move, are left out.
    """
    layout, ages = compile_layout("early_help_and_cin"), entry_ages(by_class, values)
    free = list(base.solution)
    at = np.array([base.solution[n] for n in free])
    draws = len(next(iter(counts.values())))

    def off(x: Array, fixed: Mapping[str, float], want: Array, known: Mapping[str, float]) -> Array:
        reached = achieved(_rates(natural_rates(free, x), fixed, known), layout, ages, known)
        return np.asarray(np.log(np.maximum([reached[TARGETS[n]] for n in free], 1e-12) / want))

    def goal(these: Mapping[str, float]) -> tuple[dict[str, float], Array, dict[str, float]]:
        known = dict(values)
        if early_help is not None:
            known["early_help.per_referral"] = early_help / these["referrals"]
        targets = _targets(these, known)
        return _fixed(these, known, []), np.maximum([targets[TARGETS[n]] for n in free], 1e-12), known

    centre = goal(point)
    here = off(at, *centre)
    step = 1e-6
    jacobian = np.stack([(off(at + step * e, *centre) - here) / step for e in np.eye(len(at))], axis=1)
    # A singular direction is one that the counts do not tell: it stays where the point calibration left it.
    inverse = np.linalg.pinv(jacobian, rcond=1e-6)
    names = list(base.rates)
    out = np.empty((len(names), draws))
    for i in range(draws):
        fixed, want, known = goal(dict(point) | {n: float(v[i]) for n, v in counts.items()})
        x = at.copy()
        for _ in range(CHORD_STEPS):
            # What the point calibration could not meet stays unmet by as much.
            wrong = off(x, fixed, want, known) - here
            if np.abs(wrong).max() < _OFF_TOLERANCE:
                break
            x = x - np.clip(inverse @ wrong, -_LARGEST_STEP, _LARGEST_STEP)
        rates = _rates(natural_rates(free, x), fixed, known)
        out[:, i] = [rates[n] for n in names]
    return {n: v for n, v in zip(names, _moved(names, out, base.rates), strict=True) if v.any()}


def _moved(names: list[str], drawn: Array, rates: Mapping[str, float]) -> list[Array]:
    """Differences on each rate's scale; none where the rate, or a draw of it, is at an end of its scale."""
    out = []
    for name, values in zip(names, drawn, strict=True):
        share, ends = name.endswith("_share"), [rates[name], *values]
        inside = min(ends) > 0 and (not share or max(ends) < 1)
        if not inside:
            out.append(np.zeros(len(values)))
        else:
            out.append(logit(values) - logit(rates[name]) if share else np.log(values / rates[name]))
    return out
