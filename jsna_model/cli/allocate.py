"""The command that says where places of early help should go."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from jsna_model.errors import InputError, OutputError, unknown_name


def allocate_command(
    area: Annotated[str, typer.Option(help="Authority, or district (its county is run): name or code.")],
    budget: Annotated[float, typer.Option(help="Pounds.")],
    unit_cost: Annotated[float | None, typer.Option(help="Pounds per family helped; or column unit_cost of --capacity.")] = None,
    capacity: Annotated[
        Path | None, typer.Option(help="CSV of area (name or code) and any of capacity, minimum, unit_cost, weight, current.")
    ] = None,
    minimum: Annotated[int, typer.Option(help="Families that every place helps at least; a column minimum of --capacity goes first.")] = 0,
    level: Annotated[str, typer.Option(help="ward, msoa, locality or district.")] = "ward",
    measure: Annotated[str, typer.Option(help="Children to reach: any_risk, two_or_more, all_three or one risk.")] = "any_risk",
    set_name: Annotated[str, typer.Option("--set", help="Coherent set: higher_harm or wider_exposure.")] = "higher_harm",
    children_per_family: Annotated[float | None, typer.Option(help="Children in a family helped; without it, 1.74 (ONS, UK 2025).")] = None,
    regret: Annotated[
        bool, typer.Option("--regret", help="Smallest largest regret over 100 draws instead of the expected number.")
    ] = False,
    draws: Annotated[int, typer.Option(help="Number of draws.")] = 400,
    seed: Annotated[int, typer.Option(help="Seed.")] = 2026,
    out: Annotated[Path, typer.Option("--out", "-o", help="CSV to write; a map is written beside it.")] = Path("allocation.csv"),
) -> None:
    """Where early help should go: families by ward for a budget, against sharing out by population and by current share."""
    import data_sources as src
    import jsna_model as jm
    from data_sources.places import load_places
    from jsna_model.study import Study
    from jsna_model.verbs.allocate import allocate
    from reports.allocation import allocation_words, write_allocation

    if out.is_dir():
        raise OutputError(f"{out} is a folder. Give the name of a CSV file.")
    study = Study.of({"area": area, "set": set_name, "draws": 100 if regret else draws, "seed": seed}, "command line")
    found = src.find_area(area)
    if len(found.authorities) > 1:
        raise InputError(f"{found.name} has {len(found.authorities)} authorities, and a budget is one's. Name one of them.")
    population, evidence, overlap = src.resolve_need(study)
    result = jm.estimate(population, evidence, overlap, draws=study.draws, seed=study.seed)
    if level not in result.levels:
        raise unknown_name("level", level, result.levels)
    node = result.node(f"need/{level}")
    places = dict(zip(map(str, node["area"].values), map(str, node["area_name"].values), strict=True))
    given = load_places(capacity, places) if capacity is not None else {}
    if unit_cost is None and "unit_cost" not in given:
        raise InputError("no unit cost. Give --unit-cost, or a column unit_cost in the file of --capacity.")
    own = children_per_family
    if own is None:
        own = src.load_pathway(found.code).parameter("early_help.children_per_family").value
    costs = given.get("unit_cost") or {}
    placement = allocate(
        result,
        budget,
        dict.fromkeys(places, unit_cost) | costs if unit_cost is not None else costs,
        children_per_family=own,
        level=level,
        measure=measure,
        capacity=given.get("capacity"),
        minimum=dict.fromkeys(places, float(minimum)) | given.get("minimum", {}),
        weight=given.get("weight"),
        current=given.get("current"),
        regret=regret,
    )
    for sentence in allocation_words(placement):
        typer.echo(sentence)
    source = f"modelled by jsna_model from published evidence and {population.source}"
    written = write_allocation(placement, result, found.name, source, out)
    typer.echo(f"Wrote {', '.join(p.name for p in written)}. DRAFT: not approved for publication.")
