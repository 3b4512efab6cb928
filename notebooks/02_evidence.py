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
# # The evidence: where a number comes from, what it may be combined with, and how to bring your own
#
# Offline, on the catalogue that the package ships.

# %%
import data_sources as src
from jsna_model.combining import differences, pool
from jsna_model.conversions import Factor, adults_to_children, old_to_new_questions, patients_to_adults
from jsna_model.errors import ConstructError
from reports.evidence import page, value

# %% [markdown]
# ## One figure in full
# Ofsted quoted 2.6 million children in 2015. What is it?

# %%
catalogue = src.load_evidence(*src.evidence_keys())
(quoted,) = src.load_evidence("ALC-02")
print(page(quoted, catalogue, src.quoted_by_ofsted()))

# %% [markdown]
# ## Same word, another construct
# Manning's dependent drinkers and Pryce's are both "dependent". The package refuses to pool them, and says why.

# %%
manning, pryce = src.load_evidence("ALC-04", "ALC-23")
print(value(manning), "against", value(pryce))
for d in differences(manning, pryce):
    print(" -", d.reason)
try:
    pool(manning, pryce, key="BOTH", across=("period", "geography", "ages", "denominator"))
except ConstructError as error:
    print(error)

# %% [markdown]
# ## Named conversions
# A share of adults becomes a share of children only by a conversion whose factors, ranges and sources are given and kept.

# %%
(register,) = src.load_evidence("MH-07")
adults = patients_to_adults(register, Factor(1.0, "assumption: from psychosis alone (MH-08) to every case an adult", 0.54, 1.26))
children = adults_to_children(
    adults,
    adults=Factor(46_437_085, "ONS mid-2024: 58,620,101 less 12,183,016 children"),
    coresident_share=Factor(0.2023, "dependent drinkers stand in (ALC-22 over ALC-20): an assumption", 0.1012, 0.388),
    children_per_adult=Factor(1.8436, "dependent drinkers stand in: an assumption", 1.5, 2.25),
    both_share=Factor(0.1065, "Pryce's two concordances (ALC-25): an assumption", 0.0648, 0.1481),
    children=Factor(12_183_016, "ONS mid-2024"),
)
print(value(children))
print(children.conversions[-1])

# %% [markdown]
# The Crime Survey changed its questions. The old and the new are never spliced; a measurement factor carries its own uncertainty.

# %%
old, new_count, old_count = src.load_evidence("DA-01-2023-W", "DA-01-2024N-ALLN", "DA-03")
factor = Factor(new_count.value / old_count.value, "DA-01-2024N-ALLN over DA-03; range an assumption", 1.45, 2.0)
print(value(old), "->", value(old_to_new_questions(old, factor)))

# %% [markdown]
# ## Your own
# Write a TOML file in the form of those in `data_sources/evidence/`, check it with `jsna evidence check mine.toml`, and load it beside the
# catalogue with `src.load_evidence("LOCAL-1", path="mine.toml")`. It overrides nothing unless an entry says `replaces = "ALC-01"`.
