"""Sentences that several sections share, each made from the numbers of a view."""

from __future__ import annotations

from reports import disclosure, likelihood, pathway_tables, words
from reports.demand_tables import HEADLINE_SERVICES, horizon, other_scenarios, service_label
from reports.need_tables import children_change
from reports.service_tables import COMPARED, compared_rate
from reports.view import Interval, View, interval


def estimate(x: Interval) -> str:
    """A number of children of the authority with its interval."""
    return words.estimate(float(x.value), float(x.lower), float(x.upper))


def lead(x: Interval, whole: str) -> str:
    """Opening of a sentence: "About 13,200 of the 74,569 children in ..., likely between ... and ... (95% credible interval),"."""
    shown = disclosure.modelled(float(x.value), "authority")
    if isinstance(shown, str):
        return f"{words.upper_first(shown)} of {whole}"
    return f"About {words.number(shown)} of {whole}, {words.between(float(x.lower), float(x.upper), 'authority')} (95% credible interval),"


def all_three(view: View) -> str:
    """Published share with all three of the set in use, with its key."""
    share = view.provenance.get("overlap", {}).get("all_three") or {}
    return f"{words.percent(float(share['value']))}: {share['key']}" if share else "another construct"


def flag(x: Interval) -> str:
    """A remark on an unreliable estimate."""
    return " (low reliability)" if disclosure.reliability(float(x.relative_width)).startswith("[u]") else ""


def share(x: Interval, children: float) -> str:
    """A share of children with its interval."""
    low, high = (words.percent(float(v) / children) for v in (x.lower, x.upper))
    return f"{words.percent(float(x.value) / children)} ({low} to {high})"


def district(view: View) -> str:
    """The district that was asked for."""
    assert view.district is not None
    code, name = view.district
    node = view.node("district").sel(area=code)
    if not view.members:
        return ""
    x = Interval(*(float(node[k].sel(component="any_risk")) for k in ("expected", "lower", "upper")))
    text = words.estimate(x.value, x.lower, x.upper, "district")
    of_all = share(x, float(node["children"].sum()))
    return f"In {name}, a district of {view.name}, {text} are estimated to live with at least one of the three risks: {of_all} of children."


def trend(view: View) -> str:
    """Children projected, and those affected at unchanged prevalence."""
    data = view.group("demand/population")
    assert data is not None
    years = [int(y) for y in data["year"].values]
    x = interval(data["affected_projected"].transpose("year", "draw").values)
    first, last = (words.about(float(x.value[i]), "authority") for i in (0, -1))
    move = children_change(view)
    direction = "stay about the same" if abs(move) < 0.02 else f"{'rise' if move > 0 else 'fall'} by {words.percent(abs(move))}"
    return (
        f"The number of children is projected to {direction} between {years[0]} and {years[-1]}. At unchanged prevalence, the number affected "
        f"would go from {first} to {last}, {words.between(float(x.lower[-1]), float(x.upper[-1]), 'authority')} in {years[-1]} (projected, not "
        "forecast)."
    )


def known_to_none(view: View) -> str:
    """How many affected children no service knows at the base year's end, and why that is the number."""
    data = view.group("demand/known")
    assert data is not None
    now = data.sel(scenario=view.comparator).isel(year=0)
    x, every = interval(pathway_tables.unknown(now)), interval(now["affected_any"].values)
    known = interval(now["known_affected"].sum("service").values)
    two = ""
    if bool((now["affected_two_or_more"] > 0).any()):
        both = interval(now["affected_two_or_more"].values)
        two = f" Of {estimate(both)} living with two or more, {estimate(interval(pathway_tables.unknown(now, 'two_or_more')))} were known to neither."
    return (
        f"Of {estimate(every)} living with at least one risk of the set, {estimate(x)} are estimated to have been known neither to early help nor to "
        f"children's social care on 31 March {int(str(data['year'].values[0])[:4]) + 1}. The rest, {estimate(known)}, were in early help, being "
        f"assessed, in need, on a plan or looked after.{two} All of these are modelled: services count their children, and not which of them live with "
        "these risks. The table sets out each step."
    )


def rates(view: View) -> str:
    """Rates of the three headline services beside England's."""
    observed = view.group("demand/observed")
    if observed is None or view.code not in observed["area"].values:
        return ""
    said = []
    for service in ("child_in_need_at_31_march", "child_protection_plan_at_31_march", "looked_after_at_31_march"):
        here, england, word = compared_rate(view, service)
        if not disclosure.is_absent(here) and not disclosure.is_absent(england):
            label = words.lower_first(service_label(service))
            said.append(
                f"{label}, {words.number(round(here, 1))} per 10,000 ({COMPARED.get(word, word)} England's {words.number(round(england, 1))})"
            )
    if not said:
        return f"Rates for {view.name} are suppressed or not available in the published counts."
    return f"{'Published' if view.published_counts else 'Own counts'} for {view.base_year}: {'; '.join(said)}. Neither higher nor lower is better."


def scenario(view: View, name: str) -> str:
    """What a scenario is modelled to change in the last year."""
    data = view.group("decision")
    if data is None:
        return ""
    said = []
    for service in ("referrals", "child_protection_plan_at_31_march", "looked_after_at_31_march"):
        if service not in HEADLINE_SERVICES or service not in data["difference"]["service"].values:
            continue
        values = data["difference"].sel(scenario=name, service=service).isel(year=-1).values
        if disclosure.is_absent(float(values.mean())):
            continue
        x = interval(values)
        low, high = (signed(disclosure.difference(float(v))) for v in (x.lower, x.upper))
        if low == high == "0":
            continue
        said.append(
            f"{words.lower_first(service_label(service))}: {moved(float(x.value))} ({low} to {high}; {likelihood.direction(values)})"
        )
    if not said:
        return ""
    year = str(data["year"].values[-1])
    stress = view.is_stress_test(name)
    ending = " A test, not a proposal: what would bring it about, harm, and later cost are not modelled." if stress else ""
    kind = "" if stress else "Scenario: "
    far = f" ({mark})" if (mark := horizon(view, [str(y) for y in data["year"].values])[-1]) == "illustrative" else ""
    return f"{kind}{view.scenario_title(name)}; modelled difference in {year}{far}: {'; '.join(said)}.{ending}"


def scenarios(view: View, stress_tests: bool = True) -> list[str]:
    """A sentence a scenario."""
    return [s for n in other_scenarios(view) if (stress_tests or not view.is_stress_test(n)) and (s := scenario(view, n))]


def effects_level(view: View) -> str:
    """The level at which effects of early help are taken, in words (`data_sources.effect_levels`); empty where any is the user's own."""
    parameters = view.provenance.get("pathway", {}).get("parameters", {})
    sources = [str(p["source"]) for name, p in parameters.items() if name.startswith("early_help.effect.")]
    levels = {s.split(":")[0].removeprefix("Effects ") if s.startswith("Effects ") else "" for s in sources}
    return next(iter(levels)) if len(levels) == 1 else ""


def moved(value: float) -> str:
    """A difference in words; less than half a case is said so."""
    return words.changed(value) if disclosure.difference(value) != 0 else "less than one either way on average"


def signed(shown: int | str) -> str:
    """A displayed difference with its sign."""
    return f"+{words.number(shown)}" if isinstance(shown, int) and shown > 0 else words.number(shown)
