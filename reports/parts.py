"""What the makers of sections are given, and what they give back where they have nothing to say."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from reports.report import Section
from reports.table import Table
from reports.view import View

if TYPE_CHECKING:
    import geopandas as gpd


@dataclass(frozen=True)
class Missing:
    """A section that is left out, and why."""

    title: str
    why: str


Made = Section | Missing | None


@dataclass(frozen=True)
class Parts:
    """What a section may draw on.

    Parameters
    ----------
    view : View
    tables : mapping of str to Table
        By key.
    boundaries : geopandas.GeoDataFrame or None
    internal, draft : bool
    text : mapping of str to str
        Local text by slot.
    publication : mapping
        Owner, approver, dates, classification and accepted points.
    missing : sequence of Missing
        Sections left out so far, for the section that lists them.
    """

    view: View
    tables: Mapping[str, Table]
    boundaries: gpd.GeoDataFrame | None
    internal: bool
    draft: bool
    text: Mapping[str, str]
    publication: Mapping[str, Any]
    missing: Sequence[Missing] = field(default=())

    def some(self, *keys: str) -> list[Table]:
        """Those of some tables that there are."""
        return [self.tables[k] for k in keys if k in self.tables]
