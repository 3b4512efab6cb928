"""Run folders: nothing is lost, nothing is half written."""

from __future__ import annotations

from pathlib import Path

import pytest

from jsna_model.cli.run import assembled, check_folder
from jsna_model.errors import OutputError


def test_a_file_or_a_foreign_folder_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "out"
    file.write_text("x")
    with pytest.raises(OutputError, match="is a file"):
        check_folder(file)
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "cat.jpg").write_text("x")
    with pytest.raises(OutputError, match="nothing was written"):
        check_folder(tmp_path / "photos")
    check_folder(tmp_path / "new")
    assert not (tmp_path / "new").exists()


def test_files_arrive_together(tmp_path: Path) -> None:
    out = tmp_path / "deep" / "out"
    with assembled(out) as folder:
        (folder / "report.html").write_text("new")
        assert not out.exists()
    assert (out / "report.html").read_text() == "new"
    assert [p.name for p in out.parent.iterdir()] == ["out"]


@pytest.mark.parametrize("stop", [KeyboardInterrupt, ValueError])
def test_an_interruption_leaves_what_was_there(tmp_path: Path, stop: type[BaseException]) -> None:
    out = tmp_path / "out"
    out.mkdir()
    (out / "report.html").write_text("old")

    def interrupted() -> None:
        with assembled(out) as folder:
            (folder / "report.html").write_text("new")
            raise stop

    with pytest.raises(stop):
        interrupted()
    assert (out / "report.html").read_text() == "old"
    assert [p.name for p in tmp_path.iterdir()] == ["out"]


def test_a_file_open_elsewhere_puts_everything_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What Word and Excel do on Windows: the file cannot be replaced."""
    out = tmp_path / "out"
    out.mkdir()
    for name in ("report.html", "tables.xlsx"):
        (out / name).write_text("old")
    replace = Path.replace

    def locked(self: Path, target: Path) -> Path:
        if self.name == "tables.xlsx" and self.parent == out:
            raise PermissionError(13, "locked", str(self))
        return replace(self, target)

    monkeypatch.setattr(Path, "replace", locked)

    def write() -> None:
        with assembled(out) as folder:
            for name in ("report.html", "tables.xlsx"):
                (folder / name).write_text("new")

    with pytest.raises(OutputError, match=r"close tables\.xlsx or use --out"):
        write()
    assert {p.name: p.read_text() for p in out.iterdir()} == {"report.html": "old", "tables.xlsx": "old"}


def test_a_new_run_leaves_no_file_of_an_earlier_one(tmp_path: Path) -> None:
    out = tmp_path / "out"
    out.mkdir()
    for name in ("report.docx", "tables.xlsx", "manifest.json", "mine.txt"):
        (out / name).write_text("old")
    with assembled(out) as folder:
        (folder / "report.html").write_text("new")
    assert sorted(p.name for p in out.iterdir()) == ["mine.txt", "report.html"]
    with assembled(out, whole=False) as folder:
        (folder / "report.docx").write_text("again")
    assert sorted(p.name for p in out.iterdir()) == ["mine.txt", "report.docx", "report.html"]


def test_an_interruption_while_moving_puts_everything_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    out = tmp_path / "out"
    out.mkdir()
    names = ("manifest.json", "report.docx", "report.html", "tables.xlsx")
    for name in names:
        (out / name).write_text("old")
    replace, calls = Path.replace, []

    def interrupted(self: Path, target: Path) -> Path:
        calls.append(self.name)
        if len(calls) == 6:
            raise KeyboardInterrupt
        return replace(self, target)

    monkeypatch.setattr(Path, "replace", interrupted)

    def write() -> None:
        with assembled(out) as folder:
            for name in names:
                (folder / name).write_text("new")

    with pytest.raises(KeyboardInterrupt):
        write()
    assert {p.name: p.read_text() for p in out.iterdir()} == dict.fromkeys(names, "old")
