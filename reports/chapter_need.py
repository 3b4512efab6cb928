"""Sections on need: summary, why it matters, who is at risk, and the picture here."""

from __future__ import annotations

from reports import charts, charts_areas, maps, sentences, words
from reports.demand_tables import other_scenarios
from reports.need_tables import gap_not_known
from reports.parts import Made, Missing, Parts
from reports.report import Block, Bullets, Section
from reports.table import Table

MODELLED = (
    "Estimates are modelled, not counted: they apply published survey evidence to local children. They say how many children are likely "
    "to live with a risk, not which children, and not that a service is needed."
)
PUBLICATION = (
    ("owner", "Owner"),
    ("approver", "Approved by"),
    ("board_date", "Board"),
    ("review_date", "Review date"),
    ("classification", "Classification"),
)


def summary(parts: Parts) -> Made:
    """At most two pages: headline sentences and key figures."""
    view = parts.view
    items = []
    if view.members:
        anyone, two, three = (view.need(m) for m in ("any_risk", "two_or_more", "all_three"))
        items.append(
            f"{sentences.lead(anyone, f'the {words.number(round(view.children))} children in {view.name}')} are estimated to live in a household "
            f"with {view.any_phrase} (the {view.set_label} set). That is {sentences.share(anyone, view.children)} of children."
        )
        items.append(
            f"Two or more of the three (estimated): {sentences.estimate(two)}{sentences.flag(two)}. All three (estimated): "
            f"{sentences.estimate(three)}{sentences.flag(three)}."
        )
    for risk in ("severe_parental_mental_illness", "dependent_drinking"):
        if risk in view.alone:
            x = view.need(risk)
            items.append(
                f"On its own definition, {words.lower_first(view.label(risk))} (estimated): {sentences.estimate(x)}{sentences.flag(x)}."
            )
    if view.district:
        items.insert(0, sentences.district(view))
    if "to_2035" in parts.tables:
        items.append(sentences.trend(view))
    items.append(sentences.rates(view))
    gap = gap_not_known(view)
    if gap is not None:
        items.append(
            f"If the estimate is right, at least {sentences.estimate(gap)} live with at least one of these risks and are not open to children's "
            "social care. It is a broad indication of scale, not a count of children who need a service."
        )
    items += sentences.scenarios(view, stress_tests=False)
    named = [f"{label}: {parts.publication[key]}." for key, label in PUBLICATION if parts.publication.get(key)]
    lines: list[Block] = [MODELLED, Bullets(tuple(i for i in items if i)), *parts.some("key_figures")]
    if "effects" in parts.tables and other_scenarios(view) and "high" not in set(parts.tables["effects"].rows["How sure"]):
        lines.append(
            "What works is known with little certainty: no evaluation of early help that this report draws on is graded high, and effects are "
            "modelled so that they may be nothing."
        )
    return Section("summary", "Summary", (*lines, *([" ".join(named)] if named else [])))


def why(parts: Parts) -> Made:
    """Why it matters: what Ofsted found, and the figures that it quoted."""
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
            *parts.some("quoted"),
        ),
    )


def who(parts: Parts) -> Made:
    """Who is at risk: groups that professionals should be alert to, ages, and what cannot be shown."""
    text = (
        "The sources publish few ages apart, so the estimates differ between ages mainly because there are more children in some bands. What is not "
        "known about the age profile is in the intervals."
    )
    ages: list[Block] = [text, *parts.some("by_age")] if "by_age" in parts.tables else []
    figure = charts_areas.pyramid(parts.view)
    ages += [figure] if figure is not None else []
    return Section(
        "who",
        "Who is at risk",
        (
            "This report is about children in a household where an adult drinks harmfully or depends on alcohol or drugs, where there is domestic "
            "abuse, or where a parent is severely mentally ill. Guidance asks professionals to be alert to other children too: those who are disabled "
            "or have special educational needs, young carers, and those who show early signs of abuse, neglect or antisocial behaviour (as listed in "
            "Ofsted 2015, paragraph 66). They are not estimated here.",
            "A child can live with one of these risks and do well. Who is harmed depends on how severe the problem is, how long it lasts, what else is "
            "happening, and who else is there for the child; no survey used here measured that.",
            *ages,
            "Breakdowns by ethnicity, sex and special educational needs are not here: they are listed with the gaps in the data.",
        ),
    )


