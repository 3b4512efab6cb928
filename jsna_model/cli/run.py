"""Running a study into a run folder: everything is made under a temporary name, then moved in; nothing is lost or half written."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import mkdtemp
from typing import TYPE_CHECKING, Any

import typer

from jsna_model.errors import InputError, OutputError, gathered, unknown_name

if TYPE_CHECKING:
    from jsna_model.pathway import Pathway
    from jsna_model.result import Result
    from jsna_model.scenario import Scenario
    from jsna_model.study import Study

RUN_FILES = (
    "report.html",
    "report.docx",
    "tables.xlsx",
    "compare.html",
    "report.pdf",
    "csv",
    "result.nc",
    "manifest.json",
    "study.toml",
)


def run_study(study: Study, out: Path, formats: tuple[str, ...], quiet: bool) -> None:
    """The whole line for a study: resolve, estimate, project, compare, report."""
    check_folder(out)
    rooms = _rooms()
    with _Progress(quiet) as progress:
        progress("reading figures", 0, 4)
        check = scenario_check(study)
        nouns, text = gathered(lambda: rooms["src"].resolve(study, check), lambda: rooms["src"].load_text(study.text) if study.text else {})
        import jsna_model as jm
        from jsna_model.conversions import share_today

        now = jm.estimate(
            nouns.population, nouns.evidence, nouns.overlap, draws=study.draws, seed=study.seed, local=nouns.direct, progress=progress
        )
        supplementary = [e.record() | {"today": share_today(e)} for e in nouns.supplementary]
        now = now.with_provenance(area_name=nouns.area_name, sources=nouns.sources, quoted=nouns.quoted, supplementary=supplementary)
        now = now.with_provenance(**rooms["src"].chapter_material(study.area, study.figures or None))
        now = now.with_provenance(known=[c.record() for c in nouns.local], benefit=study.benefit.model_dump())
        # With a layout the second run is as long as the first, so that it is left out where nothing is decided on it.
        average = not nouns.pathway.layout or bool(nouns.comparison.get("effect"))
        future = jm.project(
            now,
            nouns.projection,
            nouns.pathway,
            nouns.scenarios,
            years=study.years,
            process_noise=study.process_noise,
            average_noise=average,
            progress=progress,
        )
        choice = jm.compare(future, **nouns.comparison)
        with assembled(out) as folder:
            progress("writing the report", 3, 4)
            rooms["reports"].write(
                choice,
                folder,
                formats=formats,
                study=study,
                boundaries=nouns.boundaries,
                internal=study.publication.internal,
                progress=progress,
                text=text,
            )
            _keep(choice, study, folder, out)
            kept = _beside_edited(folder, out)
    if not quiet:
        typer.echo(f"Wrote {out}: {', '.join(sorted(p.name for p in out.iterdir() if p.name in RUN_FILES))}{kept}")


def scenario_check(study: Study) -> Callable[[Pathway, Sequence[Scenario], Sequence[str]], None]:
    """What `data_sources.resolve` checks scenarios with, before anything is run: parameters, ranges of their draws, months and groups."""
    from jsna_model.verbs.group_changes import check_scenarios

    return lambda pathway, scenarios, risks: check_scenarios(pathway, scenarios, study.years, risks, study.seed, study.draws)


def rewrite(run: Path, out: Path, formats: tuple[str, ...], internal: bool, quiet: bool, own: Mapping[str, str] | None = None) -> None:
    """Write the report of an existing run again; `own` names the council's text, template, logo or vocabulary in place of the study's."""
    from jsna_model.result import Result
    from jsna_model.study import Study

    if not (run / "result.nc").is_file():
        raise InputError(f"{run} is not a run folder: it holds no result.nc. Give the folder of an earlier run.")
    check_folder(out)
    result, study = Result.load(run / "result.nc"), Study.read(run / "study.toml").model_copy(update=dict(own or {}))
    rooms = _rooms()
    boundaries = rooms["src"].resolve(study).boundaries if study.boundaries else None
    text = rooms["src"].load_text(study.text) if study.text else {}
    same = out.resolve() == run.resolve()
    with _Progress(quiet) as progress, assembled(out, whole=not same) as folder:
        written = rooms["reports"].write(
            result,
            folder,
            formats=formats,
            study=study,
            boundaries=boundaries,
            internal=internal or study.publication.internal,
            progress=progress,
            text=text,
        )
        if not same:
            _keep(result, study, folder, out)
        kept = _beside_edited(folder, out)
    if not quiet:
        typer.echo(f"Wrote {out}: {', '.join(p.name for p in written)}{kept}")


def write_estimate(
    study: Study, level: str, out: Path, quiet: bool, bands: Sequence[str] = (), by_sex: bool = False, scheduler: str = ""
) -> None:
    """Every measure of every area of a level, as one CSV that Excel opens; in age bands of the user's own, and by sex, where asked for."""
    import jsna_model as jm
    from jsna_model.conventions import LEVELS
    from jsna_model.verbs.tidy import tidy, tidy_groups

    level = {"lad": "district", "utla": "authority"}.get(level, level)
    if out.is_dir():
        raise OutputError(f"{out} is a folder. Give the name of a CSV file.")
    for part in out.parents:
        if part.exists() and not part.is_dir():
            raise OutputError(f"{part} is a file. Give --out a CSV in a folder; nothing was written.")
    if level not in LEVELS:
        raise unknown_name("level", level, LEVELS)
    src = _rooms()["src"]
    own = bool(bands) or by_sex
    shares = src.age_sex_shares(study.area, bands, by_sex, study.figures or None) if own else None
    with _Progress(quiet) as progress, _executor(scheduler) as executor:
        population, evidence, overlap = src.resolve_need(study)
        local = src.load_direct(study.direct) if study.direct else ()
        now = jm.estimate(
            population,
            evidence,
            overlap,
            draws=study.draws,
            seed=study.seed,
            local=local,
            by_age=not own,
            executor=executor,
            progress=progress,
        )
    table = tidy(now, level) if shares is None else tidy_groups(now, level, shares)
    temporary = out.with_name(out.name + ".part")
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        table.to_csv(temporary, index=False, encoding="utf-8-sig")
        temporary.replace(out)
    except PermissionError:
        raise OutputError(f"{out} is open in another program. Close it, or use --out with another name; nothing was changed.") from None
    finally:
        temporary.unlink(missing_ok=True)
    if not quiet:
        typer.echo(f"Wrote {out}: {len(table):,} rows, estimated (modelled), not counted.")


