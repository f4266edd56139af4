"""A phone that follows its owner's feed through every outage: it comes back with the last number it has seen."""

import asyncio
import json
from typing import Any, Final

from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus, WebSocketException

from tests.chaos.fans import Fan
from tests.contracts.databases import World

__all__ = ["Listener"]

PAUSE_SECONDS: Final = 0.2
PATIENCE_SECONDS: Final = 5.0
"""For the first word of a connection: a gateway that cannot read the feed says nothing before it can."""
FEED: Final = "SELECT sequence FROM user_feed WHERE user_id = $1 ORDER BY sequence"


class Listener:
    def __init__(self, fan: Fan, gateway_url: str) -> None:
        self.fan = fan
        self.heard: list[int] = []
        """The numbers of all entries, in the order in which they came."""
        self.connections = 0
        self._url = f"{gateway_url.replace('http', 'ws', 1)}/ws/me?token={fan.token}"

    async def listen(self) -> None:
        """Go on until cancelled."""
        while True:
            try:
                async with connect(f"{self._url}&since={self._position}", open_timeout=PATIENCE_SECONDS) as phone:
                    self.connections += 1
                    async for said in phone:
                        self._hear(json.loads(said))
            except (OSError, TimeoutError, InvalidStatus, WebSocketException):
                pass  # the gateway is away: it is asked again
            await asyncio.sleep(PAUSE_SECONDS)

    async def has_heard_all(self, world: World) -> bool:
        """Check that every entry came, once, in order."""
        written = [row["sequence"] for row in await world.read("orchestrator", FEED, self.fan.user_id)]
        assert self.heard == written, f"{self.fan.user_id} heard {self.heard}, written was {written}"
        return True

    @property
    def _position(self) -> int:
        return self.heard[-1] if self.heard else 0

    def _hear(self, said: dict[str, Any]) -> None:
        assert said["type"] != "resync", said  # nothing is old enough to be thrown away
        if said["type"] != "subscribed":
            self.heard.append(said["sequence"])
