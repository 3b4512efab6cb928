"""How well pooled rates fit the counts of all authorities: coverage, residuals, what is identified, and what does not reconcile.

``python -m benchmarks.calibration`` fits the embedded counts of 2024-25 and writes ``benchmarks/results/calibration_fit.csv`` (a row a
flow), ``calibration_residuals.csv`` (counts beyond 3 sd) and ``calibration_products.csv`` (what recorded factors tell of rates by
pattern, at several priors). "Left out" is the predictive distribution from all authorities' rates without the authority's own; "own" from
its posterior, which has seen the count: not independent. ``--dispersion`` repeats the fit at other dispersions; ``--all`` projects every
authority.

``python -m benchmarks.calibration DATA_FOLDER`` also reads the DfE files of `benchmarks.service_volatility` and writes
``calibration_discrepancy.csv`` (an authority and stock a row) and ``calibration_next_year.csv``: rates fitted on one year, counts of
the next, which the fit has not seen.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd

import data_sources as src
import jsna_model as jm
from benchmarks.service_volatility import MINIMUM
from data_sources.pathway import load_pathway
from data_sources.pathway_layout import load_layout
from jsna_model.methods.calibration import (
    Counts,
    covered,
    fit,
    natural,
    posterior,
    predictive,
    prior_of,
    residuals,
)
from jsna_model.methods.discrepancy import discrepancy
from jsna_model.verbs.calibrate import BEYOND, ENDS, FLOWS, STOCKS, Flow, panel_counts, pooled
from jsna_model.verbs.pattern_rates import pattern_rates

RESULTS = Path(__file__).parent / "results"
#: Priors at which rates by pattern are fitted, the package's first: sd of the log ratio, recording over its default, sd of its log.
PRIORS = ((0.5, 1.0, 0.5), (0.3, 1.0, 0.5), (1.0, 1.0, 0.5), (0.5, 1.0, 0.25), (0.5, 0.5, 0.5), (0.5, 2.0, 0.5))
DISPERSIONS = (1.2, 1.5, 2.0, 3.0, 5.0, 10.0)
CIN = ("b1_children_in_need_2013_to_2025.csv.gz", "At31_episodes", "Started_episodes", "Ended_episodes")
CLA = tuple(
    f"Children {what} each year" for what in ("looked after on 31 March", "starting to be looked after", "ceasing to be looked after")
)
#: Flows of `FLOWS` whose earlier years the files hold.
_C1 = "c1_children_in_need_referrals_and_rereferrals_2013_to_2025.csv.gz"
YEARS = {
    "re_referrals": (_C1, "rereferral_count", "referral_count"),
    "referrals_no_further_action": (_C1, "no_further_action_count", "referral_count"),
    "initial_child_protection_conferences": ("c4_children_in_need_section_47s_and_icpcs_2013_to_2025.csv.gz", "ICPC", "Section47"),
}


def fit_table(flows: tuple[Flow, ...] = (*FLOWS, *STOCKS, *ENDS)) -> tuple[pd.DataFrame, pd.DataFrame]:
    """A row a flow, and the counts beyond 3 sd."""
    panel = src.load_services("England")
    panel = panel.isel(area=np.flatnonzero(panel["role"].values == "authority"))
    dispersion = load_layout()["entries.dispersion"].value
    fits = pooled(panel, dispersion, flows)
    rows, beyond, inside = [], [], []
    for flow in flows:
        counts, fitted = panel_counts(panel, flow), fits[flow.count]
        own = posterior(counts, fitted.scale, fitted.mu, fitted.tau, dispersion)
        out = covered(*predictive(counts, prior_of(fitted, len(counts.low)), dispersion))[counts.exact]
        seen = covered(*predictive(counts, own, dispersion))[counts.exact]
        score = residuals(counts, fitted)
        inside.append(out)
        rows.append(
            {
                "flow": flow.count,
                "of": flow.of,
                "authorities": fitted.areas,
                "suppressed": int((counts.known & ~counts.exact).sum()),
                "prior_only": int((~counts.known).sum()),
                "median_rate": round(float(natural(np.array(fitted.mu), fitted.scale)), 5),
                "tau": round(fitted.tau, 3),
                "coverage_90_left_out": round(float(out.mean()), 3),
                "coverage_90_own": round(float(seen.mean()), 3),
                "residual_sd": round(float(np.nanstd(score)), 3),
                "beyond_3_sd": int((np.abs(score) > BEYOND).sum()),
                "median_contraction": round(float(np.median(own.contraction[counts.known])), 3),
                "identified": int((own.contraction > 0.5).sum()),
            }
        )
        for i in np.flatnonzero(np.abs(score) > BEYOND):
            expected = float(counts.size[i] * natural(np.array(fitted.mu), fitted.scale))
            beyond.append(
                {
                    "flow": flow.count,
                    "area": str(panel["area"].values[i]),
                    "area_name": str(panel["area_name"].values[i]),
                    "count": counts.low[i],
                    "of": counts.size[i],
                    "at_median_rate": round(expected, 1),
                    "residual": round(float(score[i]), 2),
                }
            )
    table = pd.DataFrame(rows)
    pooled_inside = np.concatenate(inside)
    print(f"pooled over flows and authorities: {pooled_inside.mean():.4f} of {pooled_inside.size} counts inside 90%")
    return table, pd.DataFrame(beyond)


def dispersions() -> pd.DataFrame:
    """Marginal log-likelihood of every flow at other dispersions, less the greatest."""
    panel = src.load_services("England")
    rows = {d: {n: f.log_likelihood for n, f in pooled(panel, d).items()} for d in DISPERSIONS}
    table = pd.DataFrame(rows)
    return table.sub(table.max(axis=1), axis=0).round(1)


def _wide(folder: Path, name: str, column: str) -> pd.DataFrame:
    data = pd.read_csv(folder / "dfe" / name, dtype=str)
    data = data[data["geographic_level"] == "Local authority"]
    match = [c for c in data.columns if c.lower() == column.lower()] or [c for c in data.columns if c.lower().startswith(column.lower())]
    data = data.assign(value=pd.to_numeric(data[match[0]], errors="coerce"), year=data["time_period"].str[:4].astype(int))
    return data.pivot_table(index="new_la_code", columns="year", values="value")


def discrepancies(folder: Path) -> pd.DataFrame:
    """Opening + starts - ends against closing of every authority of 2025, by stock."""
    areas = src.load_services("England")
    names = dict(zip(areas["area"].values.tolist(), areas["area_name"].values.tolist(), strict=True))
    codes = [c for c, r in zip(areas["area"].values.tolist(), areas["role"].values, strict=True) if r == "authority"]
    sets = {"child_in_need": tuple(_wide(folder, CIN[0], c) for c in CIN[1:])}
    cla = pd.read_csv(folder / "dfe" / "cla_number_and_rate_per_10k_children.csv.gz", dtype=str)
    cla = cla[cla["geographic_level"] == "Local authority"]
    cla = cla.assign(value=pd.to_numeric(cla["children_count"], errors="coerce"), year=cla["time_period"].str[:4].astype(int))
    sets["looked_after"] = tuple(
        cla[cla["population_type"] == c].pivot_table(index="new_la_code", columns="year", values="value") for c in CLA
    )
    rows = []
    for stock, (at, starts, ends) in sets.items():
        years = [y for y in at.columns if y - 1 in at.columns and y in starts.columns and y in ends.columns]
        take = [
            t.reindex(index=codes, columns=y).to_numpy(float)
            for t, y in ((at, [y - 1 for y in years]), (starts, years), (ends, years), (at, years))
        ]
        # A gap of five children is noise where the stock is ten.
        take[0] = np.where(take[0] < MINIMUM, np.nan, take[0])
        found = discrepancy(*take)
        latest = found.share[:, -1]
        print(
            f"{stock} {years[0]}-{years[-1]}: median |share| {np.nanmedian(np.abs(found.share)):.3f}, lasting: mean {found.centre:.3f}, "
            f"sd between authorities {found.between:.3f}, within {found.within:.3f}"
        )
        for i, code in enumerate(codes):
            n = int(np.isfinite(found.share[i]).sum())
            rows.append(
                {
                    "stock": stock,
                    "area": code,
                    "area_name": names[code],
                    "years": n,
                    "latest_share": round(float(latest[i]), 4) if np.isfinite(latest[i]) else "",
                    "lasting_share": round(float(found.mean[i]), 4),
                    "lasting_sd": round(float(found.sd[i]), 4),
                    "note": "" if n else "no two years under this code, or under 50 children: that of all",
                }
            )
    return pd.DataFrame(rows)


def next_year(folder: Path) -> pd.DataFrame:
    """Coverage of the next year's counts by rates fitted on a year, the denominators of the next year being known."""
    rows = []
    dispersion = load_layout()["entries.dispersion"].value
    for flow, (name, count, of) in YEARS.items():
        y, n = _wide(folder, name, count), _wide(folder, name, of)
        for year in (2018, 2022, 2023, 2024):
            index = y.index.intersection(n.index)

            def counts(t: int, y: pd.DataFrame = y, n: pd.DataFrame = n, index: pd.Index = index) -> Counts:
                v, size = y.loc[index, t].to_numpy(float), n.loc[index, t].to_numpy(float)
                v = np.where(v > size, np.nan, v)
                return Counts(v, v, np.where(size > 0, size, np.nan))

            now, later = counts(year), counts(year + 1)
            fitted = fit(now, "logit", dispersion)
            own = posterior(now, "logit", fitted.mu, fitted.tau, dispersion)
            hit = {
                k: covered(*predictive(later, p, dispersion))[later.exact].mean()
                for k, p in (("own", own), ("pool", prior_of(fitted, len(index))))
            }
            rows.append(
                {
                    "flow": flow,
                    "fitted_on": year,
                    "authorities": int(later.exact.sum()),
                    **{f"coverage_90_{k}": round(float(v), 3) for k, v in hit.items()},
                }
            )
    return pd.DataFrame(rows)