@contextmanager
def _executor(scheduler: str) -> Iterator[Any]:
    """Dask at an address; nothing where there is none, so that threads are used."""
    if not scheduler:
        yield None
        return
    try:
        from distributed import Client
    except ImportError:
        raise InputError("--scheduler needs Dask, which is not installed. Run: pip install jsna-model[dask]") from None
    try:
        client = Client(scheduler, timeout="5s")
    except (OSError, ValueError) as error:
        raise InputError(f"no Dask scheduler answers at {scheduler!r} ({error}). Start one, or leave --scheduler out.") from error
    with client:
        yield client.get_executor()


def check_folder(out: Path) -> None:
    """Refuse a path that is a file, a folder that holds other things, or one with a file open elsewhere, before any work is done.

    Raises
    ------
    OutputError
    """
    for part in (out, *out.parents):
        if part.exists() and not part.is_dir():
            raise OutputError(f"{part} is a file. Give --out the name of a folder.")
    if not out.is_dir():
        return
    there = [p.name for p in out.iterdir() if not p.name.startswith(".")]
    if there and "manifest.json" not in there:
        raise OutputError(
            f"{out} is not empty and not a run folder (it has no manifest.json). Give --out a new or empty folder; nothing was written."
        )
    for name in RUN_FILES:
        if (out / name).is_file():
            try:
                with (out / name).open("r+b"):
                    pass
            except PermissionError:
                raise OutputError(f"{out / name} is open in another program: close {name} or use --out with another folder.") from None


