"""A report before it is rendered: sections of paragraphs, lists, figures and tables."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from reports.drawing import Figure
from reports.table import Table


@dataclass(frozen=True)
class Bullets:
    """A list of sentences."""

    items: tuple[str, ...]


@dataclass(frozen=True)
class Heading:
    """A heading within a section."""

    text: str


Block = str | Bullets | Heading | Figure | Table


@dataclass(frozen=True)
class Section:
    """A headed part of the report: paragraphs, lists, figures and tables in order.

    Parameters
    ----------
    key, title : str
    blocks : tuple of Block
    wide : bool
        Whether its tables are wide, so that documents set it on landscape pages.
    """

    key: str
    title: str
    blocks: tuple[Block, ...]
    wide: bool = False


@dataclass(frozen=True)
class Report:
    """A report, before it is rendered.

    Parameters
    ----------
    title, subtitle : str
    draft : bool
        Whether every page says DRAFT.
    status : str
        Who stands behind it, or why it is a draft.
    sections : tuple of Section
    tables : tuple of Table
        Every table, those for the workbook only included.
    classification : str
        Marking of every page, such as OFFICIAL; empty for none.
    """

    title: str
    subtitle: str
    draft: bool
    status: str
    sections: tuple[Section, ...]
    tables: tuple[Table, ...]
    classification: str = ""

    def figures(self) -> Iterator[Figure]:
        """Figures in order."""
        for section in self.sections:
            yield from (b for b in section.blocks if isinstance(b, Figure))

    def table(self, key: str) -> Table | None:
        """A table by key."""
        return next((t for t in self.tables if t.key == key), None)
