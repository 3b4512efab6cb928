"""Synthetic examples for tests: they say so in every name and source."""

from __future__ import annotations

import numpy as np
import xarray as xr

from jsna_model.conventions import AGE_BANDS
from jsna_model.evidence import Construct, Evidence, Relevance, Source, Variation
from jsna_model.overlap import Overlap, Share
from jsna_model.pathway import FLOWS, STOCKS, Pathway, UnitCost
from jsna_model.population import Frame, Population
from jsna_model.result import Result

BANDS = list(AGE_BANDS)
SET_RISKS = ("synthetic_abuse", "synthetic_illness", "synthetic_dependency")


def frame() -> Frame:
    """A synthetic frame of ten deciles."""
    children = np.outer(np.linspace(1500, 1000, 10), [0.05, 0.2, 0.28, 0.35, 0.12])
    decile = np.arange(1.0, 11.0)
    weights = children.sum(1)
    mean = float((weights * decile).sum() / weights.sum())
    sd = float(np.sqrt((weights * (decile - mean) ** 2).sum() / weights.sum()))
    labels = [f"decile_{int(d)}" for d in decile]
    return Frame(
        "synthetic",
        xr.DataArray(children, dims=("area", "age_band"), coords={"area": labels, "age_band": BANDS}),
        xr.Dataset({"deprivation": ("area", decile)}, coords={"area": labels}),
        {"deprivation": mean},
        {"deprivation": -sd},
    )


FRAME = frame()


def population(areas: int = 24, authorities: int = 2, seed: int = 7, known_total: bool = True) -> Population:
    """Synthetic small areas in wards and MSOAs; the last ward of each authority but the last goes on into the next."""
    rng = np.random.default_rng(seed)
    codes = [f"E01{i:06d}" for i in range(areas)]
    authority = np.array([f"E06{int(i * authorities / areas):06d}" for i in range(areas)])
    ward = np.array([f"E05{i // 4:06d}" for i in range(areas)])
    msoa = np.array([f"E02{i // 3:06d}" for i in range(areas)])
    children = rng.uniform(20, 120, (areas, len(BANDS))) * np.array([0.3, 1.0, 1.3, 1.6, 0.5])
    data = xr.Dataset(
        {
            "children": (("area", "age_band"), children),
            "deprivation": ("area", rng.integers(1, 11, areas).astype(float)),
            "children_log_sd": ("age_band", np.array([0.35, 0.17, 0.14, 0.11, 0.19])),
        },
        coords={
            "area": codes,
            "age_band": BANDS,
            "area_name": ("area", [f"Synthetic {c}" for c in codes]),
            "authority": ("area", authority),
            "authority_name": ("area", np.array([f"Authority {a[-1]}" for a in authority])),
            "ward": ("area", ward),
            "ward_name": ("area", np.array([f"Ward {w[-2:]}" for w in ward])),
            "msoa": ("area", msoa),
            "msoa_name": ("area", np.array([f"MSOA {m[-2:]}" for m in msoa])),
            "easting": ("area", rng.uniform(4e5, 4.2e5, areas)),
            "northing": ("area", rng.uniform(2e5, 2.2e5, areas)),
        },
    )
    return Population(data, "lsoa", "synthetic", known_total, frame=FRAME)


def evidence(risk: str, value: float, set_name: str = "", **changes: object) -> Evidence:
    """A synthetic estimate."""
    given = {
        "key": f"SYN-{risk}",
        "risk": risk,
        "label": risk.replace("_", " "),
        "value": value,
        "lower": value * 0.8,
        "upper": min(1.0, value * 1.2),
        "level": 0.95,
        "interval_basis": "assumed: synthetic",
        "numerator": "synthetic children affected",
        "denominator": "synthetic children",
        "construct": Construct("synthetic", "synthetic", "any", "now", "child living with an affected adult", "synthetic"),
        "ages": (0, 17),
        "geography": "England",
        "period": "2024",
        "year": 2024.0,
        "source": Source("synthetic", "synthetic", "synthetic", "", "2024", "synthetic", "", "none"),
        "data_group": "synthetic" if set_name else "",
        "set_name": set_name,
        "relevance": Relevance(0.0, 0.1, "synthetic"),
        "variation": Variation(0.3, 0.1, 0.2, 0.3, 0.1, "synthetic"),
    }
    return Evidence(**(given | changes))  # type: ignore[arg-type]


