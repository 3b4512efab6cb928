"""The register of assumptions: every default is in it, everything in it exists, and each has a measured effect."""

import ast
import re
import tomllib
from collections.abc import Iterator
from dataclasses import fields
from fnmatch import fnmatchcase
from functools import cache
from importlib import import_module
from pathlib import Path

import pytest

import data_sources as src
import jsna_model as jm
from benchmarks import assumption_effects as effects
from data_sources.pathway_layout import load_layout
from jsna_model.evidence import Evidence, Variation
from jsna_model.study import Study

ROOT = Path(__file__).resolve().parents[2]
REGISTER = effects.register()
ROWS = effects.effects()
IDS = [e["id"] for e in REGISTER]
KEYS = src.evidence_keys()
CATALOGUE = src.load_evidence(*KEYS)
PATHWAY = src.load_pathway("Milton Keynes")
LAYOUT = load_layout()
COVERS = {c for e in REGISTER for c in e["covers"]}
KEY = re.compile(rf"\b(?:{'|'.join(sorted({k.split('-')[0] for k in KEYS}))})-\d\w*(?:-\w+)*")
#: Numbers in capitals that assume nothing about the world: of solvers and versions, by their names; limits, conventions, definitions.
OF_SOLVERS = re.compile(r".*\.(\w*(TOLERANCE|ITERATIONS|STEPS?|GRID|PER_DECADE|POINTS)|_BLOCK|SCHEMA_VERSION)")
NOT_ASSUMED = {
    "jsna_model.study_decision._ALIKE": "above it a name is taken for a slip of another, and asked about",
    "data_sources.form._AGE": "place of a column",
    "data_sources.form._ROWS": "rows of the form with choices",
    "jsna_model.methods.spatial_fay_herriot.MOST_CORRELATION": "end of a search: at 1 there is no variance matrix",
    "data_sources.figures_io._MOST": "problems listed",
    "data_sources.linked._MOST": "problems listed",
    "data_sources.linked_template.PER_ROW": "of rows that are made up and say so",
    "jsna_model.verbs.escalation.DAYS": "definition",
    "jsna_model.verbs.escalation.LEAST": "below it a share is not shown (--least)",
    "jsna_model.verbs.escalation.LEVEL": "level of intervals shown",
    "data_sources.population.LSOAS_PER_MSOA": "published counts of areas",
    "data_sources.projection.BASE_YEAR": "year of the estimates",
    "data_sources.projection.ENGLAND_CHILDREN": "published (ONS)",
    "data_sources.projection_spread.ENOUGH_ORIGINS": "which rows of a measured table are used",
    "data_sources.projection_spread.ERROR_HORIZON": "2018 to 2024",
    "data_sources.projection.MAX_REBASE": "above it a file is refused",
    "data_sources.projection.LAST_YEAR": "last year of the published projections",
    "data_sources.projection_files._MOST": "problems listed",
    "data_sources.projection_rows.CHILD_AGES": "definition",
    "data_sources.services._YEAR_ENDING": "year of the figures",
    "data_sources.small_area.YEARS_SINCE_CENSUS": "two dates",
    "data_sources.evidence._read._LEVEL": "level at which assumed intervals are stated",
    "jsna_model.conversions._LEVEL": "level of intervals",
    "jsna_model.methods.distributions.REFERENCE_YEAR": "date of the population",
    "jsna_model.methods.allocation.SEGMENTS": "of a solver",
    "jsna_model.methods.allocation.MOST_REGRET_DRAWS": "limit",
    "jsna_model.methods.attribution.SWING_ERRORS": "errors within which a swing is not shown",
    "jsna_model.methods.attribution.GROUPS": "groups of draws for a standard error",
    "jsna_model.methods.attribution.MOST_SOURCES": "limit",
    "jsna_model.methods.attribution.DRAWS_A_COLUMN": "of a regression",
    "jsna_model.group.OLDEST": "definition",
    "jsna_model.study_decision._ROUNDING": "arithmetic",
    "jsna_model.methods.counts._WHOLE": "arithmetic",
    "jsna_model.verbs.decisions.RESAMPLES": "of a bootstrap",
    "jsna_model.verbs.explain.MAX_LEFT_OUT": "above it the explanation is refused",
    "jsna_model.verbs.explain._FLAT": "arithmetic",
    "data_sources.prices._ROUNDED": "decimals published",
    "jsna_model.draws.NOISE_BLOCK": "layout of streams",
    "jsna_model.verbs.layout_run.EXPECTED_BLOCK": "size of a block of work",
    "jsna_model.methods.discrete.SMALL": "below it counts are exact",
    "jsna_model.methods.discrete._ROUNDING": "arithmetic",
    "jsna_model.methods.economics.WEEKS_A_YEAR": "definition",
    "jsna_model.methods.prices._MOST_YEARS": "tells years from the base from calendar years",
    "jsna_model.methods.smooth._MOST_WITH_PAIRS": "limit",
    "jsna_model.methods.value_of_information.FOLDS": "of a regression",
    "jsna_model.methods.value_of_information.STABLE_WITHIN": "above it a value is not shown (issue 6)",
    "jsna_model.methods.value_of_information._MANY_STRATEGIES": "tells axes the wrong way round",
    "jsna_model.methods.joint.MAX_RISKS": "limit",
    **dict.fromkeys(
        (
            f"jsna_model.methods.forecast_ensemble.{n}"
            for n in (
                "PRIOR_YEARS",
                "PRIOR_AREAS",
                "FEWEST_AREAS",
                "FIRST_ORIGIN",
                "ZERO_COUNT",
                "WINSOR",
                "HALF_LIFE",
                "NEAR",
                "LEAST_NOISE",
                "FURTHEST",
                "LEAST_DF",
            )
        ),
        "tuning that the backtest measures (docs/methods.md)",
    ),
    **dict.fromkeys((f"jsna_model.methods.forecast_ensemble.{n}" for n in ("DIGITS", "EMPIRICAL", "GRID", "_TINY")), "arithmetic"),
    "data_sources.panel._MOST": "problems listed",
    "jsna_model.verbs.backtest.HORIZONS": "years ahead that are shown",
    "jsna_model.verbs.backtest.HISTORY": "years before the first origin",
    "jsna_model.verbs.backtest.REPLICATES": "bootstrap samples",
    **dict.fromkeys((f"jsna_model.methods.joint.{n}" for n in ("_ROUNDING", "_UNEVEN", "_EASY", "_STRIDE")), "arithmetic of the solver"),
    "jsna_model.methods.kernel._LARGEST_STEP": "arithmetic of the solver",
    "jsna_model.methods.calibration.IDENTIFIED": "above it a rate is called identified (DESIGN 4)",
    "jsna_model.verbs.calibrate.BEYOND": "above it a count is listed, and named where it acts (issue 5)",
    "jsna_model.methods.dispersion.TRIM_SD": "robustness of an estimator, checked by simulation",
    **dict.fromkeys((f"jsna_model.methods.dispersion.{n}" for n in ("KEPT_VARIANCE", "_ROUNDS", "_LEAST", "_MEDIAN_SQUARE")), "arithmetic"),
    "jsna_model.verbs.layout_rates.MOST_SHARE": "where a search starts",
    "jsna_model.verbs.layout_rates.DISCREPANCY": "above it a discrepancy is named",
    "jsna_model.verbs.layout_rates.LEAST_IN_NEED": "reached only where counts do not reconcile, and named",
    "jsna_model.verbs.layout_rates.MOST_UNACCOMPANIED": "limit, named where it binds",
    "jsna_model.verbs.estimate.INTERVAL": "level of intervals shown",
    "jsna_model.verbs.need_model.MAX_REJECTED": "above it the estimate is refused",
    "jsna_model.verbs.need_model._RETRIES": "limit",
}


