"""How long episodes of need and of care last in the layout's steady state, beside what DfE publishes.

``python -m benchmarks.durations DATA_FOLDER`` solves for ``child_in_need.brief_part`` of ``defaults/layout.toml``, prints it, and writes
``benchmarks/results/durations.csv`` and the section of ``docs/validation.md`` between its markers. DATA_FOLDER is ``../shared/data``.

Fitted: one number, to England's episodes of need that ended in the year to March 2024, by duration (DfE, Children in need, table B5;
CS-DUR-CIN24). Not fitted: the same of 2025, and of every authority that publishes it; open episodes at 31 March by duration; and children
under 16 looked after for two and a half years or more. These are in DfE's Local Authority Interactive Tool and Children looked after, are
read from DATA_FOLDER and are not shipped; of authorities, only sums over all are written.

An episode runs from referral to closure (DfE's definition); in the layout, from entering the open states (`jsna_model.layout.OPEN`) to
leaving them: assessment, plan and care are parts of it. Referrals assessed as not in need end in none, as with DfE, and are open meanwhile.
"""

from __future__ import annotations

import sys
import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

import data_sources as src
from data_sources.pathway_layout import load_layout
from jsna_model.conventions import ENGLAND
from jsna_model.layout import AGELESS, CARE, OPEN, STAY_AT_18, compile_layout
from jsna_model.methods.steady_state import transition
from jsna_model.verbs.layout_project import birth_classes
from jsna_model.verbs.layout_rates import age_hazards, base_rates, entry_ages, steady_year
from jsna_model.verbs.project import LAYOUT_NEEDS, _counts

Array = NDArray[np.float64]

RESULT = Path(__file__).parent / "results" / "durations.csv"
DOCUMENT = Path(__file__).resolve().parents[1] / "docs" / "validation.md"
MARKERS = ("<!-- durations: written by python -m benchmarks.durations -->", "<!-- durations: end -->")
PART = "child_in_need.brief_part"
BANDS = ("up to 3 months", "3 to 6 months", "6 to 12 months", "1 to 2 years", "2 years or more")
EDGES = (3, 6, 12, 24)
#: Episodes of need that ended in the year to March 2024, England (DfE, Children in need 2024, table B5; CS-DUR-CIN24).
ENDED_2024 = np.array([47.5, 14.8, 15.7, 12.2, 9.8])
#: LAIT's names of the same measures, by band.
ENDED = ("CINCease3months", "CINCease3-6", "CINCease6-1", "CINCease1-2", "CINCease2more")
AT_31_MARCH = ("CINTime3months", "CINTime3-6", "CINTime6-1", "CINTime1-2", "CINTime2more")
LONG_CARE, ADULT, UNDER = 30, 18, 16
#: Looked after under 16 at 31 March 2022, England (`benchmarks.care_ages`): the year whose ages and durations are both in the previews.
CARE_UNDER_16 = 82_170 - 20_260
MOST_MONTHS = 480


@dataclass(frozen=True)
class Lengths:
    """Of the stays that a year of entries begins, in a year that comes back.

    Parameters
    ----------
    ended : ndarray, shape (month,)
        Stays that end in their first, second, ... month after that of entry.
    there : ndarray, shape (month, 19)
        Children there at 31 March by whole months since entry, and by age.
    """

    ended: Array
    there: Array


def lengths(
    counts: Mapping[str, float], values: Mapping[str, float], by_class: Array, inside: Sequence[str] = OPEN, end: str = "episode_ended"
) -> Lengths:
    """Follow a year's entries to a group of states, month by month and birthday by birthday, until they have left it.

    Parameters
    ----------
    counts : mapping of str to float
        Published counts, to which the layout is calibrated.
    values : mapping of str to float
        Parameters of ``defaults/layout.toml``.
    by_class : ndarray, shape (19,)
    inside : sequence of str
        States.
    end : str
        Count of the ways out that end a stay; other ways out end none (assessed as not in need).
    """
    layout = compile_layout("early_help_and_cin")
    rates, ages = base_rates(counts, values, by_class).rates, entry_ages(by_class, values)
    year = steady_year(rates, layout, ages, values)
    place, states = year.place, layout.network.states
    origin = np.array([place[r.origin] for r in layout.routes])
    to = np.array([-1 if r.to is None else place[r.to] for r in layout.routes])
    matrix, chance, _ = transition(age_hazards(layout, rates, values), origin, to, len(states))
    within = np.array([s in inside for s in states])
    ageing = np.array([s not in AGELESS for s in states])
    entries, ends = np.zeros((len(by_class), len(states))), np.zeros((len(by_class), len(states)))
    for route, flow in year.flows:
        if route.to in inside and route.origin not in inside:
            entries[:, place[route.to]] += flow / 12
    for route, share in zip(layout.routes, np.broadcast_to(chance, (len(layout.routes), len(by_class))), strict=True):
        if end in route.counts and (route.to is None or route.to not in inside):
            ends[:, place[route.origin]] += share
    move = matrix * within[None, :, None]
    kept_at_18 = {place[s]: values[n] for s, n in STAY_AT_18.items()} if "over_18" in inside else {}

    now = np.repeat(entries[None], 12, axis=0)  # month of entry, age reached by the end of the year, state
    ended, there = np.zeros(MOST_MONTHS), np.zeros((MOST_MONTHS, len(by_class)))
    for t in range(MOST_MONTHS):
        month = (np.arange(12) + t) % 12
        for m in np.flatnonzero(month == 0) if t else ():
            now[m][1:, ageing] = now[m][:-1, ageing]
            now[m][0, ageing] = 0.0
        if t:  # who enters in a month is exposed from the next one on
            ended[t] = (now * ends).sum()
            now = np.einsum("aij,maj->mai", move, now)
            leaving = now[:, ADULT] / (12 - month)[:, None] * ageing
            now[:, ADULT] -= leaving
            kept = sum((leaving[:, s] * share for s, share in kept_at_18.items()), np.zeros(12))
            now[:, ADULT, place["over_18"]] += kept
            ended[t] += leaving.sum() - kept.sum()
        there[t] = now[month == 11].sum((0, 2))
    return Lengths(ended, there)


