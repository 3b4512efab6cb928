"""What a report needs beside the nouns: what evaluations found, what services cost, and local text."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from data_sources.evidence import load_evidence
from data_sources.figures_io import file_text
from data_sources.projection import load_projection
from data_sources.services import load_services, load_spend
from jsna_model.errors import InputError, Problem, nearest, raise_all

#: What evaluations of early help and of services near it found, one headline each.
EFFECTS = ("EF-01-RR", "EF-03", "EF-06-RR", "EF-07-RR", "EF-05", "EF-04-LO", "EF-04-HI", "EF-04-LATE", "EF-08")
#: Slots of local text: the name of the file without ``.md``, and what it is for.
SLOTS: Mapping[str, str] = {
    "views_of_children": "what children and young people say",
    "views_of_families": "what parents and carers say",
    "views_of_practitioners": "what practitioners say",
    "services_and_assets": "local services and assets",
    "equality_impact": "equality impact",
    "early_help_offered": "help offered after no further action",
    "referrer_feedback": "feedback to those who refer",
    "lead_professional": "lead professionals",
    "assessment_and_review": "assessment, plan and review",
    "fathers": "fathers and male carers included",
    "childs_voice": "the child's voice",
    "recording": "recording of ethnicity, culture and religion",
}


def chapter_material(authority: str, figures: Path | str | None = None) -> dict[str, Any]:
    """Effects and spend, as plain records for provenance.

    Parameters
    ----------
    authority : str
        Code or name.
    figures : path, optional
        Folder of replacement figures.

    Returns
    -------
    dict
        ``effects``: records of `Evidence`; ``spend``: of service, £ thousand (None where absent), status; ``spend_source``; ``official``:
        counts by service that are published already, where a folder replaces them; ``pyramid``: ``years`` and, by year, children of each
        of ``ages`` for ``girls`` and ``boys``, now and projected.
    """
    spend = load_spend(authority, figures)
    rows = [
        {"service": str(s), "thousand": None if value != value else float(value), "status": str(status)}
        for s, value, status in zip(spend["service"].values, spend["spend"].values[0], spend["status"].values[0], strict=True)
    ]
    material = {"effects": [e.record() for e in load_evidence(*EFFECTS)], "spend": rows, "spend_source": spend.attrs["source"]}
    return material | {"pyramid": _pyramid(authority, figures)} | _official(authority, figures)


def _official(authority: str, figures: Path | str | None) -> dict[str, Any]:
    """What is published of an authority's services, which an attacker has whatever the user's own folder says."""
    if figures is None:
        return {}
    published = load_services(authority)["observed"].isel(area=0)
    return {"official": {str(s): float(n) for s, n in zip(published["service"].values, published.values, strict=True) if n == n}}


def _pyramid(authority: str, figures: Path | str | None) -> dict[str, Any]:
    """Children by single year of age and sex, every year of the projection."""
    children = load_projection(authority, figures=figures, by_sex=True).data["children"].isel(area=0).transpose("sex", "year", "age")
    by_sex = {name: children.sel(sex=code).round(1).values.tolist() for code, name in (("F", "girls"), ("M", "boys"))}
    return {"years": children["year"].values.tolist(), "ages": children["age"].values.tolist(), **by_sex}


def load_text(folder: Path | str) -> dict[str, str]:
    """Local text of a report, by slot.

    Parameters
    ----------
    folder : path
        Files ``<slot>.md`` in UTF-8, of `SLOTS`: paragraphs, lists of lines that start with ``-`` or ``*``, and headings (``#``). Files
        that begin with a dot or an underscore are left alone.

    Returns
    -------
    dict of str to str
        Only of files that hold text.

    Raises
    ------
    InputError
        Listing every file that is no slot or cannot be read.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise InputError(f"{folder} is not a folder. Give the folder of the local text, with files such as views_of_children.md.")
    out, problems = {}, []
    for file in sorted(p for p in folder.iterdir() if p.is_file() and p.name[0] not in "._"):
        if file.suffix.lower() != ".md" or file.stem not in SLOTS:
            close = nearest(file.stem, SLOTS)
            fix = (
                f"did you mean {' or '.join(f'{c}.md' for c in close)}"
                if close
                else f"name it one of {', '.join(f'{s}.md' for s in SLOTS)}"
            )
            problems.append(Problem("no place in the report has this name", fix, file.name))
            continue
        try:
            text = file_text(file)
        except InputError:
            problems.append(Problem("it cannot be read as text in UTF-8", "save it as plain text in UTF-8", file.name))
            continue
        if text.strip():
            out[file.stem] = text
    raise_all(problems)
    return out
