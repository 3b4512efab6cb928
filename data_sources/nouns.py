"""A study's keys become nouns."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from data_sources.boundaries import load_level
from data_sources.direct import load_direct
from data_sources.evidence import default_evidence, load_evidence_set, load_overlap, quoted_by_ofsted, supplementary_evidence, with_own
from data_sources.local import load_local_counts, placed, recorded_factors
from jsna_model.errors import InputError, JsnaError, Problem, gathered
from jsna_model.evidence import covariates_of

if TYPE_CHECKING:
    from data_sources.local import LocalCount
    from jsna_model.direct import Direct
    from jsna_model.evidence import Evidence
    from jsna_model.overlap import Overlap
    from jsna_model.pathway import Pathway
    from jsna_model.population import Population
    from jsna_model.scenario import Scenario
    from jsna_model.study import Study


@dataclass(frozen=True)
class Nouns:
    """Everything that the verbs need for a study."""

    area_name: str
    population: Population
    evidence: tuple[Evidence, ...]
    overlap: Overlap
    projection: Population
    pathway: Pathway
    scenarios: tuple[Scenario, ...]
    boundaries: Any
    direct: tuple[Direct, ...]
    supplementary: tuple[Evidence, ...]
    sources: list[dict[str, Any]]
    quoted: list[dict[str, Any]]
    local: tuple[LocalCount, ...]
    comparison: dict[str, Any]


def resolve(study: Study, check: Callable[[Pathway, Sequence[Scenario], Sequence[str]], None] | None = None) -> Nouns:
    """Make nouns of a study.

    Parameters
    ----------
    study : Study
    check : callable, optional
        Of pathway, scenarios and risks; what it raises is told with all else that is wrong.

    Returns
    -------
    Nouns

    Raises
    ------
    JsnaError
        For an unknown area, set, scenario or parameter, or a file that cannot be used.
    """
    from data_sources.decision import comparison, labelled, with_own_costs
    from data_sources.gazetteer import find_area
    from data_sources.pathway import load_pathway
    from data_sources.projection import load_projection
    from data_sources.provenance import sources
    from data_sources.scenarios import library_scenarios

    area = find_area(study.area)
    if len(area.authorities) > 1:
        raise InputError(
            f"{area.name} has {len(area.authorities)} authorities, and a report is of one. Name one of them, or use: "
            f'jsna estimate --area "{area.name}" --level authority --out children.csv'
        )
    figures = Path(study.figures) if study.figures else None

    def services() -> tuple[Pathway, tuple[Scenario, ...], dict[str, Any]]:
        def made(parameters: Mapping[str, float], reasons: Mapping[str, str]) -> Pathway:
            pathway = load_pathway(
                area.code,
                parameters,
                figures,
                effects=study.effects,
                reasons=reasons,
                layout=study.layout or None,
                family_help_from=study.family_help_from,
            )
            help_ = study.early_help
            if help_.families_per_year is not None:
                pathway = pathway.with_early_help(help_.families_per_year, help_.unit_cost, help_.children_per_family, source="study.toml")
            return with_own_costs(replace(pathway, placements=study.placements.build()), study)

        refused: JsnaError | None = None
        try:
            pathway = made(study.parameters, study.reasons)
        except JsnaError as error:
            refused = error
            pathway = made({}, {})  # so that what else is wrong is told with it
        own: list[Scenario] = []
        ready: list[Scenario] = []

        def parameters() -> None:
            if refused is not None:
                raise refused

        risks = load_overlap(study.set_name).risks if check else ()

        def checked(some: Sequence[Scenario]) -> None:
            if check:
                check(pathway, some, risks)

        gathered(
            parameters,
            *(partial(lambda entry: own.append(entry.build()), entry) for entry in study.scenario),
            lambda: ready.extend(library_scenarios(pathway, study.ready, study.start, study.set_name)),
            lambda: checked(own),
            lambda: comparison(study, pathway, (*ready, *own)),
        )
        checked(ready)
        scenarios = labelled((*ready, *own), study)
        return pathway, scenarios, comparison(study, pathway, scenarios)

    # Files that do not depend on one another are read together, so that what is wrong with any of them is said at once.
    (population, evidence, overlap), (pathway, scenarios, compared), projection, direct, own = gathered(
        lambda: resolve_need(study),
        services,
        lambda: load_projection(
            area.code,
            study.projection_variant,
            study.projection or None,
            figures,
            births=study.births or None,
            migration=study.migration or None,
        ),
        lambda: load_direct(study.direct) if study.direct else (),
        lambda: load_local_counts(study.local_counts) if study.local_counts else (),
    )
    _check_span(projection, pathway, study)
    boundaries = load_level(study.boundaries, _codes(population, study)) if study.boundaries else None
    (authority,) = area.authorities
    local = (*placed(own, population, authority, Path(study.local_counts).name), *recorded_factors(authority, figures))
    return Nouns(
        area.name,
        population,
        evidence,
        overlap,
        projection,
        pathway,
        scenarios,
        boundaries,
        direct,
        supplementary_evidence(),
        sources(in_reports=True),
        quoted_by_ofsted(),
        local,
        compared,
    )


def resolve_need(study: Study) -> tuple[Population, tuple[Evidence, ...], Overlap]:
    """The nouns of `estimate` alone, for an authority, district, region or England.

    Parameters
    ----------
    study : Study

    Raises
    ------
    JsnaError
        For an unknown area or set, or a file that cannot be used.
    """
    from data_sources.population import load_population

    figures = Path(study.figures) if study.figures else None
    evidence = (*load_evidence_set(study.set_name), *default_evidence())
    if study.evidence:
        evidence = with_own(evidence, study.evidence)
    footprint = Path(study.footprint) if study.footprint else None
    further = covariates_of(evidence)[1:]
    own = Path(study.covariates) if study.covariates else None
    if own is not None and not further:
        raise InputError(
            f"{own.name}: no evidence of the study varies with a covariate, so the file would change nothing. "
            "Give evidence whose variation names its columns (covariates and covariance), or leave the file out."
        )
    population = load_population(
        study.area, footprint=footprint, figures=figures, covariates=further, covariate_file=own, impute=study.impute_covariates
    )
    return population, evidence, load_overlap(study.set_name, kind=study.overlap)


def _check_span(projection: Population, pathway: Pathway, study: Study) -> None:
    """Refuse a projection that ends before the years that are asked for, before anything is run."""
    last, base = int(projection.data["year"].values[-1]), int(pathway.base_year[:4])
    if last < base + study.years:
        found = f"it covers {base} to {last}, and years = {study.years} need up to {base + study.years}"
        file = Path(study.projection).name or "the projection"
        raise InputError(str(Problem(found, f"give a longer one, or years = {last - base}", file)))


def _codes(population: Population, study: Study) -> dict[str, list[str]]:
    """Codes of the areas that may be mapped, by level."""
    held = {"lsoa": list(population.areas)} if study.publication.internal else {}
    held |= {
        p: sorted(set(population.data[p].values.astype(str)))
        for p in ("ward", "msoa", "locality", "district")
        if p in population.data.coords
    }
    return held
