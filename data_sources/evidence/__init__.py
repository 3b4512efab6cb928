"""Published evidence: every figure with its construct, its interval, its source and its traps; coherent sets with their overlap.

One TOML file a publication; ``_vocabulary.toml`` holds the terms that constructs use. Every figure was seen in its source or in a copy of
it; assumed intervals, relevance and variation are listed in ``docs/assumptions.md``. A file of the user's own has the same form.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import replace
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

from data_sources.evidence._read import Lines, own_terms, place, read_entries, rows_of
from data_sources.evidence._toml import parse, read_text, read_toml
from jsna_model.errors import ConstructError, InputError, Problem, raise_all, unknown_name
from jsna_model.evidence import Evidence
from jsna_model.overlap import Overlap, Share
from jsna_model.toml_lines import key_lines

__all__ = [
    "default_evidence",
    "evidence_keys",
    "evidence_sources",
    "load_evidence",
    "load_evidence_set",
    "load_overlap",
    "quoted_by_ofsted",
    "set_shares",
    "supplementary_evidence",
    "with_own",
]

#: The named risks that are always reported, each on its own construct, and the estimate of each.
DEFAULTS = {
    "hazardous_drinking": "ALC-01",
    "dependent_drinking": "ALC-23",
    "domestic_abuse": "DA-30",
    "domestic_abuse_high_risk": "DA-10",
    "severe_parental_mental_illness": "MH-07C",
}
SETS = ("higher_harm", "wider_exposure")
#: Parts that an estimate of a coherent set can have beside its members: how many risks occur together.
ROLES = ("any_risk", "two_or_more", "all_three")
#: Drugs and wider mental ill health: shown in a table of their own, never added to the named risks.
SUPPLEMENTARY = ("ALC-13", "ALC-11", "ALC-60", "MH-14", "MH-11", "MH-12", "MH-10")


def load_evidence(*names: str, path: str | Path | None = None) -> tuple[Evidence, ...]:
    """Load estimates by catalogue key or by name of risk.

    Parameters
    ----------
    *names : str
        Such as ``"ALC-01"`` or ``"hazardous_drinking"``. None: the five defaults, or all of `path`.
    path : str or Path, optional
        A TOML file of the user's own, or a folder of them, read beside the catalogue: its keys can be asked for as well. A key that the
        catalogue has already is refused; nothing of the catalogue is overridden.

    Returns
    -------
    tuple of Evidence
        In the order asked for.

    Raises
    ------
    UnknownNameError
        With the nearest known names.
    ConstructError
        Where a risk has several estimates and none is its default: they differ in construct, and the key says which is meant.
    InputError
        Listing every problem of the file, each with file, line, entry and field.

    Examples
    --------
    >>> [e.key for e in load_evidence("hazardous_drinking", "OV-20")]
    ['ALC-01', 'OV-20']
    """
    own = () if path is None else _own(Path(path))
    entries = {e.key: e for e in (*_catalogue(), *own)}
    wanted = names or (tuple(DEFAULTS.values()) if path is None else tuple(e.key for e in own))
    return tuple(_find(name, entries, own) for name in wanted)


def _find(name: str, entries: dict[str, Evidence], own: Sequence[Evidence]) -> Evidence:
    if name in entries:
        return entries[name]
    of_risk = [e for e in entries.values() if e.risk == name and name not in ROLES]
    if name in DEFAULTS:
        default = entries[DEFAULTS[name]]
        rivals = [e for e in own if e.risk == name]
        instead = [e for e in rivals if e.replaces == default.key]
        if not rivals or len(instead) == 1:
            return instead[0] if instead else default
        of_risk = [default, *rivals]
    if not of_risk:
        raise unknown_name("evidence", name, [*entries, *{e.risk for e in entries.values() if e.risk}], "jsna evidence list")
    if len(of_risk) > 1:
        keys = "; ".join(f"{e.key} ({e.construct.instrument}, {e.geography}, {e.period})" for e in of_risk)
        raise ConstructError(
            f"{len(of_risk)} estimates are of {name!r}, with different constructs: {keys}. Ask for one of them by its key."
        )
    return of_risk[0]


def default_evidence() -> tuple[Evidence, ...]:
    """The five named risks, each on its own construct, in the order they are reported; they are never added or overlapped."""
    return load_evidence(*DEFAULTS.values())


def supplementary_evidence() -> tuple[Evidence, ...]:
    """Drugs and wider mental ill health: published figures for the report's supplementary table."""
    return load_evidence(*SUPPLEMENTARY)


