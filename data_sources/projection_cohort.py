"""Where no projection is given: children carried forward in cohorts, with a user's births and migration or labelled assumptions."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from data_sources.figures_io import Layout, read_table
from data_sources.layouts import AGE_COLUMNS
from jsna_model.errors import Problem, raise_all
from jsna_model.methods.cohort import migration_rates, project_cohorts

BIRTHS = Layout("births.csv", codes=("utla23_code",), counts=("year", "births"), key=("utla23_code", "year"))
ESTIMATES = Layout("estimates.csv", codes=("utla23_code",), counts=("year", *AGE_COLUMNS), key=("utla23_code", "year"))


def cohort_projection(
    base: np.ndarray,
    newborn_shares: np.ndarray,
    codes: list[str],
    span: tuple[int, int],
    births: Path | str | None = None,
    migration: Path | str | None = None,
) -> tuple[np.ndarray, tuple[str, ...]]:
    """Children of authorities by single year, carried forward in cohorts (`jsna_model.methods.cohort.project_cohorts`).

    Parameters
    ----------
    base : array, shape (area, age, sex)
    newborn_shares : array, shape (sex,)
        Of each sex among births; sums to one.
    codes : list of str
        Authorities, in the order of `base`.
    span : (int, int)
        Base year and last year.
    births : path, optional
        CSV with ``utla23_code``, ``year``, ``births`` (aged 0 at the middle of the year), for each authority from the year after the base
        year; years after its last take its last. By default births stay at those aged 0 in the base year.
    migration : path, optional
        CSV with ``utla23_code``, ``year``, ``age_0`` to ``age_17``: estimates of two or more years in a row, whose cohort changes are held
        (`jsna_model.methods.cohort.migration_rates`). By default none.

    Returns
    -------
    array, shape (area, year, age, sex); and notes on what was assumed.

    Raises
    ------
    InputError
        Listing what is wrong with the files.
    """
    years = list(range(span[0] + 1, span[1] + 1))
    newborn, of_births = _births(births, codes, years, base[:, 0].sum(-1))
    moves, of_moves = _migration(migration, codes)
    apart = [project_cohorts(base[..., s], newborn * share, moves) for s, share in enumerate(newborn_shares)]
    return np.stack(apart, axis=-1), (of_births, of_moves)


def _births(path: Path | str | None, codes: list[str], years: list[int], newest: np.ndarray) -> tuple[np.ndarray, str]:
    if path is None:
        return np.repeat(newest[:, None], len(years), axis=1), f"births stay at those aged 0 in {years[0] - 1} (assumed)"
    file = Path(path).name
    table = read_table(path, BIRTHS).values
    given = sorted(int(y) for y in table["year"].unique() if y >= years[0])
    fix = f"give births of every year from {years[0]}; years after the last take the last"
    if not given or given[0] != years[0]:
        found = f"its years run {int(table['year'].min())} to {int(table['year'].max())}, without {years[0]}"
        raise_all([Problem(found, fix, file, column="year")])
    wide = table.pivot(index="utla23_code", columns="year", values="births").reindex(index=codes, columns=range(given[0], given[-1] + 1))
    raise_all(_holes(wide.isna().to_numpy(), codes, given[0], fix, file))
    known = wide.to_numpy(float)[:, : len(years)]
    held = len(years) - known.shape[1]
    note = f"births of {file}" + (f", those of {given[-1]} again in every later year (assumed)" if held else "")
    return np.concatenate([known, np.repeat(known[:, -1:], held, axis=1)], axis=1), note


def _migration(path: Path | str | None, codes: list[str]) -> tuple[np.ndarray | None, str]:
    if path is None:
        return None, "no net migration and no deaths (assumed)"
    file = Path(path).name
    table = read_table(path, ESTIMATES).values
    first, last = int(table["year"].min()), int(table["year"].max())
    fix = "give estimates of each authority for two or more years in a row"
    if first == last:
        raise_all([Problem(f"estimates of {first} only", fix, file, column="year")])
    span = range(first, last + 1)
    cells = np.full((len(codes), len(span), len(AGE_COLUMNS)), np.nan)
    place = {code: i for i, code in enumerate(codes)}
    for code, year, *ages in table[["utla23_code", "year", *AGE_COLUMNS]].itertuples(index=False):
        if code in place:
            cells[place[code], int(year) - first] = ages
    raise_all(_holes(np.isnan(cells).any(-1), codes, first, fix, file))
    return migration_rates(cells), f"net migration by age of {first} to {last} goes on ({file})"


def _holes(absent: np.ndarray, codes: list[str], first: int, fix: str, file: str) -> list[Problem]:
    """A problem for each authority that lacks years."""
    out = []
    for code, row in zip(codes, absent, strict=True):
        if row.any():
            what = "every year" if row.all() else ", ".join(str(first + int(t)) for t in np.flatnonzero(row))
            out.append(Problem(f"{code} lacks {what}", fix, file, code, "year"))
    return out
