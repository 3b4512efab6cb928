"""Which estimates may stand together, and which are nested in which (law 4)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from jsna_model.conventions import AGE_BANDS
from jsna_model.errors import ConstructError, Problem, raise_all
from jsna_model.evidence import Evidence
from jsna_model.overlap import Overlap


def check_constructs(evidence: Sequence[Evidence], overlap: Overlap | None) -> None:
    """Refuse evidence and an overlap that do not belong together; all problems at once (law 4)."""
    risks = [e.risk for e in evidence]
    problems = [
        Problem(f"risk {r!r} is given {risks.count(r)} times", "give each risk once")
        for r in sorted({r for r in risks if risks.count(r) > 1})
    ]
    keys = [e.key for e in evidence]
    problems += [
        Problem(f"key {k!r} is given to {keys.count(k)} estimates", "give each a key of its own: it names its random stream")
        for k in sorted({k for k in keys if keys.count(k) > 1})
    ]
    if not evidence:
        problems.append(Problem("no evidence", "give at least one Evidence, such as src.load_evidence_set('higher_harm')"))
    if overlap:
        by_risk = {e.risk: e for e in evidence}
        for risk in overlap.risks:
            if risk not in by_risk:
                problems.append(
                    Problem(f"overlap {overlap.name!r} joins {risk!r}, which is not in the evidence", "add it, or use another overlap")
                )
            elif overlap.set_name and by_risk[risk].set_name != overlap.set_name:
                own = by_risk[risk].set_name or "no set (it stands alone)"
                problems.append(
                    Problem(
                        f"{by_risk[risk].key} ({risk}) belongs to {own}, overlap {overlap.name!r} to {overlap.set_name}",
                        "constructs differ: use the overlap of the set that the evidence belongs to",
                    )
                )
        ages = {by_risk[r].ages for r in overlap.risks if r in by_risk}
        if len(ages) > 1:
            problems.append(
                Problem(f"overlap {overlap.name!r} joins evidence of different ages {sorted(ages)}", "use evidence of the same ages")
            )
    problems += _nesting_problems(evidence, overlap)
    problems += [
        Problem(f"{e.key} is about ages {e.ages[0]} to {e.ages[1]}", f"the ages must cover whole DfE bands ({', '.join(AGE_BANDS)})")
        for e in evidence
        if e.is_share_of_children and not own_ages(e).any()
    ]
    raise_all(problems, ConstructError)
    for e in evidence:
        e.require_usable()


def outermost_of(evidence: Sequence[Evidence]) -> list[Evidence]:
    """For each estimate the outermost that it is nested in, of those given; itself where there is none.

    Nested estimates (a severity within a wider one, the last year within ever) are drawn on the outer one's streams: high together, low
    together, so that their order holds.
    """
    by_key = {e.key: e for e in evidence}

    def outermost(e: Evidence) -> Evidence:
        path = [e.key]
        while e.nested_in in by_key:
            e = by_key[e.nested_in]
            if e.key in path:
                raise ConstructError(f"{', '.join([*path, e.key])} are nested in a circle. Correct nested_in of one of them.")
            path.append(e.key)
        return e

    return [outermost(e) for e in evidence]


def nested_places(evidence: Sequence[Evidence]) -> tuple[tuple[int, int], ...]:
    """Places of each estimate that is nested in another of those given, and of that other."""
    place = {e.key: k for k, e in enumerate(evidence)}
    return tuple((k, place[e.nested_in]) for k, e in enumerate(evidence) if e.nested_in in place)


def _nesting_problems(evidence: Sequence[Evidence], overlap: Overlap | None) -> list[Problem]:
    """Nested estimates that are not of one instrument and population, such as one that was converted; and overlaps of nested ones."""
    problems = []
    for k, place in nested_places(evidence):
        e, o = evidence[k], evidence[place]
        differ = [part for part in e.construct.differences(o.construct) if part in ("instrument", "whose", "informant")]
        differ += [part for part in ("ages", "geography") if getattr(e, part) != getattr(o, part)]
        if differ:
            what = f"{e.key} is nested in {o.key}, and they differ in {', '.join(differ)}"
            problems.append(Problem(what, "convert both alike, or drop nested_in: .with_(nested_in='')", None, e.key, "nested_in"))
    joined = [(e.key, o.key) for e, o in zip(evidence, outermost_of(evidence), strict=True) if overlap and e.risk in overlap.risks]
    for outer in dict.fromkeys(o for _, o in joined):
        keys = [key for key, o in joined if o == outer]
        if len(keys) > 1:
            what = f"an overlap joins {' and '.join(keys)}, which are drawn together because they are nested in, or are, {outer}"
            problems.append(Problem(what, "estimate the nested ones apart from the overlap", None, keys[0], "nested_in"))
    return problems


def own_ages(evidence: Evidence) -> NDArray[np.bool_]:
    """Age bands that the evidence is about, shape (age_band,)."""
    return np.array([first >= evidence.ages[0] and last <= evidence.ages[1] for first, last in AGE_BANDS.values()])
