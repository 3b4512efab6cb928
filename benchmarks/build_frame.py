"""Build the England frame from the embedded LSOA table, raked, and stamp the figures: ``python -m benchmarks.build_frame``.

Writes ``england_frame.csv`` and ``england_frame_scale.csv``, then brings every sha256 in ``provenance.toml`` up to date: run it whenever
a figures file is meant to change.
"""

from __future__ import annotations

import hashlib
import re
from pathlib import Path

from data_sources.frame import build_frame
from data_sources.layouts import BAND_COLUMNS
from data_sources.population import raked_lsoas

FIGURES = Path(__file__).parents[1] / "data_sources" / "figures"


def stamp(folder: Path = FIGURES) -> None:
    """Write the SHA-256 of each file into its entry of ``provenance.toml``."""
    path = folder / "provenance.toml"
    head, *entries = path.read_text(encoding="utf-8").split("[[file]]")
    for i, entry in enumerate(entries):
        name = re.search(r'^name = "(.+)"$', entry, re.M)
        if name is None:
            raise ValueError(f"entry {i + 1} of provenance.toml has no name")
        digest = hashlib.sha256((folder / name[1]).read_bytes()).hexdigest()
        entries[i] = re.sub(r'^sha256 = "\w*"$', f'sha256 = "{digest}"', entry, count=1, flags=re.M)
    path.write_text("[[file]]".join([head, *entries]), encoding="utf-8", newline="\n")


def main() -> None:
    """Write both files, numbers at full precision, and stamp."""
    lsoas = raked_lsoas()
    points, scale = build_frame(lsoas["imd2025_decile"].to_numpy(int), lsoas[list(BAND_COLUMNS)])
    points.astype({"deprivation": int}).to_csv(FIGURES / "england_frame.csv", index=False, lineterminator="\n")
    scale.to_csv(FIGURES / "england_frame_scale.csv", index=False, lineterminator="\n")
    stamp()
    print(scale.to_string(index=False))


if __name__ == "__main__":
    main()
