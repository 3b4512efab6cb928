"""Where looked-after children live, by the user's own shares of placements: names, what is wrong with a set of shares, and the noun."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

#: What shares may miss 1 by, for having been written with few digits.
ROUNDING_TOLERANCE = 1e-6
#: Placements as DfE publishes them for authorities; foster care may be given whole, or by its parts.
PLACEMENTS = {
    "foster_care": "Foster care",
    "foster_relative": "Foster care with a relative or friend",
    "foster_own": "Foster care with the authority's own carers",
    "foster_agency": "Foster care with an agency's carers",
    "adoption": "Placed for adoption",
    "with_parents": "Placed with parents, or others with parental responsibility",
    "childrens_home": "Children's homes and secure homes",
    "supported_accommodation": "Independent and semi-independent living, supported accommodation",
    "other_residential": "Other residential settings",
    "other": "Other placements",
}
FOSTER_PARTS = ("foster_relative", "foster_own", "foster_agency")


@dataclass(frozen=True)
class Placements:
    """Shares of looked-after children by placement, held constant over the years: an assumption.

    Parameters
    ----------
    shares : mapping of str to float
        By name of `PLACEMENTS`; add to 1.
    source : str
        Where they are from.
    date : str
        What they refer to, ISO.
    published : bool
        Whether they are published shares; those of an authority's own records are protected as its counts are.
    """

    shares: Mapping[str, float]
    source: str
    date: str
    published: bool = False


def share_problems(shares: Mapping[str, float]) -> Iterator[tuple[str, str, str]]:
    """What is wrong with shares of placements: name (empty for all of them), what was found and what to do.

    Parameters
    ----------
    shares : mapping of str to float
    """
    for name, share in shares.items():
        if not 0 <= share <= 1:
            yield name, f"the share of {name} is {share:g}", "give a share from 0 to 1, such as 0.68 for 68%"
    total = sum(shares.values())
    if not abs(total - 1) <= ROUNDING_TOLERANCE:
        yield "", f"shares of placements add up to {total:g}", "make them add up to 1 (what is left is `other`); nothing is rescaled"
    parts = [n for n in FOSTER_PARTS if n in shares]
    if parts and "foster_care" in shares:
        yield "foster_care", f"foster care is given whole and by its parts ({', '.join(parts)})", "give the whole or the parts"


def contradictions(given: Mapping[str, Any]) -> Iterator[tuple[tuple[str, ...], str, str]]:
    """What single keys of ``[placements]`` cannot show: where, what was found and what to do.

    Parameters
    ----------
    given : mapping
        As written; values of the wrong kind are left to the check of single keys.
    """
    given = {n: v for n, v in given.items() if not (v == "" or v is False or v is None)}  # as an empty table is written down
    if not given:
        return
    shares = {n: float(v) for n, v in given.items() if n in PLACEMENTS and isinstance(v, (int, float)) and not isinstance(v, bool)}
    known = {n for n in given if n in PLACEMENTS}
    wrong = {n for n in known if n not in shares or not 0 <= shares[n] <= 1}
    for name, found, fix in share_problems(shares) if known else ():
        # What is no share is said by the check of its key, and a sum with it says nothing.
        if name in wrong or (not name and wrong):
            continue
        yield (("placements", name) if name else ("placements",)), found, fix
    if not known:
        yield (
            ("placements",),
            "no placement has a share",
            f"give shares of {', '.join(PLACEMENTS)} that add up to 1, or leave the table out",
        )
    for key, fix in (("source", "say where the shares are from"), ("date", 'say what they refer to, such as date = "2025-03-31"')):
        if not given.get(key):
            yield ("placements",), f"no {key}", fix
