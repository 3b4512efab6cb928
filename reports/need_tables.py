"""Tables of modelled need: named risks, patterns, ages, small areas and years."""

from __future__ import annotations

from typing import Any

import numpy as np

from jsna_model.conventions import risks_of
from reports import words
from reports.disclosure import SUPPRESSED, decimal, modelled, nearest, published, reliability
from reports.table import MAY_NOT_SUM, Column, Table, frame
from reports.view import BAND_NAMES, LEVEL_NAMES, Interval, View, construct_words, interval

NUMBERED = 140  # areas up to which a map of hexagons carries numbers
CREDIBLE = "95% credible interval"
MODELLED_PLACES = "Estimates for small areas are modelled. Their pattern follows deprivation by assumption: they show where need is expected, not where it was counted."
#: Rows beyond which a table of places is in the workbook only.
LONGEST = 80
ESTIMATE = (Column("Estimated children", "count"), Column("Lower limit", "count"), Column("Upper limit", "count"))
SHARE = (Column("Estimated share", "percent"), Column("Share: lower", "percent"), Column("Share: upper", "percent"))


def counts(x: Interval, level: str) -> list[int | str]:
    """Estimate and limits as displayed numbers of children."""
    if np.any(x.hidden):
        return [SUPPRESSED] * 3
    return [modelled(float(v), level) for v in (x.value, x.lower, x.upper)]


def shares(x: Interval, children: float) -> list[float | str]:
    """Estimate and limits as displayed percentages of children."""
    if np.any(x.hidden):
        return [SUPPRESSED] * 3
    return [decimal(float(v) / children if children > 0 else None, 100) for v in (x.value, x.lower, x.upper)]


def how_sure(x: Interval) -> str:
    """Flag of one estimate by its relative width; that of a suppressed one is suppressed too."""
    return SUPPRESSED if np.any(x.hidden) else reliability(float(x.relative_width))


def published_share(evidence: dict[str, Any]) -> str:
    """The published figure of an evidence row with its interval, in words."""
    if "value" not in evidence:
        return "not stated"
    text = words.percent(evidence["value"])
    if evidence.get("lower") is not None and evidence["lower"] < evidence["upper"]:
        text += f" ({words.percent(evidence['lower'])} to {words.percent(evidence['upper'])})"
    return text


def named_risks(view: View) -> Table:
    """Every risk in the authority, each on its own construct, with the evidence that it rests on."""
    columns = (
        Column("Risk"),
        Column("Construct"),
        Column("Published share"),
        Column("Evidence place and period"),
        *ESTIMATE,
        *SHARE,
        Column("Reliability"),
    )
    records = []
    for risk in [*view.alone, *view.members]:
        e, x = view.evidence[risk], view.need(risk)
        records.append(
            [
                view.label(risk),
                view.construct(risk),
                published_share(e),
                f"{e.get('geography', 'not stated')}, {e.get('period', 'not stated')}",
                *counts(x, "authority"),
                *shares(x, view.children),
                reliability(float(x.relative_width)),
            ]
        )
    keys = sorted({str(e["key"]) for e in view.evidence.values() if e.get("key")})
    return Table(
        "named_risks",
        f"Children estimated to live with each risk, {view.name}",
        f"{view.need_source}; evidence {', '.join(keys)}",
        "each risk has its own, in the table",
        "estimated",
        CREDIBLE,
        columns,
        frame(columns, records),
        (
            "The risks come from different instruments, severities and years. They are not added to one another, and only those of the "
            f"{view.set_label} set are overlapped.",
            "The published share is of the evidence's own population; the estimate is of children aged 0 to 17 here, so the two differ.",
            MAY_NOT_SUM,
        ),
        document_columns=(
            "Risk",
            "Construct",
            "Published share",
            "Evidence place and period",
            *(c.label for c in ESTIMATE),
            "Estimated share",
        ),
    )


