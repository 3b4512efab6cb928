"""A synthetic Result with the layout of the real one, for tests of the reports room; every name in it says synthetic."""

from __future__ import annotations

from dataclasses import asdict

import numpy as np
import xarray as xr

from jsna_model.conventions import AGE_BANDS
from jsna_model.evidence import Construct, Evidence, Relevance, Variation
from jsna_model.overlap import Overlap
from jsna_model.pathway import FLOWS, STATES, STOCKS, published_stocks
from jsna_model.result import JOINT_MEASURES, Result

SETS = {
    "higher_harm": (
        ("domestic_abuse_last_year", "Domestic abuse in the last year", 0.066),
        ("severe_mental_health_symptoms", "Severe mental-health symptoms", 0.135),
        ("alcohol_or_drug_dependency", "Alcohol or drug dependency", 0.040),
    ),
    "wider_exposure": (
        ("domestic_abuse_ever", "Domestic abuse ever", 0.258),
        ("moderate_mental_health_symptoms", "Moderate or worse mental-health symptoms", 0.317),
        ("any_substance_misuse", "Any alcohol or drug misuse", 0.105),
    ),
}
ALONE = (
    ("hazardous_drinking", "Hazardous drinking", 0.221),
    ("dependent_drinking", "Dependent drinking", 0.059),
    ("domestic_abuse", "Domestic abuse (any in the household)", 0.069),
    ("domestic_abuse_high_risk", "Domestic abuse (current, high risk)", 0.011),
    ("severe_parental_mental_illness", "Severe parental mental illness", 0.007),
)
BAND_SHARE = np.array([0.05, 0.21, 0.28, 0.35, 0.11])
YEARS = [f"{y}-{(y + 1) % 100:02d}" for y in range(2025, 2031)]


def evidence(set_name: str) -> list[Evidence]:
    """Synthetic evidence rows: three of the set and five that stand alone."""
    rows = [(*row, set_name) for row in SETS[set_name]] + [(*row, "") for row in ALONE]
    return [
        Evidence(
            key=f"SYN-{i:02d}",
            risk=risk,
            label=label,
            value=value,
            lower=value * 0.8,
            upper=value * 1.2,
            level=0.95,
            interval_basis="assumed: synthetic row for tests",
            numerator="children in a household with an adult affected",
            denominator="children 0-17",
            construct=Construct("synthetic instrument", "synthetic threshold", "last year", "one adult interviewed"),
            ages=(0, 17),
            geography="England",
            period="2014",
            year=2014.5,
            source=f"Synthetic survey {i}, for tests",
            url=f"https://example.org/synthetic/{i}",
            licence="none: synthetic",
            data_group="synthetic",
            relevance=Relevance(0.0, 0.2, "synthetic distance in period"),
            variation=Variation(0.2, 0.1, 0.15, 0.2, 0.1, "assumption (synthetic)"),
            set_name=group,
        )
        for i, (risk, label, value, group) in enumerate(rows)
    ]


def _patterns(children: np.ndarray, shares: np.ndarray, rng: np.random.Generator, draws: int) -> np.ndarray:
    """children (area, band) -> (area, band, 8, draw), closing on the children."""
    base = np.array(
        [np.prod([s if i >> k & 1 else 1 - s for k, s in enumerate(shares)]) * (4 if bin(i).count("1") == 3 else 1) for i in range(8)]
    )
    weights = base[None, None, :, None] * np.exp(
        0.15 * rng.standard_normal((len(children), 1, 8, draws)) + 0.15 * rng.standard_normal((1, 1, 8, draws))
    )
    deprived = np.exp(0.45 * np.linspace(-1, 1, len(children)))[:, None, None, None]
    weights = np.broadcast_to(weights, (*children.shape, 8, draws)).copy()
    weights[:, :, 1:] *= deprived
    weights /= weights.sum(2, keepdims=True)
    return weights * children[:, :, None, None]


