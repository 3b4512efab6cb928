"""Content: what a report says, in order, once; three thin renderers show it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from jsna_model.pathway import SERVICE_LABELS
from reports import charts, disclosure, maps, tabulate, words
from reports.demand_tables import HEADLINE_SERVICES, horizon, latest_caseload, other_scenarios, rates, service_label
from reports.drawing import Figure
from reports.need_tables import gap_not_known
from reports.table import Table
from reports.view import Interval, View, interval

if TYPE_CHECKING:
    import geopandas as gpd

    from jsna_model.result import Result

DRAFT = "DRAFT: not approved for publication."
NAMES = {"owner": "an owner", "approver": "an approver", "review_date": "a review date"}
MODELLED = (
    "Estimates are modelled, not counted: they apply published survey evidence to local children. They say how many children are likely "
    "to live with a risk, not which children, and not that a service is needed."
)


@dataclass(frozen=True)
class Bullets:
    """A list of sentences."""

    items: tuple[str, ...]


Block = str | Bullets | Figure | Table


@dataclass(frozen=True)
class Section:
    """A headed part of the report: paragraphs, lists, figures and tables in order."""

    key: str
    title: str
    blocks: tuple[Block, ...]


@dataclass(frozen=True)
class Report:
    """A report, before it is rendered.

    Parameters
    ----------
    title, subtitle : str
    draft : bool
        Whether every page says DRAFT.
    status : str
        Who stands behind it, or why it is a draft.
    sections : tuple of Section
    tables : tuple of Table
        Every table, those for the workbook only included.
    """

    title: str
    subtitle: str
    draft: bool
    status: str
    sections: tuple[Section, ...]
    tables: tuple[Table, ...]

    def figures(self) -> Iterator[Figure]:
        """Figures in order."""
        for section in self.sections:
            yield from (b for b in section.blocks if isinstance(b, Figure))

    def table(self, key: str) -> Table | None:
        """A table by key."""
        return next((t for t in self.tables if t.key == key), None)


@dataclass(frozen=True)
class _Parts:
    view: View
    tables: dict[str, Table]
    boundaries: gpd.GeoDataFrame | None
    internal: bool


def build(result: Result, study: Any = None, boundaries: gpd.GeoDataFrame | None = None, internal: bool = False) -> Report:
    """Everything the report says.

    Parameters
    ----------
    result : jsna_model.Result
    study : jsna_model.Study, optional
        Gives title, owner, approver and review date.
    boundaries : geopandas.GeoDataFrame, optional
    internal : bool
        Show LSOAs; the report then says that it is not for publication.

    Returns
    -------
    Report
    """
    view = View.of(result)
    found = tabulate.build(view, internal)
    parts = _Parts(view, {t.key: t for t in found}, boundaries, internal)
    named = {k: str(getattr(study, k, "") or "") for k in NAMES}
    missing = [NAMES[k] for k, name in named.items() if not name]
    draft = internal or bool(missing)
    status = f"Owner: {named['owner']}. Approved by: {named['approver']}. Review date: {named['review_date']}."
    if missing:
        status = f"{DRAFT} Not named yet: {words.listed(missing)}."
    if internal:
        status = f"INTERNAL: shows estimates by LSOA; not for publication. {status if missing else DRAFT}"
    sections = [s for make in _SECTIONS if (s := make(parts)) is not None]
    return Report(
        str(getattr(study, "title", "") or "") or f"Children living with parental risks in {view.title_name}",
        "Joint strategic needs assessment: children affected, demand for services and scenarios",
        draft,
        status,
        tuple(replace(s, blocks=tuple(b for b in s.blocks if b)) for s in sections),
        tuple(found),
    )


# -- sections ------------------------------------------------------------------------------------------------------------


def summary(parts: _Parts) -> Section:
    """Half a page of headline sentences."""
    view = parts.view
    items = []
    if view.members:
        anyone, two, three = (view.need(m) for m in ("any_risk", "two_or_more", "all_three"))
        items.append(
            f"{_lead(anyone, f'the {words.number(round(view.children))} children in {view.name}')} are estimated to live in a household with "
            f"{view.any_phrase} (the {view.set_label} set). That is {_share(anyone, view.children)} of children."
        )
        items.append(
            f"Two or more of the three (estimated): {_estimate(two)}{_flag(two)}. All three (estimated): {_estimate(three)}{_flag(three)}."
        )
    for risk in ("severe_parental_mental_illness", "dependent_drinking"):
        if risk in view.alone:
            items.append(
                f"On its own definition, {words.lower_first(view.label(risk))} (estimated): {_estimate(view.need(risk))}{_flag(view.need(risk))}."
            )
    if view.district:
        items.insert(0, _district_sentence(view))
    if "to_2035" in parts.tables:
        items.append(_trend_sentence(view))
    service = _rates_sentence(view)
    if service:
        items.append(service)
    gap = gap_not_known(view)
    if gap is not None:
        items.append(
            f"If the estimate is right, at least {_estimate(gap)} live with at least one of these risks and are not open to children's social "
            "care. It is a broad indication of scale, not a count of children who need a service."
        )
    items += [_scenario_sentence(view, s) for s in other_scenarios(view) if not view.is_stress_test(s)]
    return Section("summary", "Summary", (MODELLED, Bullets(tuple(i for i in items if i))))


def why(parts: _Parts) -> Section:
    """Why it matters: what Ofsted found, and the figures that it quoted."""
    quoted = parts.tables.get("quoted")
    return Section(
        "why",
        "Why it matters",
        (
            "In 2015 Ofsted found that the planning of local services did not sufficiently recognise or address the needs of children living with "
            "parental substance misuse, mental ill health or domestic abuse, and that too few needs assessments estimated how many such children "
            "there are (Ofsted 2015, Early help: whose responsibility?, key findings and recommendations). It recommended that local authorities "
            "and partners address these needs in commissioning plans, in line with the joint strategic needs assessment.",
            "It also found that referrals closed without action were often not followed up into early help, so that children were referred again "
            "(paragraphs 36 to 46). This report estimates the children affected, sets them beside the services that are given now, and compares "
            "what could be done.",
            *([quoted] if quoted else []),
        ),
    )


def named(parts: _Parts) -> Section:
    """Named risks, each on its own construct."""
    table = parts.tables["named_risks"]
    text = (
        "Each risk below has its own definition: what was asked, how severe, over what time and of whom. They come from different surveys and "
        "years, so they are neither added nor compared with one another."
    )
    more = parts.tables.get("supplementary")
    return Section(
        "risks", "How many children live with each risk", (text, charts.named_risks(parts.view, table), table, *([more] if more else []))
    )


def together(parts: _Parts) -> Section | None:
    """Risks together, in the coherent set."""
    view = parts.view
    if "patterns" not in parts.tables:
        return None
    text = (
        f"Risks occur together far more often than chance. Their overlap is estimated within the {view.set_label} set only, whose members and "
        "overlap were published from one survey analysis. How pairs of risks overlap was not published: the estimate assumes no more structure "
        f"than the published shares require. Sources conflict: the Crime Survey finds far fewer children with all three (0.2% at ages 10 to 15, in "
        f"12 months: OV-04) than the analysis used here ({_all_three(view)}). They are alternatives and are not averaged."
    )
    return Section(
        "together",
        "Risks that occur together",
        (text, charts.patterns(view, parts.tables["patterns"]), parts.tables["combinations"], parts.tables["patterns"]),
    )


def where(parts: _Parts) -> Section | None:
    """Small areas: a map and tables."""
    view = parts.view
    if not view.members or view.map_level() is None:
        return None
    text = (
        "The map shows where need is expected. The pattern follows deprivation because the model assumes so, from the gradient of recorded "
        "assessment factors; it is not evidence that need is higher there, and it is no ranking. Children of each area are modelled too, "
        "from the Census and the authority's total."
    )
    level = "lsoa" if parts.internal and view.has("lsoa") else None
    figure = maps.make_map(view, "any_risk", level, parts.boundaries)
    shown: list[Table] = []
    levels = ("district", "locality", str(view.map_level()), *(("lsoa",) if level else ()))
    for key in [f"by_{x}" for x in levels] + ["by_ward_in_district", "by_msoa_in_district"]:
        if key in parts.tables:
            shown.append(parts.tables[key])
    return Section("where", "Where the children are expected to live", (text, *([figure] if figure else []), *shown))


def ages(parts: _Parts) -> Section | None:
    """Age bands."""
    if "by_age" not in parts.tables:
        return None
    text = (
        "The sources publish few ages apart, so the estimates differ between ages mainly because there are more children in some bands. What is "
        "not known about the age profile is in the intervals."
    )
    return Section("ages", "How old the children are", (text, parts.tables["by_age"]))


def change(parts: _Parts) -> Section | None:
    """Change over time."""
    table = parts.tables.get("to_2035")
    if table is None:
        return None
    return Section("change", "How the number may change", (_trend_sentence(parts.view), charts.to_2035(parts.view, table), table))


def services(parts: _Parts) -> Section | None:
    """Published counts now, and projected caseload."""
    table = parts.tables.get("services_now")
    if table is None:
        return None
    view = parts.view
    whose = "published counts, as DfE published them" if view.published_counts else "the authority's own counts, not published ones"
    text = f"These are {whose}. {_rates_sentence(view)}"
    ahead = parts.tables.get("services_ahead")
    blocks: list[Block] = [text, table]
    if ahead is not None:
        stock = latest_caseload(view, "child_in_need_at_31_march")
        blocks.append(
            "The projection carries the base year's rates of referral, plans and care per affected child forward, and closes cases at the rate that "
            "neither builds up nor runs down the stock by itself, within the range that rates have moved in the past. It does not forecast policy."
            + (f" Children in need at the end of {stock[0]}: {_estimate(stock[1])}, projected." if stock else "")
        )
        notes = [str(n) for n in view.provenance.get("pathway", {}).get("notes", []) if str(n).startswith(view.name)]
        filled = view.provenance.get("pathway", {}).get("not_published", {}).get(view.code, [])
        dark = [
            s
            for s in ("section_47_enquiries", "initial_child_protection_conferences", "referrals_no_further_action")
            if disclosure.is_absent(rates(view, s)[0])
        ]
        if dark:
            notes.append(
                f"Not published for {view.name}, and not projected: {words.listed([words.lower_first(service_label(s)) for s in dark])}."
            )
        pathway = view.provenance.get("pathway", {})
        named = pathway.get("layout", {}).get("notes", {}).get(view.code, []) if pathway.get("layout", {}).get("pooled") else []
        notes += [f"{service_label(head)}: {rest}" for head, _, rest in (str(n).partition(": ") for n in named) if head in SERVICE_LABELS]
        if filled and not named:
            labels = words.listed([words.lower_first(service_label(s)) for s in filled])
            notes.append(f"Not published for {view.name}, and projected from what was published and England's ratios: {labels}.")
        if notes:
            blocks.append(Bullets(tuple(notes)))
        figure = charts.caseload(view, ahead)
        blocks += [*([figure] if figure else []), ahead]
    return Section("services", "Services now, and if nothing changes", tuple(blocks))


def unknown(parts: _Parts) -> Section | None:
    """Children not known to services."""
    table, known = parts.tables.get("not_known"), parts.tables.get("known")
    blocks: list[Block] = []
    if table is not None:
        blocks += [
            "Living in a household with one of these risks is not by itself need for a service. The table sets the estimate beside the published "
            "count of children in need, to show the scale of what may not be known.",
            table,
        ]
    if known is not None:
        blocks += [
            "Services record some of these risks. Each record is of its own unit and definition, so it stands beside the estimate and is not "
            "its numerator: what differs between the two is definition, unit and time as well as what is not known.",
            known,
        ]
    return Section("not_known", "Estimated children not known to services", tuple(blocks)) if blocks else None


def what_if(parts: _Parts) -> Section | None:
    """Scenarios."""
    view = parts.view
    scenarios = other_scenarios(view)
    if "differences" not in parts.tables or not scenarios:
        return None
    intro = (
        "Each scenario changes named parameters from a date and is compared with the baseline on the same draws, so that what they share cancels "
        "out. Effects of early help are sceptical by default: the evidence is mixed, intervals span no effect, and child protection plans may "
        "rise at first as needs are seen earlier. The largest published effect (32% fewer children looked after, Troubled Families) came without "
        "an interval and from a comparison that was not randomised."
    )
    tables = [parts.tables[k] for k in ("scenarios", "differences", "per_100_families", "costs", "unit_costs") if k in parts.tables]
    sentences = Bullets(tuple(_scenario_sentence(view, s) for s in scenarios))
    return Section("scenarios", "What could change", (intro, sentences, *tables))


def certainty(parts: _Parts) -> Section:
    """How sure the report is, and what it is not for."""
    rejected = float(parts.view.provenance.get("rejected_share") or 0.0)
    return Section(
        "certainty",
        "How sure we are, and what this is not",
        (
            f"Every estimate comes with a 95% credible interval from {words.number(int(parts.view.provenance.get('draws', 0)))} draws. It covers "
            "sampling error of the evidence, its distance from children in England today, how need varies between places, the overlap of risks, "
            "and the error of small-area child counts. It holds if the assumptions hold; they are listed below with their values.",
            Bullets(
                (
                    "It is not a count, and no child is identified by it.",
                    "It is not a ranking of places: the pattern between small areas is largely assumed.",
                    "It is not a measure of the quality or the threshold of services.",
                    "It is not a trend: evidence of different years and instruments is never joined.",
                    "Survey shares interviewed one adult in each household, so that the true share in the household may be higher.",
                    *((f"Of the national draws, {words.percent(rejected)} were infeasible and were drawn again.",) if rejected else ()),
                )
            ),
            Bullets(disclosure.RULES),
            "Not in this report, because it was not supplied or is not modelled yet: breakdowns by ethnicity, sex and special educational needs; "
            "early help volumes where none were given; unaccompanied asylum-seeking children and disability as streams of their own.",
        ),
    )


def _list_of(key: str, title: str, text: str, *keys: str) -> Callable[[_Parts], Section | None]:
    def make(parts: _Parts) -> Section | None:
        shown = [parts.tables[k] for k in keys if k in parts.tables]
        return Section(key, title, (text, *shown)) if shown else None

    return make


_SECTIONS: tuple[Callable[[_Parts], Section | None], ...] = (
    summary,
    why,
    named,
    together,
    where,
    ages,
    change,
    services,
    unknown,
    what_if,
    certainty,
    _list_of(
        "evidence",
        "Evidence and its constructs",
        "The construct is part of the number: figures whose constructs differ are not combined.",
        "evidence",
    ),
    _list_of(
        "assumptions",
        "Assumptions",
        "Each can be changed in study.toml or in a notebook, and the report made again.",
        "assumptions",
        "parameters",
    ),
    _list_of(
        "sources",
        "Sources and licence",
        "Contains public sector information licensed under the Open Government Licence v3.0. Contains OS data © Crown copyright and database right.",
        "sources",
    ),
)


# -- sentences -----------------------------------------------------------------------------------------------------------


def _estimate(x: Interval) -> str:
    return words.estimate(float(x.value), float(x.lower), float(x.upper))


def _lead(x: Interval, whole: str) -> str:
    """Opening of a sentence: "About 13,200 of the 74,569 children in ..., likely between ... and ... (95% credible interval),"."""
    shown = disclosure.modelled(float(x.value), "authority")
    if isinstance(shown, str):
        return f"{words.upper_first(shown)} of {whole}"
    return f"About {words.number(shown)} of {whole}, {words.between(float(x.lower), float(x.upper), 'authority')} (95% credible interval),"


def _all_three(view: View) -> str:
    """Published share with all three of the set in use, with its key."""
    share = view.provenance.get("overlap", {}).get("all_three") or {}
    return f"{words.percent(float(share['value']))}: {share['key']}" if share else "another construct"


def _flag(x: Interval) -> str:
    return " (low reliability)" if disclosure.reliability(float(x.relative_width)).startswith("[u]") else ""


def _share(x: Interval, children: float) -> str:
    low, high = (words.percent(float(v) / children) for v in (x.lower, x.upper))
    return f"{words.percent(float(x.value) / children)} ({low} to {high})"


def _district_sentence(view: View) -> str:
    assert view.district is not None
    code, name = view.district
    node = view.node("district")
    node = node.sel(area=code)
    children = float(node["children"].sum())
    if not view.members:
        return ""
    x = Interval(*(float(node[k].sel(component="any_risk")) for k in ("expected", "lower", "upper")))
    text = words.estimate(x.value, x.lower, x.upper, "district")
    return f"In {name}, a district of {view.name}, {text} are estimated to live with at least one of the three risks: {_share(x, children)} of children."


def _trend_sentence(view: View) -> str:
    data = view.group("demand/population")
    assert data is not None
    years = [int(y) for y in data["year"].values]
    x = interval(data["affected_projected"].transpose("year", "draw").values)
    first, last = (words.about(float(x.value[i]), "authority") for i in (0, -1))
    children = data["children_projected"].sum("age_band").mean("draw").values
    move = float(children[-1] / children[0] - 1)
    direction = "stay about the same" if abs(move) < 0.02 else f"{'rise' if move > 0 else 'fall'} by {words.percent(abs(move))}"
    return (
        f"The number of children is projected to {direction} between {years[0]} and {years[-1]}. At unchanged prevalence, the number affected would "
        f"go from {first} to {last}, {words.between(float(x.lower[-1]), float(x.upper[-1]), 'authority')} in {years[-1]} (projected, not forecast)."
    )


def _rates_sentence(view: View) -> str:
    observed = view.group("demand/observed")
    if observed is None or view.code not in observed["area"].values:
        return ""
    said = []
    for service in ("child_in_need_at_31_march", "child_protection_plan_at_31_march", "looked_after_at_31_march"):
        here, england, _, _ = rates(view, service)
        if not disclosure.is_absent(here) and not disclosure.is_absent(england):
            said.append(
                f"{words.lower_first(service_label(service))}, {words.number(round(here, 1))} per 10,000 ({words.compared(here, england)} England's {words.number(round(england, 1))})"
            )
    if not said:
        return f"Rates for {view.name} are suppressed or not available in the published counts."
    return f"{'Published' if view.published_counts else 'Own counts'} for {view.base_year}: {'; '.join(said)}. Neither higher nor lower is better."


def _scenario_sentence(view: View, scenario: str) -> str:
    data = view.group("decision")
    if data is None:
        return ""
    said = []
    for service in ("referrals", "child_protection_plan_at_31_march", "looked_after_at_31_march"):
        if service not in HEADLINE_SERVICES or service not in data["difference"]["service"].values:
            continue
        values = data["difference"].sel(scenario=scenario, service=service).isel(year=-1).values
        if disclosure.is_absent(float(values.mean())):
            continue
        x = interval(values)
        low, high = (_signed(disclosure.difference(float(v))) for v in (x.lower, x.upper))
        if low == high == "0":
            continue
        said.append(
            f"{words.lower_first(service_label(service))}: {_moved(float(x.value))} ({low} to {high}{', direction not known' if float(x.lower) < 0 < float(x.upper) else ''})"
        )
    if not said:
        return ""
    year = str(data["year"].values[-1])
    stress = view.is_stress_test(scenario)
    ending = " Children turned away are still affected; harm and later cost are not modelled." if stress else ""
    kind = "" if stress else "Scenario: "
    far = f" ({mark})" if (mark := horizon(view, [str(y) for y in data["year"].values])[-1]) == "illustrative" else ""
    return f"{kind}{view.scenario_title(scenario)}; modelled difference in {year}{far}: {'; '.join(said)}.{ending}"


def _moved(value: float) -> str:
    """A difference in words; less than half a case is said so."""
    return words.changed(value) if disclosure.difference(value) != 0 else "less than one either way on average"


def _signed(shown: int | str) -> str:
    return f"+{words.number(shown)}" if isinstance(shown, int) and shown > 0 else words.number(shown)