def named(parts: Parts) -> Made:
    """Named risks, each on its own construct."""
    text = (
        "Each risk below has its own definition: what was asked, how severe, over what time and of whom. They come from different surveys and "
        "years, so they are neither added nor compared with one another."
    )
    table = parts.tables["named_risks"]
    figure = charts.named_risks(parts.view, table)
    return Section(
        "risks", "The picture here: how many children live with each risk", (text, figure, table, *parts.some("supplementary")), wide=True
    )


def together(parts: Parts) -> Made:
    """Risks together, in the coherent set."""
    view, title = parts.view, "The picture here: risks that occur together"
    if "patterns" not in parts.tables:
        return Missing(title, "each risk stands alone in this result; run estimate with a coherent set and its overlap")
    text = (
        f"Risks occur together far more often than chance. Their overlap is estimated within the {view.set_label} set only, whose members and "
        "overlap were published from one survey analysis. How pairs of risks overlap was not published: the estimate assumes no more structure "
        f"than the published shares require. Sources conflict: the Crime Survey finds far fewer children with all three (0.2% at ages 10 to 15, in "
        f"12 months: OV-04) than the analysis used here ({sentences.all_three(view)}). They are alternatives and are not averaged."
    )
    return Section("together", title, (text, charts.patterns(view, parts.tables["patterns"]), *parts.some("combinations", "patterns")))


def where(parts: Parts) -> Made:
    """Small areas: a map and tables."""
    view, title = parts.view, "The picture here: where the children are expected to live"
    if not view.members:
        return Missing(title, "each risk stands alone in this result; run estimate with a coherent set and its overlap")
    if view.map_level() is None:
        return Missing(title, "the result holds no areas below the authority; run estimate on its LSOAs")
    text = (
        "The map shows where need is expected. The pattern follows deprivation because the model assumes so, from the gradient of recorded "
        "assessment factors; it is not evidence that need is higher there, and it is no ranking. Children of each area are modelled too, "
        "from the Census and the authority's total."
    )
    inside = parts.internal and view.has("lsoa")
    drawn = maps.level_of(view, parts.boundaries) if parts.boundaries is not None else "lsoa"
    level = "lsoa" if inside and drawn == "lsoa" else None  # boundaries of wards are mapped as wards, inside the authority too
    figure = maps.make_map(view, "any_risk", level, parts.boundaries, internal=parts.internal)
    pair = maps.make_pair(view, "any_risk", level, parts.boundaries, internal=parts.internal)
    levels = ("district", "locality", str(view.map_level()), *(("lsoa",) if inside else ()))
    found = parts.some(*(f"by_{x}" for x in levels), "by_ward_in_district", "by_msoa_in_district")
    shown: list[Block] = [t if t.in_documents else _in_workbook(t) for t in found]
    return Section(
        "where", title, (text, *(f for f in (figure, pair, charts_areas.areas(view), charts_areas.risks_by_area(view)) if f), *shown)
    )


def _in_workbook(table: Table) -> str:
    """What stands in place of a table that is too long for documents."""
    return f"The table '{table.title}' has {len(table.rows)} rows and is in the workbook."


def change(parts: Parts) -> Made:
    """Change over time."""
    table, title = parts.tables.get("to_2035"), "The picture here: how the number may change"
    if table is None:
        return Missing(title, "nothing is projected in this result; run project")
    return Section("change", title, (sentences.trend(parts.view), charts.to_2035(parts.view, table), table))