def supplementary(view: View) -> Table | None:
    """Drugs and wider mental ill health: published figures at their national rate, beside the named risks and never added to them."""
    rows = view.provenance.get("supplementary") or ()
    if not rows:
        return None
    columns = (
        Column("Key"), Column("Risk"), Column("Construct"), Column("Published share"), Column("Evidence place and period"),
        Column("Children at that rate", "count"), Column("Lower limit", "count"), Column("Upper limit", "count"), Column("Source"),
        Column("Notes"),
    )  # fmt: skip
    records: list[list[object]] = []
    for e in rows:
        x = Interval(*(float(v) * view.children for v in e["today"]))
        records.append(
            [
                e["key"],
                e["label"],
                construct_words(e),
                published_share(e),
                f"{e['geography']}, {e['period']}",
                *counts(x, "authority"),
                e["source"]["citation"],
                e["notes"] or "none",
            ]
        )
    return Table(
        "supplementary",
        f"Drugs, and wider mental ill health: what published rates would mean in {view.name}",
        "the publications in the table; children of the authority from the Office for National Statistics, mid-2024",
        "each figure has its own, in the table",
        "estimated: a published rate times children, with nothing of the place in it",
        "95% interval: the published or assumed one, widened for period, geography, ages and construct",
        columns,
        frame(columns, records),
        (
            "These are not estimates for this place: they are published shares applied to its children, for scale. They differ in instrument, "
            "severity and year, overlap one another and the named risks, and are never added.",
        ),
        document_columns=(
            "Key",
            "Risk",
            "Published share",
            "Evidence place and period",
            "Children at that rate",
            "Lower limit",
            "Upper limit",
        ),
    )


def pattern_label(view: View, pattern: str) -> str:
    """Name of a pattern: which of the three risks are present."""
    present = risks_of(pattern)
    if not present:
        return "None of the three"
    if len(present) == len(view.members):
        return f"All {'three' if len(present) == 3 else len(present)}"
    labels = [words.lower_first(view.label(r)) for r in present]
    return f"{words.upper_first(words.listed(labels))} only"


def patterns(view: View) -> Table:
    """The eight patterns of the set: mutually exclusive, so they add up before rounding."""
    columns = (Column("Pattern"), *ESTIMATE, *SHARE, Column("Reliability"))
    x = view.need_by_pattern()
    order = sorted(range(len(view.patterns)), key=lambda i: (len(risks_of(view.patterns[i])), i))
    records = [
        [
            pattern_label(view, view.patterns[i]),
            *counts(x[i], "authority"),
            *shares(x[i], view.children),
            reliability(float(x[i].relative_width)),
        ]
        for i in order
    ]
    return Table(
        "patterns",
        f"Children by combination of risks, {view.name}",
        view.need_source,
        view.set_construct,
        "estimated",
        CREDIBLE,
        columns,
        frame(columns, records),
        ("Each child is in one row only.", MAY_NOT_SUM),
        document_columns=("Pattern", *(c.label for c in ESTIMATE), "Estimated share", "Reliability"),
    )


def combinations(view: View) -> Table:
    """Any, exactly one, two or more and all three of the set."""
    columns = (Column("Number of risks"), *ESTIMATE, *SHARE, Column("Reliability"))
    records = []
    for measure in ("any_risk", "exactly_one", "two_or_more", "all_three"):
        x = view.need(measure)
        records.append(
            [view.measure_label(measure), *counts(x, "authority"), *shares(x, view.children), reliability(float(x.relative_width))]
        )
    return Table(
        "combinations",
        f"Children by number of risks, {view.name}",
        view.need_source,
        view.set_construct,
        "estimated",
        CREDIBLE,
        columns,
        frame(columns, records),
        ("'At least one' is 'exactly one' and 'two or more' together; 'two or more' includes 'all three'.", MAY_NOT_SUM),
    )


