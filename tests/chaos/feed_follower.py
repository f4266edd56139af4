"""A client that follows its user's feed through every outage and resumes after the last sequence it has received."""

import asyncio
import json
from typing import Any, Final

from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus, WebSocketException

from tests.chaos.fans import Fan
from tests.contracts.databases import Databases

__all__ = ["FeedFollower"]

PAUSE_SECONDS: Final = 0.2
OPEN_TIMEOUT_SECONDS: Final = 5.0
"""For the first message of a connection: a gateway that cannot read the feed sends none."""
FEED: Final = "SELECT sequence FROM user_feed WHERE user_id = $1 ORDER BY sequence"


class FeedFollower:
    def __init__(self, fan: Fan, gateway_url: str) -> None:
        self.fan = fan
        self.received: list[int] = []
        """The sequence numbers of all entries, in the order of arrival."""
        self.connections = 0
        self._url = f"{gateway_url.replace('http', 'ws', 1)}/ws/me?token={fan.token}"

    async def follow(self) -> None:
        """Follow the feed until cancelled."""
        while True:
            try:
                async with connect(
                    f"{self._url}&since={self._position}", open_timeout=OPEN_TIMEOUT_SECONDS
                ) as connection:
                    self.connections += 1
                    async for message in connection:
                        self._receive(json.loads(message))
            except (OSError, TimeoutError, InvalidStatus, WebSocketException):
                pass  # the gateway is unavailable: try again
            await asyncio.sleep(PAUSE_SECONDS)

    async def has_received_all(self, databases: Databases) -> bool:
        """Check that every entry came once and in order."""
        written = [row["sequence"] for row in await databases.read("orchestrator", FEED, self.fan.user_id)]
        assert self.received == written, f"{self.fan.user_id} received {self.received}, stored are {written}"
        return True

    @property
    def _position(self) -> int:
        return self.received[-1] if self.received else 0

    def _receive(self, message: dict[str, Any]) -> None:
        assert message["type"] != "resync", message  # no entry is old enough to be deleted
        if message["type"] != "subscribed":
            self.received.append(message["sequence"])
