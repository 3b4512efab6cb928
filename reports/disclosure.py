"""Display rules: what is rounded, flagged or suppressed before anything is shown (law 14).

Modelled estimates are not personal data: they are rounded, never suppressed. Published counts are shown as published.
A user's own unpublished counts are suppressed by the rule of DfE's *Children in need*: 1 to 5 become ``[c]``, with as many
further cells as it takes for none of them to be worked out from the totals; true zeros are shown.
"""

from __future__ import annotations

from math import floor, isfinite, log10

import numpy as np

#: Levels whose estimates are large enough to be rounded to 100.
LARGE_LEVELS = ("district", "authority", "region", "england")
#: A modelled number of children below this is shown in words.
FEWEST = 10
FEW = "fewer than 10"
ABSENT = "[x]"
SUPPRESSED = "[c]"
#: Display rule: an interval wider than this multiple of the estimate is flagged. 1.5 is a coefficient of variation of about 38%.
UNRELIABLE_WIDTH = 1.5
RELIABILITY = {True: "[u] low", False: "usual"}

#: The rules in words, for the pages that carry them.
RULES = (
    "Modelled numbers of children in an authority or a district are rounded to the nearest 100, or to the nearest 10 where they are below 100.",
    "Modelled numbers of children in smaller areas, and projected numbers of cases, are rounded to the nearest 10.",
    "A modelled number of children below 10 is shown as 'fewer than 10'. It is not suppressed: it is an estimate, not a count of known children.",
    "Percentages and rates have one decimal place and are worked out before rounding.",
    f"[u] marks low reliability: the credible interval is wider than {UNRELIABLE_WIDTH:g} times the estimate. This is a display rule of this report.",
    "Differences between scenarios are rounded to whole numbers below 100 and to the nearest 10 above; costs to three significant figures.",
    "Published counts are shown as published, with the publisher's symbols in brackets.",
    "Numbers are rounded one by one, so figures may not sum.",
)


def is_absent(value: object) -> bool:
    """Whether a value is missing: None, NaN or infinite."""
    return value is None or (isinstance(value, (float, np.floating)) and not isfinite(float(value)))


def nearest(value: float, step: float) -> int:
    """The multiple of `step` nearest to `value`, halves away from zero.

    Examples
    --------
    >>> nearest(4349, 100), nearest(-25, 10), nearest(0.5, 1)
    (4300, -30, 1)
    """
    return int(floor(abs(value) / step + 0.5) * step) * (1 if value >= 0 else -1)


def step_for(value: float, level: str) -> int:
    """Rounding step of a modelled number of children at a geographic level.

    Examples
    --------
    >>> step_for(4300, "authority"), step_for(64, "authority"), step_for(4300, "ward")
    (100, 10, 10)
    """
    return 100 if level in LARGE_LEVELS and value >= 100 else 10


def modelled(value: float | None, level: str) -> int | str:
    """A modelled number of children as it is shown.

    Parameters
    ----------
    value : float or None
        Children.
    level : str
        Geographic level, one of `jsna_model.conventions.LEVELS`.

    Returns
    -------
    int or str
        Rounded number, ``"fewer than 10"``, or ``"[x]"`` where absent.

    Examples
    --------
    >>> modelled(4333.2, "authority"), modelled(47.0, "authority"), modelled(3.1, "ward"), modelled(float("nan"), "ward")
    (4300, 50, 'fewer than 10', '[x]')
    """
    if value is None or is_absent(value):
        return ABSENT
    return FEW if value < FEWEST else nearest(float(value), step_for(float(value), level))


def difference(value: float | None) -> int | str:
    """A difference between scenarios as it is shown: whole below 100, nearest 10 above.

    Examples
    --------
    >>> difference(-3.4), difference(127.0)
    (-3, 130)
    """
    if value is None or is_absent(value):
        return ABSENT
    return nearest(float(value), 1 if abs(value) < 100 else 10)


def significant(value: float | None, digits: int = 3) -> int | str:
    """A sum of money as it is shown: whole pounds to `digits` significant figures.

    Examples
    --------
    >>> significant(1234567.0), significant(-89.6)
    (1230000, -90)
    """
    if value is None or is_absent(value):
        return ABSENT
    if abs(value) < 0.5:
        return 0
    return nearest(float(value), max(1.0, 10.0 ** (floor(log10(abs(value))) - digits + 1)))


def decimal(value: float | None, scale: float = 1.0) -> float | str:
    """A percentage or rate as it is shown: one decimal place of ``value * scale``."""
    if value is None or is_absent(value):
        return ABSENT
    return nearest(float(value) * scale * 10, 1) / 10


def published(value: float | None, status: str = "") -> int | float | str:
    """A published figure as published: the number, or the publisher's symbol in brackets.

    Examples
    --------
    >>> published(1386.0), published(float("nan"), "c"), published(float("nan"), "")
    (1386, '[c]', '[x]')
    """
    if value is None or is_absent(value):
        symbol = status if status in ("c", "x", "z", "u") else ("low" if status in ("low", "k") else "x")
        return f"[{symbol}]"
    number = float(value)
    return int(number) if number.is_integer() else number


def reliability(relative_width: float | None) -> str:
    """Flag of an estimate by the width of its interval over its value; absent widths are flagged."""
    wide = relative_width is None or is_absent(relative_width) or float(relative_width) > UNRELIABLE_WIDTH
    return RELIABILITY[wide]
