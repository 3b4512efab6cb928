"""The council's own words: terms of the report and what to call them, from a TOML file that anyone can edit."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import replace
from functools import cache
from importlib.resources import files
from pathlib import Path

from jsna_model.errors import InputError, Problem, nearest, raise_all
from reports import words
from reports.drawing import Figure
from reports.report import Block, Bullets, Heading, Report
from reports.table import Table

#: Words that a report does not use: they run three different harms together, and hide who does what to whom.
REFUSED = ("toxic trio", "trio of vulnerabilities", "trigger trio")
#: Columns that quote or define, and keep their wording.
_KEPT = ("Source", "Construct", "Definition", "Address", "Meaning", "As quoted", "What is wrong or narrow about it", "Where it comes from")


@cache
def terms() -> tuple[str, ...]:
    """Terms that a vocabulary may rename."""
    text = files("reports").joinpath("templates", "vocabulary.toml").read_text(encoding="utf-8")
    return tuple(tomllib.loads(text)["terms"])


def load_vocabulary(path: str | Path) -> dict[str, str]:
    """Read a vocabulary.

    Parameters
    ----------
    path : path
        TOML with a table ``[terms]`` of ``"term" = "what to call it"``; terms as in ``reports/templates/vocabulary.toml``.

    Returns
    -------
    dict of str to str
        Only what is renamed.

    Raises
    ------
    InputError
        For a file that cannot be read, an unknown term, an empty name or a name that a report does not use; all problems at once.
    """
    path = Path(path)
    try:
        given = tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror}. Check the path of the vocabulary.") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InputError(f"{path} is not valid TOML: {error}. Text goes in double quotes.") from None
    table = given.get("terms")
    if not isinstance(table, dict):
        raise InputError(f'{path} has no table [terms]. Give one, with lines such as "children looked after" = "children in our care".')
    problems = []
    for term, name in table.items():
        if term not in terms():
            close = nearest(term, terms()) or terms()
            problems.append(Problem(f"unknown term {term!r}", f"give one of {', '.join(close)}", path.name))
        elif not isinstance(name, str) or not name.strip():
            problems.append(Problem(f"{term!r} has no name", "give words, or leave the line out", path.name))
        elif any(w in name.lower() for w in REFUSED):
            problems.append(Problem(f"{name!r} runs different harms together", "name each of them", path.name))
    raise_all(problems)
    return {t: n.strip() for t, n in table.items() if n.strip() != t}


def spoken(report: Report, vocabulary: Mapping[str, str]) -> Report:
    """The report in the council's words: sentences, titles, labels and figures; quotations, sources and definitions are left alone."""
    if not vocabulary:
        return report
    pattern = re.compile(
        r"\b(" + "|".join(r"\s+".join(map(re.escape, t.split())) for t in sorted(vocabulary, key=len, reverse=True)) + r")\b", re.I
    )

    def say(text: str) -> str:
        return pattern.sub(lambda m: _cased(m[0], vocabulary), text)

    done: dict[int, Table] = {}

    def table(t: Table) -> Table:
        return done.setdefault(id(t), _table(t, say))

    def block(b: Block) -> Block:
        if isinstance(b, Table):
            return table(b)
        if isinstance(b, Figure):
            return _figure(b, say)
        if isinstance(b, Bullets):
            return Bullets(tuple(say(i) for i in b.items))
        return Heading(say(b.text)) if isinstance(b, Heading) else say(b)

    sections = tuple(replace(s, title=say(s.title), blocks=tuple(block(b) for b in s.blocks)) for s in report.sections)
    return replace(
        report, title=say(report.title), subtitle=say(report.subtitle), sections=sections, tables=tuple(table(t) for t in report.tables)
    )


def _cased(found: str, vocabulary: Mapping[str, str]) -> str:
    """The council's words, with a capital where the report's had one."""
    name = vocabulary[" ".join(found.lower().split())]
    return words.upper_first(name) if found[:1].isupper() else name


def _table(table: Table, say: object) -> Table:
    assert callable(say)
    if table.kind == "reference":
        return replace(table, title=say(table.title))
    columns = tuple(replace(c, label=say(c.label)) for c in table.columns)
    rows = table.rows.copy()
    for c in table.columns:
        if c.kind == "text" and c.label not in _KEPT:
            rows[c.label] = [say(v) if isinstance(v, str) else v for v in rows[c.label]]
    rows.columns = [c.label for c in columns]
    return replace(
        table, title=say(table.title), columns=columns, rows=rows, notes=tuple(say(n) for n in table.notes),
        brief_title=say(table.brief_title), document_columns=tuple(say(c) for c in table.document_columns),
    )  # fmt: skip


def _figure(figure: Figure, say: object) -> Figure:
    from matplotlib.text import Text

    assert callable(say)
    for text in figure.drawing.findobj(Text):
        assert isinstance(text, Text)
        if text.get_text() != (said := say(text.get_text())):
            text.set_text(said)
    return replace(figure, title=say(figure.title), subtitle=say(figure.subtitle), alt=say(figure.alt))
