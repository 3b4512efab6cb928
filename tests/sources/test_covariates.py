"""Covariates of small areas: the embedded ones, a user's file for all of England, and the frame of their joint distribution."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy.special import expit

import data_sources as src
from data_sources.frame import joint_frame
from data_sources.layouts import BAND_COLUMNS
from data_sources.population import raked_lsoas
from jsna_model.errors import InputError, UnknownNameError
from jsna_model.study import Study

NAMES = ("social_rented_share", "rural_share")


def own_file(folder: Path, **changes: object) -> Path:
    """A synthetic covariate of every LSOA: 0.2 and a little noise."""
    codes = raked_lsoas()["lsoa21_code"]
    values = 0.2 + 0.1 * np.sin(np.arange(len(codes)))
    table = pd.DataFrame({"lsoa21_code": codes, "lone_parent_share": values.round(4).astype(str)})
    for code, value in changes.items():
        table.loc[table["lsoa21_code"] == code, "lone_parent_share"] = str(value)
    path = folder / "synthetic_lone_parents.csv"
    table.to_csv(path, index=False)
    return path


def test_frame_has_the_moments_of_england() -> None:
    """Deciles, means, variances and correlations over England's children are those of the 33,755 LSOAs."""
    frame = src.load_population("Rutland", covariates=NAMES).frame
    assert frame is not None
    assert 80 < frame.children.sizes["area"] <= 160
    table = raked_lsoas()
    weight = table[list(BAND_COLUMNS)].sum(axis=1).to_numpy()
    dense = np.column_stack([table["imd2025_decile"], table["social_rented_share_2021"], table["rural"]])
    points = np.column_stack([frame.covariates[n].values for n in ("deprivation", *NAMES)])
    of_points = frame.children.values.sum(1)
    assert of_points.sum() == pytest.approx(weight.sum(), rel=1e-12)
    assert np.average(points, axis=0, weights=of_points) == pytest.approx(np.average(dense, axis=0, weights=weight), rel=1e-9)
    assert np.allclose(np.cov(points.T, aweights=of_points, ddof=0), np.cov(dense.T, aweights=weight, ddof=0), rtol=1e-9)
    assert [frame.centre[n] for n in NAMES] == pytest.approx(np.average(dense, axis=0, weights=weight)[1:], rel=1e-12)


@pytest.mark.parametrize(("slope", "within"), [(0.3, 0.002), (0.5, 0.005), (1.0, 0.011)])
@pytest.mark.parametrize("names", [["rural"], ["social_rented_share_2021"], ["rural", "social_rented_share_2021"], ["skewed"], ["income"]])
def test_frame_stands_for_england(names: list[str], slope: float, within: float) -> None:
    """Expected prevalence over the points is that over all LSOAs, for rare and common risks, skewed covariates and any unit."""
    rng = np.random.default_rng(1)
    table = raked_lsoas().assign(skewed=np.exp(rng.normal(size=33_755)), income=30_000 + 10_000 * rng.normal(size=33_755))
    frame = joint_frame(table, names)
    columns = {"deprivation": "imd2025_decile"} | {n: n for n in sorted(names)}
    x = frame.matrix(tuple(columns))
    dense = np.column_stack([frame.standardise(n, table[c].to_numpy(float)) for n, c in columns.items()])
    slopes = np.array([0.3, *[slope] * len(names)])
    for level in (-4.0, -2.0):
        over_points = np.average(expit(level + x @ slopes), weights=frame.children.values.sum(1))
        over_england = np.average(expit(level + dense @ slopes), weights=table[list(BAND_COLUMNS)].sum(axis=1))
        assert over_points == pytest.approx(over_england, rel=within)


def test_units_and_order_of_covariates_do_not_matter() -> None:
    """An income in pounds beside a share: each has its own sd in the frame, however they are listed."""
    table = raked_lsoas()
    table = table.assign(income=30_000 + 10_000 * np.sin(np.arange(len(table))), lone=0.2 + 0.05 * np.cos(np.arange(len(table))))
    one, other = joint_frame(table, ["income", "lone"]), joint_frame(table, ["lone", "income"])
    assert one.hash == other.hash
    weight = one.children.values.sum(1)
    for name in ("income", "lone"):
        values = one.covariates[name].values
        sd = np.sqrt(np.average((values - np.average(values, weights=weight)) ** 2, weights=weight))
        assert sd == pytest.approx(one.scale[name], rel=1e-9)


