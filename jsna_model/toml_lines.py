"""Line numbers of keys in a TOML text: the standard parser does not keep them."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import TypeVar

T = TypeVar("T")

_HEADER = re.compile(r"^\s*(\[\[?)\s*([^\]]+?)\s*\]\]?")
_KEY = re.compile(r"""^\s*((?:"[^"]*"|'[^']*'|[\w-]+)(?:\s*\.\s*(?:"[^"]*"|'[^']*'|[\w-]+))*)\s*=""")
_PART = re.compile(r""""([^"]*)"|'([^']*)'|([\w-]+)""")


def key_lines(text: str) -> dict[tuple[str | int, ...], int]:
    r"""Where each table and key is written: path (``("scenario", 0, "change", 1, "value")``) to line, from 1.

    Inline tables and text over several lines are known by the line of their key.

    Examples
    --------
    >>> key_lines('a = 1\n[[b]]\nc.d = 2\n')
    {('a',): 1, ('b', 0): 2, ('b', 0, 'c', 'd'): 3}
    """
    out: dict[tuple[str | int, ...], int] = {}
    counts: dict[tuple[str | int, ...], int] = {}
    here: tuple[str | int, ...] = ()
    for number, line in enumerate(text.splitlines(), 1):
        if header := _HEADER.match(line):
            names = _names(header[2])
            here = ()
            for name in names[:-1]:
                here = (*here, name)
                if here in counts:
                    here = (*here, counts[here] - 1)
            here = (*here, names[-1])
            if header[1] == "[[":
                counts[here] = counts.get(here, 0) + 1
                here = (*here, counts[here] - 1)
            out.setdefault(here, number)
        elif key := _KEY.match(line):
            out.setdefault((*here, *_names(key[1])), number)
    return out


def line_of(lines: Mapping[tuple[str | int, ...], T], path: Sequence[str | int]) -> T | None:
    """Line of a key, or of the nearest table around it; None where neither is written."""
    at = tuple(path)
    while at and at not in lines:
        at = at[:-1]
    return lines.get(at) if at else None


def _names(dotted: str) -> list[str]:
    return [next(g for g in found if g) if any(found) else "" for found in _PART.findall(dotted)]
