"""Study: everything asked for, as keys, codes and parameters; written down as ``study.toml``."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StrictBool, StrictInt, StringConstraints, ValidationError, model_validator

from jsna_model.errors import InputError, Problem, nearest, raise_all
from jsna_model.group import Group
from jsna_model.layout import DEFAULT_LAYOUT
from jsna_model.placements import PLACEMENTS, Placements
from jsna_model.scenario import Change, Scenario
from jsna_model.study_decision import BASE_YEAR, READY, Costed, Decision, FinancialYear, OwnCost, Share, contradictions
from jsna_model.toml_lines import key_lines, line_of

SCHEMA_VERSION = 1

#: Keys that name files or folders.
PATHS = (
    *("evidence", "direct", "local_counts", "figures", "footprint", "boundaries", "covariates", "deflators"),
    *("text", "template", "logo", "vocabulary"),
    *("projection", "births", "migration"),
)

Month = Annotated[str, Field(pattern=r"^\d{4}-(0[1-9]|1[0-2])$")]


Day = Annotated[str, Field(pattern=r"^(\d{4}-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01]))?$")]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class EarlyHelp(_Part):
    """The authority's own early help: families helped in a year, pounds per family in prices of a year, children per family."""

    families_per_year: float | None = Field(None, gt=0)
    unit_cost: float | None = Field(None, ge=0)
    price_year: FinancialYear = BASE_YEAR
    children_per_family: float | None = Field(None, gt=0)

    @model_validator(mode="after")
    def _cost_needs_volume(self) -> EarlyHelp:
        if self.families_per_year is None and (self.unit_cost is not None or self.children_per_family is not None):
            raise ValueError("give families_per_year too: a unit cost or family size means nothing without a volume")
        return self


class Benefit(_Part):
    """Share of affected children not known to services who would benefit from help, and the reason; only with it is unmet need shown."""

    share: float | None = Field(None, gt=0, le=1)
    reason: str = ""

    @model_validator(mode="after")
    def _both_or_neither(self) -> Benefit:
        if (self.share is None) != (not self.reason.strip()):
            raise ValueError("give a share and its reason together: unmet need is shown only with both")
        return self


class GroupEntry(_Part):
    """Children whom a change is for: of an area, of ages such as 0-4, with exactly a pattern of risks (a+b) or with a risk."""

    area: str = ""
    age: Annotated[str, Field(pattern=r"^(\d{1,2}(-\d{1,2})?)?$")] = ""
    pattern: str = ""
    risk: str = ""

    @model_validator(mode="after")
    def _a_group(self) -> GroupEntry:
        try:
            Group(**self.model_dump())
        except InputError as error:
            raise ValueError("; ".join(f"{p.found}: {p.fix}" for p in error.problems) or str(error)) from None
        return self


class ChangeEntry(_Part):
    """One dated change of a scenario, for all children or for a group."""

    parameter: str
    op: Literal["scale", "set", "add"]
    value: float
    start: Month
    full_by: Month | Literal[""] = ""
    group: GroupEntry = GroupEntry()


class ScenarioEntry(_Part):
    """A scenario of the user's own; a reason is asked for."""

    name: str = Field(pattern=r"^[a-z][a-z0-9_]*$")
    title: str = ""
    reason: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]
    stress_test: StrictBool = False
    change: tuple[ChangeEntry, ...] = Field(min_length=1)

    def build(self) -> Scenario:
        """The noun."""
        changes = tuple(Change(c.parameter, c.op, c.value, c.start, c.full_by, Group(**c.group.model_dump())) for c in self.change)
        return Scenario(self.name, self.title or self.name.replace("_", " ").capitalize(), self.reason, changes, self.stress_test)


class PlacementShares(_Part):
    """Shares of the authority's looked-after children by placement (`jsna_model.placements`), that add up to 1, with source and date.

    They are held constant over the years. Shares of the authority's own records are protected as its counts are, unless `published`.
    """

    source: str = ""
    date: Day = ""
    published: StrictBool = False
    foster_care: Share | None = None
    foster_relative: Share | None = None
    foster_own: Share | None = None
    foster_agency: Share | None = None
    adoption: Share | None = None
    with_parents: Share | None = None
    childrens_home: Share | None = None
    supported_accommodation: Share | None = None
    other_residential: Share | None = None
    other: Share | None = None

    def build(self) -> Placements | None:
        """The noun; none where no share is given."""
        shares = {n: s for n in PLACEMENTS if (s := getattr(self, n)) is not None}
        return Placements(shares, self.source, self.date, self.published) if shares else None