def covered(name: str, patterns: set[str] | None = None) -> bool:
    return any(fnmatchcase(name, pattern) for pattern in (COVERS if patterns is None else patterns))


@cache
def provenance() -> set[str]:
    """Keys of the assumptions of an estimate, for both sets and the defaults."""
    population = src.load_population("Rutland")
    found = set()
    for name in ("higher_harm", "wider_exposure"):
        evidence = (*src.load_evidence_set(name), *src.default_evidence())
        result = jm.estimate(population, evidence, src.load_overlap(name), draws=40)
        found |= {a["key"] for a in result.provenance["assumptions"]}
    return found


def existing() -> set[str]:
    """Names that a register entry may cover, but for those of code."""
    found = {f"parameter/{n}" for n in PATHWAY.parameters} | {f"unit_cost/{c.service}" for c in PATHWAY.unit_costs}
    found |= {f"layout/{n}" for n in LAYOUT}
    found |= {f"study/{n}" for n in Study.model_fields} | {f"field/{f.name}" for f in fields(Evidence)}
    found |= {f"field/variation.{f.name}" for f in fields(Variation)}
    for e in CATALOGUE:
        stated = {
            "interval": e.has_interval and not e.interval_basis.startswith("published"),
            "relevance": bool(e.relevance.reason),
            "variation": bool(e.variation.source),
            "conversion": bool(e.conversions),
        }
        found |= {f"{what}/{e.key}" for what, there in stated.items() if there}
    return found | provenance()


