"""Write the locks: ``python requirements/make_locks.py``.

One lock for each Python, for Linux, macOS and Windows alike (markers say which line is whose), pinned with hashes, of wheels only
and naming no registry; and one of the lowest direct versions that ``pyproject.toml`` allows, to test its lower bounds with.
``uv`` does the solving: ``pip install uv``, or set ``UV`` to where it is.
"""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PYTHONS = ("3.11", "3.12", "3.13")
OPTIONS = (
    *("--quiet", "--universal", "--generate-hashes", "--upgrade"),
    *("--only-binary", ":all:"),
    *("--no-header", "--no-annotate", "--no-emit-index-url"),
    *("--extra", "all", "--extra", "test"),
)


def lock(python: str, resolution: str = "highest") -> str:
    """Solve ``pyproject.toml`` for one Python.

    Parameters
    ----------
    python : str
        The lowest version that the lock is for, such as ``"3.11"``.
    resolution : str
        ``"highest"``, or ``"lowest-direct"`` for the lower bounds.

    Returns
    -------
    str
        The text of a requirements file with hashes.

    Raises
    ------
    subprocess.CalledProcessError
        Where ``uv`` finds no solution.
    ValueError
        Where the solution names an address.
    """
    uv = os.environ.get("UV", "uv")
    arguments = ["--python-version", python, "--resolution", resolution, "pyproject.toml"]
    text = subprocess.run([uv, "pip", "compile", *OPTIONS, *arguments], cwd=ROOT, check=True, capture_output=True, text=True).stdout
    if "://" in text:
        raise ValueError(f"the lock for Python {python} names an address; a lock must install from any registry")
    return text


def main() -> None:
    """Write every lock beside this file."""
    for python in PYTHONS:
        target = ROOT / "requirements" / f"lock-py{python.replace('.', '')}.txt"
        target.write_text(f"# Python {python}, [all,test]; written by requirements/make_locks.py\n{lock(python)}", encoding="utf-8")
        print(f"{target.relative_to(ROOT)} written")
    target = ROOT / "requirements" / "lock-lowest-py311.txt"
    head = "# Python 3.11, [all,test], lowest versions allowed; written by requirements/make_locks.py\n"
    target.write_text(head + lock("3.11", "lowest-direct"), encoding="utf-8")
    print(f"{target.relative_to(ROOT)} written")


if __name__ == "__main__":
    main()
