"""What every test may use: the repository, the shared folder beside it, and skips that give their reason."""

from __future__ import annotations

from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
SHARED = ROOT.parent / "shared"
NO_SHARED = "needs ../shared, the folder of England data beside the repository; it is absent here"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skip what is marked ``england`` where ``../shared`` is absent."""
    if SHARED.is_dir():
        return
    for item in items:
        if item.get_closest_marker("england"):
            item.add_marker(pytest.mark.skip(reason=NO_SHARED))


@pytest.fixture(scope="session")
def root() -> Path:
    """The repository."""
    return ROOT


@pytest.fixture(scope="session")
def shared() -> Path:
    """The shared folder; a test that asks for it is skipped where it is absent."""
    if not SHARED.is_dir():
        pytest.skip(NO_SHARED)
    return SHARED
