"""The web page: one file, no network, accessible markup."""

from __future__ import annotations

from base64 import b64encode
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

from reports.drawing import Figure, svg
from reports.report import Bullets, Heading, Report
from reports.table import NUMERIC, SHORTHAND_LINE, Table
from reports.template import read_logo

if TYPE_CHECKING:
    from jinja2 import Environment


def render_page(report: Report, logo: str | Path | None = None) -> str:
    """The report as one HTML file.

    Parameters
    ----------
    report : Report
    logo : path, optional
        PNG or JPEG, above the title; it becomes part of the file.

    Returns
    -------
    str
        en-GB, with skip link, landmarks, captions, header scopes, inline SVG with text alternatives, and the table behind each figure.
    """
    template = _environment().get_template("report.html.j2")
    found = read_logo(logo)
    picture = f"data:{found[1]};base64,{b64encode(found[0]).decode()}" if found else ""
    return template.render(report=report, style=_text("report.css"), logo=picture, shorthand=SHORTHAND_LINE)


#: Rows of a table behind a figure beyond which print has it in the workbook only.
PRINTED = 40


@cache
def _environment() -> Environment:
    from jinja2 import Environment, FunctionLoader, StrictUndefined

    environment = Environment(
        loader=FunctionLoader(_text), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.globals.update(svg=svg, numeric=NUMERIC, zip=zip, longest=PRINTED)
    environment.tests.update(
        heading=lambda b: isinstance(b, Heading),
        figure=lambda b: isinstance(b, Figure),
        table=lambda b: isinstance(b, Table),
        bullets=lambda b: isinstance(b, Bullets),
    )
    environment.filters["shown"] = _shown
    return environment


def _shown(table: Any) -> Table:
    found: Table = table.shown
    return found


def _text(name: str) -> str:
    return files("reports").joinpath("templates", name).read_text(encoding="utf-8")
