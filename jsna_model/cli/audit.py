"""``jsna audit``: how many cases to audit, and what the audited ones say about all."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from jsna_model.errors import InputError, OutputError, Problem, raise_all

audit_app = typer.Typer(help="Case audits: sample size, and estimates with their interval.", no_args_is_help=True)


@audit_app.command()
def size(
    cases: Annotated[int, typer.Argument(help="All cases that could be audited.")],
    margin: Annotated[float, typer.Option(help="Half the width of the interval wanted, as a share: 0.1 is ten percentage points.")] = 0.1,
    expected: Annotated[float, typer.Option(help="Share expected; 0.5 asks for the most cases.")] = 0.5,
    level: Annotated[float, typer.Option(help="Level of the interval, and chance of seeing one.")] = 0.95,
    see: Annotated[int | None, typer.Option(help="Also: cases to audit to see at least one, if this many are affected.")] = None,
    strata: Annotated[str, typer.Option(help="Also: share the sample out, such as 'North=120,South=60'.")] = "",
    minimum: Annotated[int, typer.Option(help="Fewest cases of each stratum.")] = 2,
) -> None:
    """How many cases to audit, drawn at random."""
    from jsna_model.methods.audit import allocate, size_for_proportion, size_to_see_one

    sizes = _strata(strata)
    if sizes and sum(sizes.values()) != cases:
        raise InputError(f"the strata have {sum(sizes.values())} cases and {cases} were given. Make them the same.")
    needed = size_for_proportion(cases, margin, expected, level)
    typer.echo(f"{needed} of {cases} cases, for a share within {margin:.1%} either way ({level:.0%} interval, {expected:.0%} expected).")
    if see is not None:
        least = size_to_see_one(cases, see, level)
        typer.echo(f"{least} of {cases} cases, to see at least one of {see} affected with a chance of {level:.0%}.")
        needed = max(needed, least)
    if sizes:
        total = max(needed, sum(min(n, minimum) for n in sizes.values()))
        for name, n in zip(sizes, allocate(list(sizes.values()), total, minimum), strict=True):
            typer.echo(f"  {name}: {n} of {sizes[name]}")
    typer.echo("Draw them at random from a list of all cases: not the latest, not those that come to mind.")


@audit_app.command()
def estimate(
    file: Annotated[Path, typer.Argument(help="CSV of stratum, cases, question, audited, found.")],
    out: Annotated[Path | None, typer.Option("--out", "-o", help="HTML page to write.")] = None,
    title: Annotated[str, typer.Option(help="Title of the page.")] = "",
    internal: Annotated[bool, typer.Option("--internal", help="Show small numbers; not for publication.")] = False,
) -> None:
    """What audited cases say about all cases, with an interval."""
    from data_sources.audit import load_audit
    from reports.audit import lines, render, tables

    rows = load_audit(file)
    for line in lines(tables(rows, internal, file.name)[0]):
        typer.echo(line)
    if out is not None:
        page = render(rows, internal, title, f"case audit, {file.name}")
        try:
            out.write_text(page, encoding="utf-8")
        except OSError as error:
            raise OutputError(f"cannot write {out}: {error.strerror}. Use --out with a file in a folder you may write to.") from None
        typer.echo(f"Wrote {out}.")


def _strata(text: str) -> dict[str, int]:
    out: dict[str, int] = {}
    problems = []
    for part in (p.strip() for p in text.split(",") if p.strip()):
        name, _, number = part.rpartition("=")
        if not name.strip() or not number.strip().isdigit() or name.strip() in out:
            problems.append(Problem(f"--strata has {part!r}", "give each stratum once with its cases, such as 'North=120,South=60'"))
        else:
            out[name.strip()] = int(number)
    raise_all(problems)
    return out
