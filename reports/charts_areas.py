"""Charts of places and ages: children by age and sex, shares by area, and each risk by area."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from reports import words
from reports.disclosure import UNRELIABLE_WIDTH, nearest
from reports.drawing import Figure
from reports.need_tables import CREDIBLE, children_change, component
from reports.plot_frame import Caption, per_cent
from reports.plots import chart_dots, chart_multiples
from reports.plots_pyramid import chart_pyramid
from reports.view import LEVEL_NAMES, View

#: Areas beyond which the report shows districts in place of them.
READABLE = 40
#: A change in the number of children that is called none.
SAME = 0.02


def pyramid(view: View) -> Figure | None:
    """Children by age and sex, in the first year and the last of the projection; None where the result does not say."""
    import pandas as pd

    given = view.provenance.get("pyramid")
    if not given:
        return None
    years, last = list(given["years"]), _same_year(view, given)
    rows = [
        (age, sex, given[sex][0][i], *((given[sex][years.index(last)][i],) if last else ()))
        for sex in ("girls", "boys")
        for i, age in enumerate(given["ages"])
    ]
    table = pd.DataFrame(rows, columns=["age", "sex", "value", *(("later",) if last else ())])
    caption = Caption(
        "pyramid",
        _headline(view, last) if last else f"Children of {view.name} by age and sex",
        f"Children aged 0 to 17 by single year of age and sex, {view.name}: mid-{years[0]} (estimates)"
        + (f" and mid-{last} (projected; each cohort keeps the sexes of mid-{years[0]})." if last else "."),
        "Office for National Statistics, mid-2024 estimates" + (" and 2018-based projections rebased to them" if last else ""),
        "observed (estimates of the Office for National Statistics) and projected, by column" if last else "observed",
        "none shown: the projection's past error is in the table of children affected",
        "children aged 0 to 17",
    )
    return chart_pyramid(table, caption, lambda v: f"{nearest(v, 10):,}", (f"mid-{years[0]}", f"mid-{last}" if last else ""))


def _headline(view: View, last: int) -> str:
    """How the number of children changes, in words: the numbers of the sentence and of the table, not the sums of the bars."""
    change = children_change(view)
    if abs(change) < SAME:
        return f"{view.name} is projected to have about as many children in {last}"
    return f"{view.name} is projected to have {words.percent(abs(change))} {'more' if change > 0 else 'fewer'} children by {last}"


def _same_year(view: View, given: Any) -> int | None:
    """The last year of the result, where its children are those of the pyramid: another projection has none here."""
    data = view.group("demand/population")
    if data is None or (year := int(data["year"].values[-1])) not in given["years"]:
        return None
    children = data["children_projected"].isel(year=-1).sum("age_band")
    total = float(children.mean("draw")) if "draw" in children.dims else float(children)
    at = list(given["years"]).index(year)
    return year if abs(sum(sum(given[s][at]) for s in ("girls", "boys")) / total - 1) < SAME else None


def areas(view: View) -> Figure | None:
    """Share of children affected in each area with its interval: the map's level, or districts where that has too many areas."""
    level = _readable(view)
    if level is None:
        return None
    rows = _shares(view, level, "any_risk")
    one, many = LEVEL_NAMES[level]
    whole = view.need("any_risk") / view.children
    shown = rows[np.isfinite(rows["value"])]
    caption = Caption(
        "areas",
        f"Every interval includes the estimate for {view.name}"
        if bool(((shown["lower"] <= whole.value) & (shown["upper"] >= whole.value)).all())
        else f"Some intervals lie apart from the estimate for {view.name}",
        f"Estimated share of children aged 0 to 17 living with at least one risk of the {view.set_label} set, {many} of {view.name} in order of name, mid-2024. "
        f"Not a ranking: much of the uncertainty is shared by all {many}. {CREDIBLE}.",
        view.need_source,
        construct=view.set_construct,
    )
    made = chart_dots(shown, caption, per_cent, (view.name, float(whole.value)), "Estimated share of children", words.upper_first(one))
    hollow = " Hollow dots: low reliability." if bool(shown["unreliable"].any()) else ""
    return replace(made, subtitle=f"{made.subtitle}{hollow}")


def risks_by_area(view: View) -> Figure | None:
    """Small multiples: the share of children with each risk of the set, and with two or more, by area with intervals."""
    import pandas as pd

    level = _readable(view)
    measures = [m for m in (*view.members, "two_or_more") if level and m in view.node(level)["component"].values]
    if level is None or len(measures) < 2:
        return None
    data = pd.concat([_shares(view, level, m).assign(measure=view.measure_label(m)) for m in measures], ignore_index=True)
    data = data[data.groupby("label")["value"].transform(lambda v: float(np.isfinite(v).all())) > 0].reset_index(drop=True)
    if data.empty or data["unreliable"].all():
        return None  # nothing in it could be relied on: the numbers are in the workbook, flagged
    one, many = LEVEL_NAMES[level]
    flagged = data.groupby("measure", sort=False)["unreliable"].sum()
    worst, n = str(flagged.idxmax()), data["label"].nunique()
    caption = Caption(
        "risks_by_area",
        f"{worst}: {f'all {n}' if flagged[worst] == n else f'{int(flagged[worst])} of {n}'} {many} are of low reliability"
        if flagged.max()
        else f"Intervals of each risk are wide beside the differences between {many}",
        f"Estimated share of children aged 0 to 17 living with each risk of the {view.set_label} set, and with two or more, {many} of {view.name} in order of "
        f"name, mid-2024. Each panel has a scale of its own. {CREDIBLE}.{' Hollow dots: low reliability.' if flagged.max() else ''}",
        view.need_source,
        construct=view.set_construct,
    )
    return chart_multiples(data, caption, per_cent, None, words.upper_first(one))


def _shares(view: View, level: str, measure: str) -> Any:
    """Share of children with a measure by area: label, value, limits and whether it is of low reliability."""
    import pandas as pd

    node = view.node(level)
    children = node["children"].sum("age_band", skipna=False).values
    x = component(node, measure) / np.where(children > 0, children, np.nan)
    wide = np.asarray(x.relative_width) > UNRELIABLE_WIDTH
    return pd.DataFrame({"label": _labels(node), "value": x.value, "lower": x.lower, "upper": x.upper, "unreliable": wide})


def _readable(view: View) -> str | None:
    """The map's level, or districts or localities where that has too many areas to read."""
    levels = [view.map_level(), "district", "locality"]
    return next((lv for lv in levels if lv and view.has(lv) and 1 < view.node(lv).sizes["area"] <= READABLE), None)


def _labels(node: Any) -> list[str]:
    """Names, with codes where two areas have one name."""
    names = [str(n) for n in node["area_name"].values]
    return [f"{n} ({code})" if names.count(n) > 1 else n for n, code in zip(names, node["area"].values, strict=True)]
