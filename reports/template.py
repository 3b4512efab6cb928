"""Word templates, logos, and documents that somebody has edited."""

from __future__ import annotations

import io
from hashlib import sha256
from pathlib import Path
from typing import Any
from zipfile import BadZipFile, ZipFile

from jsna_model.errors import InputError, Problem, raise_all

#: Styles that a template must have: those of every Word document that the report uses.
REQUIRED = ("Normal", "Title", "Subtitle", "Heading 1", "Heading 2", "Caption", "List Bullet")
_SEAL = "docProps/core.xml"
_PICTURES = {b"\x89PNG": "image/png", b"\xff\xd8\xff": "image/jpeg"}


def open_template(path: str | Path | None) -> Any:
    """A new document: Word's own styles, or a council's template without its text.

    Raises
    ------
    InputError
        For a file that is not a Word document, or one that lacks styles, naming all of them.
    """
    from docx import Document
    from docx.enum.style import WD_STYLE_TYPE
    from docx.oxml.ns import qn

    if path is None:
        return Document()
    path = Path(path)
    try:
        document = Document(io.BytesIO(path.read_bytes()))
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror}. Check the path of the template.") from None
    except (BadZipFile, KeyError, ValueError):
        raise InputError(f"{path} is not a Word document (.docx). In Word, save the template as 'Word Document (.docx)'.") from None
    there = {s.name for s in document.styles if s.type == WD_STYLE_TYPE.PARAGRAPH}
    fix = "in Word, use the style once in the template and save it again, so that it is stored in the file"
    raise_all(Problem(f"there is no paragraph style {name!r}", fix, path.name) for name in REQUIRED if name not in there)
    body = document.element.body
    for element in list(body):
        if element.tag != qn("w:sectPr"):
            body.remove(element)
    return document


def read_logo(path: str | Path | None) -> tuple[bytes, str] | None:
    """A logo and its media type.

    Raises
    ------
    InputError
        For a file that is neither PNG nor JPEG.
    """
    if path is None:
        return None
    try:
        raw = Path(path).read_bytes()
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror}. Check the path of the logo.") from None
    kind = next((k for start, k in _PICTURES.items() if raw.startswith(start)), None)
    if kind is None:
        raise InputError(f"{path} is neither a PNG nor a JPEG picture. Save the logo as PNG.")
    return raw, kind


def fingerprint(document: bytes) -> str:
    """Hash of what a document says and how it looks: every part but its properties, which hold the hash itself."""
    digest = sha256()
    with ZipFile(io.BytesIO(document)) as parts:
        for name in sorted(n for n in parts.namelist() if n != _SEAL):
            digest.update(name.encode() + b"\0" + parts.read(name))
    return digest.hexdigest()


def untouched(path: Path) -> bool:
    """Whether a document is as it was written: its property ``identifier`` holds the hash of the rest. Saving it in Word changes that."""
    from docx import Document

    try:
        raw = path.read_bytes()
        return bool(Document(io.BytesIO(raw)).core_properties.identifier == fingerprint(raw))
    except (OSError, BadZipFile, KeyError, ValueError):
        return False


def free_name(folder: Path, name: str) -> str:
    """The name to write a document under: its own, or ``report-new.docx``, ``report-new-2.docx`` … where one by that name was edited."""
    stem, suffix = Path(name).stem, Path(name).suffix
    number = 0
    while True:
        tried = name if not number else f"{stem}-new{'' if number == 1 else f'-{number}'}{suffix}"
        if not (folder / tried).exists() or untouched(folder / tried):
            return tried
        number += 1
