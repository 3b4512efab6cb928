"""View: what the report reads from a Result, by name, for one authority (and a district of it where one was asked for)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from jsna_model.conventions import risks_of
from jsna_model.errors import InputError
from jsna_model.result import Result
from reports import words
from reports.own_counts import hide_fitted, protect, protect_known, shown_bounds, small_placements
from reports.suppression import UnprotectableError

if TYPE_CHECKING:
    import xarray as xr

LEVEL_NAMES = {
    "lsoa": ("LSOA", "LSOAs"),
    "msoa": ("MSOA", "MSOAs"),
    "ward": ("ward", "wards"),
    "locality": ("locality", "localities"),
    "district": ("district", "districts"),
    "authority": ("authority", "authorities"),
    "region": ("region", "regions"),
    "england": ("England", "England"),
}
#: Nodes of the tree that the report reads as one.
_PARTS = {"demand/services": ("demand/flows", "demand/caseload"), "decision": ("decision/outcomes", "decision/costs")}
BAND_NAMES = {"under_1": "Under 1", "1_4": "1 to 4", "5_9": "5 to 9", "10_15": "10 to 15", "16_17": "16 to 17"}


@dataclass(frozen=True)
class Interval:
    """Expected value and limits of a quantity; each is a float or an array of one shape.

    `hidden` marks estimates that were fitted to small counts, and are suppressed as those are; their numbers are NaN.
    """

    value: Any
    lower: Any
    upper: Any
    hidden: Any = False

    @property
    def relative_width(self) -> Any:
        """Width over value; infinite where the value is zero."""
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.where(np.asarray(self.value) == 0, np.inf, (np.asarray(self.upper) - self.lower) / np.asarray(self.value))

    def __getitem__(self, index: Any) -> Interval:
        hidden = self.hidden if np.ndim(self.hidden) == 0 else self.hidden[index]
        return Interval(self.value[index], self.lower[index], self.upper[index], hidden)

    def __truediv__(self, other: Any) -> Interval:
        return Interval(self.value / other, self.lower / other, self.upper / other, self.hidden)


def interval(draws: NDArray[np.float64], level: float = 0.95) -> Interval:
    """Mean and equal-tailed limits over the last axis (draws are added first: law 6)."""
    tail = (1 - level) / 2
    lower, upper = np.quantile(draws, [tail, 1 - tail], axis=-1)
    return Interval(np.asarray(draws).mean(-1), lower, upper)


def construct_words(evidence: Mapping[str, Any]) -> str:
    """Construct of an evidence row in words."""
    c = evidence.get("construct")
    if not isinstance(c, dict):
        return str(c or "not stated")
    parts = (c.get(k) for k in ("instrument", "window", "whose", "informant"))
    return f"{c.get('threshold', '')} ({'; '.join(str(p) for p in parts if p)})"


@dataclass(frozen=True)
class View:
    """A result seen from one authority.

    Parameters
    ----------
    result : jsna_model.Result
    code : str
        Code of the authority.
    """

    result: Result
    code: str

    @classmethod
    def of(cls, result: Result) -> View:
        """The view that the result's focus asks for: an authority, or the one that a district belongs to."""
        if "authority" not in result.levels:
            raise InputError("The result has no whole authority to report. Run estimate() on every area of an authority.")
        codes = [str(c) for c in result.data["need/authority"].ds["area"].values]
        focus = str(result.provenance.get("focus") or "")
        if focus in codes:
            return cls(result, focus)
        for level in ("district", "locality", "ward"):
            if focus and level in result.levels:
                node = result.node(f"need/{level}")
                found = np.flatnonzero(node["area"].values == focus)
                if found.size and str(node["authority"].values[found[0]]) in codes:
                    return cls(result, str(node["authority"].values[found[0]]))
        if len(codes) > 1:
            raise InputError(
                f"The result holds {len(codes)} authorities, and a report is of one. Run each authority by name, or use jsna estimate for a table."
            )
        return cls(result, codes[0])

    # -- names -------------------------------------------------------------------------------------------------------

    @property
    def provenance(self) -> dict[str, Any]:
        """Provenance of the result."""
        return dict(self.result.provenance)

    @cached_property
    def name(self) -> str:
        """Name of the authority."""
        return str(self._authority["area_name"].values)

    @cached_property
    def district(self) -> tuple[str, str] | None:
        """Code and name of the district that was asked for, if one was."""
        focus = str(self.provenance.get("focus") or "")
        if not focus or focus == self.code or "district" not in self.result.levels:
            return None
        node = self.node("district")
        found = np.flatnonzero(node["area"].values == focus)
        return (focus, str(node["area_name"].values[found[0]])) if found.size else None

    @property
    def title_name(self) -> str:
        """Name for titles: the district's with its authority's, or the authority's."""
        return f"{self.district[1]} ({self.name})" if self.district else self.name

    @cached_property
    def evidence(self) -> dict[str, dict[str, Any]]:
        """Evidence rows by risk, in the order of the risks of the result."""
        rows = {str(e["risk"]): dict(e) for e in self.provenance.get("evidence", ())}
        return {risk: rows.get(risk, {"risk": risk, "label": words.upper_first(risk.replace("_", " "))}) for risk in self.result.risks}

    @cached_property
    def members(self) -> list[str]:
        """Risks of the coherent set, in registered order."""
        if not self.patterns:
            return []
        order = [risk for risk in self.result.risks if any(risk in risks_of(p) for p in self.patterns)]
        return order

    @cached_property
    def alone(self) -> list[str]:
        """Risks that stand alone: never added or overlapped."""
        return [risk for risk in self.result.risks if risk not in self.members]

    @cached_property
    def patterns(self) -> list[str]:
        """Patterns of the set, in index order; empty where each risk stands alone."""
        root = self.result.data["need"].ds
        return [str(p) for p in root["pattern"].values] if "pattern" in root.coords else []

    def label(self, risk: str) -> str:
        """Plain-English name of a risk."""
        return str(self.evidence[risk]["label"])

    def measure_label(self, measure: str) -> str:
        """Plain-English name of a measure."""
        names = {
            "any_risk": "At least one of the three risks",
            "exactly_one": "Exactly one of the three",
            "two_or_more": "Two or more of the three",
            "all_three": "All three",
        }
        return names.get(measure) or self.label(measure)

    @property
    def set_label(self) -> str:
        """The set in words, e.g. "higher harm"."""
        return str(self.provenance.get("set") or "").replace("_", " ") or "chosen"

    @property
    def any_phrase(self) -> str:
        """What "any of the set" means: "at least one of a, b or c"."""
        return f"at least one of: {words.listed([words.lower_first(self.label(m)) for m in self.members], 'or')}"

    @property
    def need_source(self) -> str:
        """Source line of modelled need."""
        population = self.provenance.get("population", {}).get("source", "")
        return (
            f"modelled by jsna_model from published evidence and {population}"
            if population
            else "modelled by jsna_model from published evidence"
        )

    @property
    def projection_source(self) -> str:
        """Source line of projected children."""
        found = str(self.provenance.get("projection", {}).get("source", ""))
        return words.upper_first(found) or "ONS 2018-based subnational projections rebased by cohort to mid-2024"

    @property
    def projection_notes(self) -> tuple[str, ...]:
        """Which variant was used where there were several, and what was assumed."""
        p = self.provenance.get("projection", {})
        name, others = str(p.get("variant", "")), [str(v) for v in p.get("variants", ())]
        several = len(others) > 1
        chosen = f"Projection variant: {_spaced(name)}; its file also has {words.listed([_spaced(v) for v in others if v != name])}."
        assumed = str(p.get("assumption", ""))
        return (*((chosen,) if several else ()), *((f"How children are projected: {words.lower_first(assumed)}.",) if assumed else ()))

    def construct(self, risk: str) -> str:
        """Construct of a risk in words."""
        return construct_words(self.evidence[risk])

    @property
    def set_construct(self) -> str:
        """Construct of the set in words."""
        return (
            f"{self.set_label} set: {words.listed([words.lower_first(self.label(m)) for m in self.members], 'or')}, in one survey analysis"
        )

    # -- need of the authority ---------------------------------------------------------------------------------------

    @cached_property
    def _authority(self) -> xr.Dataset:
        return self.result.data["need/authority"].ds.sel(area=self.code)

    @cached_property
    def children(self) -> float:
        """Children of the authority."""
        return float(self._authority["children"].sum("age_band", skipna=False))

    @cached_property
    def bands(self) -> list[str]:
        """Age bands."""
        return [str(b) for b in self._authority["age_band"].values]

    @cached_property
    def children_by_band(self) -> NDArray[np.float64]:
        """Children of the authority by age band."""
        return self._authority["children"].transpose("age_band").values

    def draws(self, measure: str, by_age: bool = False) -> NDArray[np.float64]:
        """Draws of a measure in the authority, shape (draw,) or (age_band, draw)."""
        draws = self.result.draws(measure, "authority", by=("age_band",)).sel(area=self.code)
        values: NDArray[np.float64] = draws.transpose("age_band", "draw").values
        return values if by_age else values.sum(0)

    def need(self, measure: str) -> Interval:
        """A measure in the authority, in children."""
        return interval(self.draws(measure))

    def need_by_age(self, measure: str) -> Interval:
        """A measure in the authority by age band, in children."""
        return interval(self.draws(measure, by_age=True))

    def need_by_pattern(self) -> Interval:
        """Children of the authority by pattern."""
        return interval(self._authority["children_by_pattern"].transpose("pattern", "age_band", "draw").values.sum(1))

    # -- small areas -------------------------------------------------------------------------------------------------

    def node(self, level: str, within_district: bool = False) -> xr.Dataset:
        """Summaries of a finer level, of this authority only, in name order."""
        node = self.result.node(f"need/{level}")
        keep = node["authority"].values == self.code if "authority" in node.coords else np.ones(node.sizes["area"], dtype=bool)
        if within_district and self.district:
            keep &= node["district"].values == self.district[0] if "district" in node.coords else False
        node = hide_fitted(node.isel(area=np.flatnonzero(keep)), self.provenance.get("local") or ())
        return node.isel(area=np.lexsort((node["area"].values, np.array([_natural(n) for n in node["area_name"].values]))))

    def has(self, level: str) -> bool:
        """Whether summaries of a level are there for this authority."""
        return level in self.result.levels and self.node(level).sizes["area"] > 0

    @property
    def small_levels(self) -> Sequence[str]:
        """Levels below the authority that may be published, finest last."""
        return tuple(level for level in ("district", "locality", "ward", "msoa") if self.has(level))

    def map_level(self) -> str | None:
        """Level of the public map: ward, or MSOA where there are few wards."""
        sizes = {level: self.node(level).sizes["area"] for level in ("ward", "msoa") if self.has(level)}
        if not sizes:
            return None
        return "msoa" if sizes.get("ward", 0) < 8 and sizes.get("msoa", 0) > sizes.get("ward", 0) else "ward"

    # -- demand and decision -----------------------------------------------------------------------------------------

    def group(self, path: str) -> xr.Dataset | None:
        """A group of the tree as a dataset of this authority; None where the result does not have it."""
        import xarray as xr

        there = [p for p in _PARTS.get(path, (path,)) if p in self.result.nodes(path.split("/")[0])]
        if not there:
            return None
        # Flows and stocks count different services: what one does not have is absent from the other, not zero.
        node = xr.merge([self.result.node(p) for p in there], join="outer", compat="no_conflicts", combine_attrs="drop_conflicts")
        if not node.data_vars:
            return None
        if path == "demand/observed" and not self.published_counts:
            return self._own_counts(node)[0]
        if path != "demand/observed" and "area" in node.dims:
            if self.code not in node["area"].values:
                return None
            node = node.sel(area=self.code)
        return node

    def _own_counts(self, node: xr.Dataset) -> tuple[xr.Dataset | None, str]:
        """The user's own service counts as they may be shown, or none and why."""
        if "_own" not in self.__dict__:
            services, official = self.group("demand/services"), self.provenance.get("official") or {}
            shown = shown_bounds(services, self.comparator) if services is not None else {}
            try:
                self.__dict__["_own"] = (protect(node, self.code, official, shown), "")
            except UnprotectableError as error:
                self.__dict__["_own"] = (None, str(error))
        found: tuple[xr.Dataset | None, str] = self.__dict__["_own"]
        return found

    @cached_property
    def known(self) -> tuple[list[dict[str, Any]], list[str]]:
        """Records of what services record as they may be shown, and those that may not, with why."""
        return protect_known(self.provenance.get("known") or ())

    @property
    def placements(self) -> dict[str, Any] | None:
        """The study's shares of placements as provenance has them; None where it gives none."""
        return self.provenance.get("pathway", {}).get("placements")

    @cached_property
    def hidden_placements(self) -> frozenset[str] | None:
        """Placements whose unpublished shares are suppressed; None where no share may be shown."""
        from reports.placement_tables import stock

        given = self.placements
        if given is None or given["published"]:
            return frozenset()
        try:
            return small_placements(given["shares"], stock(self))
        except UnprotectableError:
            return None

    @property
    def withheld(self) -> str:
        """Why the user's own service counts are left out; empty where they are not."""
        if self.published_counts or "demand/observed" not in self.result.nodes("demand"):
            return ""
        return self._own_counts(self.result.node("demand/observed"))[1]

    @property
    def published_counts(self) -> bool:
        """Whether service counts are published ones, and not the user's own."""
        return bool(self.provenance.get("pathway", {}).get("published", True))

    @property
    def comparator(self) -> str:
        """Name of the scenario that others are compared with."""
        decision = self.group("decision")
        from_decision = decision.attrs.get("comparator") if decision is not None else None
        return str(from_decision or self.provenance.get("comparator") or "baseline")

    def scenario_title(self, name: str) -> str:
        """Title of a scenario."""
        for scenario in self.provenance.get("scenarios", ()):
            if scenario.get("name") == name:
                return str(scenario.get("title") or words.upper_first(name.replace("_", " ")))
        return words.upper_first(name.replace("_", " "))

    def is_stress_test(self, name: str) -> bool:
        """Whether a scenario is a test that the user asked for, not a proposal."""
        return any(bool(s.get("stress_test")) for s in self.provenance.get("scenarios", ()) if s.get("name") == name)

    @property
    def early_help_supplied(self) -> bool:
        """Whether the authority's own volume of early help was given."""
        return bool(self.provenance.get("pathway", {}).get("early_help_supplied", False))

    @property
    def layout(self) -> str:
        """Layout of the pathway that services were projected with; empty where none was."""
        return str(self.provenance.get("pathway", {}).get("layout", {}).get("layout", ""))

    @property
    def rates_fitted(self) -> bool:
        """Whether rates of contact by risk were fitted to recorded factors (`jsna_model.verbs.pattern_rates`)."""
        return bool(self.provenance.get("pathway", {}).get("layout", {}).get("rates_by_pattern", {}).get("fitted"))

    @property
    def base_year(self) -> str:
        """Financial year of the published counts."""
        return str(self.provenance.get("pathway", {}).get("base_year") or "2024-25")


def _natural(name: str) -> str:
    """Sorting key of a name in which numbers sort as numbers."""
    import re

    return re.sub(r"\d+", lambda m: m[0].zfill(6), str(name)).lower()


def _spaced(name: str) -> str:
    return name.replace("_", " ")
