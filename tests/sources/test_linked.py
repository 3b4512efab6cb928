"""Linked case data: every problem with its place, nothing that names a child, and a template that says that it is made up."""

from __future__ import annotations

from pathlib import Path

import pytest

from data_sources.linked import LinkedData, is_nhs_number, load_linked, looks_like
from data_sources.linked_template import PER_ROW, synthetic_csv
from jsna_model.draws import uniforms
from jsna_model.errors import InputError

HEAD = (
    "person_id,family_id,locality,age,closed_referral_date,early_help_start,early_help_end,closure_reason,"
    "referral_date,plan_date,followed_to,ended_by\n"
)


def read(tmp_path: Path, rows: str, head: str = HEAD) -> LinkedData:
    path = tmp_path / "cases.csv"
    path.write_text(head + rows, encoding="utf-8")
    return load_linked(path)


def wrong(tmp_path: Path, rows: str, head: str = HEAD) -> list[tuple[str | None, int | str | None, str]]:
    with pytest.raises(InputError) as error:
        read(tmp_path, rows, head)
    assert all(p.fix and p.file == "cases.csv" for p in error.value.problems)
    return [(p.column, p.row, p.found) for p in error.value.problems]


def test_a_row_is_read(tmp_path: Path) -> None:
    data = read(tmp_path, "a1,f1,North,7,2023-01-10,2023-02-01,2023-06-30,needs met,2023-09-01,,2025-03-31,\n")
    (case,) = data.cases
    assert (case.person, case.family, case.age_band, case.ended_by) == ("a1", "f1", "5_9", "extract")
    assert {k: v.isoformat() for k, v in case.events.items()} == {"referral": "2023-09-01"}
    assert data.recorded == ("referral", "plan")
    assert not data.synthetic


def test_every_problem_at_once_with_its_place(tmp_path: Path) -> None:
    rows = (
        "a1,f1,North,7,,2023-02-01,2023-01-01,needs met,,,2025-03-31,\n"  # ends before it starts
        "a2,f1,North,7,,2023-02-01,,,2022-12-31,,2025-03-31,\n"  # event before the start
        "a3,f1,North,7,,2023-02-01,,,,2025-04-01,2025-03-31,\n"  # event after following
        "a4,f1,North,19,,01/02/2023,,,,,2025-03-31,left\n"
        "a5,f1,North,7,,2023-02-30,,,,,2025-03-31,\n"
        "a6,f1,North,7,,2023-02-01T00:00:00+01:00,,,,,2025-03-31,\n"
        "a7,f1,North,7,,,,,,,2025-03-31,\n"  # no start
        "a8,f1,MK9 3EJ,7,,2023-02-01,,,,,,\n"
        "a9,f1,North,7,,2023-02-01,,needs met,,,2025-03-31,\n"
        "a1,f1,North\n"
    )
    found = wrong(tmp_path, rows)
    assert [(c, r) for c, r, _ in found] == [
        ("early_help_end", 2),
        ("referral_date", 3),
        ("plan_date", 4),
        ("age", 5),
        ("ended_by", 5),
        ("early_help_start", 5),
        ("early_help_start", 6),
        ("early_help_start", 7),
        ("early_help_start", 8),
        ("locality", 9),
        ("followed_to", 9),
        ("closure_reason", 10),
        (None, 11),
    ]
    assert any("time zone" in text for _, _, text in found)


def test_starts_given_twice_and_people_of_two_families(tmp_path: Path) -> None:
    row = "a1,{f},North,7,,2023-02-01,,,,,2025-03-31,\n"
    found = wrong(tmp_path, row.format(f="f1") + row.format(f="f2"))
    assert [(c, r) for c, r, _ in found] == [("early_help_start", 3), ("family_id", 3)]


def test_an_event_between_referral_and_help_asks_for_two_rows(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="row of the closed referral alone"):
        read(tmp_path, "a1,f1,N,7,2023-01-01,2023-05-01,,,2023-03-01,,2025-03-31,\n")


@pytest.mark.parametrize(
    ("identifier", "what"),
    [
        ("Anna Smith", "a name"),
        ("Smith", "a name"),
        ("OBRIEN", "a name"),
        ("H801200001001", "a unique pupil number"),
        ("AB123456C", "a National Insurance number"),
        ("a.smith@example.org", "an email address"),
        ("a1", ""),
        ("P-0034", ""),
        ("8f3c-77aa", ""),
        ("SYNTHETIC-P0001", ""),
    ],
)
def test_what_says_who_somebody_is(identifier: str, what: str) -> None:
    assert looks_like(identifier) == what


def test_identifiers_are_refused_and_not_repeated(tmp_path: Path) -> None:
    rows = "Anna Smith,f1,North,7,,2023-02-01,,,,,2025-03-31,\n"
    assert [(c, r) for c, r, _ in wrong(tmp_path, rows)] == [("person_id", 2)]
    with pytest.raises(InputError) as error:
        read(tmp_path, rows)
    assert "Smith" not in str(error.value)


def test_nhs_numbers_are_told_by_their_check_digit(tmp_path: Path) -> None:
    """943 476 5919 is the example of the NHS Data Dictionary; chance makes one in eleven valid."""
    assert is_nhs_number("943 476 5919")
    assert not is_nhs_number("943 476 5918")
    rows = "".join(f"{n},f{i},N,7,,2023-02-01,,,,,2025-03-31,\n" for i, n in enumerate(("9434765919", "4010232137")))
    assert wrong(tmp_path, rows)[0][2] == "2 of 2 numbers of ten digits are valid NHS numbers"
    numbers = [str(1_000_000_000 + 7 * i) for i in range(200)]
    assert 0.04 < sum(map(is_nhs_number, numbers)) / 200 < 0.16
    assert read(tmp_path, "".join(f"{n},,N,7,,2023-02-01,,,,,2025-03-31,\n" for n in numbers)).cases


def test_columns(tmp_path: Path) -> None:
    found = wrong(tmp_path, "", "person_id,child_name,dob,locallity,age,age\n")
    assert [c for c, _, _ in found] == [None, None, None, "child_name", "dob", "locallity", "age"]
    assert wrong(tmp_path, "")[0][2] == "no rows"


def test_problems_beyond_fifty_are_counted(tmp_path: Path) -> None:
    found = wrong(tmp_path, "".join(f"a{i},f{i},N,7,,x,,,,,2025-03-31,\n" for i in range(80)))
    assert len(found) == 51
    assert found[-1][2] == "30 more problems"


def test_the_template_is_synthetic_and_sound(tmp_path: Path) -> None:
    text = synthetic_csv(uniforms(1, "escalation/template", 120 * PER_ROW), 120)
    rows = text.splitlines()[1:]
    assert len(rows) == 120
    assert all(r.startswith("SYNTHETIC-") for r in rows)
    path = tmp_path / "t.csv"
    path.write_text(text, encoding="utf-8")
    assert load_linked(path).synthetic
    mixed = text + rows[0].replace("SYNTHETIC-P", "P") + "\n"
    path.write_text(mixed, encoding="utf-8")
    with pytest.raises(InputError, match="take the made-up rows out"):
        load_linked(path)


def test_warnings(tmp_path: Path) -> None:
    head = "person_id,early_help_start,referral_date,followed_to\n"
    data = read(tmp_path, "a20110405,2023-02-01,,2025-03-31\nb20110405,2023-02-02,,2025-01-31\n", head)
    assert [w.split(" ")[0] for w in data.warnings] == ["Most", "There", "There", "1"]
