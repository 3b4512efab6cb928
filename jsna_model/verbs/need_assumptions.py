"""Every assumption behind an estimate, as rows for the report."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from jsna_model.evidence import Evidence
from jsna_model.overlap import Overlap
from jsna_model.population import Population
from jsna_model.verbs.need_areas import BANDS
from jsna_model.verbs.need_model import AREA_CORRELATION, PARENT_CORRELATION

#: What is assumed of an overlap of each kind, for the report.
OVERLAP_STATEMENTS = {
    "shares": "Pairwise overlap is unpublished: the joint of maximum entropy given the published shares",
    "odds_ratios": "Conditional odds ratios that were given, the same in every area",
    "independent": "Risks are taken to be independent in every area: for comparison only",
}


def assumptions_of(evidence: Sequence[Evidence], overlap: Overlap | None, population: Population) -> list[Mapping[str, str]]:
    """Every assumption behind the estimate, as rows for the report."""
    rows = []
    for e in evidence:
        if not e.interval_basis.startswith("published"):
            rows.append(_row(f"interval/{e.key}", f"Interval of {e.label}", f"{e.lower:.2%} to {e.upper:.2%}", e.interval_basis))
        rows.append(
            _row(f"relevance/{e.key}", f"Relevance of {e.label} to England today (logit sd)", f"{e.relevance.sd:.2f}", e.relevance.reason)
        )
        v = e.variation
        further = "".join(f"; {n} {b:+.2f} ({v.covariance[i][i] ** 0.5:.2f})" for i, (n, b) in enumerate(v.covariates, 1))
        slope = f"gradient {v.gradient:+.2f} ({v.gradient_sd:.2f}){further}"
        text = f"{slope}; areas {v.authority_sd:.2f}, {v.small_area_sd:.2f}; ages {v.age_sd:.2f}"
        rows.append(_row(f"variation/{e.key}", f"How {e.label} varies between areas and ages (logit)", text, v.source))
        rows += [_row(f"conversion/{e.key}", f"Conversion of {e.label}", str(c), c.source) for c in e.conversions]
    if overlap:
        rows.append(
            _row(
                "overlap",
                OVERLAP_STATEMENTS[overlap.kind],
                overlap.name,
                overlap.source,
            )
        )
        rows.append(_row("area_correlation", "Correlation between risks of local differences", f"{AREA_CORRELATION}", "assumption"))
    if "children_log_sd" in population.data:
        sd = np.atleast_2d(population.data["children_log_sd"].values)[0]
        text = ", ".join(f"{b} {s:.0%}" for b, s in zip(BANDS, sd, strict=True))
        rows.append(_row("children_correlation", "Correlation of those errors within an MSOA", f"{PARENT_CORRELATION}", "assumption"))
        rows.append(_row("children_log_sd", "Error of small-area child counts (sd of the log)", text, population.source))
    return rows


def local_assumption(record: Mapping[str, Any]) -> Mapping[str, str]:
    """What was done with a direct estimate or a total, as a row for the report."""
    alone, combined = ("{:.2%} ({:.2%} to {:.2%})".format(*record[k]) for k in ("model_alone", "combined"))
    taken = "brought to a draw of the total" if record["total"] else f"weight {record['weight']:.0%}, by the precision of each"
    statement = f"Local data for {record['risk']} in {record['area']}: model alone {alone}; {taken}"
    return _row(f"local/{record['area']}/{record['risk']}", statement, combined, record["source"])


def _row(key: str, statement: str, value: str, source: str) -> Mapping[str, str]:
    return {"key": key, "statement": statement, "value": value, "source": source}
