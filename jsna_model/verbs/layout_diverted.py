"""Who gets early help in a scenario and would have been closed in the baseline, or the other way about: they come back as others do.

A closed case returns at a hazard of its own, and early help that ends leaves the model. Without this ledger, a scenario that moves children
from one to the other would lower re-referrals by construction, whatever the effect of early help is taken to be. Here they return at the
hazard of closed cases times the ratio ``exp(early_help.effect.re_referral)``; those who step up from early help have come back already.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from jsna_model.layout import CLOSED, Layout, Route
from jsna_model.methods.network import Step

Array = NDArray[np.float64]

#: Ways into early help, and where a child goes who is not taken.
NOT_HELPED = {
    "referral.early_help_share": "referral.no_further_action_share",
    "assessment.early_help_rate": "assessment.not_in_need_rate",
    "child_in_need.step_down_rate": "child_in_need.closure_rate",
    "assessment.brief_step_down_rate": "assessment.brief_closure_rate",
}
#: Hazard of return, and of leaving the band, of each state of the recently closed.
BANDS = dict(
    zip(
        CLOSED,
        (("closed.re_referral_rate_0_3", "closed.progress_0_3"), ("closed.re_referral_rate_3_12", "closed.progress_3_12")),
        strict=True,
    )
)


def names_of(route: Route) -> set[str]:
    """Parameters that a route is a product of."""
    return {route.rate, *(s for s in route.shares if isinstance(s, str))}


class Diverted:
    """Children diverted from closure into early help, less those diverted the other way, by how long ago; shape (scenario, draw).

    Parameters
    ----------
    lanes : (int, int)
    baseline : int
    contacts : ndarray, shape (age class, pattern)
        Share of contacts, which weighs a parameter that a scenario changes for a group.
    """

    def __init__(self, lanes: tuple[int, int], baseline: int, contacts: Array) -> None:
        self.baseline, self.contacts = baseline, contacts
        self.there = {s: np.zeros(lanes) for s in CLOSED}
        self.closed = {s: np.zeros(lanes) for s in CLOSED}

    def factors(self, effect: Array) -> dict[str, Array]:
        """What multiplies the hazard of return of the closed: ``1 + diverted exp(effect) / closed``, so that the diverted return too.

        Parameters
        ----------
        effect : ndarray, broadcasting to (scenario, draw)
            Log ratio of the return of the diverted to that of the closed.
        """
        out = {}
        for state, (rate, _) in BANDS.items():
            closed = self.closed[state]
            more = np.divide(self.there[state] * np.exp(effect), closed, out=np.zeros_like(closed), where=closed > 0)
            # Nobody returns less than never: where all of the closed were diverted here, and the effect says that they would return more.
            out[rate] = np.maximum(1 + more, 0.0)
        return out

    def add(self, step: Step, layout: Layout, parameters: Mapping[str, Array], states: Mapping[str, int]) -> Array:
        """Take a month up; returns the children diverted in it, less those diverted the other way."""
        used = {*NOT_HELPED, *NOT_HELPED.values(), *(b for _, b in BANDS.values()), "early_help.step_up_rate", "early_help.closure_rate"}
        parameters = {n: self._whole(parameters[n]) for n in used}
        into = np.zeros_like(self.there[CLOSED[0]])
        kinds = ((layout.routes, step.moved), (layout.events, step.happened), (layout.entries, step.entered))
        for helped, closed in NOT_HELPED.items():
            both = parameters[helped] + parameters[closed]
            share = np.divide(parameters[helped], both, out=np.zeros_like(both), where=both > 0)
            change = share - share[[self.baseline]]
            if change.any():
                amounts = (a.sum(0) for routes, of in kinds for r, a in zip(routes, of, strict=True) if names_of(r) & {helped, closed})
                into = into + change * sum(amounts, np.zeros_like(into))
        # Whoever steps up from early help has come back already.
        leave = parameters["early_help.step_up_rate"] + parameters["early_help.closure_rate"]
        stays_away = np.divide(parameters["early_help.closure_rate"], leave, out=np.ones_like(leave), where=leave > 0)
        first, second = CLOSED
        onward, gone = (self.there[s] * -np.expm1(-parameters[BANDS[s][1]]) for s in CLOSED)
        self.there = {first: self.there[first] - onward + into * stays_away, second: self.there[second] - gone + onward}
        self.closed = {s: step.closing[states[s]].sum(0) for s in CLOSED}
        return into

    def _whole(self, value: Array) -> Array:
        """A parameter by scenario and draw, over ages and patterns where it is by these."""
        return value if value.ndim == 2 else np.einsum("apsd,ap->sd", value, self.contacts)
