"""A pathway from counts that are missing or cannot be: England's share, labelled, or an error that names the authority."""

from __future__ import annotations

import csv
from importlib.resources import files
from pathlib import Path

import pytest

import data_sources as src
from data_sources.layouts import AUTHORITIES
from jsna_model.errors import InputError

SHARE = "referral.re_referral_share"


def figures(folder: Path, **changed: str) -> Path:
    """The embedded counts with some of Milton Keynes changed."""
    rows = list(csv.reader(files("data_sources").joinpath(f"figures/{AUTHORITIES.file}").read_text(encoding="utf-8-sig").splitlines()))
    row = next(r for r in rows if "E06000042" in r)
    for column, cell in changed.items():
        row[rows[0].index(column)] = cell
    with (folder / AUTHORITIES.file).open("w", newline="", encoding="utf-8") as out:
        csv.writer(out).writerows(rows)
    return folder


@pytest.mark.parametrize("missing", ["referrals", "re_referrals"])
def test_without_its_own_re_referrals_englands_stand_and_say_so(tmp_path: Path, missing: str) -> None:
    found = src.load_pathway("Milton Keynes", figures=figures(tmp_path, **{missing: "c"})).parameter(SHARE)
    assert found.value == pytest.approx(src.load_pathway("England").parameter(SHARE).value, rel=0.02)
    assert "prior only" in found.source
    assert "prior only" not in src.load_pathway("Milton Keynes").parameter(SHARE).source


def test_more_re_referrals_than_referrals_are_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="Milton Keynes: 680 re-referrals of 3 referrals"):
        src.load_pathway("Milton Keynes", figures=figures(tmp_path, referrals="3"))
