"""Writing a report: built once, rendered in the formats asked for, moved into place together."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jsna_model.errors import InputError, OutputError
from reports.compare_page import comparable, render_comparison
from reports.content import Report, build

if TYPE_CHECKING:
    import geopandas as gpd

    from jsna_model.result import Result

Progress = Callable[[str, int, int], None]
FILES = {"html": "report.html", "docx": "report.docx", "xlsx": "tables.xlsx", "compare": "compare.html"}


def write(
    result: Result,
    out: str | Path,
    formats: Sequence[str] = (),
    study: Any = None,
    boundaries: gpd.GeoDataFrame | None = None,
    internal: bool = False,
    progress: Progress | None = None,
) -> list[Path]:
    """Write the report of a result.

    Parameters
    ----------
    result : jsna_model.Result
    out : path
        Folder; made where it is missing.
    formats : sequence of {"html", "docx", "xlsx", "compare"}
        All by default; ``compare`` only where there is more than one scenario.
    study : jsna_model.Study, optional
        Until it names owner, approver and review date, every page says DRAFT.
    boundaries : geopandas.GeoDataFrame, optional
        Column ``area`` and polygons, for a choropleth in place of hexagons.
    internal : bool
        Show LSOAs; not for publication.
    progress : callable, optional
        Called with (what, done, of).

    Returns
    -------
    list of Path

    Raises
    ------
    InputError
        For a format that is not offered, and ``compare`` where there is nothing to compare.
    OutputError
        Where a file is open in another program; nothing is lost.
    """
    formats = formats or [f for f in FILES if f != "compare" or comparable(result)]
    if unknown := [f for f in formats if f not in FILES]:
        raise InputError(f"formats are {list(formats)}, and {', '.join(unknown)} is not offered; give some of {', '.join(FILES)}.")
    folder = Path(out)
    report = build(result, study, boundaries, internal)
    made: dict[str, bytes] = {}
    for i, form in enumerate(formats):
        if progress:
            progress(f"writing {FILES[form]}", i, len(formats))
        made[FILES[form]] = _compared(result, report) if form == "compare" else _render(report, form)
    return _place(folder, made)


def _render(report: Report, form: str) -> bytes:
    """One format as bytes."""
    if form == "html":
        from reports.page import render_page

        return render_page(report).encode("utf-8")
    if form == "docx":
        from reports.document import render_document

        return render_document(report)
    from reports.workbook import render_workbook

    return render_workbook(report)


def _compared(result: Result, report: Report) -> bytes:
    """The page in which scenarios are compared, a draft where the report is one."""
    return render_comparison(result, report.draft, report.status).encode("utf-8")


def _place(folder: Path, made: dict[str, bytes]) -> list[Path]:
    """Write every file under a temporary name, then rename all."""
    folder.mkdir(parents=True, exist_ok=True)
    parts = {name: folder / f".{name}.part" for name in made}
    try:
        for name, content in made.items():
            parts[name].write_bytes(content)
        for name, part in parts.items():
            try:
                part.replace(folder / name)
            except PermissionError:
                raise OutputError(f"{folder / name} is open in another program: close {name} or use --out with another folder.") from None
    finally:
        for part in parts.values():
            part.unlink(missing_ok=True)
    return [folder / name for name in made]