def resolved(dotted: str) -> object:
    parts = dotted.split(".")
    for n in range(len(parts) - 1, 0, -1):
        try:
            found: object = import_module(".".join(parts[:n]))
        except ModuleNotFoundError:
            continue
        for part in parts[n:]:
            found = getattr(found, part)
        return found
    raise AttributeError(dotted)


def constants() -> Iterator[str]:
    """Dotted names of module constants that are numbers."""
    for folder in ("jsna_model", "data_sources"):
        for path in sorted((ROOT / folder).rglob("*.py")):
            module = ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
            for node in ast.parse(path.read_text(encoding="utf-8")).body:
                targets = node.targets if isinstance(node, ast.Assign) else [node.target] if isinstance(node, ast.AnnAssign) else []
                for target in targets:
                    if (
                        isinstance(target, ast.Name)
                        and target.id.isupper()
                        and isinstance(getattr(import_module(module), target.id), int | float)
                    ):
                        yield f"{module}.{target.id}"


# --- complete ------------------------------------------------------------------------------------------------------------------------


def test_every_assumption_of_an_estimate_is_in_the_register() -> None:
    by_name = {c for c in COVERS if not c.endswith("/*")}
    for key in provenance():
        # A family is enough for relevance, whose terms are entries; intervals and gradients are named one by one.
        assert covered(key, COVERS if key.startswith("relevance/") else by_name), key


def test_every_share_that_an_overlap_uses_is_in_the_register() -> None:
    for name in ("higher_harm", "wider_exposure"):
        overlap = src.load_overlap(name)
        for share in (overlap.two_or_more, overlap.all_three):
            assert share is not None
            assert covered(f"interval/{share.key}", {c for c in COVERS if not c.endswith("/*")})


def test_every_assumed_parameter_and_cost_is_in_the_register() -> None:
    for name, p in PATHWAY.parameters.items():
        # A rate with basis "observed" is of the base year; that it goes on is an assumption too.
        assert covered(f"parameter/{name}"), f"{name} ({p.basis})"
    for name, p in LAYOUT.items():
        assert covered(f"layout/{name}"), f"{name} ({p.basis})"
    for cost in PATHWAY.unit_costs:
        assert covered(f"unit_cost/{cost.service}")


def test_every_interval_variation_and_relevance_of_the_catalogue_is_covered() -> None:
    for name in existing():
        if name.startswith(("interval/", "relevance/", "variation/")):
            assert covered(name), name