def identified(priors: Sequence[tuple[float, float, float]] = PRIORS) -> pd.DataFrame:
    """What recorded factors of all authorities tell of rates by pattern: a row a set, prior and risk.

    The fit is the same for every authority; that of Rutland is taken, which is quickly estimated.

    Parameters
    ----------
    priors : sequence of (sd of the log ratio, recording over its default, sd of its log)
    """
    rows = []
    for name in ("higher_harm", "wider_exposure"):
        evidence = (*src.load_evidence_set(name), *src.default_evidence())
        now = jm.estimate(src.load_population("Rutland"), evidence, src.load_overlap(name), draws=400)
        pathway = load_pathway("Rutland", layout="early_help_and_cin")
        for sd, times, recording_sd in priors:
            given = {"need.rate_ratio": replace(pathway.layout["need.rate_ratio"], sd=sd)}
            given |= {
                n: replace(p, value=p.value * times, sd=recording_sd) for n, p in pathway.layout.items() if n.startswith("recording.")
            }
            found = pattern_rates(now, replace(pathway, layout={**pathway.layout, **given}), "any_risk", []).learned
            for risk, told in found["risks"].items():
                row = {"set": name, "risk": risk, "factors": " ".join(told["factors"]), "spread_recording": told["spread"]}
                row |= {"prior_sd_ratio": sd, "prior_recording_times": times, "prior_sd_recording": recording_sd}
                for what in ("ratio", "recording", "product"):
                    middle, low, high = told[what]["posterior"]
                    row |= {what: middle, f"{what}_lower": low, f"{what}_upper": high, f"contraction_{what}": told[what]["contraction"]}
                rows.append(row | {"contraction_interactions": 0.0})
    return pd.DataFrame(rows).round(3)


