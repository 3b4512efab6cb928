"""Writing a report: built once, rendered in the formats asked for, moved into place together."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jsna_model.errors import InputError, OutputError
from reports.compare_page import comparable, render_comparison
from reports.content import build
from reports.report import Report
from reports.template import free_name, open_template
from reports.vocabulary import load_vocabulary, spoken

if TYPE_CHECKING:
    import geopandas as gpd

    from jsna_model.result import Result

Progress = Callable[[str, int, int], None]
FILES = {"html": "report.html", "docx": "report.docx", "xlsx": "tables.xlsx", "compare": "compare.html", "pdf": "report.pdf", "csv": "csv"}
#: What is written where nothing is asked for: a PDF needs a browser, and csv files are many.
USUAL = ("html", "docx", "xlsx", "compare")


def write(
    result: Result,
    out: str | Path,
    formats: Sequence[str] = (),
    study: Any = None,
    boundaries: gpd.GeoDataFrame | None = None,
    internal: bool = False,
    progress: Progress | None = None,
    template: str | Path | None = None,
    logo: str | Path | None = None,
    vocabulary: Mapping[str, str] | None = None,
    text: Mapping[str, str] | None = None,
) -> list[Path]:
    """Write the report of a result.

    Parameters
    ----------
    result : jsna_model.Result
    out : path
        Folder; made where it is missing.
    formats : sequence of {"html", "docx", "xlsx", "compare", "pdf", "csv"}
        The first four by default; ``compare`` only where there is more than one scenario. ``pdf`` needs playwright and a browser
        (`reports.portable`); ``csv`` is a folder of that name, a file a table (`reports.tables_csv`).
    study : jsna_model.Study, optional
        Until it names owner, approver and review date, every page says DRAFT.
    boundaries : geopandas.GeoDataFrame, optional
        Column ``area`` and polygons, for a choropleth in place of hexagons.
    internal : bool
        Show LSOAs; not for publication.
    progress : callable, optional
        Called with (what, done, of).
    template, logo : path, optional
        A council's own Word template and logo; by default those that the study names.
    vocabulary : mapping of str to str, optional
        The council's words (`reports.vocabulary.load_vocabulary`); by default those of the file that the study names.
    text : mapping of str to str, optional
        Local text by slot (`data_sources.load_text`).

    Returns
    -------
    list of Path
        A document that was edited is never overwritten: the new one is ``report-new.docx`` beside it (`reports.template`).

    Raises
    ------
    InputError
        For a format that is not offered, ``pdf`` without a browser, ``compare`` where there is nothing to compare, or a template, logo or vocabulary that
        cannot be used.
    OutputError
        Where a file is open in another program or the folder cannot be written to; nothing is lost.
    """
    formats = formats or [f for f in USUAL if f != "compare" or comparable(result)]
    if unknown := [f for f in formats if f not in FILES]:
        raise InputError(f"formats are {list(formats)}, and {', '.join(unknown)} is not offered; give some of {', '.join(FILES)}.")
    folder = Path(out)
    template = template or getattr(study, "template", None) or None
    logo = logo or getattr(study, "logo", None) or None
    named = getattr(study, "vocabulary", None)
    if vocabulary is None and named:
        vocabulary = load_vocabulary(named)
    if template and "docx" in formats:
        open_template(template)  # refused before any work is done
    report = spoken(build(result, study, boundaries, internal, text), vocabulary or {})
    return save(report, folder, formats, progress, template, logo, result=result)


def save(
    report: Report,
    folder: Path,
    formats: Sequence[str],
    progress: Progress | None = None,
    template: str | Path | None = None,
    logo: str | Path | None = None,
    names: Mapping[str, str] = FILES,
    result: Result | None = None,
) -> list[Path]:
    """Render a report in some formats and write the files together, named as `names` has it; see `write`."""
    made: dict[str, bytes] = {}
    for i, form in enumerate(formats):
        if progress:
            progress(f"writing {names[form]}", i, len(formats))
        name = free_name(folder, names[form]) if form == "docx" else names[form]
        if form == "csv":
            from reports.tables_csv import render_csv

            made |= {f"{name}/{file}": content for file, content in render_csv(report).items()}
        else:
            made[name] = _compared(result, report) if form == "compare" and result is not None else _render(report, form, template, logo)
    return _place(folder, made)


def _render(report: Report, form: str, template: str | Path | None, logo: str | Path | None) -> bytes:
    """One format as bytes."""
    if form == "html":
        from reports.page import render_page

        return render_page(report, logo).encode("utf-8")
    if form == "pdf":
        from reports.page import render_page
        from reports.portable import render_pdf

        return render_pdf(render_page(report, logo))
    if form == "docx":
        from reports.document import render_document

        return render_document(report, template, logo)
    from reports.workbook import render_workbook

    return render_workbook(report)


def _compared(result: Result, report: Report) -> bytes:
    """The page in which scenarios are compared, a draft where the report is one."""
    return render_comparison(result, report.draft, report.status).encode("utf-8")


def _place(folder: Path, made: dict[str, bytes]) -> list[Path]:
    """Write every file under a temporary name, then rename all."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"cannot make {folder}: {error.strerror}. Use --out with a folder you may write to.") from None
    parts = {name: (folder / name).with_name(f".{Path(name).name}.part") for name in made}
    try:
        for name, content in made.items():
            parts[name].parent.mkdir(exist_ok=True)
            parts[name].write_bytes(content)
        for name, part in parts.items():
            try:
                part.replace(folder / name)
            except PermissionError:
                raise OutputError(f"{folder / name} is open in another program: close {name} or use --out with another folder.") from None
    except OSError as error:
        raise OutputError(f"cannot write to {folder}: {error.strerror}. Use --out with a folder you may write to.") from None
    finally:
        for part in parts.values():
            part.unlink(missing_ok=True)
    return list(dict.fromkeys(folder / Path(name).parts[0] for name in made))
