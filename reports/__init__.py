"""reports: from a `jsna_model.Result` to tables, maps, words and documents.

The only code that formats, rounds and suppresses (law 14). Three public names, loaded on first use (PEP 562).
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

_HOME = {"write": "writer", "plot_map": "maps", "tables": "tabulate", "suppress": "disclosure"}

__all__ = ["plot_map", "suppress", "tables", "write"]

if TYPE_CHECKING:
    from reports.disclosure import suppress
    from reports.maps import plot_map
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
