"""Line numbers of keys, against a parser's view of the same text."""

from __future__ import annotations

import tomllib
from typing import Any

import pytest

from jsna_model.errors import InputError
from jsna_model.study import Study
from jsna_model.toml_lines import key_lines, line_of

TEXT = """#:schema ./study.schema.json
area = "Milton Keynes"   # a comment = not a key
"seed" = 1

[early_help]
families_per_year = 800.0
'unit_cost' = 1.0

[parameters]
"referral.rate" = 1.1

[[scenario]]
name = "first"
reason = "r"
[[scenario.change]]
parameter = "a"
[[scenario.change]]
parameter = "b"

[[scenario]]
name = "second"
  [[scenario.change]]
  parameter = "c"
"""


def walk(value: Any, at: tuple[str | int, ...] = ()) -> list[tuple[str | int, ...]]:
    if isinstance(value, dict):
        return [p for k, v in value.items() for p in [(*at, k), *walk(v, (*at, k))]]
    if isinstance(value, list) and value and isinstance(value[0], dict):
        return [p for i, v in enumerate(value) for p in [(*at, i), *walk(v, (*at, i))]]
    return []


def test_every_key_of_the_parser_has_the_line_it_is_written_on() -> None:
    lines, text = key_lines(TEXT), TEXT.splitlines()
    paths = [p for p in walk(tomllib.loads(TEXT)) if p not in (("scenario",), ("scenario", 0, "change"), ("scenario", 1, "change"))]
    assert set(lines) == set(paths)
    for path, line in lines.items():
        name = path[-1] if isinstance(path[-1], str) else path[-2]
        assert str(name) in text[line - 1], path
    assert lines["scenario", 0, "change", 1, "parameter"] == 18
    assert line_of(lines, ("scenario", 1, "change", 0, "value")) == lines["scenario", 1, "change", 0]
    assert line_of(lines, ("nowhere",)) is None


def test_problems_of_a_study_name_their_lines(tmp_path: Any) -> None:
    path = tmp_path / "study.toml"
    path.write_text(TEXT.replace("800.0", '"many"'), encoding="utf-8")
    with pytest.raises(InputError) as error:
        Study.read(path)
    said = str(error.value)
    assert "row 6, column early_help.families_per_year: found 'many'" in said
    assert "row 15, column scenario.0.change.0.op: nothing there" in said
    assert "row 22, column scenario.1.change.0.start: nothing there" in said
    assert "row 20, column scenario.1.reason: nothing there" in said
