"""Errors that say what was found, why it matters and what to do, all problems at once."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any


@dataclass(frozen=True)
class Problem:
    """One thing wrong with an input.

    Parameters
    ----------
    found : str
        What was found, with the offending value.
    fix : str
        What the user can do about it.
    file, column : str, optional
        Where it was found.
    row : int or str, optional
        Line of the file (the header is line 1) or the code of the row.
    key : tuple of str and int
        Path of keys of the study, scenarios by name (``("scenario", "hubs", "change", 0, "value")``): the CLI makes line and cell of it.
    """

    found: str
    fix: str
    file: str | None = None
    row: int | str | None = None
    column: str | None = None
    key: tuple[str | int, ...] = ()

    def __str__(self) -> str:
        where = [self.file] if self.file else []
        if self.row is not None:
            where.append(f"row {self.row}")
        if self.column:
            where.append(f"column {self.column}")
        place = ", ".join(where)
        return f"{place}: {self.found}. {self.fix}." if place else f"{self.found}. {self.fix}."


class JsnaError(Exception):
    """Base of every error that the package raises on purpose; the CLI exits with `exit_code`."""

    exit_code = 2

    def __init__(self, message: str, problems: Sequence[Problem] = ()) -> None:
        super().__init__(message)
        self.problems = tuple(problems)


class InputError(JsnaError):
    """A file, argument or noun whose content cannot be used."""


class UnknownNameError(JsnaError):
    """A name that is not known; the message gives the nearest known ones."""


class LabelError(JsnaError):
    """Labels (areas, ages, draws) that do not match where they must (law 2)."""


class ConstructError(JsnaError):
    """Estimates whose constructs or denominators differ were about to be combined (law 4)."""


class MeasureError(JsnaError):
    """A measure that was asked for does not exist, or does not add up over what it was asked for (law 7)."""


class OutputError(JsnaError):
    """An output that cannot be written; nothing was written."""


def raise_all(problems: Iterable[Problem], kind: type[JsnaError] = InputError) -> None:
    """Raise one error that lists every problem; do nothing where there is none.

    Parameters
    ----------
    problems : iterable of Problem
    kind : subclass of JsnaError

    Raises
    ------
    JsnaError
        Of the given kind, where there is at least one problem.
    """
    found = tuple(problems)
    if not found:
        return
    if len(found) == 1:
        raise kind(str(found[0]), found)
    lines = "\n".join(f"  {i}. {p}" for i, p in enumerate(found, 1))
    raise kind(f"{len(found)} problems:\n{lines}", found)


def gathered(*calls: Callable[[], Any]) -> list[Any]:
    """What each call returns; where some fail, the problems of all of them in one error.

    Raises
    ------
    JsnaError
        The error itself where one call fails; an InputError of all the problems where several do.
    """
    out: list[Any] = []
    errors: list[JsnaError] = []
    for call in calls:
        try:
            out.append(call())
        except JsnaError as error:
            errors.append(error)
    if len(errors) == 1:
        raise errors[0]
    # What several calls found alike is told once.
    raise_all(dict.fromkeys(p for e in errors for p in (e.problems or (Problem(*_split(str(e))),))))
    return out


def _split(message: str) -> tuple[str, str]:
    """A message of one sentence or more as what was found and what to do."""
    found, _, fix = message.partition(". ")
    return found.rstrip("."), fix.rstrip(".?") or "put it right"


def nearest(name: str, known: Iterable[str], n: int = 4) -> list[str]:
    """The known names nearest to `name`, ignoring case; containing ones first.

    Examples
    --------
    >>> nearest("Milton Kenes", ["Milton Keynes", "Kent"])
    ['Milton Keynes']
    """
    known = list(known)
    lower: dict[str, str] = {}
    for k in known:
        lower.setdefault(k.lower(), k)
    inside = [k for k in known if name.lower() in k.lower()] if len(name) > 2 else []
    close = [lower[m] for m in get_close_matches(name.lower(), lower, n=n, cutoff=0.6)]
    return list(dict.fromkeys(inside + close))[:n]


def unknown_name(what: str, name: str, known: Iterable[str], see: str = "", key: tuple[str | int, ...] = ()) -> UnknownNameError:
    """Build the error for an unknown name, with the nearest known ones.

    Parameters
    ----------
    what : str
        Kind of thing, e.g. ``"area"``.
    name : str
        What was asked for.
    known : iterable of str
    see : str
        Where the full list is, e.g. ``"jsna areas"``.
    key : tuple of str and int
        Where it was asked for, as in `Problem`.
    """
    close = nearest(name, known)
    hint = f" Did you mean {' or '.join(repr(c) for c in close)}?" if close else ""
    more = f" {see} lists all." if see else ""
    message = f"No {what} is called {name!r}.{hint}{more}"
    return UnknownNameError(message, [Problem(*_split(message), key=key)])
