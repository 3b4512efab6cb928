"""Published evidence: estimates with their constructs, coherent sets with their overlap, and what Ofsted quoted.

One TOML file a publication. Every default was seen in its source or in a copy of it; assumed intervals, relevance and variation are
listed in ``docs/assumptions.md``. A file of the user's own has the same form.
"""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

from data_sources.evidence._read import read_entries, read_toml, records
from jsna_model.errors import raise_all, unknown_name
from jsna_model.evidence import Evidence
from jsna_model.overlap import Overlap, Share

__all__ = [
    "default_evidence",
    "evidence_keys",
    "evidence_sources",
    "load_evidence",
    "load_evidence_set",
    "load_overlap",
    "quoted_by_ofsted",
    "set_shares",
]

#: The named risks that are always reported, each on its own construct.
DEFAULT_RISKS = (
    "hazardous_drinking", "dependent_drinking", "domestic_abuse", "domestic_abuse_high_risk", "severe_parental_mental_illness",
)  # fmt: skip
SETS = ("higher_harm", "wider_exposure")

_FILES = (
    "manning_2009", "pryce_2017", "childrens_commissioner_2018", "safelives_2015", "severe_mental_illness",
    "childrens_commissioner_2019", "ofsted_2015",
)  # fmt: skip


def load_evidence(*names: str, path: str | Path | None = None) -> tuple[Evidence, ...]:
    """Load estimates by catalogue key or by name of risk.

    Parameters
    ----------
    *names : str
        Such as ``"ALC-01"`` or ``"hazardous_drinking"``. None: the five defaults, or all of `path`.
    path : str or Path, optional
        A TOML file of the user's own, read in place of the catalogue. Each ``[[evidence]]`` table has the fields of `Evidence`;
        ``[common]`` holds those that all share. ``relevance`` gives ``sd``, or ``distances`` (of geography, ages, construct) for the
        rule of `jsna_model.methods.distributions.relevance_sd`.

    Returns
    -------
    tuple of Evidence
        In the order asked for.

    Raises
    ------
    UnknownNameError
        With the nearest known names.
    InputError
        Listing every problem of the file, each with file, entry and field.

    Examples
    --------
    >>> [e.key for e in load_evidence("hazardous_drinking", "OV-20")]
    ['ALC-01', 'OV-20']
    """
    entries = _catalogue() if path is None else _own(Path(path))
    known = {e.risk: e for e in entries} | {e.key: e for e in entries}
    wanted = names or (DEFAULT_RISKS if path is None else tuple(e.key for e in entries))
    found = []
    for name in wanted:
        if name not in known:
            raise unknown_name("evidence", name, known, "data_sources.evidence.evidence_keys()" if path is None else "")
        found.append(known[name])
    return tuple(found)


def default_evidence() -> tuple[Evidence, ...]:
    """The five named risks, each on its own construct, in the order they are reported; they are never added or overlapped."""
    return load_evidence(*DEFAULT_RISKS)


def load_evidence_set(name: str = "higher_harm") -> tuple[Evidence, ...]:
    """The three estimates of a coherent set, in the order of its overlap: abuse, mental health, alcohol or drugs.

    Raises
    ------
    UnknownNameError

    Examples
    --------
    >>> [e.risk for e in load_evidence_set()]
    ['domestic_abuse_last_year', 'severe_mental_health_symptoms', 'alcohol_or_drug_dependency']
    """
    _require_set(name)
    return tuple(e for e in _catalogue() if e.set_name == name)


def set_shares(name: str = "higher_harm") -> dict[str, Share]:
    """Published shares of children by number of risks at once: ``any_risk``, ``two_or_more``, ``all_three``.

    Raises
    ------
    UnknownNameError
    """
    _require_set(name)
    return {
        s["role"]: Share(s["key"], s["value"], s["lower"], s["upper"], s["level"], s["interval_basis"])
        for s in records(_content("childrens_commissioner_2019"), "share")
        if s["set_name"] == name
    }


def load_overlap(name: str = "higher_harm") -> Overlap:
    """How the risks of a coherent set occur together, from the published two-or-more and all-three shares.

    Raises
    ------
    UnknownNameError
    """
    members, shares = load_evidence_set(name), set_shares(name)
    singles = sum(e.value for e in members)
    total = sum(s.value for s in shares.values())
    spare = (
        f"The singles sum to {singles:.1%}, and any, two or more and all three, which must sum to the same, to {total:.1%}; "
        f"any ({shares['any_risk'].value:.1%}) is not used."
    )
    rows = [
        s["notes"]
        for s in records(_content("childrens_commissioner_2019"), "share")
        if s["set_name"] == name and s["role"] != "any_risk" and s["notes"]
    ]
    return Overlap.from_shares(
        name,
        [e.risk for e in members],
        shares["two_or_more"],
        shares["all_three"],
        set_name=name,
        source=members[0].source,
        data_group=members[0].data_group,
        notes=" ".join([spare, *rows]),
    )


def evidence_keys() -> list[str]:
    """Catalogue keys of every estimate, in catalogue order."""
    return [e.key for e in _catalogue()]


def quoted_by_ofsted() -> list[dict[str, Any]]:
    """The six figures that opened Ofsted's 2015 report, each with its wording, origin, what is wrong or narrow, and what is used instead.

    Returns
    -------
    list of dict
        key, figure, unit, wording, origin, issue, instead (a catalogue key, or empty).
    """
    return list(records(_content("ofsted_2015"), "quoted"))


def evidence_sources() -> list[dict[str, str]]:
    """Publications of the catalogue: title, publisher, release, date, licence, url."""
    return [dict(_content(name)["publication"]) for name in _FILES]


def _require_set(name: str) -> None:
    if name not in SETS:
        raise unknown_name("coherent set of evidence", name, SETS)


@cache
def _content(name: str) -> dict[str, Any]:
    return read_toml(Path(str(files("data_sources.evidence") / f"{name}.toml")))


@cache
def _catalogue() -> tuple[Evidence, ...]:
    found: list[Evidence] = []
    for name in _FILES:
        if "evidence" in (content := _content(name)):
            entries, problems = read_entries(content, f"{name}.toml")
            raise_all(problems)
            found += entries
    return tuple(found)


def _own(path: Path) -> tuple[Evidence, ...]:
    entries, problems = read_entries(read_toml(path), str(path))
    raise_all(problems)
    return tuple(entries)
