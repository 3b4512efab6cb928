"""Three rooms and one door (DESIGN §2): who may import whom, where randomness and clocks may live, and what stays light."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
ROOMS = ("jsna_model", "data_sources", "reports")
NOUNS = {"direct", "group", "layout", "evidence", "population", "overlap", "pathway", "placements", "scenario", "study", "result"}
NOUN_NAMES = {"Evidence", "Population", "Overlap", "Pathway", "Scenario", "Study", "Result"}
HEAVY = {"pandas", "xarray", "scipy", "statsmodels", "geopandas", "matplotlib", "docx", "openpyxl", "xlsxwriter"}
IMPURE = {"datetime", "io", "os", "pathlib", "random", "secrets", "shutil", "subprocess", "tempfile", "time", "urllib"}
RANDOM = ("random", "secrets", "uuid", "numpy.random", "np.random", "os.urandom", "scipy.stats.qmc")
CLOCKS = {
    *(f"datetime.{kind}.{call}" for kind in ("datetime", "date") for call in ("now", "utcnow", "today")),
    *(f"{kind}.{call}" for kind in ("datetime", "date") for call in ("now", "utcnow", "today")),
    *(f"time.{call}" for call in ("time", "time_ns", "gmtime", "localtime", "ctime", "strftime")),
    *("Timestamp.now", "Timestamp.today", "Timestamp.utcnow", "pd.Timestamp.now", "pd.Timestamp.today"),
}
MANIFEST_WRITER = "manifest.py"


def modules(*folders: str) -> list[Path]:
    """Every Python file of some folders."""
    return sorted(path for folder in folders for path in (ROOT / folder).rglob("*.py"))


def module_name(path: Path) -> str:
    """Dotted name of a file."""
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def parsed(path: Path) -> ast.Module:
    """Syntax tree of a file."""
    return ast.parse(path.read_text(encoding="utf-8"), filename=str(path))


def imported(path: Path) -> Iterator[tuple[int, str]]:
    """Line and full dotted name of everything a file imports, relative ones made absolute, `a.b.c` for `from a.b import c`."""
    package = module_name(path) if path.name == "__init__.py" else module_name(path).rpartition(".")[0]
    for node in ast.walk(parsed(path)):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            parents = package.split(".")[: len(package.split(".")) - node.level + 1] if node.level else []
            base = ".".join([*parents, *([node.module] if node.module else [])])
            yield from ((node.lineno, f"{base}.{alias.name}") for alias in node.names)
        elif isinstance(node, ast.Call) and dotted(node.func).rpartition(".")[2] in ("import_module", "__import__"):
            yield from ((node.lineno, str(name.value)) for name in node.args[:1] if isinstance(name, ast.Constant))


def dotted(node: ast.AST) -> str:
    """`a.b.c` of an attribute chain, with what is not a name left out."""
    if isinstance(node, ast.Attribute):
        return f"{dotted(node.value)}.{node.attr}".lstrip(".")
    return node.id if isinstance(node, ast.Name) else ""


def within(name: str, *packages: str) -> bool:
    """Whether a dotted name is one of some packages or inside one."""
    return any(name == package or name.startswith(f"{package}.") for package in packages)


def place(path: Path, line: int, what: str) -> str:
    """Where a rule was broken."""
    return f"{path.relative_to(ROOT).as_posix()}:{line}: {what}"


def import_breaks(path: Path) -> list[str]:
    """What a file imports against the rules of its room."""
    name = module_name(path)
    allowed = {"data_sources": may_data_sources, "reports": may_reports, "jsna_model": may_jsna_model}[name.split(".")[0]]
    return [place(path, line, what) for line, what in imported(path) if not allowed(name, what)]


def may_data_sources(name: str, what: str) -> bool:
    """Nouns, errors with their line numbers, conventions and methods of `jsna_model`; never `reports`."""
    if within(what, "jsna_model"):
        rest = what.split(".")[1:]
        return bool(rest) and rest[0] in NOUNS | NOUN_NAMES | {"errors", "conventions", "methods", "toml_lines", "__version__"}
    return not within(what, "reports")


def may_reports(name: str, what: str) -> bool:
    """`jsna_model`, though not its door; never `data_sources`."""
    return not within(what, "data_sources", "jsna_model.cli")


def may_jsna_model(name: str, what: str) -> bool:
    """The door may import all; the rest neither of the other rooms; `methods` only arrays, and no files, clocks or randomness."""
    if within(name, "jsna_model.cli"):
        return True
    if within(name, "jsna_model.methods"):
        pure = what.split(".")[0] in sys.stdlib_module_names - IMPURE
        return pure or within(what, "numpy", "numba", "scipy", "statsmodels", "jsna_model.methods", "jsna_model.errors")
    return not within(what, "data_sources", "reports", "jsna_model.cli")


def random_breaks(path: Path) -> list[str]:
    """Where a file makes randomness."""
    found = [place(path, line, f"imports {what}") for line, what in imported(path) if within(what, *RANDOM)]
    for node in ast.walk(parsed(path)):
        chain = dotted(node) if isinstance(node, ast.Attribute) else ""
        if within(chain, "np.random", "numpy.random", "os.urandom") or (isinstance(node, ast.Attribute) and node.attr == "rvs"):
            found.append(place(path, node.lineno, chain or "rvs"))
    return found


def clock_breaks(path: Path) -> list[str]:
    """Where a file reads the clock (progress may use `time.monotonic` and `time.perf_counter`)."""
    calls = (node for node in ast.walk(parsed(path)) if isinstance(node, ast.Call))
    names = {f"time.{clock.split('.')[1]}" for clock in CLOCKS if clock.startswith("time.")}
    found = [place(path, line, f"imports {what}") for line, what in imported(path) if what in names]
    return found + [place(path, call.lineno, dotted(call.func)) for call in calls if dotted(call.func) in CLOCKS]


@pytest.mark.parametrize("room", ROOMS)
def test_a_room_imports_only_what_it_may(room: str) -> None:
    """`data_sources` → `jsna_model` → `reports`, one way; formulae know nothing of containers."""
    assert [line for path in modules(room) for line in import_breaks(path)] == []


def test_methods_open_no_files() -> None:
    """Arrays in, arrays out."""
    calls = ((path, node) for path in modules("jsna_model/methods") for node in ast.walk(parsed(path)) if isinstance(node, ast.Call))
    assert [place(path, call.lineno, "open") for path, call in calls if dotted(call.func) == "open"] == []


def test_randomness_is_made_only_in_draws() -> None:
    """Law 5: every stream has a name, and one file makes them."""
    files = [path for path in modules(*ROOMS) if module_name(path) != "jsna_model.draws"]
    assert [line for path in files for line in random_breaks(path)] == []


def test_the_clock_is_read_only_for_the_manifest() -> None:
    """The manifest is the only place for timestamps (DESIGN §5)."""
    files = [path for path in modules(*ROOMS) if path.name != MANIFEST_WRITER]
    assert [line for path in files for line in clock_breaks(path)] == []


@pytest.mark.parametrize(
    ("room", "source", "line"),
    [
        ("data_sources", "import reports", "imports"),
        ("data_sources", "from jsna_model.verbs.estimate import estimate", "imports"),
        ("data_sources", "import jsna_model as jm", "imports"),
        ("data_sources", "def f():\n    from jsna_model import draws", "imports"),
        ("reports", "import data_sources.ons", "imports"),
        ("jsna_model", "from importlib import import_module\nimport_module('data_sources')", "imports"),
        ("jsna_model", "from ..reports import write", "imports"),
        ("jsna_model/methods", "import pandas as pd", "imports"),
        ("jsna_model/methods", "from ..result import Result", "imports"),
        ("jsna_model/methods", "from pathlib import Path", "imports"),
        ("reports", "import numpy as np\nnp.random.default_rng(1)", "random"),
        ("reports", "from numpy.random import default_rng", "random"),
        ("reports", "import random", "random"),
        ("jsna_model", "from scipy import stats\nstats.norm(0, 1).rvs(3)", "random"),
        ("reports", "from datetime import datetime\ndatetime.now()", "clock"),
        ("reports", "import time\ntime.time()", "clock"),
        ("reports", "from time import time", "clock"),
    ],
)
def test_the_rules_find_what_they_forbid(room: str, source: str, line: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A test of the tests: each forbidden thing is found."""
    monkeypatch.setattr(sys.modules[__name__], "ROOT", tmp_path)
    path = tmp_path / room / "probe.py"
    path.parent.mkdir(parents=True)
    path.write_text(source, encoding="utf-8")
    assert {"imports": import_breaks, "random": random_breaks, "clock": clock_breaks}[line](path)


HELP = "import contextlib; sys.argv = ['jsna', '--help']; from jsna_model.cli import main\nwith contextlib.suppress(SystemExit): main()"
STARTS = {"jsna_model": "import jsna_model", "data_sources": "import data_sources", "reports": "import reports", "help": HELP}


@pytest.mark.parametrize("start", STARTS)
def test_it_starts_light(start: str) -> None:
    """`import jsna_model`, the other two and `jsna --help` load nothing heavy."""
    code = f"import sys\n{STARTS[start]}\nimport json; print(json.dumps(sorted(sys.modules)), file=sys.stderr)"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    loaded = {name.split(".")[0] for name in json.loads(done.stderr.splitlines()[-1])}
    assert ("jsna_model" if start == "help" else start) in loaded
    assert sorted(loaded & HEAVY) == []


def test_the_door_opens_as_a_module() -> None:
    """`python -m jsna_model.cli --help` is `jsna --help`."""
    done = subprocess.run([sys.executable, "-m", "jsna_model.cli", "--help"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "report" in done.stdout


def test_there_are_ten_public_names() -> None:
    """And each of them can be had."""
    import jsna_model

    assert len(jsna_model.__all__) == 10
    assert all(getattr(jsna_model, name) is not None for name in jsna_model.__all__)
