"""Read a file of evidence as TOML, or say where it is not."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

from jsna_model.errors import Problem, raise_all


def read_toml(path: Path) -> dict[str, Any]:
    """Parse a TOML file.

    Raises
    ------
    InputError
        Where there is no such file, it is not UTF-8, or it is not TOML; the message has the line.
    """
    return parse(read_text(path), path)


def read_text(path: Path) -> str:
    """Text of a UTF-8 file.

    Raises
    ------
    InputError
    """
    try:
        return path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        raise_all([Problem("no such file", "check the path", str(path))])
        raise AssertionError("unreachable") from None
    except (OSError, UnicodeDecodeError) as error:
        raise_all([Problem(f"cannot be read as TOML: {error}", "correct it, in UTF-8", str(path))])
        raise AssertionError("unreachable") from None


def parse(text: str, path: Path) -> dict[str, Any]:
    """Parse TOML text; the error names the file and the line."""
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise_all([Problem(f"cannot be read as TOML: {error}", "correct it, in UTF-8", str(path))])
        raise AssertionError("unreachable") from None
