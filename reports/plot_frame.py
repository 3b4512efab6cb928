"""Frame of a chart made from a plain table: its words, the check of its table, and the table behind it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from jsna_model.errors import Problem, raise_all
from reports import words
from reports.disclosure import modelled
from reports.drawing import Figure
from reports.need_tables import CREDIBLE
from reports.table import Column, Table, frame

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure as MplFigure

#: How a number is shown.
Show = Callable[[float], str]


@dataclass(frozen=True)
class Caption:
    """The words of a chart.

    Parameters
    ----------
    key : str
        Short stable name, unique in a report.
    title : str
        Headline sentence, best of at most ten words.
    subtitle : str
        Measure, geography and period.
    source : str
    basis : str
        One of `jsna_model.conventions.BASES`.
    interval : str
        What the intervals are.
    construct : str
    table_key : str
        Table of the report that holds the same numbers; without it the chart brings its own.
    """

    key: str
    title: str
    subtitle: str
    source: str
    basis: str = "estimated"
    interval: str = CREDIBLE
    construct: str = ""
    table_key: str = ""


def children(value: float) -> str:
    """A modelled number of children in an authority as it is shown."""
    return words.number(modelled(float(value), "authority"))


def per_cent(value: float) -> str:
    """A share between 0 and 1 as a percentage."""
    return words.percent(float(value))


def checked(table: pd.DataFrame, chart: str, text: Sequence[str], numbers: Sequence[str], probability: bool = False) -> Any:
    """The table with its index reset, where it has the columns and its numbers are numbers in order.

    Raises
    ------
    InputError
        Naming every column that is missing, numbers that are absent or infinite, and limits that do not enclose their value.
    """
    missing = [c for c in (*text, *numbers) if c not in getattr(table, "columns", ())]
    if missing:
        wanted = ", ".join((*text, *numbers))
        raise_all([Problem(f"the table has no column {', '.join(missing)}", f"give the columns {wanted}", f"chart of {chart}")])
    problems = [] if len(table) else [Problem("the table has no rows", "leave the chart out", f"chart of {chart}")]
    out = table.reset_index(drop=True)
    for name in numbers:
        try:
            values = out[name].astype(float).to_numpy()
        except (TypeError, ValueError):
            problems.append(Problem("it holds words where numbers are needed", "give numbers", f"chart of {chart}", None, name))
            continue
        wrong = np.flatnonzero(~np.isfinite(values))
        problems += [Problem("a number is absent or infinite", "leave the row out", f"chart of {chart}", int(i), name) for i in wrong[:5]]
        if probability and ((values < 0) | (values > 1)).any():
            problems.append(Problem("a probability is outside 0 to 1", "give shares", f"chart of {chart}", None, name))
    if not problems and {"value", "lower", "upper"} <= set(numbers):
        # the mean of a skewed quantity may lie outside a narrow interval, but lower never above upper
        wrong = np.flatnonzero(out["lower"].astype(float) > out["upper"].astype(float))
        problems += [Problem("lower is above upper", "swap them", f"chart of {chart}", int(i)) for i in wrong[:5]]
    raise_all(problems)
    return out


def figure(caption: Caption, drawing: MplFigure, alt: str, columns: Sequence[Column], records: Sequence[Sequence[object]]) -> Figure:
    """The figure with its text alternative and, unless the report has it, its table."""
    data = None
    if not caption.table_key:
        data = Table(
            f"{caption.key}_numbers",
            caption.title,
            caption.source,
            caption.construct,
            caption.basis,
            caption.interval,
            tuple(columns),
            frame(tuple(columns), records),
        )
    return Figure(caption.key, caption.title, caption.subtitle, alt, caption.source, caption.table_key, drawing, data)


def three(row: Any, show: Show) -> str:
    """Value and limits in words."""
    return f"{show(row.value)} ({show(row.lower)} to {show(row.upper)})"


def few(n: int) -> Any:
    """A locator of at most `n` intervals."""
    from matplotlib.ticker import MaxNLocator

    return MaxNLocator(nbins=n, min_n_ticks=2)
