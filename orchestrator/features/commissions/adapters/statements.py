"""Finds the prices, times, dates, addresses, numbers and capitals in a text, each in one pass however it is written."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

__all__ = ["TIME", "Key", "Statement", "clock_key", "date_key", "price_key", "statements_in", "time_key"]

TIME: Final = "time"
NOON: Final = 12
MINUTES_OF_HALF_A_DAY: Final = 720
TOP_LEVEL: Final = frozenset({"com", "net", "org", "io", "sg", "info", "biz", "xyz", "example"})
"""Domains that are found in capitals too; any word in lower case after a point is taken for one."""

Key = tuple[Any, ...]
"""What a statement says, in one form however it is written."""

_MONTHS: Final = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_MONTH: Final = (
    r"(?P<{0}>Jan(?:uary)?|Feb(?:ruary)?|Mar(?:ch)?|Apr(?:il)?|May|June?|July?|Aug(?:ust)?|Sept?(?:ember)?|Oct(?:ober)?"
    r"|Nov(?:ember)?|Dec(?:ember)?)\b\.?"
)
_YEAR: Final = r"(?:,?\s(?P<{0}>\d{{4}})\b)?"
_NUMBER: Final = r"\d++(?:,\d++)*+(?:\.\d++)?+"
_SPOKEN: Final = (
    r"\b(?:one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|(?:thir|four|fif|six|seven|eigh|nine)teen"
    r"|(?:twen|thir|for|fif|six|seven|eigh|nine)ty|hundred|thousand|million)\s(?:credits?|dollars?|bucks|euros?|pounds)\b"
)
_PRICE: Final = re.compile(
    rf"(?:\$|\bSGD|\bUSD|€|£)\s?(?P<before>{_NUMBER})"
    rf"|(?<!\d)(?<!\d[,.])(?P<after>{_NUMBER})\s?(?:credits|dollars|bucks|euros|SGD|USD|€|£)"
    rf"|{_SPOKEN}",
    re.IGNORECASE,
)
_TIME: Final = re.compile(
    r"(?<![\d:.,])(?P<hour>\d{1,2})(?:[:.](?P<minute>\d\d))?\s?(?P<half>[ap])\.?m\b"
    r"|(?<![\d:.,])(?P<of_day>\d{1,2}):(?P<past>\d\d)(?![\d:])",
    re.IGNORECASE,
)
_DATE: Final = re.compile(
    rf"(?<!\d)(?P<d1>\d{{1,2}})(?:st|nd|rd|th)?(?:\sof)?\s{_MONTH.format('m1')}{_YEAR.format('y1')}"
    rf"|\b{_MONTH.format('m2')}\s(?:the\s)?(?P<d2>\d{{1,2}})(?:st|nd|rd|th)?\b(?![:.]\d){_YEAR.format('y2')}"
)
_NUMERIC_DATE: Final = re.compile(r"(?<![\d/.-])(\d{1,4})([/.-])(\d{1,2})\2(\d{4}|\d{1,2})(?![\d/-])")
_LONG_NUMBER: Final = re.compile(r"\+?(?<!\d)\d(?:[ ().-]{0,2}+\d){6,}+")
_DOTTED: Final = re.compile(r"(?<![\w.-])[\w-]++(?:\.[\w-]++)++")
_URL: Final = re.compile(r"https?://[^\s\"<>]++", re.IGNORECASE)
_AT: Final = re.compile(r"(?<![^\s@])[^\s@]*+@\w[\w.-]*+")
_CAPITALS: Final = re.compile(r"(?<![\w-])[A-Z]{5,}+(?![\w-])")


@dataclass(frozen=True, slots=True)
class Statement:
    key: Key
    finding: str
    """The sentence about it, if it is not among the facts."""


def price_key(price: Decimal) -> Key:
    return ("price", price)


def time_key(hour: int, minute: int) -> tuple[str, int]:
    return TIME, hour * 60 + minute


def clock_key(time: Key) -> Key:
    """Return a time of day as a clock shows it, without its half of the day."""
    return ("clock", time[1] % MINUTES_OF_HALF_A_DAY)


def date_key(day: int, month: int, year: int | None) -> Key:
    return ("date", day, month, year)


def statements_in(text: str) -> Iterator[Statement]:
    for pattern, key_of, finding in _FINDERS:
        for match in pattern.finditer(text):
            if key := key_of(match):
                yield Statement(key, f'{finding}: "{match[0].strip()[:80]}".')


def _price(match: re.Match[str]) -> Key:
    number = match["before"] or match["after"]
    return price_key(Decimal(number.replace(",", ""))) if number else ("price", match[0].casefold())


def _time(match: re.Match[str]) -> Key:
    if match["half"]:
        hour = int(match["hour"]) % NOON + (NOON if match["half"].casefold() == "p" else 0)
        return time_key(hour, int(match["minute"] or 0))
    return clock_key(time_key(int(match["of_day"]), int(match["past"])))


def _date(match: re.Match[str]) -> Key:
    month = _MONTHS.index((match["m1"] or match["m2"])[:3].casefold()) + 1
    year = match["y1"] or match["y2"]
    return date_key(int(match["d1"] or match["d2"]), month, int(year) if year else None)


def _numeric_date(match: re.Match[str]) -> Key:
    """Return the day, month and year in the order of their size: which is which is not always plain."""
    return ("numeric date", *sorted(map(int, match.group(1, 3, 4))))


def _domain(match: re.Match[str]) -> Key | None:
    last = match[0].rpartition(".")[2]
    is_domain = len(last) > 1 and last.isalpha() and (last.islower() or last.casefold() in TOP_LEVEL)
    return ("address", match[0].casefold()) if is_domain else None


def _address(match: re.Match[str]) -> Key:
    return ("address", match[0].casefold().rstrip(".,;:!?)'\u2026"))


def _number(match: re.Match[str]) -> Key | None:
    if _NUMERIC_DATE.search(match[0]):
        return None
    return ("number", "".join(filter(str.isdigit, match[0])))


def _capitals(match: re.Match[str]) -> Key:
    return ("capitals", match[0])


_ADDRESS_FOUND: Final = "The text names a web or email address"
_DATE_FOUND: Final = "The text states a date that is not the event's"
_FINDERS: Final[tuple[tuple[re.Pattern[str], Callable[[re.Match[str]], Key | None], str], ...]] = (
    (_PRICE, _price, "The text states a price that is not the event's"),
    (_TIME, _time, "The text states a time that is not the event's"),
    (_DATE, _date, _DATE_FOUND),
    (_NUMERIC_DATE, _numeric_date, _DATE_FOUND),
    (_LONG_NUMBER, _number, "The text contains a long number"),
    (_DOTTED, _domain, _ADDRESS_FOUND),
    (_URL, _address, _ADDRESS_FOUND),
    (_AT, _address, _ADDRESS_FOUND),
    (_CAPITALS, _capitals, "The text has a word in capitals that is no name"),
)
