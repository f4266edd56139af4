"""Rows that cannot be read are logged by their own id."""

from typing import Any

import pytest
from structlog.testing import capture_logs

from common.rows import readable


def fails(_: Any) -> None:
    raise ValueError


@pytest.mark.parametrize(
    ("row", "key", "logged"),
    [
        ({"found": {"hall_id": "A", "event_id": "e"}}, "event_id", "e"),
        ({"hall_id": "A", "event_id": "e"}, "event_id", "e"),
        ({"job_id": "j", "lane_id": "l"}, None, "j"),
        ({"hall_id": "A"}, "event_id", None),
        ("text", None, None),
    ],
)
def test_own_id_is_logged(row: Any, key: str | None, logged: str | None) -> None:
    with capture_logs() as logs:
        assert readable([row], fails, of="events", key=key) == []
    assert [line["key"] for line in logs] == [logged]
