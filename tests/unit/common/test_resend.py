"""How far back messages are sent again."""

from datetime import UTC, datetime, timedelta

import pytest

from common.messaging.resend import parse_since

NOW = datetime(2027, 3, 20, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "since"),
    [
        ("30s", NOW - timedelta(seconds=30)),
        ("90m", NOW - timedelta(minutes=90)),
        ("2h", NOW - timedelta(hours=2)),
        ("3d", NOW - timedelta(days=3)),
        ("2027-03-20T10:00:00Z", NOW - timedelta(hours=2)),
        ("2027-03-20T18:00:00+08:00", NOW - timedelta(hours=2)),
    ],
)
def test_duration_or_time(text: str, since: datetime) -> None:
    assert parse_since(text, now=NOW) == since


@pytest.mark.parametrize("text", ["", "2", "h", "-2h", "2 h", "yesterday", "2027-03-20T10:00:00"])
def test_anything_else_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"isoformat|offset"):
        parse_since(text, now=NOW)
