"""The commands of the library of scenarios."""

from __future__ import annotations

from typing import Annotated

import typer

scenarios_app = typer.Typer(help="The library of scenarios, with what each rests on.", no_args_is_help=True)


@scenarios_app.command(name="list")
def scenarios_list() -> None:
    """Every scenario of the library in a line: what can be run now, and what waits for something."""
    import data_sources as src

    for s in src.scenario_library().values():
        state = "not yet: needs " + s.missing if s.missing else s.kind + (", needs families_per_year" if s.needs_volume else "")
        typer.echo(f"{s.name}: {s.title} [{state}]")


@scenarios_app.command(name="show")
def scenarios_show(name: Annotated[str, typer.Argument(help="Name, as in jsna scenarios list.")]) -> None:
    """One scenario: what it changes, why, on what evidence, and what is doubtful."""
    import data_sources as src
    from jsna_model.errors import unknown_name
    from reports.evidence import line

    library = src.scenario_library()
    if name not in library:
        raise unknown_name("scenario of the library", name, library, "jsna scenarios list")
    s = library[name]
    typer.echo(f"{s.name}: {s.title} ({s.kind})\nWhy: {s.reason}\nDoubts: {s.doubts}")
    typer.echo(f"Not yet: it needs {s.missing}." if s.missing else f'Run it with ready = ["{s.name}"] in study.toml.')
    for change in s.changes:
        size = change.get("value", f"{change.get('walk_sds')} sd of its yearly change")
        typer.echo(f"Changes {change['parameter']}: {change['op']} {size}")
    typer.echo("Evidence:")
    for e in src.load_evidence(*s.evidence):
        typer.echo(f"  {line(e)}")