def make(
    children: float = 76_000,
    small_areas: int = 60,
    wards: int = 20,
    districts: int = 0,
    focus_district: bool = False,
    set_name: str = "higher_harm",
    groups: tuple[str, ...] = ("need", "demand", "decision"),
    draws: int = 200,
    localities: int = 0,
    suppressed: tuple[str, ...] = (),
    early_help_supplied: bool = False,
    seed: int = 1,
) -> Result:
    """A synthetic Result of one authority, "Synthetic Borough" (or "Synthetic County" where it has districts)."""
    rng = np.random.default_rng(seed)
    rows = evidence(set_name)
    members = [r for r in rows if r.set_name]
    overlap = Overlap.independent([m.risk for m in members])
    risks = [r.risk for r in rows]
    bands = list(AGE_BANDS)
    name = "Synthetic County" if districts else "Synthetic Borough"
    code = "E10999999" if districts else "E06999999"

    weight = rng.dirichlet(np.full(small_areas, 8.0))
    people = (children * weight)[:, None] * BAND_SHARE[None, :]
    angle, radius = rng.uniform(0, 2 * np.pi, small_areas), 9_000 * np.sqrt(rng.uniform(0, 1, small_areas))
    angle, radius = np.sort(angle), radius
    east, north = 480_000 + radius * np.cos(angle), 230_000 + radius * np.sin(angle)
    patterns = _patterns(people, np.array([m.value for m in members]), rng, draws)
    count = np.array([bin(i).count("1") for i in range(8)])
    affected = np.empty((small_areas, len(bands), len(risks), draws))
    for k, row in enumerate(rows):
        if row.set_name:
            affected[:, :, k] = patterns[:, :, [i for i in range(8) if i >> k & 1]].sum(2)
        else:
            share = row.value * np.exp(0.2 * rng.standard_normal((small_areas, 1, draws)))
            affected[:, :, k] = people[:, :, None] * share
    coords = {"risk": risks, "age_band": bands, "pattern": list(overlap.patterns()), "draw": np.arange(draws)}
    need: dict[str, xr.Dataset] = {"/need": xr.Dataset(coords=coords)}

    parts = {
        "lsoa": np.arange(small_areas),
        "msoa": np.arange(small_areas) // 4,
        "ward": np.argsort(np.argsort(east)) * wards // small_areas,
    }
    if districts:
        parts["district"] = parts["ward"] * districts // wards
    if localities:
        parts["locality"] = parts["ward"] * localities // wards
    prefix = {"lsoa": "E01", "msoa": "E02", "ward": "E05", "district": "E07", "locality": "L"}
    labels = {level: [f"{prefix[level]}{i:06d}" for i in range(index.max() + 1)] for level, index in parts.items()}
    measures = [*JOINT_MEASURES, *risks]
    for level, index in parts.items():
        n = index.max() + 1
        onehot = (index[None, :] == np.arange(n)[:, None]).astype(float)
        pat, aff = np.einsum("as,sbpd->apd", onehot, patterns), np.einsum("as,sbrd->ard", onehot, affected)
        joint = [pat[:, (count >= lo) & (count <= hi)].sum(1) for lo, hi in JOINT_MEASURES.values()]
        values = np.concatenate([np.stack(joint, 1), aff], 1)
        expected, (low, high) = values.mean(-1), np.quantile(values, [0.025, 0.975], axis=-1)
        first = [int(np.flatnonzero(index == i)[0]) for i in range(n)]
        area_coords = {
            "area_name": [f"Synthetic {level} {i + 1}" for i in range(n)],
            "authority": [code] * n,
            "authority_name": [name] * n,
            "easting": onehot @ east / onehot.sum(1),
            "northing": onehot @ north / onehot.sum(1),
        }
        if districts and level != "district":
            area_coords["district"] = [labels["district"][parts["district"][f]] for f in first]
            area_coords["district_name"] = [f"Synthetic district {parts['district'][f] + 1}" for f in first]
        need[f"/need/{level}"] = xr.Dataset(
            {
                "expected": (("area", "component"), expected),
                "lower": (("area", "component"), low),
                "upper": (("area", "component"), high),
                "relative_width": (("area", "component"), (high - low) / expected),
                "children": (("area", "age_band"), onehot @ people),
            },
            coords={"area": labels[level], "component": measures, **{k: ("area", v) for k, v in area_coords.items()}},
            attrs={"interval": 0.95},
        )
    need["/need/authority"] = xr.Dataset(
        {
            "children": (("area", "age_band"), people.sum(0)[None]),
            "children_by_pattern": (("area", "age_band", "pattern", "draw"), patterns.sum(0)[None]),
            "affected": (("area", "age_band", "risk", "draw"), affected.sum(0)[None]),
        },
        coords={
            "area": [code],
            "area_name": ("area", [name]),
            "authority": ("area", [code]),
            "authority_name": ("area", [name]),
            "region": ("area", ["E12999999"]),
            "region_name": ("area", ["Synthetic Region"]),
            "easting": ("area", [480_000.0]),
            "northing": ("area", [230_000.0]),
        },
    )
    tree = dict(need)
    scenarios = ["baseline", "early_help_reach", "closed_referrals_followed_up"]
    if "demand" in groups:
        any_risk = patterns[:, :, 1:].sum((0, 1, 2))
        years = np.arange(2024, 2036)
        growth = 1 - 0.004 * (years - 2024)
        tree["/demand/population"] = xr.Dataset(
            {
                "children_projected": (
                    ("year", "area", "age_band", "draw"),
                    np.broadcast_to(people.sum(0)[None, None, :, None] * growth[:, None, None, None], (12, 1, 5, draws)).copy(),
                ),
                "affected_projected": (
                    ("year", "area", "draw"),
                    any_risk[None, None]
                    * growth[:, None, None]
                    * np.exp(0.01 * np.arange(12)[:, None, None] * rng.standard_normal((12, 1, draws))),
                ),
            },
            coords={"year": years, "area": [code], "age_band": bands, "draw": np.arange(draws)},
        )
        rate = np.array([520, 110, 60, 170, 190, 60, 360, 350, 55, 26, 24.0])
        flow = (
            (children / 1e4) * rate[None, None, None, :, None] * np.exp(0.05 * rng.standard_normal((1, len(YEARS), 1, len(FLOWS), draws)))
        )
        effect = 1 + np.array([0, -0.01, -0.02])[:, None, None, None, None] * np.linspace(0, 1, len(YEARS))[None, :, None, None, None] * (
            1 + 2 * rng.standard_normal(draws)
        )
        stock = (
            (children / 1e4)
            * np.array([250, 40, 70.0])[None, None, None, :, None]
            * np.exp(0.05 * rng.standard_normal((1, len(YEARS), 1, 3, draws)))
        )
        states = xr.DataArray(
            stock * effect,
            dims=("scenario", "year", "area", "state", "draw"),
            coords={"scenario": scenarios, "year": YEARS, "area": [code], "state": list(STATES), "draw": np.arange(draws)},
        )
        helped = np.broadcast_to(np.array([400, 500, 560.0])[:, None, None, None], (3, len(YEARS), 1, draws)).copy()
        common = {"scenario": scenarios, "year": YEARS, "area": [code], "draw": np.arange(draws)}
        services = xr.Dataset(
            {"flow": (("scenario", "year", "area", "service", "draw"), flow * effect)}, coords={**common, "service": list(FLOWS)}
        )
        caseload = published_stocks(states)
        both = [*FLOWS, *STOCKS]
        tree["/demand/services"] = xr.Dataset(
            {
                "flow": services["flow"].reindex(service=both),
                "caseload": caseload.reindex(service=both),
                "families_helped": (("scenario", "year", "area", "draw"), helped),
            },
            attrs={"backtested_years": 3},
        )
        areas = [code, "E06999991", "E06999992", "E06999993", "E92000001"]
        kids = np.array([children, 60_000, 65_000, 70_000, 12_183_016.0])
        base = np.array([*rate, 330, 40, 68.0])
        observed = np.round(kids[:, None] / 1e4 * base[None, :] * rng.uniform(0.8, 1.2, (5, len(both))))
        status = np.full(observed.shape, "", dtype="<U3")
        for service in suppressed:
            observed[0, both.index(service)] = np.nan
            status[0, both.index(service)] = "c"
        observed[1, 3], status[1, 3] = np.nan, "c"
        tree["/demand/observed"] = xr.Dataset(
            {
                "observed": (("area", "service"), observed),
                "status": (("area", "service"), status),
                "observed_per_10000": (("area", "service"), observed / kids[:, None] * 1e4),
            },
            coords={
                "area": areas,
                "service": both,
                "area_name": ("area", [name, *(f"Synthetic neighbour {i}" for i in range(1, 4)), "England (synthetic)"]),
                "role": ("area", ["authority", "neighbour", "neighbour", "neighbour", "england"]),
                "children": ("area", kids),
            },
        )
        if "decision" in groups:
            merged = tree["/demand/services"]["flow"].fillna(tree["/demand/services"]["caseload"])
            gap = merged - merged.sel(scenario="baseline")
            unit = xr.DataArray([0.0] * len(FLOWS) + [9_000.0, 6_000.0, 70_000.0], coords={"service": both}, dims="service")
            tree["/decision"] = xr.Dataset(
                {"difference": gap, "cost_difference": (gap * unit).where(unit > 0)},
                attrs={"comparator": "baseline", "price_year": "2024-25"},
            )
    provenance = {
        "package": "0.0.0 synthetic",
        "seed": seed,
        "draws": draws,
        "set": set_name,
        "focus": labels["district"][0] if focus_district else code,
        "area_name": "Synthetic district 1" if focus_district else name,
        "evidence": [asdict(r) for r in rows],
        "overlap": asdict(overlap),
        "population": {"source": "Synthetic mid-2024 population", "level": "lsoa", "hash": "0" * 8},
        "frame": {"version": "synthetic", "hash": "0" * 8},
        "rejected_share": 0.0,
        "england": {r.risk: {"national": r.value} for r in rows},
        "assumptions": [
            {"key": "gradient", "statement": "Need rises with deprivation (synthetic).", "value": "0.2 (sd 0.1)", "source": "assumption (synthetic)"},
            {"key": "overlap", "statement": "Risks overlap more than by chance (synthetic).", "value": None, "source": "assumption (synthetic)"},
        ],
        "pathway": {
            "source": "Synthetic children's services counts, 2024-25",
            "base_year": "2024-25",
            "early_help_supplied": early_help_supplied,
            "parameters": {
                "early_help.reach": {"value": 400, "sd": 0.2, "scale": "log", "unit": "families a year", "source": "assumption (synthetic)", "basis": "illustration"}
            },
            "unit_costs": [
                {"service": "looked_after_at_31_march", "amount": 70_000.0, "per": "child a year", "price_year": "2024-25", "source": "Synthetic outturn", "agency": "local authority", "cashable": False}
            ],
        },
        "scenarios": [
            {"name": "baseline", "title": "Baseline", "reason": "Rates of 2024-25 continue (synthetic)", "stress_test": False, "changes": []},
            {"name": "early_help_reach", "title": "Early help reaches more families", "reason": "Synthetic reason", "stress_test": False,
             "changes": [{"parameter": "early_help.reach", "op": "scale", "value": 1.25, "start": "2026-04", "full_by": "2028-03"}]},
            {"name": "closed_referrals_followed_up", "title": "Closed referrals are followed up", "reason": "Synthetic reason", "stress_test": False, "changes": []},
        ],
        "comparator": "baseline",
        "sources": [
            {"title": "Synthetic estimates", "publisher": "Nobody", "release": "mid-2024", "date": "2026-01-01", "licence": "none: synthetic", "url": "https://example.org/synthetic"}
        ],
    }  # fmt: skip
    return Result(xr.DataTree.from_dict(tree), provenance)
