"""Sections on what the report rests on: gaps, limits, quality, methods, logs, sources and glossary."""

from __future__ import annotations

from collections.abc import Callable

from reports import disclosure, words
from reports.parts import Made, Parts
from reports.report import Block, Bullets, Heading, Section

OGL = "Contains public sector information licensed under the Open Government Licence v3.0."


def gaps(parts: Parts) -> Made:
    """What the data do not hold, and which sections are left out for it."""
    left_out = tuple(f"{m.title}: {m.why.rstrip('.')}." for m in parts.missing)
    more: list[Block] = [Heading("Sections left out of this report"), Bullets(left_out)] if left_out else []
    text = "What this report cannot show, why, and who may hold it. A gap is not a zero: nothing is said about it here."
    return Section("gaps", "Gaps in the data", (text, *parts.some("gaps"), *more))


def certainty(parts: Parts) -> Made:
    """How sure the report is, and what it is not for."""
    p = parts.view.provenance
    rejected = float(p.get("rejected_share") or 0.0)
    return Section(
        "certainty",
        "How sure we are, and limits of use",
        (
            f"Every estimate comes with a 95% credible interval from {words.number(int(p.get('draws', 0)))} draws. It covers "
            "sampling error of the evidence, its distance from children in England today, how need varies between places, the overlap of risks, "
            "and the error of small-area child counts. It holds if the assumptions hold; they are listed below with their values.",
            Heading("What it is not for"),
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
            Heading("How numbers are shown"),
            Bullets(disclosure.RULES),
            *parts.some("wording"),
        ),
    )


def quality(parts: Parts) -> Made:
    """Quality statement: what it is fit for, by the usual dimensions."""
    p = parts.view.provenance
    population = (p.get("population") or {}).get("source") or "published population estimates"
    evidence = p.get("evidence") or ()
    periods = sorted({str(e.get("period")) for e in evidence if e.get("period")})
    services = f"; counts of services are of {parts.view.base_year}" if "services_now" in parts.tables else ""
    return Section(
        "quality",
        "Quality statement",
        (
            Bullets(
                (
                    "Relevance: it answers how many children in a place are likely to live with these risks, how that may change, and what scenarios "
                    "could do. It does not say which children, or who needs a service.",
                    f"Accuracy: intervals are given for every estimate; coverage was tested by simulation under the model's own assumptions "
                    f"(docs/validation.md), which does not test the assumptions. The evidence has {len(evidence)} rows, with quality graded in the annex.",
                    f"Timeliness: evidence is of {words.listed(periods) if periods else 'periods not stated'}; children from {population}{services}.",
                    "Comparability: the same method serves every authority of England, so that modelled differences between places are mostly those of "
                    "deprivation and age, as assumed. Observed rates are compared with their intervals.",
                    "Coherence: areas add up to their authority before rounding, and patterns of risks to all children.",
                    "Standing: these are not official statistics. Figures of official statistics are shown as published, with their source.",
                )
            ),
        ),
    )


def methods(parts: Parts) -> Made:
    """Methods in a page."""
    members = parts.view.members
    overlap = (
        [
            "Risks of one set are combined so that their published single, two-or-more and all-three shares come out for England, with no more structure than that."
        ]
        if members
        else []
    )
    return Section(
        "methods",
        "Annex: methods in short",
        (
            Bullets(
                (
                    "Each published share is drawn with its interval, and with a stated discrepancy for its year, ages, place and definition.",
                    "Shares vary with deprivation by a gradient that has its own uncertainty, and at random between authorities and small areas; England's mean is held to the evidence.",
                    *overlap,
                    "Children by small area come from the Census and mid-year estimates, with their error, and add up to the authority.",
                    "Demand follows the number of children affected at the base year's rates, month by month; stocks balance.",
                    "Scenarios change named parameters and are compared draw by draw.",
                )
            ),
            "Formulae, sources and tests are in docs/methods.md and docs/assumptions.md of jsna_model.",
        ),
    )


def listed(key: str, title: str, text: str, *keys: str) -> Callable[[Parts], Made]:
    """A section of reference tables, on wide pages."""

    def make(parts: Parts) -> Made:
        shown = parts.some(*keys)
        return Section(key, title, (text, *shown), wide=True) if shown else None

    return make


evidence = listed(
    "evidence",
    "Annex: evidence and its constructs",
    "The construct is part of the number: figures whose constructs differ are not combined.",
    "evidence",
)
assumptions = listed(
    "assumptions",
    "Annex: log of assumptions",
    "Each can be changed in study.toml or in a notebook, and the report made again.",
    "assumptions",
    "parameters",
    "rates_by_pattern",
)
decisions = listed("decisions", "Annex: log of decisions", "What was chosen for this report, and where to choose otherwise.", "decisions")
sources = listed(
    "sources", "Annex: log of data, sources and licence", f"{OGL} Contains OS data © Crown copyright and database right.", "sources"
)
glossary = listed("glossary", "Glossary", "Words that this report uses in a particular sense.", "glossary")
