"""One statement of what is needed: pyproject.toml, environment.yml and the locks agree, and none names a registry."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

ROOT = Path(__file__).resolve().parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
ENVIRONMENT = yaml.safe_load((ROOT / "environment.yml").read_text(encoding="utf-8"))
LOCKS = sorted((ROOT / "requirements").glob("lock-*.txt"))
PIN = re.compile(r"^(?P<name>[A-Za-z0-9._-]+)==(?P<version>[^\s;]+)(?: ; (?P<marker>[^\\]+?))? \\$")
# Written so that this file does not hold what it looks for.
REGISTRY = re.compile(r"p[y]pi\.|pythonho[s]ted|an[a]conda\.(?:org|com)|prefix\.d[e]v|--(?:extra-)?index-url[ =]|--find-link[s]")


def ranges(lines: list[str]) -> dict[str, str]:
    """Name to range, with names in one spelling and the project's references to itself left out."""
    requirements = [Requirement(line) for line in lines]
    return {canonicalize_name(r.name): str(r.specifier) for r in requirements if canonicalize_name(r.name) != "jsna-model"}


def declared() -> dict[str, str]:
    """Everything that pyproject.toml asks for, extras included; ``browser`` and ``pdf`` aside, whose packages conda-forge does not have."""
    extras = [lines for name, lines in PROJECT["optional-dependencies"].items() if name not in ("browser", "pdf")]
    return ranges([*PROJECT["dependencies"], *(line for extra in extras for line in extra)])


def pins(lock: Path) -> dict[str, set[Version]]:
    """Name to the versions a lock pins; there are several where markers divide them."""
    found: dict[str, set[Version]] = {}
    for line in lock.read_text(encoding="utf-8").splitlines():
        if match := PIN.match(line):
            found.setdefault(canonicalize_name(match["name"]), set()).add(Version(match["version"]))
    return found


def test_environment_yml_has_the_ranges_of_pyproject() -> None:
    """Every range once, none other; python's own is `requires-python`; pip is there to install the package itself."""
    conda = ranges(ENVIRONMENT["dependencies"])
    assert conda.pop("python") == PROJECT["requires-python"]
    assert conda.pop("pip") == ""
    assert conda == declared()


def test_no_dependency_has_an_upper_bound_without_a_word_on_why() -> None:
    """An upper bound keeps users from security fixes; none is needed now (numpy is never capped below 2.5)."""
    assert [name for name, specifier in declared().items() if "<" in specifier or "==" in specifier or "~" in specifier] == []


def test_there_is_a_lock_for_each_python_that_is_declared() -> None:
    """The classifiers, the locks and nothing else."""
    prefix = "Programming Language :: Python :: 3."
    minors = [c.removeprefix(prefix) for c in PROJECT["classifiers"] if c.startswith(prefix)]
    assert {lock.name for lock in LOCKS} == {*(f"lock-py3{minor}.txt" for minor in minors), "lock-lowest-py311.txt"}


@pytest.mark.parametrize("lock", LOCKS, ids=lambda lock: lock.stem)
def test_a_lock_pins_what_is_declared_inside_its_range(lock: Path) -> None:
    """Nothing that pyproject.toml asks for is missing, and every pin is allowed."""
    pinned = pins(lock)
    assert set(declared()) <= set(pinned)
    for line in {name: f"{name}{specifier}" for name, specifier in declared().items()}.values():
        requirement = Requirement(line)
        assert all(version in requirement.specifier for version in pinned[requirement.name]), line


@pytest.mark.parametrize("lock", LOCKS, ids=lambda lock: lock.stem)
def test_a_lock_is_hashed_and_names_no_address(lock: Path) -> None:
    """Each pin is followed by hashes; no line is anything but a comment, a pin or a hash."""
    lines = lock.read_text(encoding="utf-8").splitlines()
    for line, following in zip(lines, [*lines[1:], ""], strict=True):
        if line.startswith("#"):
            continue
        if PIN.match(line):
            assert following.startswith("    --hash=sha256:"), line
        else:
            assert re.fullmatch(r"    --hash=sha256:[0-9a-f]{64}( \\)?", line), line


def test_the_lowest_lock_pins_the_lower_bounds() -> None:
    """So that testing with it tests the bounds that pyproject.toml states."""
    pinned = pins(ROOT / "requirements" / "lock-lowest-py311.txt")
    core = ranges(PROJECT["dependencies"])
    for name, specifier in core.items():
        bound = Version(specifier.removeprefix(">="))
        assert all(version.release[: len(bound.release)] == bound.release for version in pinned[name]), name


def test_the_citation_is_of_this_version() -> None:
    """CITATION.cff, and the version that the wheel takes from the package."""
    import jsna_model

    assert yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))["version"] == jsna_model.__version__


def test_no_committed_file_names_a_package_registry() -> None:
    """Where packages come from is each machine's own setting."""
    names = ("*.toml", "*.yml", "*.yaml", "*.md", "*.cff", ".ci/*", "requirements/*", "docs/**/*.md", "tests/**/*.py", "notebooks/*")
    files = {path for name in names for path in ROOT.glob(name) if path.is_file()}
    assert [str(p.relative_to(ROOT)) for p in sorted(files) if REGISTRY.search(p.read_text(encoding="utf-8"))] == []
