"""From linked cases to shares: clocks, what comes first, groups, and when a share is given."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from data_sources.linked import LinkedCase
from jsna_model.errors import InputError, UnknownNameError
from jsna_model.verbs.escalation import NOT_GIVEN, OTHERS, escalation

START = date(2022, 1, 1)
END = date(2025, 3, 31)
RECORDED = ("referral", "child_in_need", "plan")


def case(
    i: int = 0, help_: int | None = 0, end: int | None = None, closed: int | None = None, to: date = END, **more: object
) -> LinkedCase:
    """A case; numbers are days after START."""

    def day(n: int | None) -> date | None:
        return None if n is None else START + timedelta(days=n)

    events = {k: START + timedelta(days=v) for k, v in dict(more.pop("events", {})).items()}  # type: ignore[call-overload]
    words = {"locality": "", "closure_reason": "", "age_band": "", "ended_by": "extract"} | more
    return LinkedCase(
        f"p{i}", str(words.pop("family", f"f{i}")), str(words["locality"]), str(words["closure_reason"]), str(words["age_band"]),
        day(closed), day(help_), day(end), events, to, str(words["ended_by"]),
    )  # fmt: skip


def shares(cases: list[LinkedCase], **asked: object) -> list[float]:
    (found,) = escalation(cases, RECORDED, **asked)  # type: ignore[arg-type]
    return found.incidence.value.tolist()


def test_months_are_from_the_start_and_the_first_service_counts() -> None:
    cases = [case(i, events={"child_in_need": 100 + 40 * i, "plan": 90} if i < 5 else {}) for i in range(20)]
    assert shares(cases) == pytest.approx([0.25, 0.25, 0.25])
    assert shares(cases, kind="child_in_need") == pytest.approx([3 / 20, 5 / 20, 5 / 20])
    assert shares(cases, kind="referral") == [0, 0, 0]


def test_the_365th_day_is_within_12_months_and_the_366th_is_not() -> None:
    assert shares([case(i, events={"plan": 365}) for i in range(20)])[1] == 1
    assert shares([case(i, events={"plan": 366}) for i in range(20)])[1] == 0


def test_after_closure_those_who_had_it_before_are_left_out() -> None:
    cases = [case(i, end=200, events={"plan": (100, 200, 250)[i % 3]}) for i in range(30)]
    (found,) = escalation(cases, RECORDED, "closure")
    assert found.cases == 10
    assert found.incidence.value.tolist() == [1, 1, 1]


def test_early_help_first_is_no_missed_opportunity() -> None:
    """Of 20 closed referrals, five are referred again with no help, five are helped first and referred later."""
    again = [case(i, help_=None, closed=0, events={"referral": 60}) for i in range(5)]
    helped = [case(5 + i, help_=30, closed=0, events={"referral": 60}) for i in range(5)]
    none = [case(10 + i, help_=None, closed=0) for i in range(10)]
    (found,) = escalation([*again, *helped, *none], RECORDED, "closed_referral", "referral", months=(3, 12))
    assert found.incidence.value.tolist() == pytest.approx([0.25, 0.25])
    assert found.incidence.others.tolist() == [5, 5]


def test_moving_away_is_lost_or_never() -> None:
    """Ten move away on day 1, ten stay, and five of these have a plan: a half of those who could be followed, a quarter of all."""
    gone = [case(i, to=START + timedelta(days=1), ended_by="moved_away") for i in range(10)]
    stay = [case(10 + i, events={"plan": 50} if i < 5 else {}) for i in range(10)]
    assert shares([*gone, *stay])[1] == pytest.approx(0.5)
    assert shares([*gone, *stay], moved_compete=True)[1] == pytest.approx(0.25)


def test_turning_18_competes() -> None:
    gone = [case(i, to=START + timedelta(days=1), ended_by="turned_18") for i in range(10)]
    stay = [case(10 + i, events={"plan": 50} if i < 5 else {}) for i in range(10)]
    assert shares([*gone, *stay])[1] == pytest.approx(0.25)


def test_no_share_where_few_are_still_followed() -> None:
    short = [case(i, to=START + timedelta(days=100 + i)) for i in range(25)]
    (found,) = escalation([*short, *(case(25 + i) for i in range(8))], RECORDED)
    assert found.reported == (False, False, False)
    assert found.incidence.at_risk.tolist() == [8, 8, 8]
    (found,) = escalation([*short, *(case(25 + i) for i in range(8))], RECORDED, least=8)
    assert found.reported == (True, True, True)


def test_small_groups_are_joined() -> None:
    sizes = {"North": 30, "South": 25, "East": 4, "West": 3, "": 12}
    cases = [case(100 * j + i, locality=name) for j, (name, n) in enumerate(sizes.items()) for i in range(n)]
    found = escalation(cases, RECORDED, by="locality")
    assert {f.group: f.cases for f in found} == {"North": 30, "South": 25, OTHERS: 19}
    found = escalation([c for c in cases if c.locality not in ("East", "West")], RECORDED, by="locality")
    assert {f.group for f in found} == {"North", "South", NOT_GIVEN}
    assert escalation(cases[:30], RECORDED, by="locality") == ()


def test_nothing_of_few_cases() -> None:
    assert escalation([case(i) for i in range(9)], RECORDED) == ()


def test_what_cannot_be_asked() -> None:
    cases = [case(i) for i in range(12)]
    with pytest.raises(InputError, match="once early help has closed"):
        escalation(cases, RECORDED, by="closure_reason")
    with pytest.raises(InputError, match="records no looked after"):
        escalation(cases, RECORDED, kind="looked_after")
    with pytest.raises(UnknownNameError):
        escalation(cases, RECORDED, clock="clousure")
