"""When the set of revoked sessions is reloaded while the broker is connected."""

import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

from common.errors import Unavailable
from gateway.revocations import Revocations
from tests.support.waiting import eventually

POLL_SECONDS = 0.01


class StubUsers:
    """The users service, as the source of the set; it can be unavailable."""

    def __init__(self) -> None:
        self.is_away = False
        self.reads = 0
        self.polls = 0
        self.ended: list[uuid.UUID] = []

    async def sessions(self) -> list[dict[str, Any]]:
        self.reads += 1
        if self.is_away:
            raise Unavailable
        expires_at = (datetime.now(UTC) + timedelta(minutes=15)).isoformat()
        return [{"session_id": str(session_id), "expires_at": expires_at} for session_id in self.ended]

    async def is_connected(self) -> bool:
        self.polls += 1
        return True


@asynccontextmanager
async def kept_current(users: StubUsers) -> AsyncIterator[Revocations]:
    revocations = Revocations(users.sessions, is_fed=users.is_connected, poll_seconds=POLL_SECONDS)
    revocations.start()
    await eventually(revocations.is_healthy)
    yield revocations
    await revocations.close()


async def test_failed_reload_after_a_gap_is_retried() -> None:
    users = StubUsers()
    async with kept_current(users) as revocations:
        missed = uuid.uuid4()
        users.ended.append(missed)
        users.is_away = True
        revocations.reload()
        await eventually(lambda: users.reads >= 4)
        assert not revocations.covers(missed)
        users.is_away = False
        await eventually(lambda: revocations.covers(missed))


async def test_set_is_not_reloaded_while_the_broker_is_connected() -> None:
    users = StubUsers()
    async with kept_current(users) as revocations:
        revocations.reload()
        await eventually(lambda: users.reads == 2)
        seen = users.polls
        await eventually(lambda: users.polls > seen + 3)
        assert users.reads == 2
