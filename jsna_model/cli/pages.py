"""``jsna profile`` and ``jsna partnership``: further documents of a run."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from jsna_model.errors import InputError

if TYPE_CHECKING:
    from reports.report import Report

Run = Annotated[Path, typer.Argument(help="Run folder.")]
File = Annotated[Path, typer.Option("--out", "-o", help="File to write, .html, .docx or .pdf; html and docx where it has no such ending.")]


def profile(
    run: Run,
    out: File,
    area: Annotated[str, typer.Option(help="Ward, locality, district or MSOA of the run: code or name.")],
) -> None:
    """A two-page profile of a ward, locality, district or MSOA."""
    from reports.profile import build

    result, study, text = _read(run)
    boundaries = None
    if study.boundaries:
        import data_sources as src

        boundaries = src.resolve(study).boundaries
    _write(build(result, area, study, text, boundaries), study, out)


def partnership(run: Run, out: File) -> None:
    """A partnership's annual report on early help; what was not supplied is blank, and said so."""
    from reports.partnership import build

    result, study, text = _read(run)
    _write(build(result, study, text), study, out)


def _read(run: Path) -> tuple[Any, Any, dict[str, str]]:
    import data_sources as src
    from jsna_model.result import Result
    from jsna_model.study import Study

    if not (run / "result.nc").is_file():
        raise InputError(f"{run} is not a run folder: it holds no result.nc. Give the folder of an earlier run.")
    study = Study.read(run / "study.toml")
    return Result.load(run / "result.nc"), study, src.load_text(study.text) if study.text else {}


def _write(report: Report, study: Any, out: Path) -> None:
    from reports.vocabulary import load_vocabulary, spoken
    from reports.writer import save

    forms = ("html", "docx", "pdf")
    ending = out.suffix.lower().lstrip(".")
    stem = out.name[: -len(ending) - 1] if ending in forms else out.name
    names = {form: f"{stem}.{form}" for form in forms}
    vocabulary = load_vocabulary(study.vocabulary) if study.vocabulary else {}
    asked = (ending,) if ending in forms else ("html", "docx")
    made = save(spoken(report, vocabulary), out.parent, asked, None, study.template or None, study.logo or None, names)
    typer.echo(f"Wrote {', '.join(str(p) for p in made)}.")
