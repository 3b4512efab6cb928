"""Choosing among scenarios, in the chapter on scenarios: figures of a decision, each with its headline and the table behind it."""

from __future__ import annotations

import pandas as pd

from reports import words
from reports.choice_tables import AVERAGE, MOST_INPUTS, PARTS, WITHOUT_TESTS, free, name_of, title_of, told_from_chance
from reports.demand_tables import CASES, other_scenarios, pathway_source, service_label
from reports.disclosure import decimal, difference, is_absent, modelled, significant
from reports.drawing import Figure
from reports.likelihood import direction, percent
from reports.need_tables import CREDIBLE
from reports.parts import Parts
from reports.plot_frame import Caption
from reports.plots_decision import LINES, chart_acceptability, chart_plane, chart_tornado, chart_waterfall
from reports.report import Block, Heading
from reports.table import cell
from reports.view import View, interval

#: Tables of a choice that the chapter shows, in order; the workbook and compare.html hold the rest.
TABLES = ("best", "money", "worth", "uncertainty", "groups")
SOURCE = "net benefit of each scenario on the same draws"


def blocks(parts: Parts) -> tuple[Block, ...]:
    """What the chapter on scenarios says of choosing; nothing where no effect was named or the change was not split."""
    view = parts.view
    made = [f for f in (plane(view), acceptability(view), movers(view), waterfall(view)) if f is not None]
    tables = [t for t in parts.some(*TABLES) if t.in_documents]
    if not made and "groups" not in [t.key for t in tables]:
        return ()
    intro = (
        "What follows is for a decision: each point is one draw of what is not known. How rates move from year to year by chance is averaged "
        f"out, because no decision can foresee it. {' '.join([WITHOUT_TESTS, *free(view), AVERAGE])}"
    )
    head: tuple[Block, ...] = (Heading("Choosing among them"), *([intro] if view.group("decision/choice") is not None else []))
    accept = view.group("decision/acceptability")
    # Where the choice would be the same whatever was found, one sentence says more than a table of noughts.
    settled = "worth" in parts.tables and accept is not None and not bool((accept["evpi"] > 0).any())
    said = ["The choice would be the same whatever was found out: to know more is worth nothing to this decision alone."] if settled else []
    return (*head, *made, *said, *(t for t in tables if not (settled and t.key == "worth")))


def _proposals(view: View) -> list[str]:
    data = view.group("decision/choice")
    return [] if data is None else [str(s) for s in data["scenario"].values if str(s) != view.comparator][: len(LINES)]


def _gained(view: View) -> str:
    data = view.group("decision/choice")
    effect = str(data.attrs.get("effect")) if data is not None else ""
    return "more families helped" if effect == "families_helped" else f"fewer: {words.lower_first(service_label(effect))}"


def _gain(value: float) -> str:
    return cell(difference(float(value)), "difference")


def _one(value: float) -> str:
    return cell(decimal(float(value)), "rate")


def _money(value: float) -> str:
    return cell(significant(float(value)), "money")


def _caption(view: View, key: str, title: str, subtitle: str, source: str = SOURCE) -> Caption:
    return Caption(key, title, f"{subtitle} {view.name}.", source, "scenario", CREDIBLE, "scenarios compared on the same draws")


def plane(view: View) -> Figure | None:
    """Cost against gain, a point a draw; at the highest threshold, if any, a line of what a gain is worth."""
    data, names = view.group("decision/choice"), _proposals(view)
    if data is None or not names:
        return None
    rows = [
        pd.DataFrame({"strategy": title_of(view, s), "effect": data["effect_difference"].sel(scenario=s).values, "cost": data["net_cost"].sel(scenario=s).values})
        for s in names
    ]  # fmt: skip
    accept = view.group("decision/acceptability")
    at = float(accept["component"].max()) if accept is not None else None
    sure = [direction(r["effect"].to_numpy(), "lose", "gain") for r in rows]
    likely = [title_of(view, s) for s, said in zip(names, sure, strict=True) if said.startswith(("likely gain", "very likely gain"))]
    headline = f"Likely to gain: {words.listed(likely)}" if likely else "No scenario is likely to gain"
    years = [str(y) for y in view.result.node("decision/outcomes")["year"].values]
    subtitle = f"Gain ({_gained(view)}) and difference in cost, {years[0]} to {years[-1]}, {data.attrs.get('price_year')} prices, {data.attrs.get('discounting')}."
    caption = _caption(view, "plane", headline, subtitle)
    return chart_plane(pd.concat(rows), caption, at, f"Gain: {_gained(view)}", "Difference in cost; below the line: cheaper", _gain, _money)