def by_age(view: View) -> Table:
    """Age bands: children, and those with at least one and with two or more risks."""
    one, two = "At least one", "Two or more"
    columns = (
        Column("Age band"),
        Column("Children", "count"),
        *(Column(f"{m}: {c}", "count") for m in (one,) for c in ("estimate", "lower limit", "upper limit")),
        Column(f"{one}: share", "percent"),
        *(Column(f"{two}: {c}", "count") for c in ("estimate", "lower limit", "upper limit")),
    )
    x, y = view.need_by_age("any_risk"), view.need_by_age("two_or_more")
    records = [
        [
            BAND_NAMES.get(band, band),
            nearest(float(view.children_by_band[i]), 1),
            *counts(x[i], "authority"),
            shares(x[i], float(view.children_by_band[i]))[0],
            *counts(y[i], "authority"),
        ]
        for i, band in enumerate(view.bands)
    ]
    x, y = view.need("any_risk"), view.need("two_or_more")
    records.append(
        ["All ages, 0 to 17", nearest(view.children, 1), *counts(x, "authority"), shares(x, view.children)[0], *counts(y, "authority")]
    )
    return Table(
        "by_age",
        f"Children affected by age band, {view.name}",
        view.need_source,
        view.set_construct,
        "children: observed (published population estimate); affected: estimated",
        CREDIBLE,
        columns,
        frame(columns, records),
        ("Differences between ages are largely assumed: the sources publish few ages apart.", MAY_NOT_SUM),
    )


def by_area(view: View, level: str, within_district: bool = False) -> Table:
    """Areas of a finer level: children, and those with at least one and with two or more risks."""
    node = view.node(level, within_district)
    one, many = LEVEL_NAMES[level]
    parent = "district_name" in node.coords and level not in ("district", "locality") and not within_district
    numbered = level == view.map_level() and not within_district and node.sizes["area"] <= NUMBERED
    columns = (
        *((Column("Map number", "year"),) if numbered else ()),
        Column("Area code"),
        Column(words.upper_first(one)),
        *((Column("District"),) if parent else ()),
        Column("Children", "count"),
        *ESTIMATE,
        *SHARE,
        Column("Two or more: estimate", "count"),
        Column("Two or more: lower limit", "count"),
        Column("Two or more: upper limit", "count"),
        Column("Reliability"),
    )
    children = node["children"].sum("age_band", skipna=False).values
    any_risk, two = component(node, "any_risk"), component(node, "two_or_more")
    records = []
    for i, code in enumerate(node["area"].values):
        records.append(
            [
                *([i + 1] if numbered else []),
                str(code),
                str(node["area_name"].values[i]),
                *([str(node["district_name"].values[i])] if parent else []),
                modelled(float(children[i]), level),
                *counts(any_risk[i], level),
                *shares(any_risk[i], float(children[i])),
                *counts(two[i], level),
                how_sure(any_risk[i]),
            ]
        )
    place = view.district[1] if within_district and view.district else view.name
    return Table(
        f"by_{level}_in_district" if within_district else f"by_{level}",
        f"Children estimated to live with at least one risk, {many} of {place}",
        view.need_source,
        view.set_construct,
        "estimated",
        CREDIBLE,
        columns,
        frame(columns, records),
        (
            MODELLED_PLACES,
            "Areas are in order of name, and are not ranked: differences between them mostly show deprivation, as assumed.",
            MAY_NOT_SUM,
        ),
        in_documents=len(records) <= LONGEST,
        document_columns=(
            *(("Map number",) if numbered else ()),
            words.upper_first(one),
            *(("District",) if parent else ()),
            "Children",
            *(c.label for c in ESTIMATE),
            "Estimated share",
            "Reliability",
        ),
    )


def component(node: Any, measure: str) -> Interval:
    """A measure of a summary node, in children."""
    hidden = node["hidden"].sel(component=measure).values if "hidden" in node else False
    value, lower, upper = (node[k].sel(component=measure).values for k in ("expected", "lower", "upper"))
    return Interval(value, lower, upper, hidden)


