from __future__ import annotations

import pytest

import data_sources
from jsna_model.conventions import ENGLAND
from jsna_model.errors import InputError, UnknownNameError


def test_counts_of_areas() -> None:
    table = data_sources.areas()
    assert table["level"].value_counts().to_dict() == {"district": 164, "authority": 153, "region": 9, "england": 1}
    assert table["code"].is_unique
    assert set(table.loc[table["level"] == "district", "authority"].str[:3]) == {"E10"}


@pytest.mark.parametrize(
    ("asked", "code"),
    [
        ("kent", "E10000016"),
        ("Kent County Council", "E10000016"),
        ("Bristol", "E06000023"),
        ("City of Bristol", "E06000023"),
        ("st helens", "E08000013"),
        ("St. Helens", "E08000013"),
        ("e06000042", "E06000042"),
        ("milton  KEYNES", "E06000042"),
        ("Brighton & Hove", "E06000043"),
        ("durham", "E06000047"),
        ("Bournemouth", "E06000058"),
        ("London", "E12000007"),
        ("City of London", "E09000001"),
        ("England", ENGLAND),
    ],
)
def test_areas_are_found_as_people_write_them(asked: str, code: str) -> None:
    assert data_sources.find_area(asked).code == code


def test_every_area_is_found_by_its_name_and_code() -> None:
    for row in data_sources.areas().itertuples():
        assert data_sources.find_area(row.code).code == row.code
        assert data_sources.find_area(row.name).code == row.code


def test_levels_and_authorities() -> None:
    assert data_sources.find_area("Stratford-on-Avon").level == "district"
    assert data_sources.find_area("Stratford-on-Avon").authorities == ("E10000031",)
    assert len(data_sources.find_area("England").authorities) == 153
    assert len(data_sources.find_area("London").authorities) == 33


def test_unknown_and_ambiguous_names() -> None:
    with pytest.raises(UnknownNameError, match=r"No area is called 'Milton Kenes'. Did you mean 'Milton Keynes'\? jsna areas lists all."):
        data_sources.find_area("Milton Kenes")
    with pytest.raises(InputError, match=r"Newcastle upon Tyne .*Newcastle-under-Lyme"):
        data_sources.find_area("Newcastle")
    with pytest.raises(InputError, match="and 7 more"):
        data_sources.find_area("North")
    with pytest.raises(UnknownNameError):
        data_sources.find_area("")


def test_search() -> None:
    assert set(data_sources.areas("warwick")["name"]) >= {"Warwickshire", "Warwick", "Rugby"}
    assert data_sources.areas("nowhere at all").empty