def ended_shares(found: Lengths) -> Array:
    """Shares of ended stays by band, per cent. Entered and left at any time of a month: half of those of three months took longer."""
    total = np.cumsum(found.ended)
    below = [(total[e] - found.ended[e] / 2) / total[-1] for e in EDGES]
    return np.asarray(100 * np.diff([0.0, *below, 1.0]))


def open_shares(found: Lengths) -> Array:
    """Shares of those there at 31 March by band, per cent: who entered t whole months before has been there for t to t + 1."""
    there = found.there.sum(1)
    return np.asarray(100 * np.array([there[a:b].sum() for a, b in pairwise((0, *EDGES, len(there)))]) / there.sum())


def long_care(found: Lengths) -> float:
    """Share of those under 16 at 31 March who have been there for two and a half years, per cent."""
    young = found.there[:, :UNDER].sum(1)
    return float(100 * young[LONG_CARE:].sum() / young.sum())


@cache
def inputs(area: str) -> tuple[dict[str, float], Array]:
    """Counts of the base year, and children by the age they reach in it, of England or an authority by code."""
    pathway, projection = src.load_pathway("England"), src.load_projection("England")
    children = projection.data["children"].sel(year=2024)
    children = children.sum("sex") if "sex" in children.dims else children
    of = children.sum("area") if area == ENGLAND else children.sel(area=area)
    return _counts(pathway, area, LAYOUT_NEEDS)[0], birth_classes(of.transpose("age").values)


def of_area(area: str, values: Mapping[str, float], **changes: object) -> Lengths:
    """Lengths of an area's stays."""
    counts, by_class = inputs(area)
    return lengths(counts, values, by_class, **changes)  # type: ignore[arg-type]


def solve() -> float:
    """The part that brings England's ended episodes closest to those published, by likelihood of the five bands."""
    from scipy.optimize import minimize_scalar

    values = {n: p.value for n, p in load_layout().items()}

    def deviance(part: float) -> float:
        return float(-(ENDED_2024 * np.log(ended_shares(of_area(ENGLAND, values | {PART: part})))).sum())

    return float(minimize_scalar(deviance, bounds=(0.0, 0.95), method="bounded", options={"xatol": 1e-4}).x)


def published(folder: Path, year: int = 2025) -> pd.DataFrame:
    """Percentages by LAIT's short names, of England and its authorities by name."""
    table = pd.read_parquet(folder / "dfe" / "lait_children.parquet")
    table = table[(table["year"].astype(str) == str(year)) & table["measure_short"].isin((*ENDED, *AT_31_MARCH))]
    return table.assign(value=pd.to_numeric(table["value"], errors="coerce")).pivot_table("value", "area", "measure_short")


def long_care_published(folder: Path, year: int = 2022) -> float:
    """Share of England's looked-after children under 16 who had been so for two and a half years, per cent."""
    table = pd.read_csv(folder / "dfe" / "la_cla_placement_stability.csv.gz", low_memory=False)
    of = table["cla_group"].str.contains("2.5 years", regex=False) & table["placement_stability"].eq("Total children")
    row = table[of & table["geographic_level"].eq("National") & table["time_period"].eq(year)]
    return float(100 * float(row["children_count"].iloc[0]) / CARE_UNDER_16)


