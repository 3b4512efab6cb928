# ---
# jupyter:
#   jupytext:
#     text_representation:
#       format_name: percent
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Quick start
#
# From published evidence and local population to children affected, demand, scenarios and a report, offline, on the embedded figures.
# Every number below is *estimated* or *projected* unless it says *observed*.

# %%
from tempfile import mkdtemp

import data_sources as src
import jsna_model as jm
import reports

# %% [markdown]
# ## Children affected now
#
# Population by LSOA, a coherent set of three risks with its published overlap, and 1,000 named draws.

# %%
population = src.load_population("Milton Keynes", level="lsoa")
evidence = src.load_evidence_set("higher_harm")
overlap = src.load_overlap("higher_harm")

now = jm.estimate(population, evidence, overlap, draws=1000, seed=2026)
now.summary("two_or_more", by="area").head()

# %% [markdown]
# The same for the whole authority, and by ward. Draws are added first and summarised after; limits never add up.

# %%
now.summary("any_risk", level="authority")

# %%
now.summary("any_risk", level="ward", rate=True).sort_values("value", ascending=False).head()

# %% [markdown]
# ## Where does that number come from?
#
# Each estimate carries its construct, interval, source and traps.

# %%
for e in evidence:
    print(f"{e.key}: {e.label}, {e.value:.1%} ({e.lower:.1%} to {e.upper:.1%}, {e.interval_basis})\n   {e.construct}\n   {e.source}\n")

# %% [markdown]
# ## A map
#
# The pattern follows deprivation because the model assumes that it does: a map of modelled estimates is not a finding.

# %%
reports.plot_map(now, "any_risk")

# %% [markdown]
# ## Demand and a scenario
#
# Caseload follows need at the authority's own rates of 2024-25. Early help has no published volume: until you give one with
# `pathway.with_early_help(...)`, effects are for an illustrative volume. Effects span zero by default.

# %%
pathway = src.load_pathway("Milton Keynes")
hubs = jm.Scenario("family_hubs", "Hubs reach a quarter more families", reason="Board paper 12").scale(
    "early_help.reach", by=1.25, start="2027-04", full_by="2029-03"
)
future = jm.project(now, src.load_projection("Milton Keynes"), pathway, [jm.Scenario("baseline"), hubs])
choice = jm.compare(future, to="baseline")
difference = choice.node("decision/outcomes")["difference"].isel(area=0)
difference.sel(scenario="family_hubs", service="looked_after_at_31_march").mean("draw").to_pandas()

# %% [markdown]
# ## The report

# %%
[path.name for path in reports.write(choice, mkdtemp(), formats=("html", "docx", "xlsx"))]
