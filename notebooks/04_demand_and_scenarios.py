# ---
# jupyter:
#   jupytext:
#     formats: py:percent
#     text_representation:
#       extension: .py
#       format_name: percent
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Demand and scenarios: should Milton Keynes widen early help, and what would tell us?
#
# The board asks: *families helped by early help could rise by a quarter, or referrals that are closed could be followed up. Which is worth
# its money, how sure are we, and which number should we find out first?*
#
# Offline, on published figures. What only the authority knows, its volume of early help and its cost, is made up here and says so.

# %%
import data_sources as src
import jsna_model as jm
from jsna_model.errors import InputError

AREA = "Milton Keynes"
FAMILIES, COST = 800, 2000  # illustration: put in your own
now = jm.estimate(src.load_population(AREA), src.load_evidence_set("higher_harm"), src.load_overlap("higher_harm"), draws=1000)
now.summary("any_risk", by="all")

# %% [markdown]
# ## If nothing changes
# The projection follows children and need at the rates of the base year, within the range that rates have moved in the past. Beyond three
# years it was not tested against later counts: illustrative.

# %%
pathway = src.load_pathway(AREA).with_early_help(FAMILIES, unit_cost=COST, source="illustration")
scenarios = src.ready_scenarios(pathway, ("early_help_reach", "follow_up"))
young = jm.Scenario("fewer_affected", "A tenth fewer under-fives affected", reason="what if prevention worked").scale(
    "need.affected", by=0.9, start="2026-04", full_by="2028-03", group={"age": "0-4"}
)
future = jm.project(now, src.load_projection(AREA), pathway, [*scenarios, young], years=5)
care = future.node("demand/caseload")["caseload"].sel(service="looked_after_at_31_march", scenario="baseline").isel(area=0)
care.quantile([0.025, 0.5, 0.975], dim="draw").round().to_pandas()

# %% [markdown]
# ## What each scenario would change
# Differences are on the same draws, so that what scenarios share cancels out. A change for a group, here children under five, is of a
# parameter that knows ages; one that does not is refused.

# %%
wrong = jm.Scenario("hubs").scale("early_help.reach", by=1.2, start="2026-04", group={"age": "0-4"})
try:
    jm.project(now, src.load_projection(AREA), pathway, [wrong])
except InputError as error:
    print(error)

# %%
choice = jm.compare(
    future,
    discount=src.load_discount_schedule("green_book_2026"),
    effect="looked_after_at_31_march",
    thresholds=[20_000, 50_000, 100_000],  # pounds for a year of care avoided: the board's to say
    cost_uncertainty={"early_help": 0.2},  # illustration
    information=True,
    sources=True,
)
moved = choice.node("decision/outcomes")["difference"].sel(service="looked_after_at_31_march").isel(area=0, year=-1)
(moved < 0).mean("draw").rename("probability of fewer looked after").to_pandas().round(2)

# %% [markdown]
# By age: whose lives would change.

# %%
choice.node("decision/groups")["affected_by_age_difference"].sel(scenario="fewer_affected").isel(area=0, year=-1).mean(
    "draw"
).round().to_pandas()

# %% [markdown]
# ## Who pays, and who is not costed
# Average costs, not savings. Agencies without a unit cost are absent, not zero: give them in `[unit_costs]`.

# %%
money = choice.node("decision/agencies")
print("Not costed:", money.attrs["not_costed"])
(money["present_value"].isel(area=0).mean("draw") / 1e3).round().to_pandas()

# %% [markdown]
# ## Which is best, and how sure is that?
# On outcomes with process noise averaged out: no decision can foresee how rates move by chance.

# %%
choice.node("decision/acceptability")["probability_best"].isel(area=0).to_pandas().round(2)

# %% [markdown]
# The prevention scenario costs nothing here because its cost is not known, so of course it looks best: a choice is only as complete as its
# costs. Between the two that are costed:

# %%
costed = jm.compare(
    jm.project(now, src.load_projection(AREA), pathway, scenarios, years=5),
    effect="looked_after_at_31_march",
    thresholds=[20_000, 50_000, 100_000],
    cost_uncertainty={"early_help": 0.2},
    information=True,
    sources=True,
)
best = costed.node("decision/acceptability")["probability_best"].isel(area=0).to_pandas().round(2)
best

# %% [markdown]
# ## What makes it uncertain, and what is worth finding out?

# %%
why = costed.explain("net_benefit_at_50000")
why.pivot(index="source", columns="scenario", values="share").round(2)

# %%
worth = costed.node("decision/information/at_50000").isel(area=0)[["evppi", "evppi_stable"]].to_dataframe()[["evppi", "evppi_stable"]]
worth["evppi"] = worth["evppi"].where(worth["evppi_stable"] == 1)  # what doubling the draws would move is not shown
worth.sort_values("evppi", ascending=False).round(-3)

# %% [markdown]
# ## The answer

# %%
top = best[100_000.0].idxmax()
most = why[why["scenario"] == "early_help_reach"].sort_values("share", ascending=False).iloc[0]
print(f"At £50,000 for a year of care avoided, best is {best[50_000.0].idxmax()} with probability {best[50_000.0].max():.0%}; ")
print(f"at £100,000 it is {top} with {best[100_000.0].max():.0%}.")
print(
    f"Most of what is not known about widening early help is {most['sentence'].split(': ', 1)[1].rstrip('.')} ({most['share']:.0%} of it)."
)
most_it_is_worth = float(costed.node("decision/acceptability")["evpi"].isel(area=0).sel(component=50_000))
print(f"Knowing everything would be worth at most £{most_it_is_worth:,.0f} to this one decision; a dearer study is not for it alone.")
steady = worth[worth["evppi_stable"] == 1]
print(f"Worth nothing to this decision, whatever was found: {', '.join(steady.index[steady['evppi'] == 0])}.")
