"""Where the figures come from, and whether they are as shipped."""

from __future__ import annotations

import hashlib
import tomllib
from importlib.resources import files

_KEYS = ("name", "title", "publisher", "release", "date", "licence", "url", "sha256", "notes")


def sources(in_reports: bool = False) -> list[dict[str, str]]:
    """Provenance of every figures file.

    Parameters
    ----------
    in_reports : bool
        Only those that a report may rest on: some show and test a method, and no number comes from them.

    Returns
    -------
    list of dict
        Keys ``name``, ``title``, ``publisher``, ``release``, ``date`` (that the figures refer to), ``licence``, ``url`` (empty
        where the project has not seen the publication's address), ``sha256``, ``notes``.

    Examples
    --------
    >>> sources()[0]["licence"]
    'OGL v3.0'
    """
    text = files("data_sources").joinpath("figures", "provenance.toml").read_text(encoding="utf-8")
    return [
        {key: str(entry[key]) for key in _KEYS} for entry in tomllib.loads(text)["file"] if not in_reports or entry.get("in_reports", True)
    ]


def verify() -> dict[str, str]:
    """Whether each embedded file is as shipped, by SHA-256.

    Returns
    -------
    dict of str
        For each file ``"ok"``, ``"changed"`` or ``"missing"``; and ``"unlisted"`` for a file without provenance.
    """
    folder = files("data_sources").joinpath("figures")
    listed = {entry["name"]: entry["sha256"] for entry in sources()}
    out = {}
    for name, expected in listed.items():
        path = folder.joinpath(name)
        if not path.is_file():
            out[name] = "missing"
        else:
            out[name] = "ok" if hashlib.sha256(path.read_bytes()).hexdigest() == expected else "changed"
    there = {path.name for path in folder.iterdir() if path.is_file() and path.name != "provenance.toml"}
    return out | dict.fromkeys(sorted(there - set(listed)), "unlisted")
