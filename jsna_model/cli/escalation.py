"""``jsna escalation``: what came after early help, from a user's linked case data."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from jsna_model.errors import InputError, OutputError

escalation_app = typer.Typer(help="What came after early help: linked case data to shares at 6, 12 and 24 months.", no_args_is_help=True)


@escalation_app.command()
def template(
    path: Annotated[Path, typer.Argument(help="CSV to make.")],
    rows: Annotated[int, typer.Option(min=30, max=20_000, help="Rows, all of them made up.")] = 400,
) -> None:
    """Make a CSV with the columns and SYNTHETIC (made-up) rows, to be replaced by yours."""
    from data_sources.linked import EVENTS
    from data_sources.linked_template import PER_ROW, synthetic_csv
    from jsna_model.draws import uniforms

    if path.exists():
        raise InputError(f"{path} is there already. Choose another name; nothing was overwritten.")
    try:
        path.write_text(synthetic_csv(uniforms(1, "escalation/template", rows * PER_ROW), rows), encoding="utf-8")
    except OSError as error:
        raise OutputError(f"cannot write {path}: {error.strerror}. Choose a folder you may write to.") from None
    typer.echo(
        f"Wrote {path}: {rows} SYNTHETIC rows, made up, evidence of nothing. Put yours in their place; then: jsna escalation estimate"
    )
    for column, meaning in EVENTS.items():
        typer.echo(f"  {column}: first {meaning}")


@escalation_app.command()
def estimate(
    cases: Annotated[Path, typer.Argument(help="CSV of linked cases, as jsna escalation template makes it.")],
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder for escalation.html, .xlsx and .csv.")],
    title: Annotated[str, typer.Option(help="Title of the page.")] = "",
    moved_away: Annotated[str, typer.Option(help="Who moves away is 'lost' (no longer followed) or 'never' has it here.")] = "lost",
    least: Annotated[int, typer.Option(min=1, help="Cases that must still be followed for a share to be given.")] = 10,
    internal: Annotated[bool, typer.Option("--internal", help="Show small numbers; not for publication.")] = False,
) -> None:
    """Shares with a referral or statutory service within 6, 12 and 24 months of early help, with intervals and numbers at risk."""
    from data_sources.linked import load_linked
    from reports.escalation import build, csv_text, lines
    from reports.writer import save

    if moved_away not in ("lost", "never"):
        raise InputError(f"--moved-away is {moved_away!r}. Give lost or never.")
    data = load_linked(cases)
    report = build(data, internal, title, cases.name, moved_away == "never", least)
    for line in (*(f"Note: {w}" for w in data.warnings), *lines(report)):
        typer.echo(line)
    written = save(report, out, ("html", "xlsx"), names={"html": "escalation.html", "xlsx": "escalation.xlsx"})
    (out / "escalation.csv").write_text(csv_text(report), encoding="utf-8-sig")
    typer.echo(f"Wrote {', '.join(str(p) for p in written)} and escalation.csv.")
