"""Overlap: what is assumed about risks occurring together in a coherent set."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations
from math import log

from jsna_model.errors import InputError, Problem, raise_all


@dataclass(frozen=True)
class Share:
    """A published national share of children with its interval: `value`, `lower`, `upper` in [0, 1], at `level`."""

    key: str
    value: float
    lower: float
    upper: float
    level: float
    interval_basis: str


@dataclass(frozen=True)
class Overlap:
    """How the risks of one set occur together.

    Use a constructor: `from_shares`, `from_odds_ratios`, `from_joint` or `independent`; `bounds` gives both extremes.

    Parameters
    ----------
    name : str
    risks : tuple of str
        Risks that are joint, in order; pattern index = sum of 2**k over present risks.
    kind : {"shares", "odds_ratios", "independent"}
        ``shares``: England's joint is the maximum-entropy one given the singles and these shares.
        ``odds_ratios``: conditional (log-linear) odds ratios, used as they are in every area.
    set_name : str
        Coherent set whose evidence it may be used with; ``""`` for any.
    two_or_more, all_three : Share, optional
    log_odds_ratios : tuple of float
        Pairs (0,1), (0,2), (1,2) and then the three-way one, natural logs.
    source : str
    data_group : str
    """

    name: str
    risks: tuple[str, ...]
    kind: str
    set_name: str = ""
    two_or_more: Share | None = None
    all_three: Share | None = None
    log_odds_ratios: tuple[float, ...] = ()
    source: str = ""
    data_group: str = ""
    notes: str = field(default="", compare=False)

    @classmethod
    def from_shares(
        cls,
        name: str,
        risks: Sequence[str],
        two_or_more: Share,
        all_three: Share,
        set_name: str = "",
        source: str = "",
        data_group: str = "",
        notes: str = "",
    ) -> Overlap:
        """Overlap of three risks from published shares with two or more, and with all three.

        Raises
        ------
        InputError
            Where the shares contradict each other or there are not three risks.
        """
        problems = []
        if len(risks) != 3:
            problems.append(Problem(f"{len(risks)} risks", "shares describe three risks; use from_odds_ratios for another number"))
        if all_three.value > two_or_more.value:
            problems.append(
                Problem(f"all three ({all_three.value}) exceeds two or more ({two_or_more.value})", "all three is part of two or more")
            )
        raise_all(problems)
        return cls(name, tuple(risks), "shares", set_name, two_or_more, all_three, (), source, data_group, notes)

    @classmethod
    def from_odds_ratios(
        cls, risks: Sequence[str], odds_ratios: Sequence[float], three_way: float = 1.0, name: str = "odds ratios", source: str = ""
    ) -> Overlap:
        """Overlap from conditional odds ratios for pairs (0,1), (0,2), (1,2), and the three-way odds ratio.

        Raises
        ------
        InputError
            Where the number of odds ratios is not that of pairs, or one is not a positive finite number.
        """
        pairs = list(combinations(range(len(risks)), 2))
        problems = []
        if len(odds_ratios) != len(pairs):
            problems.append(Problem(f"{len(odds_ratios)} odds ratios for {len(pairs)} pairs", "give one for each pair, in order"))
        problems += [
            Problem(f"odds ratio {value!r}", "give a positive, finite number")
            for value in [*odds_ratios, three_way]
            if not 0 < value < float("inf")
        ]
        raise_all(problems)
        logs = [log(v) for v in odds_ratios] + ([log(three_way)] if len(risks) == 3 else [])
        return cls(name, tuple(risks), "odds_ratios", log_odds_ratios=tuple(logs), source=source)

    @classmethod
    def from_joint(cls, risks: Sequence[str], joint: Mapping[str, float], name: str = "joint", source: str = "") -> Overlap:
        """Overlap with the conditional odds ratios of a given joint distribution of three risks.

        Parameters
        ----------
        risks : sequence of str
            Three names.
        joint : mapping of str to float
            Eight positive probabilities, keyed by presence of each risk in order: ``"110"`` is the first two without the third.
        """
        keys = [format(i, "03b")[::-1] for i in range(8)]
        problems = [Problem(f"pattern {k!r} is missing", "give all eight") for k in keys if k not in joint]
        problems += [Problem(f"pattern {k!r} has probability {joint[k]}", "give a positive number") for k in joint if not joint[k] > 0]
        total = sum(joint.values())
        if abs(total - 1) > 1e-9:
            problems.append(Problem(f"the patterns sum to {total}", "they must sum to 1"))
        if len(risks) != 3:
            problems.append(Problem(f"{len(risks)} risks", "from_joint takes three"))
        raise_all(problems)
        g = {k: log(joint[k]) for k in keys}
        pairs = (
            g["110"] + g["000"] - g["100"] - g["010"],
            g["101"] + g["000"] - g["100"] - g["001"],
            g["011"] + g["000"] - g["010"] - g["001"],
        )
        three = g["111"] + g["100"] + g["010"] + g["001"] - g["110"] - g["101"] - g["011"] - g["000"]
        return cls(name, tuple(risks), "odds_ratios", log_odds_ratios=(*pairs, three), source=source)

    @classmethod
    def independent(cls, risks: Sequence[str]) -> Overlap:
        """Risks that occur independently: badly wrong for these risks, and offered for comparison only."""
        n = len(risks)
        count = n * (n - 1) // 2 + (1 if n == 3 else 0)
        return cls("independent", tuple(risks), "independent", log_odds_ratios=(0.0,) * count, source="assumption: independence")

    @classmethod
    def bounds(cls, risks: Sequence[str], strength: float = 1e4) -> tuple[Overlap, Overlap]:
        """Two extremes: every conditional odds ratio ``1/strength``, and every one `strength`.

        With the second all three risks occur together as much as they can; the most that can have just two is more, and is not this.
        """
        if not strength > 1:
            raise InputError(f"strength is {strength}; give a number above 1.")
        pairs = len(risks) * (len(risks) - 1) // 2
        low = cls.from_odds_ratios(risks, [1 / strength] * pairs, name="least overlap", source="bound")
        high = cls.from_odds_ratios(risks, [strength] * pairs, name="most overlap", source="bound")
        return low, high

    def patterns(self) -> tuple[str, ...]:
        """Names of the patterns in index order: ``"none"``, the first risk, the second, the first two, ..."""
        out = []
        for i in range(2 ** len(self.risks)):
            present = [r for k, r in enumerate(self.risks) if i >> k & 1]
            out.append("+".join(present) or "none")
        return tuple(out)