def with_own(evidence: Iterable[Evidence], path: str | Path) -> tuple[Evidence, ...]:
    """Evidence with the user's own estimates: beside it, or in place of the default that an entry says it ``replaces``.

    Parameters
    ----------
    evidence : iterable of Evidence
    path : str or Path
        TOML file, or folder of them.

    Returns
    -------
    tuple of Evidence
        A replacement stands where the replaced one stood, with a note that says so; the others follow.

    Raises
    ------
    ConstructError
        Where an own estimate is of a risk that is there already and does not say that it replaces it: nothing is overridden silently.
    InputError
        As `load_evidence`.
    """
    own = load_evidence(path=path)
    by_key = {e.key: e for e in evidence}
    by_risk = {e.risk: e for e in by_key.values()}
    problems, extra = [], []
    for e in own:
        if e.replaces:
            if e.replaces not in by_key:
                fix = f"it may replace one of {', '.join(by_key)}"
                problems.append(Problem(f"it replaces {e.replaces!r}, which is not used", fix, str(path), e.key, "replaces"))
                continue
            note = f"Used in place of {e.replaces} by the user's decision. {e.notes}".strip()
            by_key[e.replaces] = replace(e, notes=note)
        elif e.risk in by_risk:
            fix = f'write replaces = "{by_risk[e.risk].key}" to use it instead, or give it a risk name of its own to show both'
            problems.append(Problem(f"{by_risk[e.risk].key} is also of {e.risk!r}", fix, str(path), e.key, "risk"))
        else:
            extra.append(e)
    raise_all(problems, ConstructError)
    return (*by_key.values(), *extra)


def load_evidence_set(name: str = "higher_harm", path: str | Path | None = None) -> tuple[Evidence, ...]:
    """The estimates of a coherent set, in the order of its overlap: abuse, mental health, alcohol or drugs.

    Parameters
    ----------
    name : str
    path : str or Path, optional
        TOML file or folder with a set of the user's own: entries that share a ``set_name``, and two whose risk is ``two_or_more`` and
        ``all_three``.

    Raises
    ------
    UnknownNameError
    ConstructError
        Where members differ in data group, ages, geography, period, or in whose condition they count.

    Examples
    --------
    >>> [e.risk for e in load_evidence_set()]
    ['domestic_abuse_last_year', 'severe_mental_health_symptoms', 'alcohol_or_drug_dependency']
    """
    members = tuple(e for e in _set(name, path) if e.risk not in ROLES)
    problems = [p for e in members[1:] for p in _incoherent(members[0], e)]
    raise_all(problems, ConstructError)
    return members


def set_shares(name: str = "higher_harm", path: str | Path | None = None) -> dict[str, Share]:
    """Published shares of children by number of risks at once: ``any_risk``, ``two_or_more``, ``all_three``.

    Raises
    ------
    UnknownNameError
    """
    return {e.risk: Share(e.key, e.value, e.lower, e.upper, e.level, e.interval_basis) for e in _set(name, path) if e.risk in ROLES}


#: What `load_overlap` and ``overlap`` in study.toml take.
OVERLAP_KINDS = ("published", "independent", "least", "most")


