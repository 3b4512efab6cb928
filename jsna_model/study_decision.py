"""The part of a study that says how scenarios are compared, and what its tables must agree on between them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from difflib import SequenceMatcher
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StrictBool

from jsna_model import placements
from jsna_model.layout import DEFAULT_LAYOUT
from jsna_model.scenario import month_index

#: Financial year of the published counts: the first projected year follows it.
BASE_YEAR = "2024-25"
#: Ready scenarios of a study that names none.
READY = ("early_help_reach", "follow_up")
Key = tuple[str | int, ...]
_ROUNDING = 1e-12
#: Share of the letters of two names, in order, above which one is taken for a slip of the other.
_ALIKE = 0.85


def _year(label: str) -> str:
    """A financial year whose two parts follow one another."""
    if label and int(label[5:]) != (int(label[:4]) + 1) % 100:
        raise ValueError(f"write a financial year as {label[:4]}-{(int(label[:4]) + 1) % 100:02d}")
    return label


FinancialYear = Annotated[str, Field(pattern=r"^\d{4}-\d{2}$"), AfterValidator(_year)]
#: Name of a unit cost: a count, one of those with a published average, or the user's own with ``of``.
Costed = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")]
Share = Annotated[float, Field(ge=0, le=1)]
Uplift = Annotated[float, Field(ge=0, lt=float("inf"))]
Threshold = Annotated[float, Field(ge=0, lt=float("inf"))]


class OwnCost(BaseModel):
    """A unit cost of the user's own, with its price year and where it is from: in place of a published average, or beside it.

    `of` is the count that it is spent on (a service, a placement, ``assessments`` or ``families_helped``) where the cost does not bear its
    name. On a stock, or a placement of the study, it is pounds a week; with `times`, pounds each, so often a child-year. On a flow it is
    pounds each, once or `times`. On a scenario, by its name, it is pounds a year for which the scenario is in force, as far as its ramp
    has come.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    amount: float = Field(ge=0, lt=float("inf"))
    price_year: FinancialYear
    source: str = Field(min_length=1)
    agency: str = Field("local authority", min_length=1)
    of: str = ""
    times: float | None = Field(None, gt=0, lt=float("inf"))