def every_measure(view: View, level: str) -> Table:
    """Every measure of every area of a level, one row each: for the workbook."""
    node = view.node(level)
    one, many = LEVEL_NAMES[level]
    columns = (Column("Area code"), Column(words.upper_first(one)), Column("Measure"), *ESTIMATE, Column("Reliability"))
    measures = [m for m in view.result.measures if m in node["component"].values]
    parts = {m: component(node, m) for m in measures}
    records = [
        [str(code), str(name), view.measure_label(m), *counts(parts[m][i], level), how_sure(parts[m][i])]
        for i, (code, name) in enumerate(zip(node["area"].values, node["area_name"].values, strict=True))
        for m in measures
    ]
    return Table(
        f"every_measure_{level}",
        f"Every modelled measure, {many} of {view.name}",
        view.need_source,
        "each risk has its own; see the table of evidence",
        "estimated",
        CREDIBLE,
        columns,
        frame(columns, records),
        (MODELLED_PLACES, "Measures of one area are not added to one another.", MAY_NOT_SUM),
        in_documents=False,
    )


def to_2035(view: View) -> Table | None:
    """Children projected, and affected by at least one risk of the set, by year."""
    data = view.group("demand/population")
    if data is None or "affected_projected" not in data:
        return None
    columns = (
        Column("Year", "year"),
        Column("Projected children", "count"),
        Column("Projected children affected", "count"),
        Column("Lower limit", "count"),
        Column("Upper limit", "count"),
        Column("Projected share", "percent"),
    )
    children, affected = projection(view)
    x = interval(affected)
    records = [
        [int(year), modelled(float(children[i]), "authority"), *counts(x[i], "authority"), shares(x[i], float(children[i]))[0]]
        for i, year in enumerate(data["year"].values)
    ]
    return Table(
        "to_2035",
        f"Children projected and affected by at least one risk, {view.name}, {records[0][0]} to {records[-1][0]}",
        f"{view.projection_source}; {view.need_source}",
        view.set_construct,
        "projected",
        CREDIBLE,
        columns,
        frame(columns, records),
        (
            "The trend in numbers comes from projected births and migration. Prevalence is not forecast: it drifts at random, which widens the interval.",
            *view.projection_notes,
            MAY_NOT_SUM,
        ),
    )


def ages_to_2035(view: View) -> Table | None:
    """Projected children by year and DfE age band, for the workbook."""
    data = view.group("demand/population")
    if data is None:
        return None
    draws = data["children_projected"]
    children = (draws.mean("draw") if "draw" in draws.dims else draws).transpose("year", "age_band").values
    columns = (
        Column("Year", "year"),
        *(Column(BAND_NAMES.get(str(b), str(b)), "count") for b in data["age_band"].values),
        Column("All", "count"),
    )
    records = [
        [int(year), *(modelled(float(v), "authority") for v in row), modelled(float(row.sum()), "authority")]
        for year, row in zip(data["year"].values, children, strict=True)
    ]
    return Table(
        "ages_to_2035",
        f"Projected children by age, {view.name}, {records[0][0]} to {records[-1][0]}",
        view.projection_source,
        "children aged 0 to 17",
        "projected",
        "none shown: the projection's past error is in the table of children affected",
        columns,
        frame(columns, records),
        (MAY_NOT_SUM,),
        in_documents=False,
    )


def projection(view: View) -> tuple[np.ndarray, np.ndarray]:
    """Projected children (year,), and draws of children affected (year, draw)."""
    data = view.group("demand/population")
    assert data is not None
    children = data["children_projected"].sum("age_band", skipna=False)
    if "draw" in children.dims:
        children = children.mean("draw")
    return children.values, data["affected_projected"].transpose("year", "draw").values


def children_change(view: View) -> float:
    """Change in the number of children from the first year of the projection to the last, as a share of the first."""
    children, _ = projection(view)
    return float(children[-1] / children[0] - 1) if children[0] else 0.0


