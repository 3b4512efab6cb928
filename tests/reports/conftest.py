"""Synthetic results for the tests of reports."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

import synthetic_result  # noqa: E402

from jsna_model.result import Result  # noqa: E402


@pytest.fixture(scope="session")
def synthetic_borough() -> Result:
    """One unitary authority with everything."""
    return synthetic_result.make(suppressed=("initial_child_protection_conferences",))


@pytest.fixture(scope="session")
def synthetic_county() -> Result:
    """A county reported for one of its districts, with localities."""
    return synthetic_result.make(
        children=330_000, small_areas=240, wards=60, districts=6, focus_district=True, localities=4, early_help_supplied=True
    )


@pytest.fixture(scope="session")
def synthetic_tiny() -> Result:
    """About 300 children, with child in need counts suppressed."""
    return synthetic_result.make(children=300, small_areas=4, wards=2, suppressed=("child_in_need_at_31_march", "looked_after_started"))


@pytest.fixture(scope="session")
def synthetic_need_only() -> Result:
    """Only the group `need`, on the wider set."""
    return synthetic_result.make(groups=("need",), set_name="wider_exposure")
