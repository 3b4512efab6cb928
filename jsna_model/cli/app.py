"""The commands; each is a thin call of the rooms."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

import jsna_model
from jsna_model.cli.allocate import allocate_command
from jsna_model.cli.audit import audit_app
from jsna_model.cli.escalation import escalation_app
from jsna_model.cli.located import located
from jsna_model.cli.pages import partnership, profile
from jsna_model.cli.scenarios import scenarios_app
from jsna_model.cli.seek import seek_command
from jsna_model.errors import ConstructError, InputError, Problem, raise_all
from jsna_model.layout import DEFAULT_LAYOUT

if TYPE_CHECKING:
    from jsna_model.evidence import Evidence

app = typer.Typer(
    help="Needs assessment for children's services: evidence and population to children affected, demand, scenarios and a report.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
evidence_app = typer.Typer(help="The evidence catalogue.", no_args_is_help=True)
sources_app = typer.Typer(help="The embedded figures and where they come from.", no_args_is_help=True)
app.add_typer(evidence_app, name="evidence")
app.add_typer(sources_app, name="sources")
app.add_typer(audit_app, name="audit")
app.add_typer(escalation_app, name="escalation")
app.command()(profile)
app.command()(partnership)
app.add_typer(scenarios_app, name="scenarios")
app.command(name="allocate")(allocate_command)
app.command(name="seek")(seek_command)

Out = Annotated[Path, typer.Option("--out", "-o", help="Run folder to write.")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Say nothing but errors.")]
FORMATS = ("html", "docx", "xlsx", "compare", "pdf", "csv")
_TO = (
    "Formats, of html, docx, xlsx, compare (a page to choose in), pdf (needs Edge, Chrome or Chromium) and csv (a file a table); the first "
    "three by default, and compare where there are scenarios."
)
_TO_FILL = {
    "early_help": (
        "families_per_year = 800.0   # families given early help in a year; without it, effects are per 100 families",
        "unit_cost = 2000.0          # pounds per family, in 2024-25 prices",
        "children_per_family = 1.9   # without it, 1.74 (ONS, UK 2025)",
    ),
    "decision": (
        'discount = "green_book_2026"            # a schedule, or a rate a year; none without it',
        'effect = "looked_after_at_31_march"     # what is gained: a service, of which fewer is better, or families_helped',
        "thresholds = [10000.0, 50000.0]         # pounds that one unit of it is worth to you; none is assumed",
        "information = true                      # what is worth finding out, at each threshold",
        "waterfall = true                        # the change over the horizon by its factors",
        'price_year = "2026-27"                  # with deflators = "FILE" above, where costs are in other prices',
        "sources = true                          # which of need, effect, rates, volume and cost makes it uncertain",
        "optimism_bias, cashable, fixed and cost_uncertainty (its standard deviation): by unit cost (early_help, social_work,",
        "looked_after, or your own), 0.2 for 20 per cent; none is assumed",
    ),
    "unit_costs": (
        'social_work = { amount = 250.0, price_year = "2025-26", source = "ledger" }   # pounds a week; also looked_after',
        'section_47_enquiries = { amount = 900.0, price_year = "2025-26", source = "ledger" }   # each; any flow, or assessments',
        'placement_change = { amount = 3000.0, price_year = "2025-26", source = "ledger", of = "looked_after_at_31_march", times = 0.4 }',
        'nhs_care = { amount = 20.0, price_year = "2025-26", source = "ICB", agency = "NHS", of = "looked_after_at_31_march" }   # a week',
        'childrens_home = { amount = 5000.0, price_year = "2025-26", source = "ledger" }   # a week; any placement of [placements]',
        'staff = { amount = 150000.0, price_year = "2024-25", source = "bid", of = "follow_up" }   # a year of a scenario, by its name',
        "A scenario that helps no more families and has no cost of its own, of = its name, would look free: it is not chosen among.",
        "Agencies: local authority, schools, NHS, police, voluntary sector, justice. Who has no unit cost is shown as not costed.",
    ),
    "placements": (
        'source = "SSDA903 return"   # shares of your looked-after children by placement; none is assumed. DfE publishes them for each',
        'date = "2025-03-31"         # authority, in whole percents, in the Local Authority Interactive Tool: published = true for those',
        "foster_care = 0.68          # or foster_relative, foster_own and foster_agency",
        "childrens_home = 0.12       # also adoption, with_parents, supported_accommodation, other_residential",
        "other = 0.20                # they add up to 1, and are held constant over the years",
    ),
    "reasons": ('"early_help.effect.care" = "our evaluation of 2026"   # asked for where [parameters] gives an effect',),
    "benefit": ("share = 0.3   # of affected children not known to services, who would benefit from help; with the reason for it",),
    "publication": (
        "Every page says DRAFT until owner, approver and review_date (YYYY-MM-DD) are named. Draft points (P1, P2 ...) that are not in",
        "accepted are left out of what is published: the draft gives a mark for each wording, such as P1:3f9a2c1b.",
        "Local text goes in text/ beside this file: views_of_children.md,",
        "views_of_families.md, views_of_practitioners.md, services_and_assets.md, equality_impact.md.",
    ),
}

#: At the end of a new study: a scenario of one's own, for all children and for a group.
_EXAMPLE = """
# Scenarios of your own: take away the # before each line that has one without a space, and change what it says. One [[scenario]] each,
# with as many [[scenario.change]] as it has changes. jsna scenarios list has ready ones, to name in `ready` above; the sheet Parameters
# of jsna form has every parameter with its value, range and unit.
#[[scenario]]
#name = "hubs"                      # lower-case letters, digits and _
#title = "Family hubs reach a quarter more families"
#reason = "Board paper 12"          # asked for
#[[scenario.change]]
#parameter = "early_help.reach"
#op = "scale"                       # scale, add or set
#value = 1.25
#start = "2027-04"
#full_by = "2029-03"                # without it, whole from the start
#[[scenario]]
#name = "under_fives"
#title = "What if a twentieth fewer under-fives were affected"
#reason = "To see what hangs on it"
#[[scenario.change]]
#parameter = "need.affected"
#op = "scale"
#value = 0.95
#start = "2027-04"
#group = { age = "0-4" }            # age, risk or pattern (a+b); with a layout, for rates of services too
"""

#: Said beside keys at the top of a new study.
#: Stands for the area of a new study until its line is left to be filled in.
_NO_AREA = "no area yet"
_BESIDE = {
    "years": "financial years projected after 2024-25, 1 to 18",
    "layout": "early_help_and_cin, or family_help from the month below: early help and statutory services as one; empty for neither",
    "family_help_from": 'such as "2027-04", from which targeted early help and section 17 are one service; with family_help only',
    "process_noise": "true: whole children, drawn at random, siblings together; with a layout only, and slower",
}


def _version(show: bool) -> None:
    if show:
        typer.echo(f"jsna_model {jsna_model.__version__}")
        raise typer.Exit


@app.callback()
def _root(version: Annotated[bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version.")] = False) -> None:
    pass


@app.command()
def report(
    run: Annotated[Path | None, typer.Argument(help="A run folder whose report is to be written again.")] = None,
    area: Annotated[str | None, typer.Option(help="Authority, or district (its county is run): name or code.")] = None,
    out: Annotated[Path | None, typer.Option("--out", "-o", help="Run folder to write.")] = None,
    set_name: Annotated[str, typer.Option("--set", help="Coherent set: higher_harm or wider_exposure.")] = "higher_harm",
    draws: Annotated[str, typer.Option(help="Number of draws.")] = "1000",
    seed: Annotated[str, typer.Option(help="Seed of every random stream.")] = "2026",
    evidence: Annotated[Path | None, typer.Option(help="TOML file or folder of estimates of your own.")] = None,
    direct: Annotated[Path | None, typer.Option(help="CSV of direct local estimates and known totals.")] = None,
    effects: Annotated[str, typer.Option(help="Effects of early help: sceptical, as_published or optimistic.")] = "sceptical",
    covariates: Annotated[Path | None, typer.Option(help="CSV of covariates of your own evidence, for every LSOA of England.")] = None,
    local_counts: Annotated[
        Path | None, typer.Option(help="CSV of what services record: treatment, Marac, police, GP, early help.")
    ] = None,
    figures: Annotated[Path | None, typer.Option(help="Folder of figures that replace embedded ones.")] = None,
    footprint: Annotated[Path | None, typer.Option(help="CSV of lsoa21_code, locality: localities or family-hub areas.")] = None,
    boundaries: Annotated[Path | None, typer.Option(help="GeoJSON, GeoPackage or GeoParquet of wards, MSOAs or districts.")] = None,
    projection: Annotated[
        Path | None, typer.Option(help="ONS subnational population projections as downloaded (CSV, XLSX, ZIP, folder), or a long table.")
    ] = None,
    variant: Annotated[str, typer.Option(help="Variant of the projection; or cohort, without a file.")] = "principal",
    births: Annotated[Path | None, typer.Option(help="With --variant cohort: CSV of utla23_code, year, births.")] = None,
    migration: Annotated[Path | None, typer.Option(help="With --variant cohort: CSV of estimates of years in a row.")] = None,
    families: Annotated[
        float | None, typer.Option(help="Families given early help in a year; without it effects are per 100 families.")
    ] = None,
    unit_cost: Annotated[float | None, typer.Option(help="Pounds per family given early help.")] = None,
    layout: Annotated[
        str, typer.Option(help="Early help as states of its own: early_help_and_cin, or family_help from a month.")
    ] = DEFAULT_LAYOUT,
    family_help_from: Annotated[str, typer.Option(help="Month from which family_help holds, such as 2026-04.")] = "",
    years: Annotated[str, typer.Option(help="Financial years projected after 2024-25, 1 to 18.")] = "11",
    stress_test: Annotated[bool, typer.Option("--stress-test", help="Add the threshold stress test.")] = False,
    internal: Annotated[bool, typer.Option("--internal", help="Show LSOA tables and maps; not for publication.")] = False,
    text: Annotated[Path | None, typer.Option(help="Folder of local text: views_of_children.md, services_and_assets.md ...")] = None,
    template: Annotated[Path | None, typer.Option(help="Your own Word template (.docx).")] = None,
    logo: Annotated[Path | None, typer.Option(help="Your logo, PNG or JPEG.")] = None,
    vocabulary: Annotated[Path | None, typer.Option(help="TOML of your own words for the terms of the report.")] = None,
    to: Annotated[str, typer.Option(help=_TO)] = "",
    quiet: Quiet = False,
) -> None:
    """The main job: estimate, project, compare and report, offline."""
    from jsna_model.cli.run import rewrite, run_study
    from jsna_model.study import Study

    formats = _formats(to)
    if run is not None and area is not None:
        raise InputError("RUN and --area exclude each other. Give a run folder to write its report again, or an area to run a new one.")
    if run is not None:
        own = {"text": text, "template": template, "logo": logo, "vocabulary": vocabulary}
        rewrite(run, out or run, formats, internal, quiet, {k: str(v) for k, v in own.items() if v})
        return
    if area is None:
        raise InputError('Nothing to report on. Give --area, such as --area "Milton Keynes"; jsna areas lists all.')
    ready = ("early_help_reach", "follow_up", *(("threshold_up",) if stress_test else ()))
    early_help = {k: v for k, v in (("families_per_year", families), ("unit_cost", unit_cost)) if v is not None}
    study = Study.of(
        {
            "area": area,
            "set": set_name,
            "draws": _number(draws, "--draws"),
            "seed": _number(seed, "--seed"),
            "evidence": str(evidence or ""),
            "direct": str(direct or ""),
            "effects": effects,
            "covariates": str(covariates or ""),
            "local_counts": str(local_counts or ""),
            "figures": str(figures or ""),
            "footprint": str(footprint or ""),
            "boundaries": str(boundaries or ""),
            "projection": str(projection or ""),
            "projection_variant": variant,
            "births": str(births or ""),
            "migration": str(migration or ""),
            "text": str(text or ""),
            "template": str(template or ""),
            "logo": str(logo or ""),
            "vocabulary": str(vocabulary or ""),
            "early_help": early_help,
            "layout": layout,
            "years": _number(years, "--years"),
            "family_help_from": family_help_from,
            "ready": ready,
            "publication": {"internal": internal},
        },
        "command line",
    )
    run_study(study, out or Path("out"), formats, quiet)


@app.command(name="run")
def run_command(
    study: Annotated[Path, typer.Argument(help="study.toml, or the Excel form of jsna form.")],
    out: Out = Path("out"),
    to: Annotated[str, typer.Option(help=_TO)] = "",
    quiet: Quiet = False,
) -> None:
    """Run a study.toml, or a filled Excel form, into a run folder."""
    import data_sources as src
    from jsna_model.cli.run import run_study

    with located(study):
        run_study(src.read_study(study), out, _formats(to), quiet)


@app.command()
def check(study: Annotated[Path, typer.Argument(help="study.toml, or the Excel form of jsna form.")]) -> None:
    """Check a study.toml, or a filled Excel form, and every file that it names, without running it."""
    import data_sources as src
    from jsna_model.cli.run import scenario_check

    with located(study):
        asked = src.read_study(study)
        nouns = src.resolve(asked, scenario_check(asked))
    typer.echo(f"{study}: sound. {nouns.population}")


@app.command()
def init(
    name: Annotated[str, typer.Argument(help="Folder to make.")],
    area: Annotated[str, typer.Option(help="Authority or district: name or code; without it, left to fill in.")] = "",
) -> None:
    """Make a folder with a study.toml to fill in: early help, publication."""
    import data_sources as src
    from jsna_model.study import Study

    target = Path(name) / "study.toml"
    if target.exists():
        raise InputError(f"{target} is there already. Choose another folder; nothing was overwritten.")
    found = src.find_area(area).name if area else _NO_AREA
    target.parent.mkdir(parents=True, exist_ok=True)
    Study.of({"area": found}).write(target)
    schema = target.with_name("study.schema.json")
    schema.write_text(json.dumps(Study.json_schema_of_file(), indent=2) + "\n", encoding="utf-8")
    text = f"#:schema ./{schema.name}\n{target.read_text(encoding='utf-8')}"
    text = text.replace(f'area = "{_NO_AREA}"', 'area = ""   # to fill in: authority or district, name or code; jsna areas lists them')
    target.write_text(_with_hints(text), encoding="utf-8")
    fill = f"{'' if area else 'area, '}[early_help] families_per_year and unit_cost, and [publication]"
    typer.echo(f"Wrote {target}. Fill in {fill}; then: jsna run {target} --out {name}/out")


def _with_hints(text: str) -> str:
    """A study with hints in its tables; what a hint or a [[scenario]] gives is not written as well, as TOML takes no key twice."""
    tables = text.replace("scenario = []\n", "").split("\n[")
    beside = (f"{line}   # {_BESIDE[key]}" if (key := line.split(" = ")[0]) in _BESIDE else line for line in tables[0].split("\n"))
    tables[0] = "\n".join(beside)
    for i, table in enumerate(tables[1:], 1):
        name, _, lines = table.partition("]\n")
        hints = _TO_FILL.get(name, ())
        given = {hint.split(" = ")[0] for hint in hints}
        kept = [line for line in lines.split("\n") if line.split(" = ")[0] not in given]
        tables[i] = f"{name}]\n" + "".join(f"# {hint}\n" for hint in hints) + "\n".join(kept)
    return "\n[".join(tables).rstrip("\n") + "\n" + _EXAMPLE


@app.command()
def form(
    path: Annotated[Path, typer.Argument(help="Excel file to make.")],
    area: Annotated[str, typer.Option(help="Authority or district: name or code.")],
) -> None:
    """Make an Excel form to fill in instead of study.toml; jsna check and jsna run take it."""
    import data_sources as src

    found = src.find_area(area)
    src.write_form(path, found.name, src.load_pathway(found.code))
    typer.echo(f"Wrote {path}. Fill in column C, and scenarios where wanted; then: jsna run {path} --out out/")


@app.command()
def diff(
    run_a: Annotated[Path, typer.Argument(help="Run folder.")],
    run_b: Annotated[Path, typer.Argument(help="Run folder to compare it with.")],
    most: Annotated[int, typer.Option(help="Numbers to list, greatest change first.")] = 20,
    out: Annotated[Path | None, typer.Option("--out", "-o", help="CSV to write all of the numbers to.")] = None,
) -> None:
    """Which inputs of two runs differ, and which numbers moved by how much."""
    from jsna_model.cli.diff import inputs, numbers

    differing, moved = inputs(run_a, run_b), numbers(run_a, run_b)
    for name, first, second in differing:
        typer.echo(f"{name}: {first} -> {second}")
    if not differing:
        typer.echo("The inputs are the same.")
    changed = moved[moved["difference"] != 0]
    typer.echo(f"{len(changed):,} of {len(moved):,} expected values that both hold differ.")
    for row in changed.head(most).itertuples():
        typer.echo(f"{row.what}: {row.a:,.1f} -> {row.b:,.1f} ({row.difference:+,.1f}, {row.change:+.1%})")
    if out is not None:
        moved.to_csv(out, index=False, encoding="utf-8-sig")
        typer.echo(f"Wrote {out}: {len(moved):,} rows, in full. Not for publication.")


@app.command()
def areas(text: Annotated[str | None, typer.Argument(help="Part of a name or code.")] = None) -> None:
    """List the areas that can be asked for."""
    import data_sources as src

    table = src.areas(text)
    if table.empty:
        src.find_area(text or "")
    for row in table.itertuples():
        inside = f" in {row.authority_name}" if row.level == "district" else f" ({row.region_name})" if row.level == "authority" else ""
        typer.echo(f"{row.code}  {row.name}{inside}  [{row.level}]")


@app.command()
def estimate(
    area: Annotated[str, typer.Option(help="Authority, district, region or England: name or code.")],
    out: Annotated[Path, typer.Option("--out", "-o", help="CSV to write.")],
    level: Annotated[str, typer.Option(help="lsoa, msoa, ward, locality, district (lad), authority (utla), region or england.")] = "lsoa",
    set_name: Annotated[str, typer.Option("--set", help="Coherent set: higher_harm or wider_exposure.")] = "higher_harm",
    draws: Annotated[str, typer.Option(help="Number of draws.")] = "1000",
    seed: Annotated[str, typer.Option(help="Seed.")] = "2026",
    footprint: Annotated[Path | None, typer.Option(help="CSV of lsoa21_code, locality.")] = None,
    evidence: Annotated[Path | None, typer.Option(help="TOML file or folder of estimates of your own.")] = None,
    direct: Annotated[Path | None, typer.Option(help="CSV of direct local estimates and known totals.")] = None,
    covariates: Annotated[
        Path | None, typer.Option(help="CSV of covariates that your evidence varies with, for every LSOA of England.")
    ] = None,
    overlap: Annotated[str, typer.Option(help="published; or independent, least or most, to see what hangs on it.")] = "published",
    age_bands: Annotated[str, typer.Option(help="Age bands of your own, such as 0-4,5-10,11-15,16-17; DfE bands without.")] = "",
    by_sex: Annotated[bool, typer.Option("--by-sex", help="Girls and boys apart, by the mix of each authority's single years.")] = False,
    scheduler: Annotated[str, typer.Option(help="Address of a Dask scheduler, where one machine is too small (extra dask).")] = "",
    quiet: Quiet = False,
) -> None:
    """Children affected, a row an area, age band and measure (each risk, pattern and combination): expected value and 95% interval."""
    from jsna_model.cli.run import write_estimate
    from jsna_model.study import Study

    values = {"area": area, "set": set_name, "overlap": overlap, "draws": _number(draws, "--draws"), "seed": _number(seed, "--seed")}
    files = {"footprint": footprint, "evidence": evidence, "direct": direct, "covariates": covariates}
    study = Study.of({**values, **{k: str(v or "") for k, v in files.items()}}, "command line")
    write_estimate(study, level, out, quiet, [b for b in age_bands.split(",") if b.strip()], by_sex, scheduler)


@app.command()
def backtest(
    data: Annotated[
        Path | None,
        typer.Option(help="Panel, CSV or Parquet: area_code, year, measure, value, population. Without it, England's own series."),
    ] = None,
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder to write.")] = Path("backtest"),
    quiet: Quiet = False,
) -> None:
    """Forecast one to five years ahead from every past year of a panel, and score it beside persistence."""
    from jsna_model.cli.backtest import write_backtest

    write_backtest(data, out, quiet)


@evidence_app.command(name="check")
def evidence_check(path: Annotated[Path, typer.Argument(help="TOML file of estimates of your own, or a folder of them.")]) -> None:
    """Check your own estimates; every problem is reported at once, with file and line."""
    import data_sources as src
    from data_sources.evidence import unsound_sets

    found = src.load_evidence(path=path)
    raise_all(unsound_sets(found, str(path)))
    for e in found:
        lacking = _lacking(e)
        use = f"not used by estimate: {'; '.join(lacking)}" if lacking else "a share of children: estimate can use it"
        typer.echo(f"{e.key}: {e.label}; {use}")
    typer.echo(f"{path}: sound. Estimates: {len(found)}.")


def _lacking(e: Evidence) -> list[str]:
    """What keeps `estimate` from using it; nothing where it can."""
    try:
        e.require_usable()
    except ConstructError as error:
        return [p.found for p in error.problems]
    return []


@evidence_app.command(name="list")
def evidence_list(
    text: Annotated[str, typer.Argument(help="Part of a key, label, condition, place, period or source.")] = "",
    topic: Annotated[str, typer.Option(help="Topic, such as 'domestic abuse' or costs.")] = "",
    whose: Annotated[str, typer.Option(help="Whose condition: child, adult, parent ...")] = "",
    unit: Annotated[str, typer.Option(help="Unit: share, children, adults, £ ...")] = "",
    geography: Annotated[str, typer.Option(help="England, United Kingdom ...")] = "",
    usable: Annotated[bool, typer.Option("--usable", help="Only what estimate can use: shares of children.")] = False,
    own: Annotated[Path | None, typer.Option("--own", help="TOML file or folder of your own, listed too.")] = None,
) -> None:
    """Every figure of the catalogue in a line each, or those that pass the filters."""
    import data_sources as src
    from reports.evidence import line, value

    wanted = {"topic": topic, "whose": whose, "unit": unit, "geography": geography}
    found = 0
    for e in (*src.load_evidence(*src.evidence_keys()), *(src.load_evidence(path=own) if own else ())):
        has = {"topic": e.topic, "whose": e.construct.whose, "unit": e.unit, "geography": e.geography}
        words = " ".join((e.key, e.risk, e.label, e.construct.condition, e.geography, e.period, str(e.source), value(e), e.notes))
        if all(v.lower() in has[k].lower() for k, v in wanted.items()) and text.lower() in words.lower() and not (usable and _lacking(e)):
            typer.echo(line(e))
            found += 1
    if not found:
        raise InputError("No figure passes these filters. Leave one out; jsna evidence list shows all, and the topics are: " + _topics())


def _topics() -> str:
    from data_sources.evidence import vocabulary

    return ", ".join(vocabulary()["topic"])


@evidence_app.command(name="show")
def evidence_show(
    key: Annotated[str, typer.Argument(help="Catalogue key or risk.")],
    own: Annotated[Path | None, typer.Option("--own", help="TOML file or folder of your own, read beside the catalogue.")] = None,
) -> None:
    """One figure: definition, interval, source, traps, what it may and may not be combined with, and what disagrees with it."""
    import data_sources as src
    from data_sources.evidence import quoted_by_ofsted
    from reports.evidence import page

    (e,) = src.load_evidence(key, path=own)
    others = (*src.load_evidence(*src.evidence_keys()), *(src.load_evidence(path=own) if own else ()))
    typer.echo(page(e, others, quoted_by_ofsted()))


@evidence_app.command(name="docs")
def evidence_docs(
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder to write evidence.md and its figures to.")] = Path("docs"),
) -> None:
    """Write the catalogue as pages, one a topic, with figures of conflicting sources side by side."""
    import data_sources as src
    from data_sources.evidence import quoted_by_ofsted, vocabulary
    from reports.evidence_docs import write

    paths = write(src.load_evidence(*src.evidence_keys()), vocabulary(), quoted_by_ofsted(), out)
    typer.echo(f"Wrote {len(paths)} files to {out}.")


@sources_app.command(name="list")
def sources_list() -> None:
    """The embedded figures, with publisher, release and licence."""
    import data_sources as src

    for s in src.sources():
        typer.echo(f"{s['name']}: {s['title']}. {s['publisher']}, {s['release']}. {s['licence']}")


@sources_app.command(name="verify")
def sources_verify() -> None:
    """Check the embedded figures against their recorded hashes."""
    import data_sources as src

    found = src.verify()
    raise_all(
        [
            Problem(f"the file is {state}", "install the package again", f"data_sources/figures/{name}")
            for name, state in found.items()
            if state != "ok"
        ]
    )
    typer.echo(f"All {len(found)} embedded figures are as recorded.")


def _number(text: str, option: str) -> int:
    try:
        return int(text)
    except ValueError:
        raise InputError(f"{option} is {text!r}; give a whole number, such as 1000.") from None


def _formats(text: str) -> tuple[str, ...]:
    """Formats asked for; none where the choice is left to the result."""
    asked = tuple(t.strip().lower() for t in text.split(",") if t.strip())
    if any(a not in FORMATS for a in asked):
        raise InputError(f"--to is {text!r}; give formats among {', '.join(FORMATS)}.")
    return asked
