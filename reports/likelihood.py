"""Words for how sure a difference is, each bound to a stated probability, and never more than the draws support."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from jsna_model.methods.rates import wilson
from reports.disclosure import ABSENT, nearest

#: Display rule: least probability for which each word is used; below the last there is no evidence of a difference.
WORDS = ((0.95, "very likely"), (0.80, "likely"), (0.60, "uncertain; more often"))
NO_EVIDENCE = "no evidence of a difference"
NO_DIFFERENCE = "no difference is modelled"

#: The rule in words, for the pages that carry it.
RULE = (
    "Words for differences: 'very likely' is said where the probability is at least 95%, 'likely' from 80%, 'uncertain' from 60%, and 'no "
    "evidence of a difference' below. The probability must be that high even at the lower end of its own error, which comes from the "
    "number of draws. It is the model's probability, given its assumptions. This is a display rule."
)


def percent(share: float, draws: int) -> str:
    """A share of draws as a whole percentage; what so few draws cannot show is not said.

    Examples
    --------
    >>> percent(0.876, 1000), percent(1.0, 1000), percent(0.0, 50), percent(1.0, 50)
    ('88%', 'over 99%', 'under 2%', 'over 98%')
    """
    least = max(0.01, 1 / draws)
    if share < least:
        return f"under {nearest(100 * least, 1)}%"
    if share > 1 - least:
        return f"over {nearest(100 * (1 - least), 1)}%"
    return f"{nearest(100 * share, 1)}%"


def direction(difference: ArrayLike, fewer: str = "fewer", more: str = "more") -> str:
    """Which way a difference goes, and how sure that is: a word, and how probable this way is.

    Parameters
    ----------
    difference : array_like, shape (draw,)
    fewer, more : str
        Words for below and above zero.

    Examples
    --------
    >>> direction([-1.0] * 900 + [1.0] * 100)
    'likely fewer (probability 90%)'
    >>> direction([-1.0] * 52 + [1.0] * 48), direction([0.0, 0.0])
    ('no evidence of a difference (probability of fewer 52%)', 'no difference is modelled')
    """
    draws = np.asarray(difference, dtype=float)
    if not np.isfinite(draws).all():
        return ABSENT
    if not draws.any():
        return NO_DIFFERENCE
    below, above, n = int((draws < 0).sum()), int((draws > 0).sum()), len(draws)
    most, way = max((below, fewer), (above, more), key=lambda x: x[0])
    sure = float(np.asarray(wilson(most, n).lower))
    word = next((word for least, word in WORDS if sure >= least), None)
    share = percent(most / n, n)
    # '(52% fewer)' would read as the size of the difference
    return f"{NO_EVIDENCE} (probability of {way} {share})" if word is None else f"{word} {way} (probability {share})"
