"""Sections on services: what is given now, who is not known, what works, scenarios, local views, and draft points."""

from __future__ import annotations

from jsna_model.pathway import SERVICE_LABELS
from reports import chapter_decision, charts, disclosure, local_text, sentences, words
from reports.demand_tables import latest_caseload, other_scenarios, rates, service_label
from reports.parts import Made, Missing, Parts
from reports.report import Block, Bullets, Heading, Section
from reports.view import View


def services(parts: Parts) -> Made:
    """Published counts and spend now, compared with England and statistical neighbours."""
    title = "Services now, and how they compare"
    if "services_now" not in parts.tables:
        return Missing(title, parts.view.withheld or "the result holds no counts of services; run project with a pathway")
    view = parts.view
    whose = "published counts, as DfE published them" if view.published_counts else "the authority's own counts, not published ones"
    blocks: list[Block] = [f"These are {whose}. {sentences.rates(view)}", *parts.some("services_now")]
    if "spend" in parts.tables:
        blocks += ["What these services cost, as the authority reported it:", *parts.some("spend")]
    return Section("services", title, tuple(blocks), wide=True)


def ahead(parts: Parts) -> Made:
    """Projected caseload if nothing changes."""
    table, title = parts.tables.get("services_ahead"), "Services if nothing changes"
    if table is None:
        return Missing(title, "nothing is projected in this result; run project with a pathway")
    view = parts.view
    stock = latest_caseload(view, "child_in_need_at_31_march")
    blocks: list[Block] = [
        "The projection carries the base year's rates of referral, plans and care per affected child forward, and closes cases at the rate that "
        "neither builds up nor runs down the stock by itself, within the range that rates have moved in the past. It does not forecast policy."
        + (f" Children in need at the end of {stock[0]}: {sentences.estimate(stock[1])}, projected." if stock else "")
    ]
    pathway = view.provenance.get("pathway", {})
    notes = [str(n) for n in pathway.get("notes", []) if str(n).startswith(view.name)]
    filled = pathway.get("not_published", {}).get(view.code, [])
    dark = [
        s
        for s in ("section_47_enquiries", "initial_child_protection_conferences", "referrals_no_further_action")
        if "services_now" in parts.tables and disclosure.is_absent(rates(view, s)[0])
    ]
    if dark:
        notes.append(
            f"Not published for {view.name}, and not projected: {words.listed([words.lower_first(service_label(s)) for s in dark])}."
        )
    layout = pathway.get("layout", {})
    named = layout.get("notes", {}).get(view.code, []) if layout.get("pooled") else []
    notes += [f"{service_label(head)}: {rest}" for head, _, rest in (str(n).partition(": ") for n in named) if head in SERVICE_LABELS]
    if filled and not named:
        labels = words.listed([words.lower_first(service_label(s)) for s in filled])
        notes.append(f"Not published for {view.name}, and projected from what was published and England's ratios: {labels}.")
    if notes:
        blocks.append(Bullets(tuple(notes)))
    figure = charts.caseload(view, table)
    return Section("ahead", title, (*blocks, *([figure] if figure else []), table))


def placements(parts: Parts) -> Made:
    """Where looked-after children live, by the study's own shares."""
    if "services_ahead" not in parts.tables:
        return None
    title, table, given = "Children looked after by placement", parts.tables.get("placements"), parts.view.placements
    if table is None:
        small = "the shares are the authority's own, and whatever is hidden would give a small number away"
        none = "no share of placements was given ([placements] in study.toml, or in the form), and none is assumed"
        return Missing(title, small if given and "demand/placements" in parts.view.result.nodes("demand") else none)
    assert given is not None
    whose = "Published shares" if given["published"] else "The authority's own shares"
    text = (
        f"{whose} of placements ({given['source']}, {given['date']}) are applied to the projected number of children looked "
        "after. They are held constant, which is an assumption: the model projects how many are looked after, not how they are placed."
    )
    return Section("placements", title, (text, table))


def pathway(parts: Parts) -> Made:
    """Early help and statutory services as one pathway; nothing without a layout, which is the study's choice."""
    table = parts.tables.get("pathway_ahead")
    if table is None:
        return None
    figure = charts.pathway(parts.view, table)
    text = (
        "Early help and statutory work are modelled as one pathway here: contact, referral, early help, assessment, child in need, section 47, plan, care, and "
        "return after closing. Statutory counts are calibrated to those published; nobody publishes what happens in early help, so that its volume, "
        "length and step-up rest on assumptions that the study can replace."
    )
    missed = parts.some("missed", "closed_without_help")
    lead: list[Block] = [Heading("Opportunities that may have been missed"), *missed] if missed else []
    return Section(
        "pathway", "Early help and statutory services as one pathway", (text, *([figure] if figure else []), table, *lead), wide=True
    )


