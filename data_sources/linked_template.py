"""A template of linked case data: the columns, and rows that are made up and say so."""

from __future__ import annotations

import csv
import io
from datetime import date, timedelta

from numpy.typing import NDArray

from data_sources.linked import COLUMNS, EVENTS, SYNTHETIC

#: Uniforms that a row takes.
PER_ROW = 16
_LOCALITIES = ("Synthetic North", "Synthetic South", "Synthetic East")
_REASONS = ("needs met", "family withdrew", "stepped up")
_EXTRACT = date(2025, 3, 31)
_FIRST = date(2021, 4, 1)


def synthetic_csv(uniforms: NDArray, rows: int = 400) -> str:
    """Text of a template.

    Parameters
    ----------
    uniforms : ndarray, shape (at least rows * PER_ROW,)
    rows : int

    Returns
    -------
    str
        CSV in the layout of `data_sources.linked.load_linked`. Rates, dates, localities and reasons are made up: they are no evidence of
        anything. Every identifier starts with SYNTHETIC.
    """
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(COLUMNS)
    family = 0
    for i in range(rows):
        u = [float(x) for x in uniforms[i * PER_ROW : (i + 1) * PER_ROW]]
        family += u[0] < 0.6 or i == 0
        row = dict.fromkeys(COLUMNS, "") | {"person_id": f"{SYNTHETIC}-P{i + 1:04d}", "family_id": f"{SYNTHETIC}-F{family:04d}"}
        row["locality"], row["age"] = _LOCALITIES[(family * 7) % 3], str(int(u[1] * 18))
        start = _FIRST + timedelta(days=int(u[2] * 1400))
        end = _EXTRACT
        row["ended_by"] = "extract"
        if u[3] < 0.06:
            end = min(start + timedelta(days=int(u[4] * 700)), _EXTRACT)
            row["ended_by"] = "moved_away" if u[3] < 0.04 or int(row["age"]) < 16 else "turned_18"
        first = start
        if i % 3 == 2:
            row["closed_referral_date"] = start.isoformat()
            first = start + timedelta(days=int(u[5] * 120))
        if i % 3 < 2 or (u[6] < 0.5 and first <= end):
            row["early_help_start"] = first.isoformat()
            over = first + timedelta(days=60 + int(u[7] * 240))
            if over <= end:
                row["early_help_end"], row["closure_reason"] = over.isoformat(), _REASONS[int(u[8] * 3)]
        else:
            first = start
        for j, (column, yearly) in enumerate(zip(EVENTS, (0.30, 0.16, 0.10, 0.06, 0.03), strict=True)):
            day = first + timedelta(days=int(365 * u[9 + j] / yearly))
            if day <= end:
                row[column] = day.isoformat()
        row["followed_to"] = end.isoformat()
        writer.writerow(row.values())
    return out.getvalue()