class Decision(BaseModel):
    """How scenarios are compared; nothing that a user must judge has a default.

    Parameters
    ----------
    comparator : str
        Scenario that the others are compared with.
    discount : str or float
        Key of a discount schedule (`data_sources.discount_schedules`), or a real rate a year such as 0.035; empty for none.
    discount_base, price_year : str
        Financial years; the first of the horizon, and that of the unit costs, where empty.
    effect : str
        What is gained: a service, of which fewer is better, or ``families_helped``.
    thresholds : tuple of float
        Pounds that one unit of it is worth.
    optimism_bias, cashable : mapping of str to float
        By service: uplift of its unit cost; share of the average cost that goes when one fewer child needs it.
    fixed, cost_uncertainty : mapping of str to float
        By service: share of the average cost that stays however many need it; standard deviation of the unit cost as a share of it.
    information, waterfall, sources : bool
        Whether to value what could be found out, to split the change over the horizon into its factors, and to share out the variance of
        effect, cost and net benefit among what is not known.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    comparator: str = Field("baseline", min_length=1)
    discount: str | float = ""
    discount_base: Literal[""] | FinancialYear = ""
    price_year: Literal[""] | FinancialYear = ""
    effect: str = ""
    thresholds: tuple[Threshold, ...] = ()
    optimism_bias: dict[Costed, Uplift] = Field(default_factory=dict)
    cashable: dict[Costed, Share] = Field(default_factory=dict)
    fixed: dict[Costed, Share] = Field(default_factory=dict)
    cost_uncertainty: dict[Costed, Uplift] = Field(default_factory=dict)
    information: StrictBool = False
    sources: StrictBool = False
    waterfall: StrictBool = False


def contradictions(values: Mapping[str, Any]) -> Iterator[tuple[Key, str, str]]:
    """What single keys cannot show: where (as a path of keys), what was found and what to do.

    Parameters
    ----------
    values : mapping
        The study as written; parts of the wrong kind are left to the check of single keys.
    """
    yield from _scenarios(values)
    yield from _layout(values)
    yield from _decision(values, _table(values, "decision"))
    yield from _costs(values)
    yield from placements.contradictions(_table(values, "placements"))


def _scenarios(values: Mapping[str, Any]) -> Iterator[tuple[Key, str, str]]:
    """Names given twice, and changes that start after the horizon ends."""
    ready, own = _listed(values.get("ready", READY)), _tables(values.get("scenario"))
    seen = Counter([*ready, "baseline"])
    for i, name in enumerate(ready):
        if name in ready[:i]:
            yield ("ready",), f"the ready scenario {name!r} is named twice", "name it once"
    for i, entry in enumerate(own):
        called = str(entry.get("name"))
        if seen[called]:
            found = "the baseline is there already" if called == "baseline" else f"two scenarios are called {called!r}"
            yield ("scenario", i, "name"), found, "give each its own name"
        seen[called] += 1
    years = values.get("years", 11)
    if not isinstance(years, int) or isinstance(years, bool):
        return
    last = f"{int(BASE_YEAR[:4]) + 1 + years}-03"
    first = f"{int(BASE_YEAR[:4]) + 1}-04"
    starts: list[tuple[Key, Any]] = [(("start",), values.get("start"))] if "start" in values and ready else []
    starts += [
        (("scenario", i, "change", j, "start"), c.get("start")) for i, e in enumerate(own) for j, c in enumerate(_tables(e.get("change")))
    ]
    for place, start in starts:
        if _month(start) > _month(last):
            yield place, f"it starts in {start}, after the horizon ends in {last}", "start it earlier, or project more years"
        elif 0 < _month(start) < _month(first):
            fix = f"start it then or later: the counts of {BASE_YEAR} hold what was done before"
            yield place, f"it starts in {start}, before the horizon starts in {first}", fix


def _layout(values: Mapping[str, Any]) -> Iterator[tuple[Key, str, str]]:
    """Family Help without its month, and what a layout alone can do."""
    layout, month = values.get("layout", DEFAULT_LAYOUT), values.get("family_help_from", "")
    if layout == "family_help" and not month:
        yield ("layout",), "family_help has no month of change", 'write family_help_from = "2026-04", the month from which it holds'
    if month and layout != "family_help":
        yield ("family_help_from",), f"the layout is {layout or 'not given'!r}", 'write layout = "family_help", or leave the month out'
    if values.get("process_noise") and not layout:
        yield ("process_noise",), "whole children drawn at random need a layout", 'write layout = "early_help_and_cin", or leave it out'
    years = values.get("years", 11)
    if isinstance(years, int) and not isinstance(years, bool) and _month(month):
        first, last = f"{int(BASE_YEAR[:4]) + 1}-04", f"{int(BASE_YEAR[:4]) + 1 + years}-03"
        if not _month(first) <= _month(month) <= _month(last):
            yield ("family_help_from",), f"Family Help from {month}, outside the horizon of {first} to {last}", "give a month in it"


def _decision(values: Mapping[str, Any], given: Mapping[str, Any]) -> Iterator[tuple[Key, str, str]]:
    """A comparator that is not there, an effect or a year that cannot be, and questions without what they need."""
    from jsna_model.errors import nearest
    from jsna_model.pathway import COUNTED_ON

    names = {"baseline", *_listed(values.get("ready", READY))}
    names |= {str(e.get("name")) for e in _tables(values.get("scenario"))}
    to = given.get("comparator", "baseline")
    if isinstance(to, str) and to and to not in names:
        yield ("decision", "comparator"), f"no scenario is called {to!r}", f"name one of {', '.join(sorted(names))}"
    effect, thresholds = given.get("effect") or "", given.get("thresholds") or ()
    if effect and isinstance(effect, str) and effect not in _effects():
        close = nearest(effect, _effects()) or sorted(_effects())
        yield ("decision", "effect"), f"no effect is called {effect!r}", f"name a service, such as {' or '.join(close[:3])}"
    for key in ("thresholds", "information", "sources"):
        if given.get(key) and not effect:
            yield ("decision", key), f"{key} without an effect", "name what is gained, such as effect = 'looked_after_at_31_march'"
    if given.get("information") and not thresholds:
        yield ("decision", "information"), "information is valued at a threshold, and there is none", "give thresholds"
    if isinstance(thresholds, (list, tuple)) and len(set(map(str, thresholds))) < len(thresholds):
        yield ("decision", "thresholds"), f"thresholds are {list(thresholds)}", "give each once"
    costed = {*COUNTED_ON, *_table(values, "unit_costs")}
    for key in ("cashable", "fixed", "optimism_bias", "cost_uncertainty"):
        for name in set(_table(given, key)) - costed:
            close = nearest(str(name), costed) or sorted(costed)
            yield (
                ("decision", key, name),
                f"{name!r} has no unit cost",
                f"name one, such as {' or '.join(sorted(close)[:3])}, or give it one",
            )
    cashable, fixed = _table(given, "cashable"), _table(given, "fixed")
    for s in sorted({*cashable} & {*fixed}):
        both = (cashable[s], fixed[s])
        if all(isinstance(v, (int, float)) for v in both) and sum(both) > 1 + _ROUNDING:
            yield ("decision", "fixed", s), f"{both[0]:g} of the cost is cashable and {both[1]:g} fixed", "lower one: they exceed all of it"
    rate = given.get("discount", "")
    if isinstance(rate, (int, float)) and not isinstance(rate, bool) and not 0 <= rate < 1:
        yield ("decision", "discount"), f"a discount rate of {rate}", "write 3.5 per cent as 0.035"
    if given.get("discount_base") and rate == "":
        yield ("decision", "discount_base"), "a base year without a discount", "give a rate or the key of a schedule"


def _costs(values: Mapping[str, Any]) -> Iterator[tuple[Key, str, str]]:
    """Unit costs that are spent on nothing that is counted, and agencies all but spelt as known ones."""
    from jsna_model.errors import nearest
    from jsna_model.pathway import AGENCIES, COUNTED_ON, DERIVED

    scenarios = (*_listed(values.get("ready", READY)), *(str(s.get("name")) for s in _tables(values.get("scenario"))))
    known = {*_effects(), *DERIVED, *placements.PLACEMENTS, *scenarios}
    held = _table(values, "placements")
    for name, cost in _table(values, "unit_costs").items():
        entry = cost if isinstance(cost, Mapping) else {}
        of = entry.get("of") or COUNTED_ON.get(name, name)
        if of not in known:
            close = nearest(str(of), [*known, *COUNTED_ON]) or ["looked_after_started", "assessments"]
            where: Key = ("unit_costs", name, "of") if entry.get("of") else ("unit_costs", name)
            yield where, f"{str(of)!r} is not counted", f"name it, or give of, such as {' or '.join(sorted(close)[:3])}"
        elif of in placements.PLACEMENTS and of not in held:
            where = ("unit_costs", name, "of") if entry.get("of") else ("unit_costs", name)
            yield where, f"no share of looked-after children is in {of}", f"give [placements] with {of}, its source and date"
        agency = entry.get("agency", "")
        alike = [a for a in AGENCIES if isinstance(agency, str) and _misspelt(agency.strip().casefold(), a.casefold())]
        if alike and agency not in AGENCIES:
            fix = f"write {alike[0]!r}, so that its costs are added up, or a name of its own that is not so near to it"
            yield ("unit_costs", name, "agency"), f"agency {agency!r}", fix


def _misspelt(name: str, known: str) -> bool:
    """Whether a name is a known one, but for case, the order of its letters, or a letter or two."""
    return sorted(name) == sorted(known) or SequenceMatcher(None, name, known).ratio() >= _ALIKE


def _effects() -> set[str]:
    from jsna_model.pathway import FLOWS, STOCKS

    return {*FLOWS, *STOCKS, "families_helped"}


def _table(values: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    found = values.get(key)
    return found if isinstance(found, Mapping) else {}


def _tables(found: Any) -> list[Mapping[str, Any]]:
    """Tables of an array of tables, in place; those of the wrong kind are empty."""
    rows: Sequence[Any] = found if isinstance(found, (list, tuple)) else ()
    return [r if isinstance(r, Mapping) else {} for r in rows]


def _listed(found: Any) -> list[str]:
    return [str(x) for x in found] if isinstance(found, (list, tuple)) else []


def _month(text: Any) -> int:
    """Index of a month; 0 for what is no month, which another check says."""
    from jsna_model.errors import InputError

    try:
        return month_index(text) if isinstance(text, str) else 0
    except InputError:
        return 0
