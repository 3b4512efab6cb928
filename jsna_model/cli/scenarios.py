"""The commands of the library of scenarios."""

from __future__ import annotations

from typing import Annotated

import typer

scenarios_app = typer.Typer(help="The library of scenarios, with what each rests on.", no_args_is_help=True)


@scenarios_app.command(name="list")
def scenarios_list() -> None:
    """Every scenario of the library in a line, with what it needs."""
    import data_sources as src

    for s in src.scenario_library().values():
        layout = {"": "", "any": ", needs a layout"}.get(s.needs_layout, f", needs layout {s.needs_layout}")
        state = s.kind + layout + (", needs families_per_year" if s.needs_volume else "")
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
    typer.echo(f'Run it with ready = ["{s.name}"] in study.toml.')
    for change in s.changes:
        rules = {
            "walk_sds": "by {} sd of its yearly change",
            "ratio_of": "by {0[0]} over {0[1]}",
            "half_way_to": "half way to {}",
            "rest_of": "by what the rest leaves: {}",
        }
        size = next((text.format(change[rule]) for rule, text in rules.items() if rule in change), change.get("value"))
        whom = f", for {' or '.join(change['risk'].values())}" if "risk" in change else ""
        typer.echo(f"Changes {change['parameter']}: {change['op']} {size}{whom}")
    typer.echo("Evidence:")
    for e in src.load_evidence(*s.evidence):
        typer.echo(f"  {line(e)}")
