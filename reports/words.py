"""Calibrated sentences: every modelled number is said to be estimated, rounded by rule and given with its interval."""

from __future__ import annotations

from collections.abc import Sequence

from reports import disclosure

MINUS = "\N{MINUS SIGN}"


def plural(number: int | str, one: str, many: str | None = None) -> str:
    """The noun that goes with a number.

    Examples
    --------
    >>> plural(1, "child", "children"), plural("fewer than 10", "ward")
    ('child', 'wards')
    """
    return one if number == 1 else (many or one + "s")


def listed(items: Sequence[str], last: str = "and") -> str:
    """Words in a list.

    Examples
    --------
    >>> listed(["a", "b", "c"]), listed(["a", "b"], "or"), listed(["a"])
    ('a, b and c', 'a or b', 'a')
    """
    items = list(items)
    return items[0] if len(items) == 1 else f"{', '.join(items[:-1])} {last} {items[-1]}" if items else ""


def lower_first(text: str) -> str:
    """Text with its first letter in lower case, unless its first word is an abbreviation or a proper name with capitals."""
    return text if len(text) > 1 and text[1].isupper() else text[:1].lower() + text[1:]


def upper_first(text: str) -> str:
    """Text with its first letter in upper case."""
    return text[:1].upper() + text[1:]


def number(value: int | float | str) -> str:
    """A displayed number in digits, with thousands separated.

    Examples
    --------
    >>> number(4300), number(-12), number("fewer than 10"), number(3.5)
    ('4,300', '−12', 'fewer than 10', '3.5')
    """
    if isinstance(value, str):
        return value
    text = f"{abs(value):,.1f}" if isinstance(value, float) else f"{abs(value):,}"
    return f"{MINUS}{text}" if value < 0 else text


def percent(value: float | None, scale: float = 100.0) -> str:
    """A share as a percentage with one decimal place.

    Examples
    --------
    >>> percent(0.1234), percent(float("nan"))
    ('12.3%', '[x]')
    """
    shown = disclosure.decimal(value, scale)
    return shown if isinstance(shown, str) else f"{number(shown)}%"


def pounds(value: int | str) -> str:
    """A displayed sum of money in words.

    Examples
    --------
    >>> pounds(1230000), pounds(-45600)
    ('£1.23 million', '−£45,600')
    """
    if isinstance(value, str):
        return value
    sign = MINUS if value < 0 else ""
    size = abs(value)
    return f"{sign}£{size / 1e6:.2f} million" if size >= 1_000_000 else f"{sign}£{size:,}"


def between(lower: float, upper: float, level: str) -> str:
    """Interval of a modelled number of children in words: "likely between 3,600 and 5,100"."""
    low, high = disclosure.modelled(lower, level), disclosure.modelled(upper, level)
    if isinstance(low, str):
        return "likely fewer than 10" if low == high else f"likely up to {number(high)}"
    return f"likely between {number(low)} and {number(high)}"


def about(value: float, level: str, noun: tuple[str, str] = ("child", "children")) -> str:
    """A modelled number with its noun: "about 4,300 children", "fewer than 10 children"."""
    shown = disclosure.modelled(value, level)
    text = f"{number(shown)} {plural(shown, *noun)}"
    return text if isinstance(shown, str) else f"about {text}"


def estimate(value: float, lower: float, upper: float, level: str = "authority", interval: float = 0.95) -> str:
    """A modelled number of children with its interval, as a phrase.

    Examples
    --------
    >>> estimate(4333.0, 3581.0, 5120.0)
    'about 4,300 children, likely between 3,600 and 5,100 (95% credible interval)'
    >>> estimate(4.0, 1.0, 8.0)
    'fewer than 10 children (95% credible interval)'
    """
    if disclosure.is_absent(value):
        return "a number of children that could not be estimated"
    noun = about(value, level)
    if disclosure.modelled(upper, level) == disclosure.FEW:
        return f"{noun} ({interval:.0%} credible interval)"
    return f"{noun}, {between(lower, upper, level)} ({interval:.0%} credible interval)"


#: The words and what each is bound to, for the pages that use them.
CALIBRATED = (
    ("very likely", "a probability of at least 95%, as the share of draws less its own error"),
    ("likely", "a probability of at least 80%, likewise"),
    ("uncertain", "a probability of at least 60%, likewise: the direction is not known"),
    ("likely between", "the 95% credible interval of a modelled number, always given with its level"),
    ("no evidence of a difference", "below 60%; of an observed rate, its 95% interval holds the rate that it is compared with"),
    ("higher, lower", "the whole 95% interval of an observed rate lies above or below the rate that it is compared with"),
    ("about", "a modelled number, rounded"),
)


def changed(value: float) -> str:
    """A difference between scenarios in words: "12 more", "12 fewer", "no change"."""
    shown = disclosure.difference(value)
    if isinstance(shown, str):
        return shown
    return "no change" if shown == 0 else f"{number(abs(shown))} {'more' if shown > 0 else 'fewer'}"


def span(lower: float, upper: float) -> str:
    """Whether an interval of differences shows a direction, in words."""
    if disclosure.is_absent(lower) or disclosure.is_absent(upper):
        return "no interval is available"
    if lower < 0 < upper:
        return "the interval spans no change, so the direction is not known"
    if lower == upper == 0:
        return "no effect is modelled"
    return "the whole interval lies on one side of no change"