def evidence_set() -> tuple[Evidence, ...]:
    """Three synthetic risks of one set."""
    return tuple(evidence(r, v, "synthetic_set") for r, v in zip(SET_RISKS, (0.066, 0.135, 0.04), strict=True))


def overlap() -> Overlap:
    """Synthetic shares of the set."""
    return Overlap.from_shares(
        "synthetic shares",
        SET_RISKS,
        Share("SYN-two", 0.049, 0.042, 0.057, 0.95, "assumed: synthetic"),
        Share("SYN-three", 0.009, 0.007, 0.0115, 0.95, "assumed: synthetic"),
        set_name="synthetic_set",
        source="synthetic",
    )


def projection(result: Result) -> Population:
    """Synthetic children of the result's authorities, 2024 to 2035, shrinking by 1% a year."""
    authority = result.node("need/authority")
    widths = np.array([last - first + 1 for first, last in AGE_BANDS.values()])
    single = np.repeat(authority["children"].values / widths, widths, axis=1)
    years = np.arange(2024, 2036)
    data = xr.Dataset(
        {"children": (("year", "area", "age"), single[None] * 0.99 ** (years - 2024)[:, None, None])},
        coords={
            "year": years,
            "area": authority["area"].values,
            "age": np.arange(18),
            "authority": ("area", authority["area"].values),
            "area_name": ("area", authority["area_name"].values),
        },
        attrs={"projection_error_sd_6yr": 0.04, "projection_error_horizon": 6},
    )
    return Population(data, "authority", "synthetic")


def pathway() -> Pathway:
    """A synthetic pathway of two authorities and England, with the package's default parameters."""
    from data_sources.figures_io import read_figures
    from data_sources.pathway import VOLATILITY, _defaults, _parameter

    volatility = read_figures(VOLATILITY).values.set_index("service")
    parameters = {n: _parameter(e, volatility) for n, e in _defaults()["parameters"].items()}
    counts = [600, 130, 40, 160, 220, 70, 400, 390, 420, 60, 45, 30, 28, 80]
    services = [
        "referrals", "re_referrals", "referrals_no_further_action", "referrals_assessed_not_in_need", "section_47_enquiries",
        "initial_child_protection_conferences", "child_in_need_started", "child_in_need_ended", "child_in_need_at_31_march",
        "child_protection_plan_started", "child_protection_plan_at_31_march", "looked_after_started", "looked_after_ceased",
        "looked_after_at_31_march",
    ]  # fmt: skip
    order = [services.index(s) for s in (*FLOWS, *STOCKS)]
    values = np.array(counts, dtype=float)[order]
    areas = ["E06000000", "E06000001", "E92000001"]
    data = xr.Dataset(
        {
            "observed": (("area", "service"), np.stack([values, values * 2, values * 150])),
            "status": (("area", "service"), np.full((3, len(values)), "", dtype="<U4")),
        },
        coords={
            "area": areas,
            "service": [*FLOWS, *STOCKS],
            "area_name": ("area", ["Authority 0", "Authority 1", "England"]),
            "role": ("area", ["authority", "authority", "england"]),
            "children": ("area", [12_000.0, 24_000.0, 1_800_000.0]),
        },
    )
    costs = (
        UnitCost("looked_after", 2100.0, "week", "2024-25", "synthetic"),
        UnitCost("social_work", 170.0, "week", "2024-25", "synthetic"),
    )
    return Pathway(data, parameters, costs, "2024-25", "synthetic")
