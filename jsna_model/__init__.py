"""jsna_model: from published evidence and local population to children affected, demand and decisions.

Ten public names; each loads on first use (PEP 562), so that ``import jsna_model`` stays light.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

_HOME = {
    "Evidence": "evidence",
    "Population": "population",
    "Overlap": "overlap",
    "Pathway": "pathway",
    "Scenario": "scenario",
    "Result": "result",
    "Study": "study",
    "estimate": "verbs.estimate",
    "project": "verbs.project",
    "compare": "verbs.compare",
}

__all__ = ["Evidence", "Overlap", "Pathway", "Population", "Result", "Scenario", "Study", "compare", "estimate", "project"]

if TYPE_CHECKING:
    from jsna_model.evidence import Evidence
    from jsna_model.overlap import Overlap
    from jsna_model.pathway import Pathway
    from jsna_model.population import Population
    from jsna_model.result import Result
    from jsna_model.scenario import Scenario
    from jsna_model.study import Study
    from jsna_model.verbs.compare import compare
    from jsna_model.verbs.estimate import estimate
    from jsna_model.verbs.project import project


def __getattr__(name: str) -> Any:
    if name in _HOME:
        value = getattr(import_module(f"jsna_model.{_HOME[name]}"), name)
        globals()[name] = value
        return value
    raise AttributeError(f"module 'jsna_model' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*__all__, "__version__"])
