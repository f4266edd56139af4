"""Local times, also where the clocks change."""

from datetime import UTC, datetime
from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from common.time_zones import TimeZoneName, local_text, zone_of

FORM = "%Y-%m-%d %H:%M %Z"


def at(written: str, time_zone: str) -> str:
    return local_text(datetime.fromisoformat(written), FORM, time_zone)


@pytest.mark.parametrize(
    ("moment", "time_zone", "local"),
    [
        ("2027-03-20T12:00:00Z", "Asia/Singapore", "2027-03-20 20:00 Asia/Singapore (UTC+8)"),
        ("2027-03-20T12:00:00Z", "Asia/Kathmandu", "2027-03-20 17:45 Asia/Kathmandu (UTC+5:45)"),
        ("2027-03-20T02:00:00Z", "America/Sao_Paulo", "2027-03-19 23:00 America/Sao_Paulo (UTC-3)"),
        ("2027-03-20T12:00:00Z", "UTC", "2027-03-20 12:00 UTC"),
        ("2027-03-20T12:00:00Z", "Nowhere/Atlantis", "2027-03-20 12:00 UTC"),
    ],
)
def test_time_is_written_with_its_zone(moment: str, time_zone: str, local: str) -> None:
    assert at(moment, time_zone) == local


def test_hour_that_the_clocks_skip_is_not_written() -> None:
    assert at("2027-03-28T00:59:00Z", "Europe/Berlin") == "2027-03-28 01:59 CET"
    assert at("2027-03-28T01:00:00Z", "Europe/Berlin") == "2027-03-28 03:00 CEST"


def test_hour_that_comes_twice_is_told_apart() -> None:
    assert at("2027-10-31T00:30:00Z", "Europe/Berlin") == "2027-10-31 02:30 CEST"
    assert at("2027-10-31T01:30:00Z", "Europe/Berlin") == "2027-10-31 02:30 CET"
    first, second = (at(f"2027-04-03T{utc}:00Z", "Australia/Lord_Howe") for utc in ("14:45", "15:15"))
    assert (first, second) == (
        "2027-04-04 01:45 Australia/Lord_Howe (UTC+11)",
        "2027-04-04 01:45 Australia/Lord_Howe (UTC+10:30)",
    )


@pytest.mark.parametrize("moment", [datetime(9000, 1, 1, tzinfo=UTC), datetime.max.replace(tzinfo=UTC)])
def test_times_at_the_end_of_the_calendar_can_be_written(moment: datetime) -> None:
    assert local_text(moment, FORM, "Pacific/Kiritimati").startswith("9000-01-01 14:00")


@pytest.mark.parametrize("name", ["Asia/Singapore", "Europe/Berlin", "UTC"])
def test_known_zone_is_accepted(name: str) -> None:
    assert TypeAdapter(TimeZoneName).validate_python(name) == name
    assert str(zone_of(name)) == name


@pytest.mark.parametrize(
    "name",
    ["Asia/Singapur", "+08:00", "", "../../etc/passwd", "asia/singapore", "A" * 65, 8, None, "localtime", "Factory"],
)
def test_other_names_are_refused(name: Any) -> None:
    with pytest.raises(ValidationError):
        TypeAdapter(TimeZoneName).validate_python(name)
