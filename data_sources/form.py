"""The study as an Excel form, for those who edit no TOML: written with its choices, read back and checked like the study file."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

from data_sources.effects import effect_levels
from jsna_model.errors import InputError, Problem, raise_all
from jsna_model.pathway import AGENCIES, DERIVED, FLOWS, STOCKS
from jsna_model.placements import PLACEMENTS
from jsna_model.study import PATHS, Study

if TYPE_CHECKING:
    from jsna_model.pathway import Pathway

COSTED = {"early_help": "early help", "social_work": "social work", "looked_after": "children looked after"}
#: Sheet "Study": key, label and help of each row; keys with a dot lie in that table.
FIELDS: dict[str, tuple[str, str]] = {
    "area": ("Area", "Authority, or district (its county is run): name or code."),
    "title": ("Title of the report", "Leave empty for the usual one."),
    "set": ("Risks that are combined", "higher_harm (abuse last year, severe symptoms, dependency) or wider_exposure."),
    "draws": ("Number of draws", "1000 is usual."),
    "seed": ("Seed", "The same seed gives the same numbers."),
    "years": ("Years projected after 2024-25", "1 to 18."),
    "layout": ("Layout of the pathway", "early_help_and_cin or family_help: early help as a service of its own."),
    "family_help_from": ("Family Help from", "YYYY-MM, with layout family_help only."),
    "process_noise": ("Whole children, drawn at random", "yes or no; with a layout only."),
    "projection_variant": ("Variant of the projection of children", "principal; a variant of your own file; or cohort, without a file."),
    "ready": ("Ready scenarios", "Names with commas: early_help_reach, follow_up; jsna scenarios list has all."),
    "start": ("First month of the ready scenarios", "YYYY-MM."),
    "early_help.families_per_year": ("Families given early help in a year", "Without it, effects are per 100 families."),
    "early_help.unit_cost": ("Cost of early help per family", "Pounds, 2024-25 prices."),
    "early_help.price_year": ("Year of the prices of that cost", "Such as 2024-25."),
    "early_help.children_per_family": ("Children per family helped", "Without it, 1.74 (ONS, UK 2025)."),
    "effects": ("Effects of early help", "sceptical (usual), as_published or optimistic; the report says which."),
    "decision.comparator": ("Scenario that others are compared with", "baseline is usual."),
    "decision.discount": ("Discounting", "Empty for none; green_book_2026, or a rate a year such as 0.035."),
    "decision.discount_base": ("Year that is not discounted", "Such as 2025-26; empty for the first."),
    "decision.price_year": ("Year to put prices in", "Empty for that of the costs; another needs the file of deflators."),
    "decision.effect": ("What is gained", "A service, of which fewer is better, such as looked_after_at_31_march; or families_helped."),
    "decision.thresholds": ("What one unit of it is worth", "Pounds, with semicolons: 10000; 50000. None is assumed."),
    "decision.information": ("What is worth finding out", "yes or no; needs what is gained and what it is worth."),
    "decision.sources": ("What makes it uncertain", "yes or no; needs what is gained."),
    "decision.waterfall": ("Split the change into its factors", "yes or no."),
    **{f"decision.optimism_bias.{s}": (f"Optimism bias: {label}", "0.2 for 20% more; none assumed.") for s, label in COSTED.items()},
    **{f"decision.cashable.{s}": (f"Cashable share: {label}", "Of average cost, 0 to 1; none assumed.") for s, label in COSTED.items()},
    **{f"decision.fixed.{s}": (f"Fixed share: {label}", "Stays as it is, 0 to 1; none assumed.") for s, label in COSTED.items()},
    **{
        f"decision.cost_uncertainty.{s}": (f"Uncertainty of cost: {label}", "Standard deviation, 0.2 for 20%; none assumed.")
        for s, label in COSTED.items()
    },
    **{
        f"unit_costs.{s}.{key}": (f"{COSTED[s]}: {what}", help_)
        for s in ("social_work", "looked_after")
        for key, what, help_ in (
            ("amount", "own unit cost", "Pounds a week; empty for the published average."),
            ("price_year", "year of its prices", "Such as 2024-25."),
            ("source", "where it is from", "Budget, ledger or report."),
            ("agency", "who pays", "local authority where empty."),
        )
    },
    "benefit.share": ("Share who would benefit from help", "From 0 to 1; unmet need is shown only with it and its reason."),
    "benefit.reason": ("Reason for that share", "Board paper, audit or evidence."),
    "placements.source": ("Placements: where the shares are from", "SSDA903 return, or DfE's LAIT; with date and shares that add up to 1."),
    "placements.date": ("Placements: what they refer to", "YYYY-MM-DD."),
    "placements.published": ("Placements: published shares", "yes or no; small numbers of unpublished ones are suppressed."),
    **{f"placements.{name}": (f"Share: {label}", "0.68 for 68%; held constant.") for name, label in PLACEMENTS.items()},
    "publication.owner": ("Owner", "Every page says DRAFT until owner, approver and review date are named."),
    "publication.approver": ("Approver", ""),
    "publication.review_date": ("Review date", "YYYY-MM-DD."),
    "publication.board_date": ("Date of the board", "YYYY-MM-DD."),
    "publication.classification": ("Classification", "As your council marks documents."),
    "publication.accepted": ("Draft points accepted", "P1:3f9a2c1b ... as the draft gives them, with commas; others are left out."),
    **{key: (f"File: {key.replace('_', ' ')}", "Path from the folder of this form; leave empty for none.") for key in PATHS},
}  # fmt: skip
CHANGES = ("name", "title", "reason", "parameter", "op", "value", "start", "full_by")
#: Columns of the group that a change is for.
GROUP = ("area", "age", "pattern", "risk")
_WHOLE = ("draws", "seed", "years")
_LAYOUTS = tuple(filter(None, get_args(Study.model_fields["layout"].annotation)))
#: Columns of sheet "Costs": further unit costs, a row each.
COSTS = ("name", "amount", "price_year", "source", "agency", "of", "times", "cashable", "fixed", "cost_uncertainty")
_YES_OR_NO = ("decision.information", "decision.sources", "decision.waterfall", "process_noise", "placements.published")
_SHEETS = ("Study", "Scenarios", "Parameters")
_ABOUT_COSTS = (
    "A unit cost of anything that is counted: `of` names the count, or the name itself does.",
    "Of a stock it is pounds a week; with `times`, pounds each, so often for each child-year.",
    "Of a flow it is pounds each. Flows are those of the report, such as looked_after_started.",
    "Of a placement with a share (childrens_home, foster_care ...) it is pounds a week of that share of looked-after children.",
    "Of a scenario, by its name, it is pounds a year. One that has none, and helps no more families, is not among the choices.",
)
_AGE = (*CHANGES, *GROUP).index("age")
_ROWS = 60  # of the form that take choices


def write_form(path: str | Path, area: str, pathway: Pathway) -> Path:
    """Write an empty form for an area.

    Parameters
    ----------
    path : path
        ``.xlsx``; what is there is not overwritten.
    area : str
        Name of the area.
    pathway : Pathway
        Its parameters are the choices of the sheets "Scenarios" and "Parameters".

    Raises
    ------
    InputError
        Where the file is there already.
    """
    import xlsxwriter

    target = Path(path)
    if target.exists():
        raise InputError(f"{target} is there already. Choose another name; nothing was overwritten.")
    defaults: dict[str, Any] = {"area": area, "set": "higher_harm", "draws": 1000, "seed": 2026, "years": 11}
    defaults |= {"ready": "early_help_reach, follow_up", "start": "2026-04", "effects": "sceptical", "decision.comparator": "baseline"}
    choices = {"set": ("higher_harm", "wider_exposure"), "effects": tuple(effect_levels()), "layout": _LAYOUTS} | dict.fromkeys(
        _YES_OR_NO, ("yes", "no")
    )
    with xlsxwriter.Workbook(target) as book:
        book.set_properties({"title": f"Study of {area}: form", "comments": "Fill in column C, then: jsna run FORM.xlsx"})
        head, to_fill = book.add_format({"bold": True, "text_wrap": True}), book.add_format({"bg_color": "#FFF7D6", "border": 1})
        wrapped = book.add_format({"text_wrap": True, "valign": "top"})
        study = book.add_worksheet("Study")
        study.set_column(0, 0, 32)
        study.set_column(1, 1, 42)
        study.set_column(2, 2, 36)
        study.set_column(3, 3, 70)
        study.write_row(0, 0, ("Key (leave as it is)", "What", "Your value", "Help"), head)
        for row, (key, (label, help_)) in enumerate(FIELDS.items(), 1):
            study.write_string(row, 0, key)
            study.write_string(row, 1, label, wrapped)
            study.write(row, 2, defaults.get(key, ""), to_fill)
            study.write_string(row, 3, help_, wrapped)
        for key, names_ in choices.items():
            row = list(FIELDS).index(key) + 1
            study.data_validation(row, 2, row, 2, _choice(*names_))
        scenarios = book.add_worksheet("Scenarios")
        columns = (*CHANGES, *GROUP)
        as_text = book.add_format({"bg_color": "#FFF7D6", "border": 1, "num_format": "@"})  # or Excel makes a date of 5-9
        scenarios.set_column(0, len(columns) - 1, 22)
        scenarios.write_row(0, 0, columns, head)
        names = sorted(pathway.parameters)
        parameters = book.add_worksheet("Parameters")
        parameters.set_column(0, 0, 36)
        parameters.set_column(1, 1, 14)
        parameters.set_column(2, 6, 24)
        parameters.write_row(0, 0, ("parameter", "value", "now", "least", "most", "unit and source", "reason (asked for by effects)"), head)
        for row, name in enumerate(names, 1):
            p = pathway.parameters[name]
            parameters.write_string(row, 0, name)
            parameters.write_blank(row, 1, None, to_fill)
            parameters.write_row(row, 2, (p.value, p.low, p.high))
            parameters.write_string(row, 5, f"{p.unit}; {p.source}", wrapped)
            parameters.write_blank(row, 6, None, to_fill)
        costs = book.add_worksheet("Costs")
        costs.set_column(0, len(COSTS) - 1, 22)
        costs.write_row(0, 0, COSTS, head)
        for row in range(1, 13):
            for column in range(len(COSTS)):
                costs.write_blank(row, column, None, to_fill)
        for heading, known in (("agency", AGENCIES), ("of", (*DERIVED, "families_helped", *STOCKS, *FLOWS[:6]))):
            at = COSTS.index(heading)
            costs.data_validation(1, at, _ROWS, at, _choice(*known) | {"error_type": "warning"})
        for line, text in enumerate(_ABOUT_COSTS, 14):
            costs.write_string(line, len(COSTS) + 1, text)
        source = {"validate": "list", "source": f"=Parameters!$A$2:$A${len(names) + 1}"}
        scenarios.data_validation(1, 3, _ROWS, 3, source)
        scenarios.data_validation(1, 4, _ROWS, 4, _choice("scale", "set", "add"))
        for row in range(1, 13):
            for column, name in enumerate(columns):
                scenarios.write_blank(row, column, None, as_text if name in GROUP else to_fill)
    return target


def read_form(path: str | Path) -> Study:
    """Read a filled form; files named in it are taken from the folder where it lies.

    A scenario is as many rows of "Scenarios" as it has changes, with one name; its title and reason stand in the first of them.

    Parameters
    ----------
    path : path

    Returns
    -------
    Study

    Raises
    ------
    InputError
        Every problem at once, with sheet and cell.
    """
    path = Path(path)
    values, places = form_values(path)
    for key in PATHS:
        if values.get(key):
            values[key] = str(path.parent / str(values[key]))
    return Study.of(values, str(path), places)


def form_values(path: str | Path) -> tuple[dict[str, Any], dict[tuple[str | int, ...], int | str]]:
    """What a form says, as study.toml has it, and sheet and cell of every key, as a path of keys: where it is to be put right."""
    path = Path(path)
    from zipfile import BadZipFile

    from openpyxl import load_workbook
    from openpyxl.utils.exceptions import InvalidFileException

    try:
        book = load_workbook(path, read_only=True, data_only=True)
    except (OSError, BadZipFile, InvalidFileException, KeyError, ValueError) as error:
        raise InputError(f"{path} cannot be read as an Excel form ({error}). Make one with: jsna form FORM.xlsx --area NAME") from error
    try:
        absent = [s for s in _SHEETS if s not in book.sheetnames]
        raise_all(Problem(f"no sheet {s!r}", "fill in the form as jsna form made it", path.name) for s in absent)
        # Forms of before there was a sheet of costs have none.
        sheets = {s: [tuple(row) for row in book[s].iter_rows(values_only=True)] for s in (*_SHEETS, "Costs") if s in book.sheetnames}
    finally:
        book.close()
    values: dict[str, Any] = {}
    places: dict[tuple[str | int, ...], int | str] = {}
    problems = list(_study(sheets["Study"], values, places, path.name))
    problems += _parameters(sheets["Parameters"], values, places, path.name)
    problems += _scenarios(sheets["Scenarios"], values, places, path.name)
    problems += _costs(sheets.get("Costs", []), values, places, path.name)
    raise_all(problems)
    return values, places


def _choice(*names: str) -> dict[str, Any]:
    return {"validate": "list", "source": list(names)}


def _study(
    rows: list[tuple[Any, ...]], values: dict[str, Any], places: dict[tuple[str | int, ...], int | str], file: str
) -> Iterator[Problem]:
    for number, row in enumerate(rows[1:], 2):
        key, value = str(row[0] or "").strip(), _cell(row[2] if len(row) > 2 else None)
        if key in FIELDS:
            places[tuple(key.split("."))] = f"Study!C{number}"  # of an empty cell too: what is missing is to be written there
        if not key or value is None:
            continue
        if key not in FIELDS:
            yield Problem(f"unknown key {key!r}", "leave column A as jsna form made it", file, f"Study!A{number}")
            continue
        *tables, name = key.split(".")
        if key in ("ready", "publication.accepted"):
            value = [part.strip() for part in str(value).split(",") if part.strip()]
        elif key in _WHOLE and ((isinstance(value, float) and value.is_integer()) or (isinstance(value, str) and value.isdecimal())):
            value = int(value)  # Excel holds whole numbers as others, or as text, as numbers elsewhere are read too
        elif key in _YES_OR_NO:
            value = {"yes": True, "no": False}.get(str(value).lower(), value)
        elif key == "decision.thresholds":
            value = [part.strip().replace(",", "") for part in str(value).split(";") if part.strip()]
        elif key == "decision.discount" and isinstance(value, str):
            value = _number(value)
        into = values
        for table in tables:
            into = into.setdefault(table, {})
        into[name] = value


def _parameters(
    rows: list[tuple[Any, ...]], values: dict[str, Any], places: dict[tuple[str | int, ...], int | str], file: str
) -> Iterator[Problem]:
    for number, row in enumerate(rows[1:], 2):
        name, value = str(row[0] or "").strip(), _cell(row[1] if len(row) > 1 else None)
        if value is None:
            continue
        if not name:
            yield Problem("a value without a parameter", "name it in column A", file, f"Parameters!A{number}")
            continue
        values.setdefault("parameters", {})[name] = value
        if reason := _cell(row[6] if len(row) > 6 else None):
            values.setdefault("reasons", {})[name] = str(reason)
        places["parameters", name] = f"Parameters!B{number}"
        places["reasons", name] = f"Parameters!G{number}"


def _costs(
    rows: list[tuple[Any, ...]], values: dict[str, Any], places: dict[tuple[str | int, ...], int | str], file: str
) -> Iterator[Problem]:
    for number, row in enumerate(rows[1:], 2):
        cells = {name: _cell(value) for name, value in zip(COSTS, row, strict=False)}
        if all(v is None for n, v in cells.items() if n != "name"):
            continue
        name = str(cells["name"] or "")
        if not name:
            yield Problem("a unit cost without a name", "name it, such as section_47_enquiries", file, f"Costs!A{number}")
            continue
        if name in values.get("unit_costs", {}):
            yield Problem(f"two unit costs are called {name!r}", "give each once", file, f"Costs!A{number}")
            continue
        entry = values.setdefault("unit_costs", {}).setdefault(name, {})
        places["unit_costs", name] = f"Costs!A{number}"
        for i, column in enumerate(COSTS[1:], 1):
            at = f"Costs!{chr(ord('A') + i)}{number}"
            if column in COSTS[7:]:
                if cells.get(column) is not None:
                    values.setdefault("decision", {}).setdefault(column, {})[name] = cells[column]
                    places["decision", column, name] = at
            else:
                places["unit_costs", name, column] = at
                if cells.get(column) is not None:
                    entry[column] = cells[column]


def _scenarios(
    rows: list[tuple[Any, ...]], values: dict[str, Any], places: dict[tuple[str | int, ...], int | str], file: str
) -> Iterator[Problem]:
    columns = (*CHANGES, *GROUP)
    head = [str(c or "").strip() for c in rows[0][: len(columns)]] if rows else []
    if tuple(h for h in head if h) not in (CHANGES, columns):  # forms of before groups have no columns of theirs
        yield Problem(f"the columns are {', '.join(head) or 'empty'}", f"keep them: {', '.join(columns)}", file, "Scenarios!A1")
        return
    found: dict[str, dict[str, Any]] = {}
    for number, row in enumerate(rows[1:], 2):
        if len(row) > _AGE and isinstance(row[_AGE], datetime | date):
            made = f"Excel made a date of the ages: {row[_AGE]:%d %B}"
            yield Problem(made, "format the cell as text, and write them again", file, f"Scenarios!J{number}")
            continue
        cells = {name: _cell(value) for name, value in zip(columns, row, strict=False)}
        if all(v is None for v in cells.values()):
            continue
        name = str(cells["name"] or "")
        if not name:
            yield Problem("a change without the name of its scenario", "name it in every row", file, f"Scenarios!A{number}")
            continue
        entry = found.setdefault(name, {"name": name, "change": []})
        at = ("scenario", list(found).index(name))
        places.setdefault(at, f"Scenarios!A{number}")
        for column in ("title", "reason"):
            if cells[column] is not None:
                if str(entry.get(column, cells[column])) != str(cells[column]):
                    what = f"another {column} for scenario {name!r}"
                    yield Problem(what, "give it once, or the same", file, f"Scenarios!{'BC'[column == 'reason']}{number}")
                entry[column] = str(cells[column])
                places.setdefault((*at, column), f"Scenarios!{'BC'[column == 'reason']}{number}")
        change = len(entry["change"])
        entry["change"].append({c: cells[c] for c in CHANGES[3:] if cells[c] is not None})
        if group := {c: _age(cells[c]) for c in GROUP if cells.get(c) is not None}:
            entry["change"][change]["group"] = group
        places[(*at, "change", change)] = f"Scenarios!D{number}"
        places |= {(*at, "change", change, c): f"Scenarios!{chr(ord('A') + i)}{number}" for i, c in enumerate(CHANGES) if i >= 3}
        places |= {
            (*at, "change", change, "group", c): f"Scenarios!{chr(ord('A') + len(CHANGES) + i)}{number}" for i, c in enumerate(GROUP)
        }
        places[(*at, "change", change, "group")] = f"Scenarios!{chr(ord('A') + len(CHANGES))}{number}"
    if found:
        values["scenario"] = list(found.values())


def _age(value: Any) -> str:
    """One age that Excel holds as a number, as text; other text as it is."""
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)


def _number(text: str) -> str | float:
    try:
        return float(text)
    except ValueError:
        return text


def _cell(value: Any) -> Any:
    """A cell as study.toml has it: text without blanks, months and days that Excel made into dates, nothing where it is empty."""
    if isinstance(value, datetime | date):
        text = value.isoformat()[:10]
        return text[:7] if text.endswith("-01") else text
    if isinstance(value, str):
        return value.strip() or None
    return value


def read_study(path: str | Path) -> Study:
    """A study from ``study.toml`` or from an Excel form, by the name's ending."""
    return read_form(path) if Path(path).suffix.lower() in (".xlsx", ".xlsm") else Study.read(path)
