"""Where in study.toml, or in the form, a problem is that was only found once its files and areas were looked up."""

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
        ``study.toml``, or an Excel form, of which the sheet and cell are named.
    """
    try:
        yield
    except JsnaError as error:
        if not any(p.column and not p.file for p in error.problems):
            raise
        lines: dict[tuple[str | int, ...], int | str]
        if study.suffix.lower() == ".toml":
            lines = dict(key_lines(study.read_text(encoding="utf-8-sig")))
        else:
            from data_sources.form import form_places

            lines = form_places(study)
        raise_all((_placed(p, study, lines) for p in error.problems), type(error))


def _placed(problem: Problem, study: Path, lines: dict[tuple[str | int, ...], int | str]) -> Problem:
    if problem.file or not problem.column:
        return problem
    table, _, name = problem.column.partition(".")
    # Parameters are keys with dots in quotes: one key, however many dots.
    path = (table, name) if table in ("reasons", "parameters") else tuple(problem.column.split("."))
    return replace(problem, file=str(study), row=line_of(lines, path))
