"""The evidence catalogue as pages: one a topic, each with a figure that shows conflicting sources side by side."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from jsna_model.evidence import Evidence
from reports import drawing
from reports.evidence import amount, interval, value
from reports.words import lower_first, upper_first

#: Who is not a person with, or around, a condition.
_OTHER = ("assessment", "authority", "family", "not applicable", "child in contact with services")
#: Parts of a page, by whose condition is counted.
PARTS = (
    ("Children", lambda e: e.construct.whose.startswith("child ") and e.construct.whose != "child in contact with services"),
    ("Adults, parents and victims", lambda e: not e.construct.whose.startswith("child ") and e.construct.whose not in _OTHER),
    ("Services, authorities and money", lambda e: True),
)
_HEAD = "| Key | Figure | What it counts | Construct | Place, period | Source |\n|---|---|---|---|---|---|"
_NOTICE = "<!-- Written by `jsna evidence docs`; do not edit. -->\n"


def write(
    evidence: Sequence[Evidence], vocabulary: Mapping[str, Mapping[str, str]], quoted: Sequence[Mapping[str, Any]], out: Path
) -> list[Path]:
    """Write ``evidence.md``, a page a topic and its figure under ``evidence/``.

    Returns
    -------
    list of Path
    """
    folder = out / "evidence"
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for name, text in pages(evidence, vocabulary, quoted).items():
        paths.append(out / name)
        paths[-1].write_text(text, encoding="utf-8", newline="\n")
    for topic in vocabulary["topic"]:
        shown = charted(evidence, topic)
        if shown:
            paths.append(folder / f"{_slug(topic)}.svg")
            paths[-1].write_text(drawing.svg(forest(topic, shown)) + "\n", encoding="utf-8", newline="\n")
    return paths


def pages(evidence: Sequence[Evidence], vocabulary: Mapping[str, Mapping[str, str]], quoted: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    """Text of every page by its name: what a test compares with the pages on disk."""
    topics = [t for t in vocabulary["topic"] if any(e.topic == t for e in evidence)]
    made = {f"evidence/{_slug(t)}.md": _topic_page(t, vocabulary["topic"][t], evidence) for t in topics}
    return {"evidence.md": _index(evidence, topics, vocabulary, quoted), **made}


def charted(evidence: Sequence[Evidence], topic: str) -> list[Evidence]:
    """Estimates of a topic that a figure can show: shares of all children who live with a risk, largest first."""
    found = [e for e in evidence if e.topic == topic and e.is_share_of_children and (e.risk or topic == "overlap")]
    return sorted(found, key=lambda e: -e.value)


def forest(topic: str, shown: Sequence[Evidence]) -> drawing.Figure:
    """Estimates side by side with their intervals, never pooled; open marks where the interval is assumed or there is none."""
    ticks_of = [_tick(e) for e in shown]
    figure, axes = drawing.blank(height=0.9 + sum(0.12 + 0.15 * (t.count("\n") + 1) for t in ticks_of))
    for y, e in enumerate(shown):
        if e.has_interval:
            axes.plot([100 * e.lower, 100 * e.upper], [y, y], color=drawing.BLUE, linewidth=1.6, solid_capstyle="butt")
        published = e.has_interval and not e.interval_basis.startswith("assumed")
        face = drawing.BLUE if published else "white"
        axes.plot([100 * e.value], [y], "o", color=drawing.BLUE, markerfacecolor=face, markersize=6.5)
    axes.set_yticks(range(len(shown)), ticks_of, fontsize=8.5)
    axes.invert_yaxis()
    axes.set_xscale("log")
    low = min(100 * (e.lower if e.has_interval else e.value) for e in shown)
    ticks = [t for t in (0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50) if low / 2.5 <= t]
    axes.set_xticks(ticks, [f"{t:g}%" for t in ticks])
    axes.minorticks_off()
    axes.set_xlabel("Share of children (log scale)")
    drawing.only_grid(axes, "x")
    title = f"{upper_first(topic)}: published estimates of children differ because they measure different things"
    alt = f"{title}. " + "; ".join(f"{e.key}, {lower_first(e.label)}: {value(e)}, {e.geography}, {e.period}" for e in shown) + "."
    return drawing.Figure(_slug(topic), title, "share of children, 95% intervals", alt, "the evidence catalogue", "", figure)


def _tick(e: Evidence) -> str:
    return "\n".join(drawing.wrapped(line, 50) for line in (e.label, f"{e.key}: {e.geography}, {e.period}"))


def _index(
    evidence: Sequence[Evidence], topics: Sequence[str], vocabulary: Mapping[str, Mapping[str, str]], quoted: Sequence[Mapping[str, Any]]
) -> str:
    lines = [
        _NOTICE,
        "# The evidence\n",
        f"{len(evidence)} published figures, each with its construct, its interval, its source and its traps. `jsna evidence show KEY` prints one in "
        "full; `jsna evidence list` filters them. Figures with different constructs are never pooled, averaged or read as a trend: they "
        "stand side by side.\n",
        "| Page | Figures | About |\n|---|---|---|",
        *(
            f"| [{upper_first(t)}](evidence/{_slug(t)}.md) | {sum(e.topic == t for e in evidence)} | {vocabulary['topic'][t]} |"
            for t in topics
        ),
        "\n## The figures that Ofsted quoted in 2015\n",
        "| Figure | As quoted | Where it comes from | What is wrong or narrow about it | Used instead |\n|---|---|---|---|---|",
        *(
            f"| {amount(q['figure'], q['unit'])} | {_cell(q['wording'])} | {_cell(q['origin'])} | {_cell(q['issue'])} | {q['instead'] or 'nothing'} |"
            for q in quoted
        ),
        "\n## Adding a publication\n",
        "Write one TOML file in `data_sources/evidence/` (any file there is an example) and run `jsna evidence check` on it: every problem is "
        "reported at once, with its line. Terms that the vocabulary does not have go under `[terms.<field>]` of the file, with their meaning. "
        "Then `jsna evidence docs` writes these pages again.\n",
        "## Terms\n",
    ]
    for field, known in vocabulary.items():
        lines.append(f"### {upper_first(field)}\n")
        lines += [f"- **{term}**: {meaning}" for term, meaning in known.items()]
        lines.append("")
    return "\n".join(lines).rstrip() + "\n"


def _topic_page(topic: str, meaning: str, evidence: Sequence[Evidence]) -> str:
    rows = [e for e in evidence if e.topic == topic]
    lines = [_NOTICE, f"# {upper_first(topic)}\n", f"{upper_first(meaning)}.\n"]
    shown = charted(evidence, topic)
    if shown:
        lines += [
            f"![Published shares of children with their intervals; the values are in the tables below]({_slug(topic)}.svg)\n",
            "Filled marks: the interval is published or follows from the sample. Open marks: it is an assumption, or there is none.\n",
        ]
    left = list(rows)
    for title, belongs in PARTS:
        part = [e for e in left if belongs(e)]
        left = [e for e in left if e not in part]
        if part:
            lines += [f"## {title}\n", _HEAD, *(_row(e) for e in part), ""]
    against = [e for e in rows if e.contradicts]
    if against:
        lines.append("## Conflicts, side by side\n")
        told: set[frozenset[str]] = set()
        for e in against:
            new = [k for k in e.contradicts if frozenset((e.key, k)) not in told]
            told |= {frozenset((e.key, k)) for k in new}
            if new:
                lines.append(f"- **{e.key}** ({value(e)}) against {', '.join(_named(k, evidence) for k in new)}")
        lines.append("")
    lines.append("## Traps and intervals\n")
    lines += [
        f"- **{e.key}**: {_cell(e.notes) or 'No trap recorded.'} Interval: {_cell(interval(e))}. Quality: {_cell(str(e.quality or 'not graded'))}."
        for e in rows
    ]
    return "\n".join(lines).rstrip() + "\n"


def _row(e: Evidence) -> str:
    c = e.construct
    construct = f"{c.condition}; {c.threshold}; {c.instrument}; {c.window}; {c.whose}; {c.informant}"
    source = f"[{_cell(e.source.citation)}]({e.source.url})" if e.source.url else _cell(e.source.citation)
    what = f"{e.label}: {e.numerator}, of {e.denominator}"
    return f"| {e.key} | {_cell(value(e))} | {_cell(what)} | {_cell(construct)} | {_cell(f'{e.geography}; {e.period}')} | {source} |"


def _named(key: str, evidence: Sequence[Evidence]) -> str:
    other = next(e for e in evidence if e.key == key)
    return f"{key} ({value(other)}: {lower_first(other.label)})"


def _cell(text: str) -> str:
    return text.replace("|", "/").replace("\n", " ").rstrip(".")


def _slug(topic: str) -> str:
    return topic.replace("'", "").replace(" ", "-")