class Publication(_Part):
    """Who stands behind the report; until owner, approver and review date are named, every page says DRAFT.

    `board_date` is when the health and wellbeing board takes it, `classification` its marking (such as OFFICIAL), and `accepted` names the
    draft points that the partnership has accepted, each with the mark of its wording as the draft gives it (``P1:3f9a2c1b``): the others,
    and those whose number or wording has changed since, are left out of what is published.
    """

    owner: str = ""
    approver: str = ""
    review_date: Day = ""
    board_date: Day = ""
    classification: str = ""
    internal: StrictBool = False
    accepted: tuple[Annotated[str, Field(pattern=r"^P\d+(:[0-9a-f]{8})?$")], ...] = ()

    @property
    def approved(self) -> bool:
        """Whether it may be shown without DRAFT."""
        return bool(self.owner and self.approver and self.review_date)


class Study(_Part):
    """A study: `area` by name or code, coherent set, draws and seed, files, early help, scenarios and publication.

    Parameters
    ----------
    area : str
        Authority, district (its county is run), region or England.
    set_name : str
        Coherent set (``set`` in study.toml).
    overlap : str
        How the risks of the set occur together: as published, or, to see what hangs on it, independently, or as little or much as can be.
    draws, seed : int
    years : int
        Financial years projected after 2024-25.
    evidence : str
        TOML file, or folder of them, of estimates of the user's own. Each stands beside the defaults, or in place of one that it names
        with ``replaces``.
    direct : str
        CSV of direct local estimates and known totals (`data_sources.load_direct`).
    local_counts : str
        CSV of what services record (`data_sources.load_local_counts`).
    figures : str
        Folder of figures that replace embedded ones of the same name.
    footprint, boundaries : str
        CSV of LSOA and locality; boundary file. All of these are relative to study.toml; empty for none.
    deflators : str
        Price index by financial year (`data_sources.load_deflators`), where costs are in prices of several years.
    covariates : str
        CSV of covariates beyond deprivation that the evidence varies with, for every LSOA of England.
    projection : str
        ONS subnational population projections as downloaded, or a long table (`data_sources.load_projection`); the embedded one without.
    projection_variant : str
        One of its variants; ``cohort`` for children carried forward in cohorts, without a file.
    births, migration : str
        For ``cohort``: CSV of births by year, and of estimates of years in a row.
    impute_covariates : bool
        Whether a missing value of these takes the mean of its authority.
    text : str
        Folder of local text for the report, `data_sources.load_text`; the folder ``text`` beside study.toml where there is one.
    template, logo, vocabulary : str
        The council's own Word template, its logo (PNG or JPEG), and its words (TOML) for the report.
    early_help, benefit, publication : tables
    placements : table
        Shares of looked-after children by placement, in place of none.
    layout : str
        Early help and statutory services as states by age and pattern of risk (`jsna_model.layout`); empty for plans, care and need alone.
    family_help_from : str
        Month from which targeted early help and section 17 are one service; asked for with ``layout = "family_help"``, and only with it.
    process_noise : bool
        With a layout: whole children drawn at random, siblings together, in place of expected flows.
    parameters : mapping of str to float
        Central values of pathway parameters.
    reasons : mapping of str to str
        Why; asked for by parameter where it is an effect of early help.
    effects : str
        Effects of early help: ``sceptical``, ``as_published`` or ``optimistic`` (`data_sources.effect_levels`).
    unit_costs : mapping of str to OwnCost
        Of social work and of looked-after children, in place of the published averages; and of anything that is counted, by who pays.
    decision : Decision
        How scenarios are compared.
    ready : tuple of str
        Ready scenarios.
    start : str
        First month of the ready scenarios.
    scenario : tuple of ScenarioEntry
    """

    schema_version: StrictInt = SCHEMA_VERSION
    area: str = Field(min_length=1)
    title: str = ""
    set_name: str = Field("higher_harm", alias="set")
    overlap: Literal["published", "independent", "least", "most"] = "published"
    draws: StrictInt = Field(1000, ge=2, le=100_000)
    seed: StrictInt = Field(2026, ge=0)
    years: StrictInt = Field(11, ge=1, le=18)
    evidence: str = ""
    direct: str = ""
    local_counts: str = ""
    figures: str = ""
    footprint: str = ""
    boundaries: str = ""
    covariates: str = ""
    deflators: str = ""
    projection: str = ""
    projection_variant: str = Field("principal", min_length=1)
    births: str = ""
    migration: str = ""
    impute_covariates: StrictBool = False
    text: str = ""
    template: str = ""
    logo: str = ""
    vocabulary: str = ""
    early_help: EarlyHelp = EarlyHelp()
    benefit: Benefit = Benefit()
    placements: PlacementShares = PlacementShares()
    layout: Literal["", "early_help_and_cin", "family_help"] = DEFAULT_LAYOUT
    family_help_from: Month | Literal[""] = ""
    process_noise: StrictBool = False
    parameters: dict[str, float] = Field(default_factory=dict)
    reasons: dict[str, str] = Field(default_factory=dict)
    effects: Literal["sceptical", "as_published", "optimistic"] = "sceptical"
    unit_costs: dict[Costed, OwnCost] = Field(default_factory=dict)
    decision: Decision = Decision()
    ready: tuple[str, ...] = READY
    start: Month = "2026-04"
    scenario: tuple[ScenarioEntry, ...] = ()
    publication: Publication = Publication()

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True, allow_inf_nan=False)

    # The report reads these two names and the three of `publication` from one object.
    @property
    def owner(self) -> str:
        """Owner of the publication."""
        return self.publication.owner

    @property
    def approver(self) -> str:
        """Approver of the publication."""
        return self.publication.approver

    @property
    def review_date(self) -> str:
        """Review date, ISO."""
        return self.publication.review_date

    @classmethod
    def of(cls, values: Mapping[str, Any], file: str = "study", lines: Mapping[tuple[str | int, ...], int | str] | None = None) -> Study:
        """Build and check a study; every problem is reported at once, with its place where `lines` says where each key is written.

        Raises
        ------
        InputError
            Naming file and key, what was found and what to do.
        """
        version = values.get("schema_version", SCHEMA_VERSION)
        if isinstance(version, int) and version > SCHEMA_VERSION:
            raise InputError(f"{file} has schema_version {version}; this version reads up to {SCHEMA_VERSION}. Update jsna_model.")
        where = lines or {}
        problems = [
            Problem(found, fix, file, line_of(where, key), ".".join(str(k) for k in key)) for key, found, fix in contradictions(values)
        ]
        try:
            study = cls(**values)
        except ValidationError as error:
            raise_all([*(_problem(e, file, line_of(where, e["loc"])) for e in _told(error.errors())), *problems])
            raise AssertionError("unreachable") from error
        raise_all(problems)
        return study

    @classmethod
    def read(cls, path: str | Path) -> Study:
        """Read ``study.toml``; files named in it are made relative to where it lies.

        Raises
        ------
        InputError
            For a missing file, a TOML error with its line, or any problem of `of`.
        """
        path = Path(path)
        if not path.is_file():
            raise InputError(f"{path} is not a file. Give a study.toml, or make one with: jsna init")
        try:
            text = path.read_text(encoding="utf-8-sig")
            values = tomllib.loads(text)
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            raise InputError(f"{path} is not valid TOML: {error}. Text goes in double quotes; backslashes in paths are doubled.") from error
        if "text" not in values and (path.parent / "text").is_dir():
            values["text"] = "text"
        for key in PATHS:
            if isinstance(values.get(key), str) and values[key]:
                values[key] = str(path.parent / values[key])
        return cls.of(values, str(path), key_lines(text))

    @classmethod
    def json_schema_of_file(cls) -> dict[str, Any]:
        """JSON Schema of ``study.toml``, for editors that complete and check as one types."""
        found = cls.model_json_schema(by_alias=True)
        return {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": "study.toml of jsna_model"} | found

    def write(self, path: str | Path) -> Path:
        """Write ``study.toml``: what `read` reads back to the same study."""
        import tomli_w

        target = Path(path)
        target.write_text(tomli_w.dumps(self.model_dump(by_alias=True, exclude_none=True, mode="json")), encoding="utf-8")
        return target


_TABLES = (Study, EarlyHelp, Benefit, PlacementShares, Publication, Decision, OwnCost, ChangeEntry, GroupEntry)


def _told(errors: Sequence[Any]) -> list[Any]:
    """Without those of a whole that say only that its parts are wrong, which are told themselves."""
    return [e for e in errors if not (e["type"] == "too_short" and any(o["loc"][: len(e["loc"])] == e["loc"] != o["loc"] for o in errors))]


def _problem(error: Any, file: str, line: int | str | None = None) -> Problem:
    key = ".".join(str(p) for p in error["loc"])
    if error["type"] == "extra_forbidden":
        close = nearest(str(error["loc"][-1]), dict.fromkeys(["set", *(k for table in _TABLES for k in table.model_fields)]))
        if len(error["loc"]) > 1 and error["loc"][-1] in Study.model_fields:
            return Problem(f"unknown key {error['loc'][-1]!r} in this table", "put it at the top of the file", file, line, key)
        hint = f"did you mean {' or '.join(close)}?" if close else "remove it"
        return Problem(f"unknown key {error['loc'][-1]!r}", hint.rstrip("?"), file, line, key)
    if error["type"] == "missing":
        return Problem("nothing there", "give a value", file, line, key)
    if error["loc"] == ("area",) and error["type"] == "string_too_short":
        return Problem("nothing filled in", "give an authority or district by name or code; jsna areas lists them", file, line, key)
    message = error["msg"].removeprefix("Value error, ")
    return Problem(f"found {error['input']!r}", message[:1].lower() + message[1:], file, line, key)
