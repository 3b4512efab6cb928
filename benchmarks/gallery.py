"""Figures of the gallery, from embedded data: ``python -m benchmarks.gallery`` writes ``docs/gallery.md`` and ``docs/gallery/*.svg``."""

from __future__ import annotations

from pathlib import Path

import data_sources as src
import jsna_model as jm
from jsna_model.result import Result
from reports import charts, charts_areas, maps
from reports.content import build
from reports.drawing import Figure, svg
from reports.view import View

DOCS = Path(__file__).resolve().parent.parent / "docs"
AREA, DRAWS = "Milton Keynes", 400
OPENING = f"""# Gallery

Figures of the report of {AREA}, drawn from the figures that the package ships with {DRAWS} draws: `python -m benchmarks.gallery`.
Estimates are modelled, not counted. In the report each figure has a description and a table of its numbers; here the description stands
below it.
"""


def run() -> Result:
    """The whole line for the authority."""
    nouns = src.resolve(jm.Study.of({"area": AREA, "draws": DRAWS}))
    now = jm.estimate(nouns.population, nouns.evidence, nouns.overlap, draws=DRAWS)
    now = now.with_provenance(area_name=nouns.area_name, sources=nouns.sources, quoted=nouns.quoted, **src.chapter_material(AREA))
    return jm.compare(jm.project(now, nouns.projection, nouns.pathway, nouns.scenarios, years=11))


def figures(result: Result) -> list[Figure]:
    """Those that show most of what there is, in the order of the report."""
    view, tables = View.of(result), {t.key: t for t in build(result).tables}
    made = [
        charts.patterns(view, tables["patterns"]),
        maps.make_map(view),
        maps.make_map(view, "any_risk", "msoa", alpha=True),
        charts_areas.areas(view),
        charts_areas.pyramid(view),
        charts.to_2035(view, tables["to_2035"]),
        charts.flow(view),
    ]
    return [f for f in made if f is not None]


def main() -> None:
    """Write the pictures and the page."""
    folder = DOCS / "gallery"
    folder.mkdir(exist_ok=True)
    parts = [OPENING]
    for i, figure in enumerate(figures(run()), 1):
        file = folder / f"{i}_{figure.key}.svg"
        text = svg(figure)
        if "xmlns=" not in text.split(">", 1)[0]:  # inline in a page it needs none
            text = text.replace("<svg ", '<svg xmlns="http://www.w3.org/2000/svg" ', 1)
        file.write_text(f"{text}\n", encoding="utf-8")
        picture = f"![{figure.title}](gallery/{file.name})"
        parts.append(f"## {figure.title}\n\n{figure.subtitle}\n\n{picture}\n\n{figure.alt}\n\nSource: {figure.source}.\n")
    (DOCS / "gallery.md").write_text("\n".join(parts), encoding="utf-8")
    print(sum(p.stat().st_size for p in folder.iterdir()) // 1000, "kB")


if __name__ == "__main__":
    main()
