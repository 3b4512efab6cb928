"""Combining estimates: what may be pooled and why not, and random-effects pooling."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import log, nan
from typing import Literal, get_args

import numpy as np

from jsna_model.errors import ConstructError, Problem, raise_all
from jsna_model.evidence import UNITS, Conversion, Evidence
from jsna_model.methods.distributions import expit, log_normal_from_interval, logit_normal_from_interval, quantile_of
from jsna_model.methods.pooling import Method, Pooled, random_effects

#: Differences between estimates that a user may name as variation between studies; those of construct and unit may not be.
SOFT = ("period", "geography", "ages", "denominator")
Interval = Literal["mean", "prediction"]


@dataclass(frozen=True)
class Difference:
    """One respect in which two estimates are not of the same thing.

    Parameters
    ----------
    what : str
        Part of the construct, ``"unit"``, ``"key"``, ``"data_group"``, ``"interval"``, or one of `SOFT`.
    reason : str
        Both values, in words.
    """

    what: str
    reason: str

    @property
    def hard(self) -> bool:
        """Whether no argument of `pool` allows it."""
        return self.what not in SOFT


def differences(a: Evidence, b: Evidence) -> list[Difference]:
    """Every reason why two estimates cannot be combined as they stand; empty where they can be.

    Parameters
    ----------
    a, b : Evidence

    Returns
    -------
    list of Difference
        Constructs first; then unit, shared data, missing intervals; then period, geography, ages and denominator.
    """
    found = [
        Difference(part, f"{part}: {getattr(a.construct, part)} ({a.key}) against {getattr(b.construct, part)} ({b.key})")
        for part in a.construct.differences(b.construct)
    ]
    if a.unit != b.unit:
        found.append(Difference("unit", f"unit: {a.unit} ({a.key}) against {b.unit} ({b.key})"))
    if a.key == b.key:
        found.append(Difference("key", f"both are {a.key}: one estimate would be counted twice"))
    for group in sorted(_data_groups(a) & _data_groups(b)):
        found.append(Difference("data_group", f"both come from {group}: the same people would be counted twice"))
    found += [Difference("interval", f"{e.key} has no interval, so no weight ({e.interval_basis})") for e in (a, b) if not e.has_interval]
    soft = {
        "period": (a.period, b.period),
        "geography": (a.geography, b.geography),
        "ages": (f"{a.ages[0]} to {a.ages[1]}", f"{b.ages[0]} to {b.ages[1]}"),
        "denominator": (a.denominator, b.denominator),
    }
    return found + [Difference(what, f"{what}: {x} ({a.key}) against {y} ({b.key})") for what, (x, y) in soft.items() if x != y]


def pool(
    *estimates: Evidence,
    key: str,
    across: Sequence[str] = (),
    method: Method = "paule_mandel",
    interval: Interval = "mean",
    level: float = 0.95,
) -> tuple[Evidence, Pooled]:
    """Random-effects mean of estimates of one construct: on the logit scale for shares, on the log scale for counts, rates and ratios.

    Parameters
    ----------
    *estimates : Evidence
        Two or more, of one construct and unit, from different data.
    key : str
        Of the pooled estimate.
    across : sequence of str
        Differences that are taken as variation between studies, of ``"period"``, ``"geography"``, ``"ages"``, ``"denominator"``: a named
        conversion, recorded in the estimate.
    method : {"paule_mandel", "reml"}
    interval : {"mean", "prediction"}
        Whether the estimate has the confidence interval of the mean (Hartung and Knapp's, never narrower than by t alone), or the
        prediction interval of one more study, which needs three or more estimates.
    level : float

    Returns
    -------
    estimate : Evidence
        With everything else as the first estimate has it, and in no coherent set: it is not of one survey.
    pooled : Pooled
        On the scale of the pooling, with tau2 and I2.

    Raises
    ------
    ConstructError
        Listing every pair that cannot be combined, and why.
    InputError

    References
    ----------
    See `jsna_model.methods.pooling`.
    """
    across = (across,) if isinstance(across, str) else tuple(across)
    problems = [Problem(f"{w!r} cannot be varied across", f"use {', '.join(SOFT)}", column="across") for w in across if w not in SOFT]
    if len(estimates) < 2:
        problems.append(Problem(f"{len(estimates)} estimate{'s' * (len(estimates) != 1)} given", "give two or more"))
    if interval not in get_args(Interval):
        problems.append(Problem(f"interval is {interval!r}", f"use {' or '.join(get_args(Interval))}"))
    elif interval == "prediction" and len(estimates) == 2:
        problems.append(Problem("two estimates have no prediction interval", "give three or more, or take the interval of the mean"))
    for i, a in enumerate(estimates):
        for b in estimates[i + 1 :]:
            for d in differences(a, b):
                if d.hard:
                    problems.append(
                        Problem(f"{a.key} and {b.key} cannot be combined; {d.reason}", "convert one of them first, by name, or use one")
                    )
                elif d.what not in across:
                    fix = f"name it, across=({d.what!r},), if you take it as variation between studies; or convert"
                    problems.append(Problem(f"{a.key} and {b.key} differ in {d.reason}", fix))
    raise_all(problems, ConstructError)
    first = estimates[0]
    scale = UNITS[first.unit]
    y, sd = np.array([_on_scale(e) for e in estimates]).T
    pooled = random_effects(y, sd**2, method, level, at_least_one=True)
    limits = (pooled.prediction_lower, pooled.prediction_upper) if interval == "prediction" else (pooled.lower, pooled.upper)
    value, lower, upper = (_back(x, scale) for x in (pooled.value, *limits))
    keys = ", ".join(e.key for e in estimates)
    varied = f", with {', '.join(across)} taken as variation between studies" if across else ""
    statement = (
        f"random effects ({method}, Hartung-Knapp) over {keys}{varied}; I2 {pooled.i2:.0%}, tau2 {pooled.tau2:.4f} on the {scale} scale; "
        f"{interval} interval"
    )
    conversion = Conversion("pooled", statement, "; ".join(str(e.source) for e in estimates))
    made = first.with_(
        key=key,
        value=value,
        lower=lower,
        upper=upper,
        level=level,
        interval_basis=f"assumed: {interval} interval of the pooled estimate",
        distribution="",
        sample_size=nan,
        set_name="",
        data_group="+".join(sorted(set[str]().union(*map(_data_groups, estimates)))),
        conversions=(*dict.fromkeys(c for e in estimates for c in e.conversions), conversion),
        contradicts=(),
        nested_in="",
        replaces="",
    )
    return made, pooled


def _data_groups(e: Evidence) -> set[str]:
    """The data that an estimate comes from; several where it was pooled."""
    return {g for g in e.data_group.split("+") if g}


def _back(x: float, scale: str) -> float:
    """From the scale of the pooling to the unit."""
    return float(expit(x)) if scale == "logit" else float(np.exp(x)) if scale == "log" else x


def _on_scale(e: Evidence) -> tuple[float, float]:
    """Centre and sd of an estimate on the scale of its unit: the published value, and half the width of its interval over z."""
    scale = UNITS[e.unit]
    if scale == "logit":
        return logit_normal_from_interval(e.value, e.lower, e.upper, e.level)
    if scale == "log":
        return log(e.value), log_normal_from_interval(e.value, e.lower, e.upper, e.level).parameters[1]
    return e.value, (e.upper - e.lower) / (2 * quantile_of(e.level))
