"""From states and flows to the counts that DfE publishes (DESIGN §4: published counts are not states)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from jsna_model.errors import Problem, raise_all
from jsna_model.layout import CARE, OPEN, PLAN_BANDS
from jsna_model.placements import share_problems

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Array = NDArray[np.float64]

#: Published stock: the states that it counts. Child in need at 31 March is every open episode (DfE, Children in need: methodology).
STOCKS_OF: dict[str, tuple[str, ...]] = {
    "child_in_need_at_31_march": OPEN,
    "child_protection_plan_at_31_march": (*PLAN_BANDS, "looked_after_on_plan"),
    "looked_after_at_31_march": CARE,
}
#: Published flow: what is counted on the way. Episodes started is an identity and has no row: see `published_counts`.
FLOWS_OF: dict[str, tuple[str, ...]] = {
    "referrals": ("referral",),
    "re_referrals": ("re_referral",),
    "referrals_no_further_action": ("no_further_action",),
    "referrals_assessed_not_in_need": ("assessed_not_in_need",),
    "section_47_enquiries": ("section_47",),
    "initial_child_protection_conferences": ("conference",),
    "child_in_need_ended": ("episode_ended", "left_at_18"),
    "child_protection_plan_started": ("plan_started",),
    "looked_after_started": ("looked_after_started",),
    "looked_after_ceased": ("looked_after_ceased", "left_care_at_18"),
}


def published_counts(states: Mapping[str, Array], flows: Mapping[str, Array], section_17_share: Array | float = 0.0) -> dict[str, Array]:
    """Every published count from states at 31 March and flows of the year.

    Parameters
    ----------
    states : mapping of state to ndarray
        Children at 31 March, by `jsna_model.layout.STATES`.
    flows : mapping of count to ndarray
        What was counted over the year, by the names on `jsna_model.layout.WAYS`, with ``left_at_18`` (open episodes, and not kept open)
        and ``left_care_at_18``.
    section_17_share : ndarray or float
        Share of children in family help whose help is under section 17; counted as in need.

    Returns
    -------
    dict of str to ndarray
        By name of `jsna_model.pathway.FLOWS` and ``STOCKS``. Episodes started are referrals less no further action less assessed not
        in need: an identity of the published counts, and no target of a fit.
    """
    zero = 0.0 * next(iter(states.values()))
    out = {name: sum((flows.get(f, zero) for f in parts), zero) for name, parts in FLOWS_OF.items()}
    out["child_in_need_started"] = out["referrals"] - out["referrals_no_further_action"] - out["referrals_assessed_not_in_need"]
    out |= {name: sum((states[s] for s in parts), zero) for name, parts in STOCKS_OF.items()}
    out["child_in_need_at_31_march"] = out["child_in_need_at_31_march"] + section_17_share * states["family_help"]
    return out


def by_placement(looked_after: Array, shares: Mapping[str, float]) -> dict[str, Array]:
    """Children looked after by type of placement, from the user's shares: none is in the figures, and none is assumed.

    Parameters
    ----------
    looked_after : ndarray
        Children.
    shares : mapping of str to float
        Of placements (`jsna_model.placements.PLACEMENTS`); add to 1.

    Returns
    -------
    dict of str to ndarray

    Raises
    ------
    InputError
        For shares out of range, or that do not add to 1: named, never rescaled.

    Examples
    --------
    >>> import numpy as np
    >>> by_placement(np.array([200.0]), {"foster_care": 0.7, "other": 0.3})["foster_care"]
    array([140.])
    """
    raise_all(Problem(found, fix) for _, found, fix in share_problems(shares))
    return {name: looked_after * share for name, share in shares.items()}
