"""Local times: the zones of the IANA database, which the operating system provides."""

from datetime import UTC, datetime, timedelta, tzinfo
from functools import cache
from typing import Annotated, Final
from zoneinfo import ZoneInfo, available_timezones

from pydantic import AfterValidator, Field

from common.fields import EARLIEST, LATEST

DEFAULT_TIME_ZONE: Final = "Asia/Singapore"

NO_PLACES: Final = frozenset({"localtime", "Factory"})  # the machine's own zone, and that of one without a zone


@cache
def _known() -> frozenset[str]:
    """Return the names of zones; the list is read from a directory tree."""
    return frozenset(available_timezones()) - NO_PLACES


def _require_known(name: str) -> str:
    if name not in _known():
        raise ValueError("a time zone has a name of the IANA database, such as Asia/Singapore")
    return name


TimeZoneName = Annotated[str, Field(max_length=64, examples=[DEFAULT_TIME_ZONE]), AfterValidator(_require_known)]
"""The name of a time zone of a client."""


@cache
def zone_of(name: str) -> tzinfo:
    """Return a stored time zone; UTC for one that this machine's database does not have."""
    return ZoneInfo(name) if name in _known() else UTC


def local_text(moment: datetime, form: str, time_zone: str) -> str:
    """Return a time in a zone.

    Args:
        form: as for strftime. For `%Z` the zone's abbreviation is written, or its name and offset if it has none.
    """
    local = min(max(moment, EARLIEST), LATEST).astimezone(zone_of(time_zone))
    return local.strftime(form.replace("%Z", _label(local)))


def _label(local: datetime) -> str:
    """Return what tells a time apart from the same one before or after the clocks change."""
    abbreviation = local.tzname() or ""
    offset = local.utcoffset() or timedelta()
    return abbreviation if abbreviation.isalpha() else f"{local.tzinfo} (UTC{_offset_text(offset)})"


def _offset_text(offset: timedelta) -> str:
    hours, minutes = divmod(abs(offset) // timedelta(minutes=1), 60)
    return f"{'-' if offset < timedelta() else '+'}{hours}" + (f":{minutes:02}" if minutes else "")
