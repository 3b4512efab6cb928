"""Local text in the report: paragraphs, lists and headings of ``text/*.md``; nothing else of Markdown."""

from __future__ import annotations

import re

from reports.report import Block, Bullets, Heading

#: Slot, heading, and what is said where there is no text.
VIEWS = (
    ("views_of_children", "Children and young people"),
    ("views_of_families", "Parents and carers"),
    ("views_of_practitioners", "Practitioners"),
)
NOT_SUPPLIED = "Not supplied."
_ITEM = re.compile(r"^\s*(?:[-*+]|\d+[.)])\s+")


def blocks(text: str) -> list[Block]:
    r"""Blocks of plain text: paragraphs are parted by empty lines, list items start with ``-`` or ``*``, headings with ``#``.

    Examples
    --------
    >>> blocks("# Who we asked\n\nTwelve young\ncarers.\n\n- one\n- two\n  more")
    [Heading(text='Who we asked'), 'Twelve young carers.', Bullets(items=('one', 'two more'))]
    """
    out: list[Block] = []
    for part in re.split(r"\n\s*\n", text.replace("\r\n", "\n").strip()):
        lines: list[str] = []
        items: list[str] = []

        def close(lines: list[str] = lines, items: list[str] = items) -> None:
            if lines:
                out.append(_plain(" ".join(lines)))
            if items:
                out.append(Bullets(tuple(_plain(i) for i in items)))
            lines.clear()
            items.clear()

        for line in part.split("\n"):
            if line.lstrip().startswith("#"):
                close()
                out.append(Heading(_plain(line.lstrip("# \t").rstrip("# \t"))))
            elif _ITEM.match(line):
                if lines:
                    close()
                items.append(_ITEM.sub("", line).strip())
            elif items:
                items[-1] += f" {line.strip()}"
            elif line.strip():
                lines.append(line.strip())
        close()
    return [b for b in out if b != "" and b != Heading("")]


def _plain(text: str) -> str:
    """Text without emphasis marks; links as their words and address."""
    text = re.sub(r"\[([^\]]+)\]\(([^)]+)\)", r"\1 (\2)", text)
    return re.sub(r"(\*\*|__)(.+?)\1", r"\2", text).strip()