def test_every_number_in_the_code_is_an_entry_or_no_assumption() -> None:
    found = set(constants())
    assert set(NOT_ASSUMED) <= found
    for name in found - set(NOT_ASSUMED):
        assert covered(f"code/{name}") or OF_SOLVERS.fullmatch(name), name


# --- sound ---------------------------------------------------------------------------------------------------------------------------


def test_entries_are_whole() -> None:
    assert len(set(IDS)) == len(IDS)
    for e in REGISTER:
        assert set(e) - {"not_measured"} == {"id", "covers", "statement", "value", "owner", "date", "reason"}, e["id"]
        assert all(e.values()), e["id"]
        assert e["owner"] == "jsna_model maintainers"
        assert re.fullmatch(r"2026-\d\d-\d\d", e["date"])


def test_every_entry_covers_something_that_exists() -> None:
    names = existing()
    for e in REGISTER:
        for pattern in e["covers"]:
            if pattern.startswith("code/"):
                resolved(pattern.removeprefix("code/"))
            else:
                assert any(fnmatchcase(n, pattern) for n in names), (e["id"], pattern)


def test_values_are_those_in_use() -> None:
    """Where an entry covers numbers by name, its value names them."""
    skip = {"referral.re_referral_share"}  # the authority's own
    for e in REGISTER:
        text = e["value"].replace("\N{MINUS SIGN}", "-")
        for name in e["covers"]:
            if name.startswith("parameter/") and name.removeprefix("parameter/") not in skip:
                assert f"{PATHWAY.parameter(name.removeprefix('parameter/')).value:g}" in text or e["id"] == "closing-walk", name
            number = resolved(name.removeprefix("code/")) if name.startswith("code/") else None
            if isinstance(number, int | float):
                assert f"{number:g}" in text, name
    own = {e.key: f"{e.variation.gradient:.3f} ({e.variation.gradient_sd:.3f})" for e in CATALOGUE if e.variation.source}
    for e in REGISTER:
        named = [c.removeprefix("variation/") for c in e["covers"] if c.startswith("variation/") and "*" not in c]
        if e["id"] != "gradient-borrowed":
            assert all(own[k] in e["value"].replace("\N{MINUS SIGN}", "-") for k in named), e["id"]


def test_every_entry_has_a_measured_effect_or_says_why_not() -> None:
    measured = {r["id"] for r in ROWS}
    assert measured <= set(IDS)
    for e in REGISTER:
        assert (e["id"] in measured) != ("not_measured" in e), e["id"]
    for r in ROWS:
        assert tuple(r) == effects.COLUMNS
        assert r["affects"] in ("value", "width", "value and width", "neither")


def test_an_effect_is_what_its_numbers_say() -> None:
    for r in ROWS:
        base, changed = float(r["base"]), float(r["changed"])
        assert float(r["value_change"]) == pytest.approx(changed / base - 1, abs=2e-4), r


@pytest.mark.parametrize(
    "path",
    [
        *(f"defaults/{n}.toml" for n in ("assumptions", "effects", "pathway", "scenarios")),
        "evidence/_variation.toml",
        "evidence/_derived.toml",
    ],
)
def test_every_catalogue_key_that_is_named_exists(path: str) -> None:
    text = (ROOT / "data_sources" / path).read_text(encoding="utf-8")
    named = set(KEY.findall(text))
    assert named
    tomllib.loads(text)
    for key in named:
        assert any(k == key or k.startswith(f"{key}-") for k in KEYS), key


def test_every_catalogue_key_in_the_document_exists() -> None:
    for key in KEY.findall(effects.DOCUMENT.read_text(encoding="utf-8")):
        assert any(k == key or k.startswith(f"{key}-") for k in KEYS), key


def test_the_document_holds_the_register() -> None:
    text = effects.DOCUMENT.read_text(encoding="utf-8")
    assert effects.document(text, effects.table(REGISTER, ROWS)) == text
