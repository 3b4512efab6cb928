"""The gallery of the documentation: every picture is there, described, and small."""

from __future__ import annotations

import re
from pathlib import Path

from lxml import etree


def test_every_picture_is_there_with_its_description(root: Path) -> None:
    text = (root / "docs" / "gallery.md").read_text(encoding="utf-8")
    shown = re.findall(r"!\[([^\]]+)\]\((gallery/[^)]+)\)\n\n([^\n]+)", text)
    files = sorted((root / "docs" / "gallery").iterdir())
    assert [root / "docs" / name for _, name, _ in shown] == files
    assert len(files) >= 5
    assert sum(f.stat().st_size for f in files) < 1_500_000
    for (title, _, said), file in zip(shown, files, strict=True):
        picture = etree.parse(file).getroot()
        assert picture[0].text == title
        assert picture[1].text == said
        assert len(said) > 80