def not_known(view: View) -> Table | None:
    """Children estimated to be affected beside children in need at 31 March, and what the difference can and cannot say."""
    observed = view.group("demand/observed")
    if observed is None or not view.members or "child_in_need_at_31_march" not in observed["service"].values:
        return None
    if view.code not in observed["area"].values:
        return None
    cell = observed.sel(area=view.code, service="child_in_need_at_31_march")
    count = float(cell["observed"])
    status = str(cell["status"].values) if "status" in observed else ""
    x = view.need("any_risk")
    columns = (
        Column("Measure"),
        Column("Basis"),
        Column("Children", "count"),
        Column("Lower limit", "count"),
        Column("Upper limit", "count"),
    )
    year = int(view.base_year[:4]) + 1
    records: list[list[object]] = [
        ["Living with at least one risk of the set", "estimated", *counts(x, "authority")],
        [f"In need at 31 March {year} (every open episode)", "observed", published(count, status), "[z]", "[z]"],
    ]
    gap = gap_not_known(view)
    records.append(
        ["Estimated children not known to services (floor)", "estimated", *(counts(gap, "authority") if gap else ["[x]", "[x]", "[x]"])]
    )
    benefit, notes = view.provenance.get("benefit") or {}, []
    if benefit.get("share"):
        share = float(benefit["share"])
        need = Interval(gap.value * share, gap.lower * share, gap.upper * share) if gap else None
        label = f"Unmet need: {words.percent(share)} of those not known (floor)"
        records.append([label, "estimated", *(counts(need, "authority") if need else ["[x]", "[x]", "[x]"])])
        notes.append(
            f"Unmet need is {words.percent(share)} of the row above, the share of children not known who would benefit from help. That share is this "
            f"study's own assumption, without an interval. Its reason: {str(benefit['reason']).rstrip('.')}."
        )
    return Table(
        "not_known",
        f"Estimated children affected, and children in need, {view.name}",
        f"{view.need_source}; {view.provenance.get('pathway', {}).get('source', 'published counts')}",
        view.set_construct,
        "estimated and observed, by row",
        CREDIBLE + " for estimated rows; published counts have none",
        columns,
        frame(columns, records),
        (
            "The two rows are not the same population. Children are in need for other reasons too, such as disability, and include some aged 18 and "
            "over and unborn; the modelled number is of all children in such households, most of whom would not meet a threshold.",
            "The last row takes every child in need away, as if each lived with one of these risks. The number not known to children's social care "
            "is therefore at least this, if the estimate is right; it is never shown below zero.",
            "'Not known to services' means not open to children's social care on that day. Schools, health visitors or early help may know the child.",
            "It is a broad indication of scale. It does not say how many of these children need a service.",
            *notes,
        ),
        kind="demand",
    )


def gap_not_known(view: View) -> Interval | None:
    """Children affected less children in need at 31 March, draw by draw and not below zero; None where the count is absent."""
    observed = view.group("demand/observed")
    if observed is None or view.code not in observed["area"].values or "child_in_need_at_31_march" not in observed["service"].values:
        return None
    count = float(observed["observed"].sel(area=view.code, service="child_in_need_at_31_march"))
    if np.isnan(count):
        return None
    return interval(np.maximum(view.draws("any_risk") - count, 0.0))


NOT_INDEPENDENT = "Not independent: the gradient of this risk was fitted to these counts (year to March 2025)."
RATES_FITTED = (
    "Factors recorded at assessment are not independent of what this report says of children known and not known to services: rates of contact by risk "
    "were fitted to them."
)
NO_RATIO = (
    "No record is divided by an estimate. Only a record of children is taken from one, in the workbook, as if each child recorded were counted "
    "once and lived with the risk: a floor, never below zero. Assessments, cases, incidents, episodes, patients and adults are not children."
)


