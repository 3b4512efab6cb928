"""The built wheel, not the tree: installed beside the dependencies, used from an empty folder."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("data_sources", "jsna_model", "reports")
DATA = {"data_sources": ("figures", "evidence"), "reports": ("templates",)}

READ_ALL = """
import gzip, hashlib, importlib, json
from importlib.resources import files

places, hashes = {}, {}


def read(folder, name):
    for item in folder.iterdir():
        inside = f"{name}/{item.name}"
        if item.is_dir():
            read(item, inside)
        else:
            content = item.read_bytes()
            hashes[inside] = hashlib.sha256(content).hexdigest()
            text = gzip.decompress(content) if inside.endswith(".gz") else content
            if inside.endswith((".csv", ".csv.gz")):
                assert "," in text.decode("utf-8-sig").splitlines()[0], inside


for package, folders in json.loads(__import__("sys").argv[1]).items():
    for folder in folders:
        read(files(package) / folder, f"{package}/{folder}")
for package in ("data_sources", "jsna_model", "reports"):
    places[package] = importlib.import_module(package).__file__
import jinja2

templates = jinja2.Environment(loader=jinja2.PackageLoader("reports", "templates"), autoescape=True)
for name in templates.list_templates(extensions=["j2", "html", "jinja"]):
    templates.parse(templates.loader.get_source(templates, name)[0])
print(json.dumps({"places": places, "hashes": hashes, "version": __import__("jsna_model").__version__}))
"""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built from this tree."""
    out = tmp_path_factory.mktemp("dist")
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(out)]
    subprocess.run(build, cwd=ROOT, check=True, capture_output=True, text=True)
    (built,) = out.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that holds the installed wheel and nothing else."""
    target = tmp_path_factory.mktemp("installed")
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-index", "--target", str(target), str(wheel)]
    subprocess.run(pip, check=True, capture_output=True, text=True)
    return target


def run(command: list[str], installed: Path, cwd: Path) -> str:
    """What a command prints that sees the installed wheel before anything else, run in `cwd`."""
    environment = {**os.environ, "PYTHONPATH": str(installed), "PYTHONUTF8": "1", "XDG_CACHE_HOME": str(cwd.parent / "cache")}
    done = subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True, encoding="utf-8", check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture
def empty(tmp_path: Path) -> Path:
    """An empty folder to work in."""
    folder = tmp_path / "empty"
    folder.mkdir()
    return folder


def test_the_wheel_holds_the_three_packages_and_their_licences(wheel: Path) -> None:
    """Nothing else is installed at the top; each package is typed; no test, cache or notebook slips in."""
    names = zipfile.ZipFile(wheel).namelist()
    tops = {name.split("/")[0] for name in names}
    (info,) = (top for top in tops if top.endswith(".dist-info"))
    assert tops - {info} == set(PACKAGES)
    assert {f"{package}/py.typed" for package in PACKAGES} <= set(names)
    assert {f"{info}/licenses/LICENSE", f"{info}/licenses/LICENSE-DATA"} <= set(names)
    assert not [name for name in names if "__pycache__" in name or "/test" in name]


def test_the_installed_wheel_imports_and_reads_every_figure_and_template(installed: Path, empty: Path) -> None:
    """From an empty folder: all three packages, and every data file byte for byte as in the tree."""
    found = json.loads(run([sys.executable, "-c", READ_ALL, json.dumps(DATA)], installed, empty))
    assert all(Path(place).is_relative_to(installed) for place in found["places"].values()), found["places"]
    folders = [ROOT / package / folder for package, names in DATA.items() for folder in names]
    tree = [path for folder in folders for path in folder.rglob("*") if path.is_file() and "__pycache__" not in path.parts]
    hashes = {path.relative_to(ROOT).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest() for path in tree}
    assert {name: h for name, h in found["hashes"].items() if "__pycache__" not in name} == hashes
    assert all(any(name.startswith(f"{p}/{f}/") for name in hashes) for p, names in DATA.items() for f in names)


def test_the_installed_command_lists_areas(installed: Path, empty: Path) -> None:
    """`jsna areas Milton`, by the script that the wheel installs, reading the figures that the wheel holds."""
    script = installed / ("Scripts" if os.name == "nt" and (installed / "Scripts").is_dir() else "bin") / "jsna"
    assert "Milton Keynes" in run([str(script), "areas", "Milton"], installed, empty)
    assert list(empty.iterdir()) == []
