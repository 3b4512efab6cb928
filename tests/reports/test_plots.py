"""Charts from plain tables: structure, words, tables behind, and tables that are refused."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from lxml import etree
from matplotlib.collections import Collection

import data_sources as src
from jsna_model.errors import InputError
from jsna_model.result import Result
from reports import charts, charts_areas, sentences
from reports.content import build
from reports.disclosure import modelled
from reports.drawing import Figure, svg
from reports.exports import export_figure
from reports.plot_frame import Caption, per_cent
from reports.plots import chart_dots, chart_fan, chart_flow, chart_multiples, chart_overlap
from reports.plots_decision import chart_acceptability, chart_plane, chart_tornado, chart_waterfall
from reports.plots_pyramid import chart_pyramid
from reports.view import View

CAPTION = Caption("key", "A headline & its 'quotes'", "Measure, place, 2024", "a source <here>")
LONG = "A parameter of the pathway whose name is much longer than fifty-two characters & has an ampersand"
ARABIC = "مدينة الأطفال"
PATTERNS = [(a, b, c) for a in (False, True) for b in (False, True) for c in (False, True)]
FAN = pd.DataFrame({"year": [2024, 2025, 2026], "value": [900.0, 950, 990], "lower": [500.0, 500, 480], "upper": [1300.0, 1400, 1500]})
DOTS = pd.DataFrame({"label": ["St Mary's", ARABIC, LONG], "value": [0.1, 0.2, 0.3], "lower": [0.05] * 3, "upper": [0.4] * 3})
OVERLAP = pd.DataFrame(PATTERNS, columns=["a", "b", "c"]).assign(value=[900.0, 50, 300, 40, 90, 10, 70, 30], lower=5.0, upper=1000.0)
PYRAMID = pd.DataFrame([(age, sex, 100.0 + age) for age in range(18) for sex in ("girls", "boys")], columns=["age", "sex", "value"])
FLOW = pd.DataFrame({"source": ["Referrals", "Referrals"], "target": ["Closed", LONG], "value": [30.0, 70.0]})
WATERFALL = pd.DataFrame({"factor": ["Births", LONG], "value": [-300.0, 100], "lower": [-500.0, 50], "upper": [-100.0, 400]})
TORNADO = pd.DataFrame({"parameter": ["Cost", LONG], "low": [900.0, 1500.0], "high": [1300.0, 800.0]})
PLANE = pd.DataFrame({"strategy": ["One"] * 400, "effect": np.linspace(-1, 3, 400), "cost": np.cos(np.arange(400.0)) * 1000})
CURVE = pd.DataFrame({"threshold": [0.0, 1e4, 0, 1e4], "strategy": ["One", "One", "Two", "Two"], "probability": [0.9, 0.2, 0.1, 0.8]})
RISKS = {"a": "Abuse", "b": "Drink & drugs", "c": "Illness"}


def multiples(table: pd.DataFrame) -> pd.DataFrame:
    return pd.concat([table.assign(measure=m) for m in ("At least one", "All three")])


MAKERS: dict[str, tuple[Callable[..., Figure], pd.DataFrame, dict[str, Any]]] = {
    "fan": (chart_fan, FAN, {}),
    "dots": (chart_dots, DOTS, {"show": per_cent, "reference": ("Rutland", 0.2)}),
    "multiples": (chart_multiples, multiples(DOTS), {"show": per_cent}),
    "pyramid": (chart_pyramid, PYRAMID, {}),
    "flow": (chart_flow, FLOW, {}),
    "waterfall": (chart_waterfall, WATERFALL, {"start": ("2024", 5000.0), "end": "2034"}),
    "tornado": (chart_tornado, TORNADO, {"base": 1200.0}),
    "plane": (chart_plane, PLANE, {"threshold": 500.0}),
    "acceptability": (chart_acceptability, CURVE, {}),
    "overlap": (lambda t, c, **k: chart_overlap(t, RISKS, c, **k), OVERLAP, {}),
}


def make(name: str, table: pd.DataFrame | None = None) -> Figure:
    maker, usual, more = MAKERS[name]
    return maker(usual if table is None else table, CAPTION, **more)


@pytest.mark.parametrize("name", MAKERS)
def test_a_chart_is_a_named_picture_with_its_table(name: str) -> None:
    made = make(name)
    text = svg(made)
    root = etree.fromstring(text.encode())
    assert root.get("role") == "img"
    spaces = {"s": "http://www.w3.org/2000/svg"}
    ids = root.get("aria-labelledby").split()
    found = [root.xpath(f"//*[@id='{i}']")[0] for i in ids]
    assert [etree.QName(e).localname for e in found] == ["title", "desc"]
    assert found[0].text == CAPTION.title
    assert len(found[1].text) > 60
    assert not root.xpath("//s:image", namespaces=spaces)
    assert made.data is not None
    assert len(made.data.rows) >= (1 if name == "plane" else 2)
    assert made.data.title == CAPTION.title
    assert svg(make(name)) == text


@pytest.mark.parametrize("name", MAKERS)
def test_a_chart_leaves_its_table_as_it_was(name: str) -> None:
    before = MAKERS[name][1].copy(deep=True)
    make(name)
    pd.testing.assert_frame_equal(MAKERS[name][1], before)


@pytest.mark.parametrize("name", MAKERS)
def test_a_table_that_cannot_be_drawn_is_refused(name: str) -> None:
    table = MAKERS[name][1]
    column = next(c for c in table.columns if table[c].dtype == float)
    with pytest.raises(InputError, match=column):
        make(name, table.drop(columns=column))
    with pytest.raises(InputError, match="no rows"):
        make(name, table.iloc[:0])
    broken = table.copy()
    broken[column] = np.nan
    with pytest.raises(InputError, match="absent or infinite"):
        make(name, broken)


@pytest.mark.parametrize("name", ["dots", "multiples", "waterfall", "tornado", "flow"])
def test_long_names_are_wrapped_never_cut(name: str) -> None:
    made = make(name)
    ticks = [] if name == "flow" else made.drawing.axes[0].get_yticklabels()
    texts = [*ticks, *made.drawing.axes[0].texts]
    flat = [re.sub(r"\s+", "", t.get_text()) for t in texts]
    assert any(LONG.replace(" ", "") in t for t in flat)
    assert max(len(line) for t in texts for line in t.get_text().split("\n")) < 60
    made.drawing.draw_without_rendering()
    edge = made.drawing.bbox
    for t in texts:
        extent = t.get_window_extent()
        assert extent.x0 >= edge.x0 - 1, t.get_text()
        assert extent.x1 <= edge.x1 + 1, t.get_text()


def test_names_in_any_script_stay_as_they_are() -> None:
    text = svg(make("dots"))
    assert ARABIC in text
    assert "St Mary's" in text.replace("&#x27;", "'")
    assert "&amp; has an ampersand" in text


def test_the_overlap_shows_eight_patterns_and_which_risks() -> None:
    made = make("overlap")
    dots = [line for line in made.drawing.axes[0].lines if line.get_linestyle() == "-" and line.get_marker() == "o"]
    assert sorted(len(line.get_xdata()) for line in dots) == [0, 1, 1, 1, 2, 2, 2, 3]
    assert len(made.drawing.axes[1].patches) == 7
    assert "None of these: 900" in made.alt
    assert made.data is not None
    assert "Abuse and drink & drugs only" in set(made.data.rows["Pattern"])
    with pytest.raises(InputError, match="one pattern twice"):
        make("overlap", pd.concat([OVERLAP, OVERLAP]))


def test_dots_keep_the_order_and_mark_low_reliability() -> None:
    made = chart_dots(DOTS.assign(unreliable=[True, False, False]), CAPTION, per_cent)
    faces = [line.get_markerfacecolor() for line in made.drawing.axes[0].lines if line.get_marker() == "o"]
    assert faces.count("white") == 1
    assert made.data is not None
    assert made.data.rows["Area"].tolist() == DOTS["label"].tolist()
    assert "low reliability (1)" in made.alt
    with pytest.raises(InputError, match="coarser level"):
        chart_dots(pd.DataFrame({"label": map(str, range(61)), "value": 1.0, "lower": 0.0, "upper": 2.0}), CAPTION)
    with pytest.raises(InputError, match="every measure once"):
        chart_multiples(multiples(DOTS).iloc[:-1], CAPTION)
    with pytest.raises(InputError, match="lower is above upper"):
        chart_dots(DOTS.assign(lower=0.9), CAPTION)


def test_a_waterfall_ends_where_it_adds_up_to() -> None:
    made = make("waterfall")
    assert made.alt.endswith("2034: 4,800.")
    assert made.drawing.axes[0].get_title(loc="left") == "The axis does not start at zero"
    assert not any(abs(p.get_width()) > 400 for p in made.drawing.axes[0].patches)  # no bar from nought on such an axis
    far = chart_waterfall(WATERFALL, CAPTION, start=("2024", 500.0))
    assert far.drawing.axes[0].get_xlim()[0] <= 0
    assert far.alt.endswith("In all: 300.")


def test_a_tornado_is_widest_first_whichever_way_round() -> None:
    made = make("tornado")
    assert made.data is not None
    assert made.data.rows["Parameter"].tolist() == [LONG, "Cost"]


def test_the_plane_gives_shares_of_quadrants_and_thins_its_points() -> None:
    made = make("plane")
    assert made.data is not None
    shares = [float(str(v).removesuffix("%")) for v in made.data.rows.iloc[0, 3:]]
    assert sum(shares) == pytest.approx(100, abs=0.2)
    assert max(len(line.get_xdata()) for line in made.drawing.axes[0].lines) == 300


def test_probabilities_and_flows_are_checked() -> None:
    with pytest.raises(InputError, match="outside 0 to 1"):
        make("acceptability", CURVE.assign(probability=1.2))
    with pytest.raises(InputError, match="circle"):
        make("flow", pd.DataFrame({"source": ["a", "b"], "target": ["b", "a"], "value": [1.0, 1.0]}))
    with pytest.raises(InputError, match="negative"):
        make("flow", FLOW.assign(value=-1.0))
    with pytest.raises(InputError, match="two sexes"):
        make("pyramid", PYRAMID.assign(sex="all"))


def test_a_flow_keeps_its_width() -> None:
    rows = pd.DataFrame({"source": ["a", "b", "m", "m"], "target": ["m", "m", "x", "y"], "value": [30.0, 70, 45, 55]})
    made = chart_flow(rows, CAPTION)
    heights = {round(p.get_height(), 6) for p in made.drawing.axes[0].patches if hasattr(p, "get_height")}
    assert heights == {30.0, 70.0, 100.0, 45.0, 55.0}


def test_a_figure_is_written_with_its_table(tmp_path: Path) -> None:
    made = export_figure(make("dots"), tmp_path / "figures")
    assert [p.name for p in made] == ["key.svg", "key.png", "key.csv"]
    assert etree.parse(str(made[0])).getroot().get("viewBox")
    assert made[1].read_bytes().startswith(b"\x89PNG")
    back = pd.read_csv(made[2])
    assert back["Area"].tolist() == DOTS["label"].tolist()


def test_labels_of_small_flows_do_not_lie_over_one_another() -> None:
    rows = pd.DataFrame({"source": "All", "target": [f"A small flow with a long name {i}" for i in range(5)], "value": [1.0, 1, 1, 1, 96]})
    made = chart_flow(rows, CAPTION)
    made.drawing.draw_without_rendering()
    boxes = [t.get_window_extent() for t in made.drawing.axes[0].texts]
    assert not any(a.overlaps(b) for k, a in enumerate(boxes) for b in boxes[k + 1 :])


# -- in the report -------------------------------------------------------------------------------------------------------


def test_the_report_shows_overlap_fan_areas_and_pair(rutland: Result) -> None:
    figures = {f.key: f for f in build(rutland).figures()}
    assert {"patterns", "map", "map_interval", "areas", "to_2035"} <= set(figures)
    fan = figures["to_2035"].drawing.axes[0]
    assert sum(isinstance(c, Collection) for c in fan.collections) == 2
    for made in figures.values():
        assert made.title
        assert "Rutland" in made.subtitle


def test_the_dots_of_areas_say_what_the_table_says(rutland: Result) -> None:
    made, table = charts_areas.areas(View.of(rutland)), build(rutland).table("by_ward")
    assert made is not None
    assert made.data is not None
    assert table is not None
    wanted = [f"{v:.1f}%" for v in table.rows["Estimated share"]]
    assert made.data.rows.iloc[:, 1].tolist() == wanted
    assert made.data.rows["Ward"].tolist() == table.rows["Ward"].tolist()


def test_a_county_is_charted_by_district(canterbury: Result) -> None:
    made = charts_areas.areas(View.of(canterbury))
    assert made is not None
    assert made.data is not None
    assert len(made.data.rows) == 12


def test_the_flow_of_referrals_adds_up_or_is_left_out(rutland: Result) -> None:
    view = View.of(rutland)
    made = charts.flow(view)
    observed = rutland.node("demand/observed")["observed"].sel(area="E06000017")
    parts = [
        float(observed.sel(service=s)) for s in ("referrals_no_further_action", "referrals_assessed_not_in_need", "child_in_need_started")
    ]
    if not np.isfinite(parts).all() or sum(parts) != float(observed.sel(service="referrals")):
        assert made is None
        return
    assert made is not None
    assert f"{parts[0]:,.0f}" in made.alt


def test_numbers_of_charts_are_rounded_as_everywhere() -> None:
    made = make("fan")
    assert made.data is not None
    assert made.data.rows["Children"].tolist() == [str(modelled(v, "authority")).replace("1000", "1,000") for v in FAN["value"]]


def test_a_pyramid_of_two_years_draws_and_tells_both() -> None:
    made = chart_pyramid(PYRAMID.assign(later=PYRAMID["value"] / 2), CAPTION, years=("mid-2024", "mid-2035"))
    assert made.data is not None
    assert list(made.data.rows.columns) == ["Age", "Girls, mid-2024", "Boys, mid-2024", "Girls, mid-2035", "Boys, mid-2035"]
    assert "Outline: mid-2035, 976 girls and 976 boys" in made.alt
    with pytest.raises(InputError, match="absent"):
        chart_pyramid(PYRAMID.assign(later=np.nan), CAPTION)


def test_the_pyramid_of_the_report_has_the_horizon_only_where_its_children_are_the_same(rutland: Result) -> None:
    pyramid = src.chapter_material("Rutland")["pyramid"]
    view = View.of(rutland.with_provenance(pyramid=pyramid))
    made = charts_areas.pyramid(view)
    data = view.group("demand/population")
    assert made is not None
    assert made.data is not None
    assert data is not None
    last = int(data["year"].values[-1])
    assert f"mid-{last}" in made.subtitle
    said = re.search(r"(rise|fall) by (\S+%)", sentences.trend(view))
    assert said is not None
    assert said[2] in made.title  # the same number as in words
    children = float(data["children_projected"].isel(year=-1).sum("age_band").mean("draw"))
    at = pyramid["years"].index(last)
    assert sum(sum(pyramid[s][at]) for s in ("girls", "boys")) == pytest.approx(children, rel=0.005)
    other = {**pyramid, "girls": [[2 * n for n in year] for year in pyramid["girls"]]}
    alone = charts_areas.pyramid(View.of(rutland.with_provenance(pyramid=other)))
    assert alone is not None
    assert f"mid-{last}" not in alone.subtitle
    assert charts_areas.pyramid(View.of(rutland)) is None


def test_each_risk_by_area_is_drawn_where_some_can_be_relied_on(canterbury: Result, rutland: Result) -> None:
    made = charts_areas.risks_by_area(View.of(canterbury))
    assert made is not None
    assert made.data is not None
    assert set(made.data.rows["Measure"]) == {
        *(View.of(canterbury).label(r) for r in View.of(canterbury).members),
        "Two or more of the three",
    }
    assert len(made.data.rows) == 4 * 12
    flags = View.of(rutland)
    drawn = charts_areas.risks_by_area(flags)
    shares = [charts_areas._shares(flags, "ward", m)["unreliable"].all() for m in (*flags.members, "two_or_more")]
    assert (drawn is None) == all(shares)
