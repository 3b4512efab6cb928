"""Rates of contact by risk in a layout of the pathway: what was taken before, what recorded factors made of it, and what they could tell."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from reports import words
from reports.disclosure import decimal
from reports.need_tables import CREDIBLE
from reports.table import Column, Table, frame
from reports.view import View

#: Words of factors, by column of the figures.
FACTORS = {
    "factor_parent_alcohol": "alcohol misuse of a parent",
    "factor_parent_drugs": "drug misuse of a parent",
    "factor_parent_domestic_abuse": "domestic abuse of a parent",
    "factor_parent_mental_health": "mental health of a parent",
}
_RATIO, _RECORDING, _SHARE = "times", "odds ratio", "% of assessments"


def learned(view: View) -> dict[str, Any]:
    """What was learned of rates by pattern; empty without a layout."""
    return dict(view.provenance.get("pathway", {}).get("layout", {}).get("rates_by_pattern", {}))


def said(view: View) -> str:
    """The rate ratios in a sentence, and what they rest on."""
    found = learned(view)
    each = "; ".join(f"{words.lower_first(view.label(r))}, {_words(t['ratio']['posterior'])} times" for r, t in found["risks"].items())
    if not found["fitted"]:
        return f"{each} (95% intervals; an assumption: {found['why']})"
    known = [r for r, t in found["risks"].items() if t["ratio"]["identified"]]
    return (
        f"{each} (95% intervals). They were fitted to the factors that assessments of all authorities recorded, which tell how often a risk is recorded, and not how "
        f"that divides into rate and recording: {'none of them is' if not known else 'not all are'} identified by the counts (annex, Rates of contact by risk)"
    )


def _words(x: list[float]) -> str:
    return f"{x[0]:.1f} ({x[1]:.1f} to {x[2]:.1f})"


def rates_by_pattern(view: View) -> Table | None:
    """Rate of contact, recording and their product, by risk: before and after the counts, and how far the counts narrowed each."""
    found = learned(view)
    if not found:
        return None
    three = ("", ": lower limit", ": upper limit")
    columns = (
        Column("Risk"), Column("What"), Column("Unit"),
        *(Column(f"{when}{part}", "rate") for when in ("Before the counts", "After") for part in three),
        Column("Variance that the counts took away", "percent"), Column("Identified"),
    )  # fmt: skip
    own = found.get("areas", {}).get(view.code, {})
    records: list[list[object]] = []
    for risk, told in found["risks"].items():
        label, here = view.label(risk), own.get(risk, {})
        records.append([label, "Rate of contact, times that of a child without the risk", _RATIO, *_cells(told["ratio"])])
        for of, place in ((told, "England"), (here, view.name)):
            if "recording" in of:
                records.append([label, f"Recording at assessment, {place}", _RECORDING, *_cells(of["recording"])])
        for of, place in ((told, "England"), (here, view.name)):
            if "product" in of:
                records.append(
                    [label, f"Assessments with the factor, which is all that is counted, {place}", _SHARE, *_cells(of["product"], 100)]
                )
    factors = "; ".join(
        f"{words.lower_first(view.label(r))} by {' or '.join(FACTORS.get(f, f) for f in t['factors'])}"
        for r, t in found["risks"].items()
        if t["factors"]
    )
    notes = [
        "Recording is the odds that an assessment records the factor over the odds that the child lives with the risk as this set defines it. It may be above one, "
        "because what is recorded may be of a lesser degree.",
        "Identified: the counts took away more than half of the variance. They see rate times recording, so that at most one of the two can be, and how the product "
        "divides follows from what was assumed beforehand (need.rate_ratio and recording in [parameters]). Recording of one authority is told beside that of others; its "
        "level is England's. Pairs of risks beyond their product are in no count: 0%.",
        "Need is taken as estimated, draw by draw, and nothing is learned of it here; rates are the same in all authorities, and recording differs.",
    ]
    if found["fitted"]:
        notes.insert(0, f"Counts: {found['source']}; {factors}. Not independent: what is set beside the same counts has seen them.")
    else:
        notes.insert(0, f"Not fitted: {found['why']}.")
    return Table(
        "rates_by_pattern",
        f"Rates of contact by risk, and what recorded factors tell of them, {view.name}",
        found.get("source") or "assumptions",
        view.set_construct,
        "estimated" if found["fitted"] else "assumption",
        CREDIBLE,
        columns,
        frame(columns, records),
        tuple(notes),
        kind="reference",
        document_columns=(
            "Risk",
            "What",
            "Unit",
            "Before the counts",
            "After",
            *(f"After{p}" for p in three[1:]),
            columns[-2].label,
            "Identified",
        ),
    )


def _cells(x: Mapping[str, Any], scale: float = 1.0) -> list[object]:
    limits = (decimal(v, scale) for when in ("prior", "posterior") for v in x[when])
    return [*limits, decimal(x["contraction"], 100), "yes" if x["identified"] else "no"]
