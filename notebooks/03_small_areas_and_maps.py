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
# # Which parts of our area, how sure are we, and what would make us surer?
#
# Offline, on the figures that the package ships. Every number is *estimated*: modelled, not counted.

# %%
from dataclasses import replace
from pathlib import Path
from tempfile import mkdtemp

import numpy as np
import pandas as pd

import data_sources as src
import jsna_model as jm
import reports
from jsna_model.direct import Direct
from jsna_model.verbs.tidy import tidy, tidy_groups

population = src.load_population("Milton Keynes")
evidence = src.load_evidence_set("higher_harm")
overlap = src.load_overlap("higher_harm")
now = jm.estimate(population, evidence, overlap, draws=1000, seed=2026)

# %% [markdown]
# ## Which parts?
# Wards, in order of name: differences between them mostly show deprivation, which the model assumes, so they are not ranked.

# %%
wards = now.summary("any_risk", level="ward", rate=True)
wards.head()

# %%
reports.plot_map(now, "any_risk")

# %% [markdown]
# ## How sure are we, and why not more?
# The interval of the authority is not averaged away over its 166 LSOAs: most of it is what is not known about the national figures and
# about the authority itself, and both are shared by all its LSOAs.

# %%
whole = now.summary("any_risk", level="authority").iloc[0]
print(f"Milton Keynes: about {whole.value:,.0f} children, likely between {whole.lower:,.0f} and {whole.upper:,.0f}")
why = now.explain("any_risk", draws=200)
print(why.attrs["text"])
why[["source", "share", "sentence"]]

# %% [markdown]
# ## What would make us surer?
# A survey or audit of one's own. This one is synthetic: it says that 14% of children in Milton Keynes live with severe parental
# mental-health symptoms, give or take one and a half percentage points.

# %%
risk = evidence[1].risk
survey = Direct("E06000042", risk, 0.14, 0.125, 0.156, 0.95, "SYNTHETIC school survey, for this notebook")
with_survey = jm.estimate(population, evidence, overlap, draws=1000, seed=2026, local=[survey])
for name, result in (("model alone", now), ("with the synthetic survey", with_survey)):
    row = result.summary(risk, level="authority").iloc[0]
    print(f"{name}: {row.value:,.0f} ({row.lower:,.0f} to {row.upper:,.0f})")
print(with_survey.provenance["local"][0]["weight"])

# %% [markdown]
# ## What hangs on the overlap?
# The published shares with two or more, and with all three, against independence and the two extremes.

# %%
kinds = ("least", "independent", "published", "most")
found = [jm.estimate(population, evidence, src.load_overlap("higher_harm", kind=k), draws=200) for k in kinds]
pd.DataFrame(
    {m: [f"{float(r.draws(m, level='authority').mean()):,.0f}" for r in found] for m in ("any_risk", "two_or_more", "all_three")},
    index=kinds,
)

# %% [markdown]
# ## Other age bands, and girls and boys
# The draws of the DfE bands are shared out by the authority's single years, then summarised.

# %%
shares = src.age_sex_shares("Milton Keynes", ["0-4", "5-10", "11-15", "16-17"], by_sex=True)
table = tidy_groups(now, "authority", shares)
table[table["measure"] == "any_risk"]

# %% [markdown]
# ## Another covariate
# Evidence may vary with more than deprivation: any number of covariates, with the covariance of their coefficients. These coefficients are
# made up, to show how: half of the deprivation gradient is taken to be social renting.


# %%
def by_renting(e):
    v = e.variation
    variance = v.gradient_sd**2
    covariance = ((variance, -variance / 4), (-variance / 4, variance / 2))
    return e.with_(
        variation=replace(v, gradient=v.gradient / 2, covariates=(("social_rented_share", v.gradient / 2),), covariance=covariance)
    )


wider = src.load_population("Milton Keynes", covariates=["social_rented_share"])
renting = jm.estimate(wider, [by_renting(e) for e in evidence], overlap, draws=200)
both = np.corrcoef(now.summary("any_risk")["value"], renting.summary("any_risk")["value"])[0, 1]
print(f"LSOA estimates with and without renting correlate at {both:.3f}; frame: {wider.frame.version}")

# %% [markdown]
# ## The answer as a file
# A tidy row an area, age band and measure; `jsna estimate --area "Milton Keynes" --level ward --out children.csv` writes the same.

# %%
folder = Path(mkdtemp())
tidy(now, "ward").to_csv(folder / "children.csv", index=False, encoding="utf-8-sig")
print(pd.read_csv(folder / "children.csv").head(3).to_string())