def acceptability(view: View) -> Figure | None:
    """Probability of each to be best by threshold."""
    data, choice = view.group("decision/acceptability"), view.group("decision/choice")
    if data is None or choice is None or data.sizes["component"] < 2:
        return None
    names = [view.comparator, *_proposals(view)][: len(LINES)]
    n = choice.sizes["draw"]
    records = [
        (float(k), title_of(view, s), float(data["probability_best"].sel(scenario=s, component=k)))
        for s in names
        for k in data["component"].values
    ]
    table = pd.DataFrame(records, columns=["threshold", "strategy", "probability"])
    top = float(table["threshold"].max())
    best = table[table["threshold"] == top].sort_values("probability", ascending=False).iloc[0]
    headline = f"Best most often at {_money(top)}: {best['strategy']} ({percent(float(best['probability']), n)})"
    caption = _caption(
        view, "acceptability", headline, f"Probability of the most net benefit, by what one unit of gain is worth ({_gained(view)})."
    )
    return chart_acceptability(table, caption, _money, "What one unit of gain is worth", lambda p: percent(float(p), n))


def _by_gain(view: View) -> list[str]:
    """Proposals, those with the highest expected gain first."""
    data = view.group("decision/choice")
    assert data is not None
    return sorted(_proposals(view), key=lambda s: -float(data["effect_difference"].sel(scenario=s).mean()))


def movers(view: View) -> Figure | None:
    """What moves the gain of the scenario that is expected to gain most, of those that something moves."""
    data = view.group("decision/tornado")
    if data is None:
        return None
    for scenario in _by_gain(view):
        low, high = (data[k].sel(scenario=scenario).values.astype(float) for k in ("at_low", "at_high"))
        order = [i for i in told_from_chance(data.sel(scenario=scenario))[:MOST_INPUTS] if _one(low[i]) != _one(high[i])]
        if order:
            break
    else:
        return None
    named = [name_of(str(data["component"].values[i])) for i in order]
    table = pd.DataFrame({"parameter": named, "low": low[order], "high": high[order]})
    choice = view.group("decision/choice")
    assert choice is not None
    base = float(choice["effect_difference"].sel(scenario=scenario).mean())
    subtitle = f"{title_of(view, scenario)}: expected gain ({_gained(view)}) at the 10% and 90% quantiles of each input."
    caption = _caption(view, "tornado", f"{named[0]} moves the answer most", subtitle)
    return chart_tornado(table, caption, base, _one, "Expected gain", "as expected")


def waterfall(view: View) -> Figure | None:
    """What the change of a caseload over the horizon is made of, under the scenario that is expected to gain most."""
    data = view.group("decision/change")
    others = _proposals(view) or [s for s in other_scenarios(view) if not view.is_stress_test(s)]
    if data is None or not others:
        return None
    scenario = _by_gain(view)[0] if _proposals(view) else others[0]
    service = "child_in_need_at_31_march"
    cells = data["change_part"].sel(scenario=scenario, service=service).transpose("component", "draw")
    observed = view.group("demand/observed")
    if observed is None or not view.published_counts or is_absent(float(cells.mean())):
        return None
    start = float(observed["observed"].sel(area=view.code, service=service))
    records = []
    for part in [str(c) for c in cells["component"].values]:
        x = interval(cells.sel(component=part).values)
        label = PARTS.get(part, "What these do together")
        records.append((label, *(float(difference(float(v))) for v in (x.value, x.lower, x.upper))))
    table = pd.DataFrame(records, columns=["factor", "value", "lower", "upper"])
    most = table.iloc[int(table["value"].abs().to_numpy().argmax())]
    headline = f"{most['factor']}: the largest part of the change in children in need"
    span = f"{data.attrs.get('from')} to {data.attrs.get('to')}"
    subtitle = f"Children in need at 31 March, {span}, {title_of(view, scenario)}. Factors move one at a time; lines are 95% intervals."
    total = start + float(table["value"].sum())

    def show(value: float) -> str:
        """The published start as it is, the modelled end rounded as such; parts are rounded already."""
        return cell(modelled(value, CASES) if abs(value - total) < 1e-9 else round(value), "count")

    source = f"modelled by jsna_model from {pathway_source(view)}"
    caption = _caption(view, "waterfall", headline, subtitle, source)
    return chart_waterfall(table, caption, show, (str(data.attrs.get("from")), start), str(data.attrs.get("to")))
