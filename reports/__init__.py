"""reports: from a `jsna_model.Result` to tables, maps, words and documents.

The only code that formats, rounds and suppresses (law 14). Public names are loaded on first use (PEP 562).
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

_HOME = {
    "export_figure": "exports",
    "export_map": "exports",
    "export_tables": "exports",
    "plot_map": "maps",
    "suppress": "suppression",
    "suppress_cells": "suppression",
    "tables": "tabulate",
    "write": "writer",
}

__all__ = ["export_figure", "export_map", "export_tables", "plot_map", "suppress", "suppress_cells", "tables", "write"]

if TYPE_CHECKING:
    from reports.exports import export_figure, export_map, export_tables
    from reports.maps import plot_map
    from reports.suppression import suppress, suppress_cells
    from reports.tabulate import tables
    from reports.writer import write


def __getattr__(name: str) -> Any:
    if name in _HOME:
        value = getattr(import_module(f"reports.{_HOME[name]}"), name)
        globals()[name] = value
        return value
    raise AttributeError(f"module 'reports' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