def known(view: View) -> Table | None:
    """What services record, each with its definition, unit and warnings, beside the estimate of the risk that it is about."""
    rows = view.known[0]
    if not rows:
        return None
    columns = (
        Column("Recorded by services"), Column("Area"), Column("Recorded", "count"), Column("Unit counted"), Column("Period"), Column("Basis of the record"),
        Column("Definition"), Column("Construct"), Column("Source"), Column("Beside the estimate of"), *ESTIMATE,
        Column("Estimated and not recorded (floor)", "count"), Column("Floor: lower limit", "count"), Column("Floor: upper limit", "count"),
        Column("Warnings"),
    )  # fmt: skip
    records: list[list[object]] = []
    means: dict[str, str] = {}
    said: dict[str, list[str]] = {}
    for r in rows:
        risk = next((b for b in r["beside"] if b in view.result.risks or (b == "any_risk" and view.members)), None)
        place, level, x = _where(view, r["area"], risk)
        warnings = [r["warning"]]
        if risk and r["fitted"] and _derived(view, risk):
            warnings.append(NOT_INDEPENDENT)
        means[r["label"]] = r["definition"]
        for w in warnings:
            if r["label"] not in said.setdefault(w, []):
                said[w].append(r["label"])
        if r["unit"] != "children":
            floor: list[int | str] = ["[z]"] * 3
        elif r["count"] is None or risk is None or r["area"]:
            floor = ["[x]"] * 3
        else:
            floor = counts(interval(np.maximum(view.draws(risk) - r["count"], 0.0)), "authority")
        records.append(
            [
                r["label"],
                place,
                published(r["count"], r["status"]),
                r["unit"],
                r["period"],
                r["basis"],
                words.upper_first(r["definition"]),
                r["construct"],
                f"{r['source']}{f'; {note}' if (note := r['note']) else ''}",
                view.measure_label(risk) if risk else "none",
                *(counts(x, level) if x else ["[x]" if risk else "[z]"] * 3),
                *floor,
                " ".join(warnings),
            ]
        )
    return Table(
        "known",
        f"Known to services, beside what is estimated, {view.name}",
        "; ".join(dict.fromkeys([*(r["source"] for r in rows), view.need_source])),
        "each record and each risk has its own",
        "observed (recorded) and estimated, by column",
        CREDIBLE + " for estimates; counts have none",
        columns,
        frame(columns, records),
        (
            NO_RATIO,
            *(f"{label}: {meaning}.{_alone(said, label)}" for label, meaning in means.items()),
            *(_shared(w, labels) for w, labels in said.items() if len(labels) > 1),
            *((RATES_FITTED,) if view.rates_fitted and any(r["fitted"] for r in rows) else ()),
            *(("The user's own counts are not published: small ones are [c] by the policy of their source, with what would give them away.",) if any(r["own"] for r in rows) else ()),
        ),
        kind="demand",
        brief=tuple(i for i, r in enumerate(rows) if not r["area"]) or None,
        brief_title="the whole authority",
        document_columns=(
            "Recorded by services", "Recorded", "Unit counted", "Period", "Beside the estimate of",
            *(c.label for c in ESTIMATE),
        ),
    )  # fmt: skip


def _alone(said: dict[str, list[str]], label: str) -> str:
    """Warnings of one measure only."""
    return "".join(f" {w}" for w, labels in said.items() if labels == [label])


def _shared(warning: str, labels: list[str]) -> str:
    """A warning of several measures, said once; it names what it is about, or is given their labels."""
    if warning != NOT_INDEPENDENT:
        return warning
    return f"{labels[0]}{''.join(f'; {words.lower_first(x)}' for x in labels[1:])}: {words.lower_first(warning)}"


def _where(view: View, area: str, risk: str | None) -> tuple[str, str, Interval | None]:
    """Name and level of the area of a record, and its estimate of a risk."""
    if not area:
        return view.name, "authority", view.need(risk) if risk else None
    for level in view.small_levels:
        node = view.node(level)
        if area in node["area"].values:
            at = node.sel(area=area)
            return str(at["area_name"].values), level, component(at, risk) if risk and risk in at["component"].values else None
    return area, "ward", None


def _derived(view: View, risk: str) -> bool:
    """Whether the gradient of a risk, or of one of the set, rests on the recorded factors."""
    of = view.members if risk == "any_risk" else [risk]
    return any("derived for this package" in str((view.evidence[k].get("variation") or {}).get("source")) for k in of)
