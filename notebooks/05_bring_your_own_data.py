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
# # We hold counts and a survey of our own: what do they change, and what of them may we publish?
#
# A council has what national figures lack: a survey, a register, counts by ward, hub areas. This notebook brings four of them to Milton
# Keynes and reads the answer off. **All of the council's data below are synthetic**: made up here, by a seeded generator, and no count of
# any child. Offline, on the figures that the package ships.

# %%
from pathlib import Path
from tempfile import mkdtemp

import numpy as np
import pandas as pd

import data_sources as src
import jsna_model as jm
import reports
from jsna_model.errors import InputError
from reports.content import build

folder = Path(mkdtemp())
rng = np.random.default_rng(2026)
AREA, DRAWS = "Milton Keynes", 400
population = src.load_population(AREA)
wards = sorted({*population.data["ward"].values.astype(str)})

# %% [markdown]
# ## 1. What we bring
# Each is a small CSV with the columns that the documentation of its loader names. What is wrong in a file is said all at once, with row
# and column. Here is a survey whose shares were typed as percentages:

# %%
survey = folder / "survey.csv"
survey.write_text(
    "area_code,risk,value,lower,upper,level,source\nE06000042,severe_mental_health_symptoms,14,12.5,15.6,0.95,SYNTHETIC school survey\n",
    encoding="utf-8",
)
try:
    src.load_direct(survey)
except InputError as error:
    print(error)

# %% [markdown]
# Put right: 14% of children, between 12.5% and 15.6%.

# %%
survey.write_text(
    "area_code,risk,value,lower,upper,level,source\n"
    "E06000042,severe_mental_health_symptoms,0.14,0.125,0.156,0.95,SYNTHETIC school survey\n",
    encoding="utf-8",
)
counts = folder / "local_counts.csv"
by_ward = pd.DataFrame({"area_code": wards, "count": rng.poisson(6, len(wards))})
whole = pd.DataFrame({"area_code": [""], "count": [by_ward["count"].sum()]})
marac = pd.concat([whole, by_ward]).assign(measure="marac_children", period="2024-25", source="SYNTHETIC Marac", policy="dfe_cin")
marac.to_csv(counts, index=False, encoding="utf-8")
hubs = folder / "hubs.csv"
codes = population.data["area"].values.astype(str)
north = population.data["northing"].values > np.median(population.data["northing"].values)
pd.DataFrame({"lsoa21_code": codes, "locality": np.where(north, "North hub (synthetic)", "South hub (synthetic)")}).to_csv(
    hubs, index=False
)
text = folder / "text"
text.mkdir()
(text / "views_of_children.md").write_text("SYNTHETIC. Twelve young carers asked to be told what happens next.\n", encoding="utf-8")
marac.head()

# %% [markdown]
# ## 2. One study that names them all
# `jsna check study.toml` says whether it is sound, and `jsna run study.toml --out out/` does in one line what the next cells do step by
# step. The same study can be an Excel form: `jsna form`.

# %%
study = jm.Study.of(
    {
        "area": AREA,
        "draws": DRAWS,
        "direct": str(survey),
        "local_counts": str(counts),
        "footprint": str(hubs),
        "text": str(text),
        "early_help": {"families_per_year": 900.0, "unit_cost": 2100.0},
    }
)
nouns = src.resolve(study)
now = jm.estimate(nouns.population, nouns.evidence, nouns.overlap, draws=DRAWS, local=nouns.direct)
alone = jm.estimate(nouns.population, nouns.evidence, nouns.overlap, draws=DRAWS)

# %% [markdown]
# ## 3. What does the survey change?
# It is combined with the model by their precision, never written over it. Other risks keep their draws; what follows from the risk moves.

# %%
RISK = "severe_mental_health_symptoms"
rows = []
for name, result in (("model alone", alone), ("with the survey", now)):
    for measure in (RISK, "any_risk"):
        x = result.summary(measure, level="authority").iloc[0]
        rows.append((measure, name, round(x.value, -2), round(x.lower, -2), round(x.upper, -2), round((x.upper - x.lower) / x.value, 2)))
weight = now.provenance["local"][0]["weight"]
print(f"weight of the survey: {weight:.2f} of 1")
pd.DataFrame(rows, columns=["measure", "estimate", "children", "lower", "upper", "width over estimate"])

# %% [markdown]
# ## 4. What does each hub expect?
# Hubs are areas like any other: draws are added first, then summarised.

# %%
now.summary("any_risk", level="locality")[["area_name", "value", "lower", "upper"]].round(-1)

# %% [markdown]
# ## 5. What of our counts may we publish?
# The Marac counts are ours and unpublished. Counts of 1 to 5 are suppressed by the policy that the file names, with the fewest others for
# which none can be worked out from the total. A count is set beside the estimate, and neither is divided by the other.

# %%
now = now.with_provenance(area_name=nouns.area_name, known=[c.record() for c in nouns.local], **src.chapter_material(AREA))
report = build(now, study, text=src.load_text(text))
known = report.table("known")
ours = known.rows[known.rows["Source"].str.startswith("SYNTHETIC")][["Area", "Recorded"]]
small = int(by_ward["count"].between(1, 5).sum())
hidden = int((ours["Recorded"] == "[c]").sum())
print(f"{small} wards have 1 to 5; {hidden} are suppressed")
ours

# %% [markdown]
# ## 6. A report with all of it, and files for other tools
# Local text is in its slot; what was not supplied is listed as a gap. A page that is not approved says DRAFT.

# %%
made = reports.write(now, folder / "out", formats=("html", "csv"), study=study, text=src.load_text(text))
print([p.name for p in made])
pd.read_csv(folder / "out" / "csv" / "known.csv", encoding="utf-8-sig")[["Area", "Recorded", "Recorded: shorthand"]].tail(4)

# %% [markdown]
# ## The answer

# %%
before, after = (r.summary(RISK, level="authority").iloc[0] for r in (alone, now))
narrower = 1 - (after.upper - after.lower) / (before.upper - before.lower)
print(
    f"With the synthetic survey, children with a severely symptomatic parent go from about {round(before.value, -2):,.0f} to about "
    f"{round(after.value, -2):,.0f}, and the interval is {narrower:.0%} narrower. Of {len(wards)} ward counts, {len(wards) - hidden} may "
    f"be published; {small} are small and {hidden - small} more are hidden so that they cannot be worked out. What the model does not know "
    "of the wards, the counts do not tell it."
)
