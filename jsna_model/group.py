"""Group: the children whom a change of a scenario is for."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from jsna_model.conventions import risks_of
from jsna_model.errors import Problem, raise_all, unknown_name

Array = NDArray[np.float64]

_AGES = re.compile(r"^(\d{1,2})(?:-(\d{1,2}))?$")
#: Oldest single year of age of a child.
OLDEST = 17


@dataclass(frozen=True)
class Group:
    """Children of an area, of some ages, with a pattern of risks or with a risk; what is left empty is all of them.

    Parameters
    ----------
    area : str
        Code or name of an authority.
    age : str
        Ages in whole years, first to last, such as ``"0-4"``; or one, such as ``"7"``.
    pattern : str
        Exactly these risks and no other of the set, joined by ``+``; ``"none"`` for children with none.
    risk : str
        This risk, whatever the others are.

    Raises
    ------
    InputError
        For ages that are none, and for a pattern and a risk together.

    Examples
    --------
    >>> str(Group(age="0-4", risk="domestic_abuse"))
    'ages 0-4, domestic abuse'
    >>> Group(age="0-4").classes()[:7].tolist()
    [1.0, 1.0, 1.0, 1.0, 1.0, 0.5, 0.0]
    """

    area: str = ""
    age: str = ""
    pattern: str = ""
    risk: str = ""

    def __post_init__(self) -> None:
        problems = []
        found = _AGES.match(self.age)
        if self.age and not (found and int(found[1]) <= int(found[2] or found[1]) <= OLDEST):
            problems.append(Problem(f"ages {self.age!r}", "write first and last age from 0 to 17, such as 0-4", column="group.age"))
        if self.pattern and self.risk:
            problems.append(Problem("a group with a pattern and a risk", "give one of them", column="group.risk"))
        raise_all(problems)

    @classmethod
    def of(cls, given: Group | Mapping[str, str] | None) -> Group:
        """A group from what a user writes: a mapping of its parts, or nothing.

        Raises
        ------
        UnknownNameError
            For a part that groups do not have.
        """
        if isinstance(given, Group):
            return given
        parts = [f.name for f in fields(cls)]
        for name in given or {}:
            if name not in parts:
                raise unknown_name("part of a group", name, parts)
        return cls(**{name: str(value) for name, value in (given or {}).items()})

    def __bool__(self) -> bool:
        return any((self.area, self.age, self.pattern, self.risk))

    def __str__(self) -> str:
        named = [self.area, f"ages {self.age}" if self.age else "", (self.pattern or self.risk).replace("_", " ").replace("+", " and ")]
        return ", ".join(n for n in named if n) or "all children"

    @property
    def parts(self) -> tuple[str, ...]:
        """Dimensions that it is of, besides area: ``age``, ``pattern``."""
        return (*(("age",) if self.age else ()), *(("pattern",) if self.pattern or self.risk else ()))

    def ages(self) -> Array:
        """1 for each single year of age that is in it, shape (18,)."""
        if not self.age:
            return np.ones(OLDEST + 1)
        found = _AGES.match(self.age)
        assert found
        place = np.arange(OLDEST + 1)
        return ((place >= int(found[1])) & (place <= int(found[2] or found[1]))).astype(float)

    def classes(self) -> Array:
        """Share of the year for which those who reach each age, 0 to 18, in it are in the group, shape (19,).

        Who reaches age *a* in a year is *a - 1* for half of it, on average, and *a* for the other half.
        """
        single = self.ages()
        edge = np.concatenate([single[:1], single, single[-1:]])
        return np.asarray((edge[:-1] + edge[1:]) / 2)

    def patterns(self, names: Sequence[str]) -> Array:
        """1 for each pattern of risks that is in it, shape (pattern,).

        Raises
        ------
        UnknownNameError
        """
        if self.risk:
            risks = list(dict.fromkeys(r for n in names for r in risks_of(n)))
            if self.risk not in risks:
                raise unknown_name("risk of the set", self.risk, risks)
            return np.array([float(self.risk in risks_of(n)) for n in names])
        if self.pattern:
            wanted = set(risks_of(self.pattern))
            held = [set(risks_of(n)) == wanted for n in names]
            if not any(held):
                raise unknown_name("pattern of risks", self.pattern, names)
            return np.array(held, dtype=float)
        return np.ones(len(names))
