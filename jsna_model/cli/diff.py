"""Two runs side by side: which inputs differ, and which numbers moved by how much."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jsna_model.errors import InputError

if TYPE_CHECKING:
    import pandas as pd

    from jsna_model.result import Result

#: Parts of the manifest that differ from run to run without meaning anything.
_ASIDE = ("made_at",)


def inputs(a: Path, b: Path) -> list[tuple[str, str, str]]:
    """What differs between the inputs of two runs: name, value in A, value in B; from ``manifest.json`` and ``study.toml``.

    Parameters
    ----------
    a, b : Path
        Run folders.

    Raises
    ------
    InputError
        For a folder that holds no run.
    """
    import tomllib

    rows = []
    for file, read in (("manifest.json", json.loads), ("study.toml", tomllib.loads)):
        first, second = (dict(_flat(read(_text(run / file)))) for run in (a, b))
        for key in dict.fromkeys([*first, *second]):
            if key.split(".")[0] not in _ASIDE and first.get(key) != second.get(key):
                rows.append((f"{file}: {key}", str(first.get(key, "absent")), str(second.get(key, "absent"))))
    return rows


def numbers(a: Path, b: Path) -> pd.DataFrame:
    """Expected values that both runs hold, in full: area or scenario, measure, A, B, difference and ratio, greatest change first.

    Children affected now by authority and measure; flows and stocks of the last year that both project, by scenario and service.

    Parameters
    ----------
    a, b : Path
        Run folders.

    Returns
    -------
    pandas.DataFrame
        ``what``, ``a``, ``b``, ``difference``, ``change`` (share of A; NaN where A is zero).
    """
    import pandas as pd

    from jsna_model.result import Result

    first, second = (pd.Series(dict(_values(Result.load(run / "result.nc"))), dtype=float) for run in (a, b))
    both = pd.DataFrame({"a": first, "b": second}).dropna()
    both["difference"] = both["b"] - both["a"]
    both["change"] = (both["difference"] / both["a"]).where(both["a"] != 0)
    order = both["change"].abs().sort_values(ascending=False, kind="stable").index
    return both.loc[order].rename_axis("what").reset_index()


def _text(path: Path) -> str:
    if not path.is_file():
        raise InputError(
            f"{path.parent} is not a run folder: it holds no {path.name}. Give two folders that jsna run or jsna report wrote."
        )
    return path.read_text(encoding="utf-8")


def _flat(value: Any, at: str = "") -> Iterator[tuple[str, Any]]:
    if isinstance(value, Mapping):
        for key, inner in value.items():
            yield from _flat(inner, f"{at}.{key}" if at else str(key))
    elif isinstance(value, list) and value and all(isinstance(v, Mapping) for v in value):
        for i, inner in enumerate(value):
            yield from _flat(inner, f"{at}[{inner.get('name', i)}]")
    else:
        yield at, value


def _values(result: Result) -> Iterator[tuple[str, float]]:
    for measure in result.measures:
        table = result.summary(measure, level="authority")
        for area, value in zip(table["area_name"], table["value"], strict=True):
            yield f"{area}: children affected now, {measure}", float(value)
    if "demand" not in result.data.children:
        return
    for node, variable in (("demand/flows", "flow"), ("demand/caseload", "caseload")):
        data = result.node(node)[variable]
        year = str(data["year"].values[-1])
        last = data.isel(year=-1).mean("draw")
        for scenario in last["scenario"].values:
            for place, area in enumerate(last["area"].values):
                for service in last["service"].values:
                    value = float(last.sel(scenario=scenario, service=service).values[place])
                    yield f"{area}: {service} in {year}, {scenario}", value
