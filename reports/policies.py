"""Policies of suppression: what each source hides and rounds, and what is claimed for it."""

from __future__ import annotations

import re
from dataclasses import dataclass

from jsna_model.errors import InputError, Problem, raise_all, unknown_name


@dataclass(frozen=True)
class Policy:
    """What a source suppresses, and what is claimed for it.

    Parameters
    ----------
    name, source : str
        The rule and where it was seen.
    low, high : int
        Counts from `low` to `high` are suppressed; zero is shown where `low` is 1.
    protection : float
        The claim: for every suppressed cell, what can be deduced is an interval at least this wide.
    base : int
        Other counts are shown to the nearest `base`.
    wide_base : int
        Likewise of regions and England.
    """

    name: str
    source: str
    low: int
    high: int
    protection: float
    base: int = 1
    wide_base: int = 1

    def __post_init__(self) -> None:
        problems = []
        if not 0 <= self.low <= self.high:
            problems.append(Problem(f"policy {self.name!r} suppresses {self.low} to {self.high}", "give whole numbers, the lower first"))
        if not self.protection >= self.high - self.low:
            fix = f"give at least {self.high - self.low}: that a cell is suppressed already says as much"
            problems.append(Problem(f"policy {self.name!r} claims an interval of {self.protection:g}", fix))
        if self.base < 1 or self.wide_base < 1:
            problems.append(Problem(f"policy {self.name!r} rounds to {self.base} and {self.wide_base}", "give 1 or more"))
        raise_all(problems)

    @property
    def claim(self) -> str:
        """What is claimed, and no more, in words."""
        return (
            f"Counts from {self.low} to {self.high} are suppressed, with as many others as it takes: from the numbers shown, their totals and the "
            f"totals published elsewhere, no suppressed count can be placed in an interval narrower than {self.protection:g}. Other releases of the "
            "same counts (another year's, another split of areas) are not part of this."
        )


#: Policies by name. Rules as each source states them; the protection interval is ours: the width of the suppressed range.
POLICIES = {
    p.name: p
    for p in (
        Policy("dfe_cin", "DfE, Children in need, methodology 2020 and 2021: 1 to 5 suppressed, England and regions to 10", 1, 5, 4, 1, 10),
        Policy(
            "dfe_cla",
            "DfE, Children looked after, placement location 2024: regions and England to 10; 1 to 5 assumed",
            1,
            5,
            4,
            1,
            10,
        ),
        Policy(
            "nhs",
            "NHS Digital, Data Quality Maturity Index, suppression rules, hospital data: 1 to 7 suppressed, others to 5",
            1,
            7,
            6,
            5,
            5,
        ),
    )
}


#: A rule of one's own, as it is written in a file: ``1-9``, or ``1-9/5`` where other counts are shown to the nearest 5.
OWN = re.compile(r"(\d+)-(\d+)(?:/(\d+))?")
#: Policies of the services that DfE counts: looked-after children have a release of their own.
SERVICES = dict.fromkeys(("looked_after_started", "looked_after_ceased", "looked_after_at_31_march"), "dfe_cla")
OTHER_SERVICES = "dfe_cin"


def policy(name: str | Policy) -> Policy:
    """A policy by name, or the user's own, as `Policy` or as text.

    Raises
    ------
    UnknownNameError
    InputError
        For a rule of one's own that contradicts itself.

    Examples
    --------
    >>> policy("nhs").high, policy("1-9/5").base, policy("1-9").protection
    (7, 5, 8.0)
    """
    if isinstance(name, Policy):
        return name
    if name in POLICIES:
        return POLICIES[name]
    if found := OWN.fullmatch(name):
        low, high, base = (int(g) if g else 1 for g in found.groups())
        if low > high:
            raise InputError(f"the policy {name!r} suppresses {low} to {high}. Give the lower number first, such as 1-9 or 1-9/5.")
        return Policy(name, "this study's own rule", low, high, float(high - low), base, base)
    raise unknown_name("disclosure policy", name, POLICIES)


def strictest(names: tuple[str, ...]) -> Policy:
    """The policy of counts that hang together: the one that suppresses most, then the one that rounds most."""
    return max((policy(n) for n in names), key=lambda p: (p.high, -p.low, p.base))


def of_service(service: str) -> str:
    """Name of the policy of one of the services that DfE counts."""
    return SERVICES.get(service, OTHER_SERVICES)
