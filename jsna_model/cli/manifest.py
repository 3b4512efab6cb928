"""The manifest of a run: versions, seed, hashes, evidence keys; the only place where the clock is read."""

from __future__ import annotations

import json
import platform
import sys
from datetime import UTC, datetime
from hashlib import sha256
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import jsna_model

if TYPE_CHECKING:
    from jsna_model.result import Result
    from jsna_model.study import Study

SCHEMA_VERSION = 1
_LIBRARIES = ("numpy", "scipy", "xarray", "pandas", "matplotlib")


def write_manifest(path: Path, result: Result, study: Study) -> Path:
    """Write ``manifest.json``.

    Parameters
    ----------
    path : Path
    result : Result
    study : Study
    """
    text = json.dumps(manifest(result, study), indent=2, sort_keys=True, ensure_ascii=False)
    path.write_text(text + "\n", encoding="utf-8")
    return path


def manifest(result: Result, study: Study) -> dict[str, Any]:
    """What a reader needs to run it again and get the same numbers."""
    p = result.provenance
    inputs = {"population": p["population"]["hash"], "frame": p["frame"]["hash"]}
    if "projection" in p:
        inputs["projection"] = p["projection"]["hash"]
    for name in ("footprint", "boundaries"):
        file = getattr(study, name)
        if file:
            inputs[name] = sha256(Path(file).read_bytes()).hexdigest()[:16]
    return {
        "schema_version": SCHEMA_VERSION,
        "made_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "versions": {
            "jsna_model": jsna_model.__version__,
            "python": sys.version.split()[0],
            "platform": platform.platform(),
            **_versions(),
        },
        "seed": p["seed"],
        "draws": p["draws"],
        "set": p["set"],
        "evidence": [e["key"] for e in p["evidence"]],
        "overlap": p["overlap"].get("name", ""),
        "frame": p["frame"]["version"],
        "rejected_share": p["rejected_share"],
        "inputs": inputs,
    }


def _versions() -> dict[str, str]:
    out = {}
    for name in _LIBRARIES:
        try:
            out[name] = version(name)
        except PackageNotFoundError:
            continue
    return out
