"""Where in study.toml, or in the form, a problem is that was only found once its files and areas were looked up."""

from __future__ import annotations

import tomllib
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
        if not any((p.column or p.key) and not p.file for p in error.problems):
            raise
        names, lines = _written(study)
        raise_all((_placed(p, study, names, lines) for p in error.problems), type(error))


def _written(study: Path) -> tuple[list[str], dict[tuple[str | int, ...], int | str]]:
    """Names of the study's own scenarios, in order, and where each key is written."""
    if study.suffix.lower() == ".toml":
        text = study.read_text(encoding="utf-8-sig")
        values, lines = tomllib.loads(text), dict[tuple[str | int, ...], int | str](key_lines(text))
    else:
        from data_sources.form import form_values

        values, lines = form_values(study)
    return [str(s.get("name", "")) for s in values.get("scenario", ())], lines


def _placed(problem: Problem, study: Path, names: list[str], lines: dict[tuple[str | int, ...], int | str]) -> Problem:
    if problem.file:
        return problem
    if problem.key:
        key = problem.key
        if key[0] == "scenario":  # by name: the study's own, or a ready one
            key = ("scenario", names.index(str(key[1])), *key[2:]) if key[1] in names else ("start",) if key[-1] == "start" else ("ready",)
        return replace(problem, file=str(study), row=line_of(lines, key), column=".".join(str(k) for k in key))
    if not problem.column:
        return problem
    table, _, name = problem.column.partition(".")
    # Parameters are keys with dots in quotes: one key, however many dots.
    path = (table, name) if table in ("reasons", "parameters") else tuple(problem.column.split("."))
    return replace(problem, file=str(study), row=line_of(lines, path))