@contextmanager
def assembled(out: Path, whole: bool = True) -> Iterator[Path]:
    """A temporary folder beside `out` whose files are moved into it together at the end, or not at all.

    Parameters
    ----------
    out : Path
    whole : bool
        Whether it is a new run, so that no file of an earlier one stays behind.

    Raises
    ------
    OutputError
        Where a file cannot be replaced; what was there before is put back.
    """
    parent = out.resolve().parent
    try:
        parent.mkdir(parents=True, exist_ok=True)
        folder = Path(mkdtemp(prefix=f".{out.name}-", dir=parent))
    except OSError as error:
        raise OutputError(f"cannot write beside {out}: {error.strerror}. Use --out with a folder you may write to.") from None
    try:
        yield folder
        made_out = not out.exists()
        out.mkdir(exist_ok=True)
        old, moved = folder / ".old", []
        old.mkdir()
        try:
            new = sorted((p for p in folder.iterdir() if p != old), key=lambda p: (p.name == "manifest.json", p.name))
            stays = {"report.docx"} if any(p.name.startswith("report-new") for p in new) else set()  # it was edited
            for name in ({p.name for p in new} | (set(RUN_FILES) if whole else set())) - stays:
                if (out / name).exists():
                    (out / name).replace(old / name)
            for file in new:
                moved.append(file.name)
                file.replace(out / file.name)
        except BaseException as error:
            for name in moved:
                _remove(out / name)
            for file in old.iterdir():
                file.replace(out / file.name)
            if made_out:
                out.rmdir()
            if not isinstance(error, OSError):
                raise
            name = Path(error.filename or "").name
            raise OutputError(f"{name} is open in another program: close {name} or use --out; what was there is as it was.") from None
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _remove(path: Path) -> None:
    """A file or a folder, gone."""
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def _beside_edited(folder: Path, out: Path) -> str:
    """Give a new document another name where the one in the run folder was edited, so that both are kept; what was done, in words."""
    from reports.template import free_name

    new = folder / "report.docx"
    name = free_name(out, new.name) if new.exists() else new.name
    if name == new.name:
        return ""
    new.rename(folder / name)
    return f". report.docx was edited since it was written and is left as it is: the new one is {name}"


def _relative(file: Path, out: Path) -> str:
    """A file as seen from the run folder, so that both can be moved together; absolute where they lie on different drives."""
    try:
        return Path(os.path.relpath(file.resolve(), out.resolve())).as_posix()
    except ValueError:
        return str(file.resolve())


def _keep(result: Result, study: Study, folder: Path, out: Path) -> None:
    from jsna_model.cli.manifest import write_manifest
    from jsna_model.study import PATHS

    result.save(folder / "result.nc")
    near = {k: _relative(Path(v), out) for k in PATHS if (v := getattr(study, k))}
    write_manifest(folder / "manifest.json", result, study)
    study.model_copy(update=near).write(folder / "study.toml")


def _rooms() -> dict[str, Any]:
    """The two other rooms, refusing files of the user's that shadow them."""
    import data_sources
    import reports

    for room in (data_sources, reports):
        if not hasattr(room, "__all__"):
            where = room.__file__ or next(iter(room.__path__), "?")
            raise InputError(f"{where} shadows the package's own {room.__name__}. Rename it, or run jsna from another folder.")
    return {"src": data_sources, "reports": reports}


class _Progress:
    """A progress bar on standard error, shown once two seconds have passed."""

    def __init__(self, quiet: bool) -> None:
        self.quiet = quiet
        self.bar: Any = None

    def __enter__(self) -> _Progress:
        from tqdm import tqdm

        self.bar = tqdm(disable=self.quiet, delay=2, file=sys.stderr, leave=False, bar_format="{desc} {bar} {n_fmt}/{total_fmt}")
        return self

    def __exit__(self, *_: object) -> None:
        self.bar.close()

    def __call__(self, what: str, done: int, of: int) -> None:
        self.bar.set_description(what, refresh=False)
        self.bar.total = of
        self.bar.n = done
        self.bar.update(0)
