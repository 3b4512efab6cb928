"""``jsna seek``: what would make a scenario pay."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from jsna_model.cli.located import located

if TYPE_CHECKING:
    from jsna_model.verbs.seek import Sought


def seek_command(
    study: Annotated[Path, typer.Argument(help="study.toml, or the Excel form of jsna form.")],
    scenario: Annotated[str, typer.Option(help="Name of the scenario.")],
    parameter: Annotated[
        str, typer.Option(help="What to vary: a parameter that it changes, one of the pathway, or a cost such as unit_cost.early_help.")
    ],
    low: Annotated[float, typer.Option(help="Least value to look at.")],
    high: Annotated[float, typer.Option(help="Greatest value to look at.")],
    threshold: Annotated[float, typer.Option(help="Pounds that one unit of [decision] effect is worth to you; 0 asks for a saving.")] = 0.0,
    quantile: Annotated[
        float | None, typer.Option(help="Of the draws, that has to break even: 0.1 for nine chances in ten; without it, the expected.")
    ] = None,
) -> None:
    """What reach, price or effect makes a scenario pay: the value at which it breaks even, by bisection over runs on the same draws."""
    import data_sources as src
    import jsna_model as jm
    from jsna_model.cli.run import scenario_check
    from jsna_model.errors import InputError
    from jsna_model.verbs.seek import seek

    with located(study):
        asked = src.read_study(study)
        nouns = src.resolve(asked, scenario_check(asked))
    if threshold and not asked.decision.effect:
        raise InputError("a threshold is what one unit of the effect is worth: give [decision] effect, such as looked_after_at_31_march.")
    now = jm.estimate(nouns.population, nouns.evidence, nouns.overlap, draws=asked.draws, seed=asked.seed, local=nouns.direct)
    found = seek(
        now,
        nouns.projection,
        nouns.pathway,
        nouns.scenarios,
        scenario,
        parameter,
        low,
        high,
        years=asked.years,
        comparison=nouns.comparison,
        threshold=threshold,
        quantile=quantile,
    )
    worth = f"net benefit at £{threshold:,.0f} for one unit of {asked.decision.effect}" if threshold else "saving in average cost"
    typer.echo(said(found, scenario, parameter, f"{'expected' if quantile is None else f'{quantile:.0%} quantile of the'} {worth}"))


def said(found: Sought, scenario: str, parameter: str, what: str) -> str:
    """The answer in words, with what it comes to at both ends.

    Examples
    --------
    >>> from jsna_model.verbs.seek import Sought
    >>> said(Sought(350.0, False, (0.0, 9e5), (2000.0, -4e6)), "hubs", "unit_cost.early_help", "expected saving")
    'hubs pays where unit_cost.early_help is below 350 (expected saving: £900,000 at 0, -£4,000,000 at 2,000).'
    """
    ends = ", ".join(f"{'-' if v < 0 else ''}£{abs(v):,.0f} at {x:,.4g}" for x, v in (found.low, found.high))
    if found.value != found.value and (found.low[1] > 0) == (found.high[1] > 0):
        how = "pays" if found.above else "does not pay"
        return f"{scenario} {how} at either end of {found.low[0]:,.4g} to {found.high[0]:,.4g} of {parameter} ({what}: {ends})."
    if found.value != found.value:
        return f"{scenario} breaks even only where it changes nothing ({what}: {ends})."
    side = "above" if found.above else "below"
    return f"{scenario} pays where {parameter} is {side} {found.value:,.4g} ({what}: {ends})."
