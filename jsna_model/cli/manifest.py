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
from jsna_model.study import PATHS

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
        inputs["children_projected"] = p["projection"]["hash"]
    for name in PATHS:
        if getattr(study, name):
            inputs[name] = _hash(Path(getattr(study, name)))
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
        **({"projection": {k: p["projection"].get(k, "") for k in ("source", "variant")}} if "projection" in p else {}),
        "inputs": inputs,
    }


def _hash(path: Path) -> str:
    """SHA-256 of a file, or of the files of a folder and the folders in it in order of name; first 16 hexadecimal digits."""
    digest = sha256()
    for file in sorted(p for p in path.rglob("*") if p.is_file()) if path.is_dir() else [path]:
        name = file.relative_to(path).as_posix() if path.is_dir() else file.name
        digest.update(name.encode() + file.read_bytes())
    return digest.hexdigest()[:16]


def _versions() -> dict[str, str]:
    out = {}
    for name in _LIBRARIES:
        try:
            out[name] = version(name)
        except PackageNotFoundError:
            continue
    return out