def table(folder: Path, part: float) -> pd.DataFrame:
    """Published shares beside the layout's, without the part and with it: England, Milton Keynes, and misses of all authorities."""
    values = {n: p.value for n, p in load_layout().items()}
    cases = {"without": values | {PART: 0.0}, "with": values | {PART: part}}
    have = published(folder)
    names = {str(a): str(n) for a, n in src.load_pathway("England").observed["area_name"].to_series().items()}
    areas = [a for a, n in names.items() if a != ENGLAND and n in have.index and have.loc[n].notna().all()]
    found = {(a, c): of_area(a, v) for a in (ENGLAND, *areas) for c, v in cases.items()}
    rows: list[dict[str, object]] = []

    def add(what: str, where: str, fitted: bool, own: Array, **model: Array) -> None:
        parts = {n: v.tolist() for n, v in model.items()}
        rows.extend(
            {"what": what, "where": where, "fitted": fitted, "band": b, "published": own[i]} | {n: v[i] for n, v in parts.items()}
            for i, b in enumerate(BANDS)
        )

    def both(shares: object, area: str) -> dict[str, Array]:
        return {c: shares(found[area, c]) for c in cases}  # type: ignore[operator]

    add("ended, year to March 2024", "England", True, ENDED_2024, **both(ended_shares, ENGLAND))
    for what, columns, shares in (
        ("ended, year to March 2025", ENDED, ended_shares),
        ("open at 31 March 2025", AT_31_MARCH, open_shares),
    ):
        for area in (ENGLAND, "E06000042"):
            name = "England" if area == ENGLAND else names[area]
            add(what, name, False, have.loc[name, list(columns)].to_numpy(float), **both(shares, area))
        own = np.stack([have.loc[names[a], list(columns)].to_numpy(float) for a in areas])
        misses = {c: np.median(np.abs(np.stack([shares(found[a, c]) for a in areas]) - own), axis=0) for c in cases}
        add(f"{what}: median miss in points", f"{len(areas)} authorities", False, np.full(len(BANDS), np.nan), **misses)
    care = {c: long_care(of_area(ENGLAND, v, inside=CARE, end="looked_after_ceased")) for c, v in cases.items()}
    rows.append(
        {"what": "looked after, under 16, at 31 March 2022", "where": "England", "fitted": False, "band": "2.5 years or more"}
        | {"published": long_care_published(folder)}
        | care
    )
    return pd.DataFrame(rows).round(1)


def document(made: pd.DataFrame, part: float) -> str:
    """The section of ``docs/validation.md``."""
    lines = []
    for (what, where), rows in made.groupby(["what", "where"], sort=False):
        for label, column in (("published", "published"), ("every in-need episode has a plan", "without"), ("as shipped", "with")):
            if rows[column].notna().all() and len(rows) == len(BANDS):
                own = " (fitted)" if column == "with" and rows["fitted"].all() else ""
                lines.append(f"| {what}, {where} | {label}{own} | " + " | ".join(f"{v:.1f}" for v in rows[column]) + " |")
    care = made[made["band"] == "2.5 years or more"].iloc[0]
    text = f"""
        DfE publishes how long episodes of need lasted that ended in the year, and how long those have lasted that are open. The layout
        was calibrated to stocks and flows, which fix mean stays and nothing of their spread. Followed from referral to closure through
        assessment, plan and care (`benchmarks/durations.py`), its episodes ended far too seldom in the first three months. The cheapest
        thing that mends it has no new state: a part of the children found to be in need have no plan, and their episode ends with the
        assessment (`{PART}`, {part:.3f}, solved from the first table line; one number for five bands). Ended
        episodes of all bands but the longest come nearer to those published, in authorities too, to which nothing was fitted.
        What is left falls short where plans of two kinds would be needed, a state more: fewer than published end within six months and
        more after a year; of episodes open at 31 March too few have lasted for two years, and, now, too few for under three months and too
        many for one to two years. In an authority the part is England's unless the study gives another in `[parameters]`.
        """
    care_text = f"""
        Of looked-after children under 16 in England, {care["published"]:.0f}% had been so for two and a half years or more at 31 March
        2022 (DfE, placement stability); the layout has {care["with"]:.0f}%, with hazards that differ by age and not by duration. No other
        duration of care is in the figures: DfE's children who ceased are by age and reason.
        """
    head = "| Episodes of need, % | | " + " | ".join(BANDS) + " |\n|---|---|" + "---|" * len(BANDS)
    paragraphs = [textwrap.fill(textwrap.dedent(t).strip().replace("\n", " "), 140) for t in (text, care_text)]
    title = "## How long episodes last in the layout"
    return "\n".join([title, "", paragraphs[0], "", head, *lines, "", paragraphs[1], ""])


def write(made: pd.DataFrame, part: float) -> None:
    """Results and the document's section."""
    made.to_csv(RESULT, index=False, lineterminator="\n")
    old = DOCUMENT.read_text(encoding="utf-8")
    before, _, rest = old.partition(MARKERS[0])
    after = rest.partition(MARKERS[1] + "\n")[2]
    text = f"{before.rstrip()}\n\n{MARKERS[0]}\n{document(made, part)}{MARKERS[1]}\n{after}"
    DOCUMENT.write_text(text, encoding="utf-8", newline="\n")


if __name__ == "__main__":
    solved = round(solve(), 3)
    print(f"{PART} = {solved}")
    result = table(Path(sys.argv[1]), solved)
    write(result, solved)
    print(result.to_string(index=False))