def load_overlap(name: str = "higher_harm", path: str | Path | None = None, kind: str = "published") -> Overlap:
    """How the risks of a coherent set occur together.

    Parameters
    ----------
    name : str
        Coherent set.
    path : path, optional
        TOML file or folder of the user's own.
    kind : {"published", "independent", "least", "most"}
        From the published two-or-more and all-three shares; or, to see what hangs on it, as if the risks were independent, with as little
        overlap as their shares allow, and with as many children with all three as they allow.

    Raises
    ------
    UnknownNameError
    ConstructError
        Where the set lacks either share, or one of another data group is among them.
    """
    if kind not in OVERLAP_KINDS:
        raise unknown_name("kind of overlap", kind, OVERLAP_KINDS)
    members = load_evidence_set(name, path)
    if kind != "published":
        risks = [e.risk for e in members]
        least, most = Overlap.bounds(risks)
        return replace({"independent": Overlap.independent(risks), "least": least, "most": most}[kind], set_name=name)
    rows = {e.risk: e for e in _set(name, path) if e.risk in ROLES}
    problems = [
        Problem(
            f"no estimate of the set {name!r} has risk {role!r}", "give its share: singles are needed and overlaps are not enough alone"
        )
        for role in ("two_or_more", "all_three")
        if role not in rows
    ]
    problems += [
        Problem(
            f"{e.key} is of data group {e.data_group!r}, the members of {members[0].data_group!r}", "take both from one survey", row=e.key
        )
        for e in rows.values()
        if e.data_group != members[0].data_group
    ]
    raise_all(problems, ConstructError)
    shares = set_shares(name, path)
    spare = ""
    if "any_risk" in shares:
        singles = sum(e.value for e in members)
        total = sum(s.value for s in shares.values())
        spare = (
            f"The singles sum to {singles:.1%}, and any, two or more and all three, which must sum to the same, to {total:.1%}; "
            f"any ({shares['any_risk'].value:.1%}) is not used."
        )
    return Overlap.from_shares(
        name,
        [e.risk for e in members],
        shares["two_or_more"],
        shares["all_three"],
        set_name=name,
        source=str(members[0].source),
        data_group=members[0].data_group,
        notes=" ".join(n for n in (spare, *(rows[r].notes for r in ("two_or_more", "all_three"))) if n),
    )


def _set(name: str, path: str | Path | None) -> tuple[Evidence, ...]:
    entries = (*_catalogue(), *(() if path is None else _own(Path(path))))
    known = list(dict.fromkeys(e.set_name for e in entries if e.set_name))
    if name not in known:
        raise unknown_name("coherent set of evidence", name, known)
    return tuple(e for e in entries if e.set_name == name)


def _incoherent(first: Evidence, other: Evidence) -> list[Problem]:
    """Why two members cannot be overlapped: what must be the same and is not."""
    pairs = {
        "data_group": (first.data_group, other.data_group),
        "ages": (first.ages, other.ages),
        "geography": (first.geography, other.geography),
        "period": (first.period, other.period),
        "construct.whose": (first.construct.whose, other.construct.whose),
        "construct.informant": (first.construct.informant, other.construct.informant),
    }
    fix = "a coherent set is of one survey and one severity; convert one of them first, or estimate it on its own"
    return [
        Problem(f"{first.key} has {column} {a!r} and {other.key} {b!r}", fix, None, other.key, column)
        for column, (a, b) in pairs.items()
        if a != b
    ]


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
    return [dict(r) for r in _content("ofsted_2015")["quoted"]]


def evidence_sources() -> list[dict[str, str]]:
    """Publications of the catalogue: citation, title, producer, date, what was read, licence, url."""
    return [dict(_content(name)["publication"]) for name in _names()]


@cache
def _names() -> tuple[str, ...]:
    """Files of the catalogue, a publication each."""
    names = (Path(f.name) for f in files("data_sources.evidence").iterdir())
    return tuple(sorted(f.stem for f in names if f.suffix == ".toml" and not f.name.startswith("_")))


def _path(name: str) -> Path:
    return Path(str(files("data_sources.evidence"))) / f"{name}.toml"


@cache
def _content(name: str) -> dict[str, Any]:
    return read_toml(_path(name))


@cache
def vocabulary() -> dict[str, dict[str, str]]:
    """Every known term of a construct with its meaning, by field: the shared ones, and those that publications of the catalogue add."""
    terms = {field: dict(known) for field, known in _content("_vocabulary").items()}
    for name in _names():
        for field, own in own_terms(_content(name)).items():
            terms.setdefault(field, {}).update(own)
    return terms