def unknown(parts: Parts) -> Made:
    """Children not known to services."""
    title = "Estimated children not known to services"
    blocks: list[Block] = []
    if "known_by_service" in parts.tables:
        blocks += [sentences.known_to_none(parts.view), *parts.some("known_by_service")]
    if "not_known" in parts.tables:
        if blocks:
            blocks.append(
                "The next table answers the same question with fewer assumptions, and its number differs for two reasons: above, only children with "
                "one of these risks are taken away, those in early help among them; below, every child in need is taken away, whether or not the "
                "child lives with one of these risks, and nobody in early help."
            )
        blocks += [
            "Living in a household with one of these risks is not by itself need for a service. The table sets the estimate beside the published "
            "count of children in need, to show the scale of what may not be known.",
            *parts.some("not_known"),
        ]
    if "known" in parts.tables:
        blocks += [
            "Services record some of these risks. Each record is of its own unit and definition, so it stands beside the estimate and is not "
            "its numerator: what differs between the two is definition, unit and time as well as what is not known.",
            *parts.some("known"),
        ]
    wide = "known_by_service" in parts.tables
    return (
        Section("not_known", title, tuple(blocks), wide=wide) if blocks else Missing(title, "the result holds no count of children in need")
    )


def works(parts: Parts) -> Made:
    """What works, and how sure that is."""
    title = "What works, and how sure we are"
    if "effects" not in parts.tables:
        return Missing(title, "the result carries no evaluations (jsna report and jsna run add them)")
    rows = parts.tables["effects"].rows
    grades = rows["How sure"].value_counts().to_dict()
    said = words.listed([f"{grades[g]} {g}" for g in ("high", "moderate", "low", "very low") if grades.get(g)])
    return Section(
        "works",
        title,
        (
            f"Of the {len(rows)} findings below, the certainty of the evidence is: {said}. The one large effect on care (Troubled Families) comes from "
            "matched families, not from a randomised trial, and the same programme saw more child protection plans at first. Randomised trials are of services near early help, "
            "not of early help itself.",
            *parts.some("effects"),
        ),
        wide=True,
    )


def what_if(parts: Parts) -> Made:
    """Scenarios."""
    view, title = parts.view, "Scenarios compared"
    if "differences" not in parts.tables or not other_scenarios(view):
        return Missing(title, "the result compares no scenarios; run compare")
    intro = (
        "Each scenario changes named parameters from a date and is compared with the baseline on the same draws, so that what they share cancels "
        f"out. {_effects(view)} The largest published effect (32% fewer children looked after, Troubled Families) came without "
        "an interval and from a comparison that was not randomised."
    )
    tables = parts.some("scenarios", "differences", "per_100_families", "costs", "unit_costs")
    return Section("scenarios", title, (intro, Bullets(tuple(sentences.scenarios(view))), *tables, *chapter_decision.blocks(parts)))


def _effects(view: View) -> str:
    """How large the effects of early help are taken to be, by the level that the study chose."""
    level = sentences.effects_level(view)
    if level == "sceptical":
        return (
            "Effects of early help are sceptical: the evidence is mixed, intervals span no effect, and child protection plans may rise at first "
            "as needs are seen earlier."
        )
    if level:
        return f"Effects of early help are {level}, as this study chose; the usual level is sceptical, with intervals that span no effect, as the evidence is mixed."
    return "Effects of early help are this study's own, with its reasons in the table of parameters; the evidence is mixed."


def views(parts: Parts) -> Made:
    """What children, families and practitioners say: local text."""
    title = "Views of children, families and practitioners"
    blocks: list[Block] = []
    for slot, heading in local_text.VIEWS:
        if slot in parts.text:
            blocks += [Heading(heading), *local_text.blocks(parts.text[slot])]
    absent = [heading.lower() for slot, heading in local_text.VIEWS if slot not in parts.text]
    if not blocks:
        return Missing(title, "no local text was supplied; write text/views_of_children.md and others beside study.toml")
    if absent:
        blocks.append(f"Not supplied: views of {words.listed(absent)}.")
    return Section("views", title, tuple(blocks))


def assets(parts: Parts) -> Made:
    """Local services and assets: local text."""
    return _slot(parts, "services_and_assets", "assets", "Local services and assets")


def equality(parts: Parts) -> Made:
    """Equality impact: local text."""
    return _slot(parts, "equality_impact", "equality", "Equality impact")


def _slot(parts: Parts, slot: str, key: str, title: str) -> Made:
    if slot not in parts.text:
        return Missing(title, f"no local text was supplied; write text/{slot}.md beside study.toml")
    return Section(key, title, tuple(local_text.blocks(parts.text[slot])))


def points(parts: Parts) -> Made:
    """Points for the partnership; drafts until they are accepted."""
    title = "Draft points for the partnership" if parts.draft else "Points for the partnership"
    if "points" not in parts.tables:
        return Missing(title, "the partnership has accepted none of the draft points ([publication] accepted in study.toml)")
    text = (
        "The points below are written by rule from the numbers of this report, for the safeguarding partnership and the health and wellbeing board to "
        "discuss, change or drop."
        if parts.draft
        else "The safeguarding partnership accepted these points. Each names the number that it rests on."
    )
    return Section("points", title, (text, *parts.some("points")))