def test_names_of_the_package_are_refused(tmp_path: Path) -> None:
    """A column called deprivation, children_under_1 or easting would change something else than it says."""
    codes = raked_lsoas()["lsoa21_code"]
    for name in ("deprivation", "children_under_1", "easting"):
        path = tmp_path / f"{name}.csv"
        pd.DataFrame({"LSOA21CD": codes, name: np.linspace(0, 1, len(codes))}).to_csv(path, index=False)
        with pytest.raises(InputError, match="is a column of the package's own"):
            src.load_population("Rutland", covariate_file=path)


def test_a_file_that_nothing_uses_is_refused() -> None:
    with pytest.raises(InputError, match="no evidence of the study varies with a covariate"):
        src.resolve_need(Study.of({"area": "Rutland", "covariates": "synthetic.csv"}))
    with pytest.raises(InputError, match="give names in a list"):
        src.load_population("Rutland", covariates="rural_share")


def test_above_lsoa_a_covariate_is_the_mean_over_children() -> None:
    fine, coarse = (src.load_population("Milton Keynes", level=lv, covariates=NAMES) for lv in ("lsoa", "ward"))
    children, ward = fine.data["children"].values.sum(1), fine.data["ward"].values.astype(str)
    for name in NAMES:
        mean = [np.average(fine.covariate(name)[ward == w], weights=children[ward == w]) for w in coarse.areas]
        assert coarse.covariate(name) == pytest.approx(mean, rel=1e-9)


def test_own_file_of_england(tmp_path: Path) -> None:
    population = src.load_population("Milton Keynes", covariate_file=own_file(tmp_path, E01016710="0.9"))
    assert population.covariate("lone_parent_share")[population.areas.index("E01016710")] == 0.9
    assert population.frame is not None
    assert population.frame.children.sizes["area"] <= 80
    assert "covariates of synthetic_lone_parents.csv" in population.source


def test_missing_values_are_named_and_filled_only_on_request(tmp_path: Path) -> None:
    path = own_file(tmp_path, E01016710="", E01016711="[c]")
    with pytest.raises(InputError, match=r"no value for E01016710, E01016711.*impute"):
        src.load_population("Milton Keynes", covariate_file=path)
    population = src.load_population("Milton Keynes", covariate_file=path, impute=True)
    values, weight = population.covariate("lone_parent_share"), population.data["children"].values.sum(1)
    absent = np.isin(population.areas, ["E01016710", "E01016711"])
    assert values[absent] == pytest.approx(np.average(values[~absent], weights=weight[~absent]), rel=1e-12)
    assert "lone_parent_share of 2 LSOAs filled" in population.source


def test_every_problem_of_the_file_at_once(tmp_path: Path) -> None:
    path = own_file(tmp_path, E01016710="22%", E01016711="31.5")
    lines = path.read_text(encoding="utf-8").splitlines()
    lines = [line for line in lines if not line.startswith("E01000005,")]
    lines += ["E01000001,0.2", "E01000004,0.2", "E02003459,0.2", "nowhere,0.1"]
    path.write_text("\n".join(lines), encoding="utf-8")
    with pytest.raises(InputError) as error:
        src.load_population("Milton Keynes", covariate_file=path)
    said = str(error.value)
    for part in (
        "'22%' is not a number", "goes up to 31.5", "divide percentages by 100", "E01000001 is there already in row 2",
        "E01000004 is not an LSOA of 2021; by its number it is one of 2011", "E02003459 is the code of an MSOA",
        "'nowhere' is not an ONS code",
        "1 of England's 33755 LSOAs (2021) are missing: E01000005",
    ):  # fmt: skip
        assert part in said, part
    assert "synthetic_lone_parents.csv, row" in said


def test_unknown_and_constant_covariates(tmp_path: Path) -> None:
    with pytest.raises(UnknownNameError, match="social_rented_share"):
        src.load_population("Rutland", covariates=("social_rent",))
    table = raked_lsoas().assign(same=0.5)
    with pytest.raises(InputError, match="same is the same in all of England"):
        joint_frame(table, ["same"])