@cache
def _catalogue() -> tuple[Evidence, ...]:
    found: list[Evidence] = []
    problems: list[Problem] = []
    for name in _names():
        entries, wrong = read_entries(_content(name), key_lines(read_text(_path(name))), _path(name), vocabulary())
        found += entries
        problems += wrong
    keys = Counter(e.key for e in found)
    problems += [Problem(f"key {k!r} is in two files", "give each its own", None, k, "key") for k, n in keys.items() if n > 1]
    raise_all([*problems, *_dangling(found, set(keys))])
    return tuple(found)


def _own(path: Path) -> tuple[Evidence, ...]:
    """Entries of the user's own file or folder, every problem of every file at once."""
    paths = sorted(path.glob("*.toml")) if path.is_dir() else [path]
    raise_all([Problem("no .toml file in the folder", "write one, in the form of the catalogue's", str(path))] if not paths else [])
    terms = {field: dict(known) for field, known in vocabulary().items()}
    contents: dict[Path, tuple[Lines, dict[str, Any]]] = {}
    problems: list[Problem] = []
    for p in paths:
        try:
            text = read_text(p)
            contents[p] = (key_lines(text), parse(text, p))
        except InputError as error:
            problems += error.problems
            continue
        for field, new in own_terms(contents[p][1]).items():
            terms.setdefault(field, {}).update(new)
    # A file of the catalogue itself may be checked too: its own keys are then not taken by others.
    inside = {p.stem for p in contents if p.resolve().parent == _path("").parent.resolve()}
    taken = {} if inside else {e.key: "the catalogue" for e in _catalogue()}
    found: list[Evidence] = []
    for p, (lines, content) in contents.items():
        entries, wrong = read_entries(content, lines, p, terms)
        found += entries
        problems += [*wrong, *_taken(content, lines, p, taken)]
    known = {e.key for e in (*_catalogue(), *found)} | set(taken)
    raise_all([*problems, *_dangling(found, known, str(path))])
    return tuple(found)


def _taken(content: dict[str, Any], lines: Lines, path: Path, taken: dict[str, str]) -> list[Problem]:
    """Keys of a file that the catalogue or another file has already; its own are added to `taken`."""
    problems, own = [], {}
    for table, index, row in rows_of(content):
        key, here = row.get("key"), place(lines, str(path), table, index, "key")
        if isinstance(key, str) and key in taken:
            fix = "give it a key of its own: nothing is overridden"
            problems.append(Problem(f"key {key!r} is taken, by {taken[key]}", fix, here, key, "key"))
        elif isinstance(key, str):
            own[key] = here
    taken |= own
    return problems


def _dangling(entries: Iterable[Evidence], known: set[str], file: str | None = None) -> list[Problem]:
    """Names of other entries that are not there."""
    return [
        Problem(f"no estimate has key {other!r}", "correct the key", file, e.key, column)
        for e in entries
        for column, others in (("contradicts", e.contradicts), ("nested_in", (e.nested_in,) if e.nested_in else ()))
        for other in others
        if other not in known
    ]


def unsound_sets(entries: Sequence[Evidence], file: str) -> list[Problem]:
    """Coherent sets among entries that could not be loaded: members that differ, shares that no joint has."""
    problems = []
    for name in dict.fromkeys(e.set_name for e in entries if e.set_name):
        rows = [e for e in entries if e.set_name == name]
        members, shares = [e for e in rows if e.risk not in ROLES], {e.risk: e for e in rows if e.risk in ROLES}
        problems += [Problem(p.found, p.fix, file, p.row, p.column) for e in members[1:] for p in _incoherent(members[0], e)]
        two, three = shares.get("two_or_more"), shares.get("all_three")
        if two and three and three.value > two.value:
            what = f"all three ({three.value:g}) exceeds two or more ({two.value:g}) in set {name!r}"
            problems.append(Problem(what, "all three is part of two or more", file, three.key, "value"))
        singles = sum(e.value for e in members)
        if two and three and two.value + three.value > singles:
            what = f"two or more and all three ({two.value + three.value:g}) exceed the singles ({singles:g}) in set {name!r}"
            problems.append(Problem(what, "any + two or more + all three is the sum of the singles", file, two.key, "value"))
    return problems