def every_authority(draws: int = 40, years: int = 3) -> None:
    """Project all authorities on the posterior of their rates, and say how many ran, how long it took, and what was named."""
    evidence = (*src.load_evidence_set("higher_harm"), *src.default_evidence())
    now = jm.estimate(src.load_population("England"), evidence, src.load_overlap("higher_harm"), draws=draws)
    pathway, start = load_pathway("England", layout="early_help_and_cin"), time.perf_counter()
    done = jm.project(now, src.load_projection("England"), pathway, years=years)
    flow, states = done.node("demand/flows")["flow"], done.node("demand/states")
    gap = states["opening"] + states["entries"] - states["exits"] - states["closing"]
    size = np.maximum(states["opening"] + states["entries"], 1)
    notes = done.provenance["pathway"]["layout"]["notes"]
    print(
        f"{flow.sizes['area']} authorities, {draws} draws, {years} years: {time.perf_counter() - start:.0f} s; all finite: "
        f"{bool(np.isfinite(flow).all())}; conservation {float(np.abs(gap / size).max()):.1e}; {len(notes)} authorities with notes"
    )
    for area in ("E09000001", "E06000053"):
        print(area, *notes[area], sep="\n  ")


if __name__ == "__main__":
    if "--all" in sys.argv[1:]:
        every_authority()
        sys.exit()
    table, beyond = fit_table()
    table.to_csv(RESULTS / "calibration_fit.csv", index=False)
    beyond.to_csv(RESULTS / "calibration_residuals.csv", index=False)
    products = identified()
    products.to_csv(RESULTS / "calibration_products.csv", index=False)
    print(products.to_string(index=False))
    print(table.to_string(index=False), beyond.to_string(index=False), sep="\n")
    if "--dispersion" in sys.argv[1:]:
        print(dispersions().to_string())
    for given in (Path(a) for a in sys.argv[1:] if not a.startswith("--")):
        found = discrepancies(given)
        found.to_csv(RESULTS / "calibration_discrepancy.csv", index=False)
        # Carried over by hand to data_sources/figures/stock_discrepancy.csv, then `benchmarks.build_frame.stamp`.
        later = next_year(given)
        later.to_csv(RESULTS / "calibration_next_year.csv", index=False)
        print(later.to_string(index=False))
