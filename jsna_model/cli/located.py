"""Where in study.toml a problem is that was only found once its files and areas were looked up."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from jsna_model.errors import JsnaError, Problem, raise_all
from jsna_model.toml_lines import key_lines, line_of


@contextmanager
def located(study: Path) -> Iterator[None]:
    """Name file and line of every problem that names a key of the study and no file.

    Parameters
    ----------
    study : Path
        ``study.toml``; problems of an Excel form keep the key, by which its row is found.
    """
    try:
        yield
    except JsnaError as error:
        if study.suffix.lower() != ".toml" or not any(p.column and not p.file for p in error.problems):
            raise
        lines = key_lines(study.read_text(encoding="utf-8-sig"))
        raise_all((_placed(p, study, lines) for p in error.problems), type(error))


def _placed(problem: Problem, study: Path, lines: dict[tuple[str | int, ...], int]) -> Problem:
    if problem.file or not problem.column:
        return problem
    table, _, name = problem.column.partition(".")
    # Parameters are keys with dots in quotes: one key, however many dots.
    path = (table, name) if table in ("reasons", "parameters") else tuple(problem.column.split("."))
    return replace(problem, file=str(study), row=line_of(lines, path))
