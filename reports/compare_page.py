"""compare.html: one offline file in which a commissioner chooses scenario, area and year, and reads what would change."""

from __future__ import annotations

import json
from base64 import b64encode
from functools import cache
from hashlib import sha256
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from jsna_model.errors import InputError
from reports.choice_tables import choice_tables
from reports.choices import choices
from reports.compare_charts import charts
from reports.demand_tables import other_scenarios
from reports.disclosure import RULES
from reports.likelihood import RULE
from reports.table import NUMERIC
from reports.view import View

if TYPE_CHECKING:
    from jinja2 import Environment

    from jsna_model.result import Result

HEADINGS = {
    "all_scenarios": "All scenarios beside one another",
    "money": "What it costs, and who pays",
    "best": "Which is best",
    "worth": "Which number is worth finding out",
    "movers": "What moves the answer",
    "uncertainty": "What makes the answer uncertain",
    "groups": "Differences by age and by risks",
    "change": "What the change is made of",
}
#: Characters that could end the script element or a line of JavaScript, written so that they cannot.
_ESCAPES = {"<": "\\u003c", ">": "\\u003e", "&": "\\u0026", "\u2028": "\\u2028", "\u2029": "\\u2029"}


def comparable(result: Result) -> bool:
    """Whether there is more than one scenario to choose among."""
    return "decision" in result.data.children and bool(other_scenarios(View.of(result)))


def render_comparison(result: Result, draft: bool = True, status: str = "", title: str = "") -> str:
    """The comparison as one HTML file.

    Parameters
    ----------
    result : jsna_model.Result
        From `jsna_model.compare`, with more than the comparator.
    draft : bool
        Whether every part says DRAFT.
    status : str
        Who stands behind it, or why it is a draft.
    title : str

    Returns
    -------
    str
        No network, no library: a policy in its head allows its own script only, by hash. Without JavaScript its tables hold all scenarios.

    Raises
    ------
    InputError
        Where there is nothing to compare.
    """
    if not comparable(result):
        raise InputError("there is only one scenario, and nothing to compare. Give scenarios, or leave the format compare out.")
    view = View.of(result)
    data = choices(view)
    agencies = view.group("decision/agencies")
    # The first year in which a scenario can have acted in full is not known here: the last that was tested says most.
    tested = [y["year"] for y in data["years"] if y["horizon"] == "checked"]
    script = _text("compare.js")
    digest = b64encode(sha256(script.encode()).digest()).decode()
    return (
        _environment()
        .get_template("compare.html.j2")
        .render(
            title=title or f"Comparing scenarios for children in {view.title_name}",
            draft=draft,
            status=status,
            data=data,
            first_year=tested[-1] if tested else data["years"][-1]["year"],
            tables=choice_tables(view),
            charts=charts(view),
            headings=HEADINGS,
            notes=[*(n for n in data["notes"] if n), RULE, *RULES[:3], RULES[5]],
            source=view.need_source,
            price_year=str(agencies.attrs.get("price_year")) if agencies is not None else "no",
            json=embedded(data),
            script=script,
            script_hash=f"sha256-{digest}",
            style=_text("report.css") + _text("compare.css"),
        )
    )


def embedded(data: Any) -> str:
    r"""JSON that can stand inside a script element.

    Examples
    --------
    >>> print(embedded({"title": "</script>"}))
    {"title":"\u003c/script\u003e"}
    """
    text = json.dumps(data, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    for character, written in _ESCAPES.items():
        text = text.replace(character, written)
    return text


@cache
def _environment() -> Environment:
    from jinja2 import Environment, FunctionLoader, StrictUndefined

    environment = Environment(
        loader=FunctionLoader(_text), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.globals.update(numeric=NUMERIC, zip=zip)
    return environment


def _text(name: str) -> str:
    return files("reports").joinpath("templates", name).read_text(encoding="utf-8")
