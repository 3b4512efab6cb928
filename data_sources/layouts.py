"""Layouts of the figures that ship, and the columns they share."""

from __future__ import annotations

from data_sources.figures_io import Layout
from jsna_model.conventions import AGE_BANDS

#: Columns of children by DfE age band, in band order.
BAND_COLUMNS = tuple(f"children_{band}" for band in AGE_BANDS)
#: Columns of single years of age.
AGE_COLUMNS = tuple(f"age_{a}" for a in range(18))
#: Columns of Census 2021 five-year bands.
CENSUS_BANDS = ("age_0_4", "age_5_9", "age_10_14", "age_15_19")
#: Columns of Census 2021 single years that the bands need.
CENSUS_AGES = tuple(f"age_{a}" for a in range(20))

SERVICE_COLUMNS = (
    "referrals", "re_referrals", "referrals_no_further_action", "referrals_assessed_not_in_need", "section_47_enquiries",
    "initial_child_protection_conferences", "child_in_need_started", "child_in_need_ended", "child_in_need_at_31_march",
    "child_protection_plan_started", "child_protection_plan_at_31_march", "assessments_with_factor", "factor_parent_alcohol",
    "factor_parent_drugs", "factor_parent_domestic_abuse", "factor_parent_mental_health", "looked_after_ceased",
    "looked_after_at_31_march", "looked_after_started",
)  # fmt: skip
SPEND_COLUMNS = (
    "sure_start_and_early_years", "looked_after", "looked_after_residential", "looked_after_fostering", "family_support",
    "safeguarding", "services_for_young_people", "youth_justice", "other_children_and_families", "total_children_social_care",
)  # fmt: skip

LSOA = Layout(
    "england_lsoa.csv.gz",
    codes=("lsoa21_code", "msoa21_code", "ward24_code", "ltla24_code", "utla23_code"),
    text=("ruc21_code",),
    counts=("imd2025_decile", *BAND_COLUMNS, "social_rented_share_2021", "easting", "northing"),
    key=("lsoa21_code",),
)
NAMES = Layout("england_area_names.csv", codes=("code",), text=("name", "level", "parent"), key=("code", "level"))
SINGLE_YEAR = Layout(
    "england_upper_tier_single_year_2024.csv.gz", codes=("utla23_code",), text=("sex",), counts=AGE_COLUMNS, key=("utla23_code", "sex")
)
PROJECTION = Layout(
    "england_upper_tier_projection_2018based.csv.gz", codes=("utla23_code",), counts=("year", *AGE_COLUMNS), key=("utla23_code", "year")
)
AUTHORITY_CODES = Layout(
    "authority_codes.csv", codes=("code", "utla23_code"), text=("name", "kind"), counts=("first", "last"), key=("code",)
)
PROJECTION_ERROR = Layout(
    "projection_error.csv",
    text=("method", "ages"),
    counts=("horizon", "origins", "authorities", "log_sd", "log_rms", "origin_sd"),
    numbers=("median",),
    key=("method", "ages", "horizon"),
)
NEED_PATTERNS = Layout(
    "need_patterns.csv",
    codes=("area",),
    text=("set", "pattern"),
    counts=("share",),
    key=("area", "set", "pattern"),
)
STOCK_DISCREPANCY = Layout(
    "stock_discrepancy.csv",
    codes=("utla23_code",),
    text=("stock",),
    counts=("years", "lasting_sd"),
    numbers=("lasting_share",),
    key=("utla23_code", "stock"),
)
AUTHORITIES = Layout(
    "england_upper_tier_2025.csv",
    codes=("utla23_code",),
    text=("utla23_name", "region24_name"),
    counts=(*BAND_COLUMNS, "children_0_17", *SERVICE_COLUMNS),
    key=("utla23_code",),
    symbols=True,
)
NEIGHBOURS = Layout(
    "statistical_neighbours_2025.csv",
    codes=("utla23_code", "neighbour_code"),
    text=("closeness",),
    counts=("rank",),
    key=("utla23_code", "rank"),
)
SERIES = Layout("england_services_2013_2025.csv", text=("measure",), counts=("year", "value"), key=("measure", "year"))
COSTS = Layout("england_unit_costs_and_spend.csv", text=("measure", "year"), counts=("value",), key=("measure", "year"))
SPEND = Layout("england_upper_tier_spend_2024_25.csv", codes=("utla23_code",), numbers=SPEND_COLUMNS, key=("utla23_code",), symbols=True)
FRAME = Layout("england_frame.csv", counts=("deprivation", *BAND_COLUMNS), key=("deprivation",))
FRAME_SCALE = Layout("england_frame_scale.csv", text=("covariate",), numbers=("centre", "scale"), key=("covariate",))
ERROR = Layout(
    "small_area_error.csv",
    text=("level", "age_band", "source"),
    counts=("weighted_absolute_error", "log_sd"),
    key=("level", "age_band"),
)
