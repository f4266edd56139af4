"""A closed loop: fans tip performers, each tip at once, one at a time per connection."""

import asyncio
import time
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, Final

from bench.connection import Answer, Connection
from bench.errors import BenchFailedError
from bench.load_users import Fan, LoadUsers
from bench.purchases import connected
from devstack.services import Urls

__all__ = ["TipGrids", "TipOffer", "TipRequest", "Tips", "tip_all"]

PRICE: Final = "10.00"


@dataclass(frozen=True, slots=True)
class TipOffer:
    performer_id: uuid.UUID
    item_id: str


@dataclass(frozen=True, slots=True)
class TipRequest:
    """A fan and the tip that the fan buys."""

    fan: Fan
    offer: TipOffer


@dataclass(slots=True)
class Tips:
    """The latency of each response, and the duration of all tips, in seconds."""

    seconds: float = 0.0
    tip_seconds: list[float] = field(default_factory=list)

    @property
    def tips(self) -> int:
        return len(self.tip_seconds)


class TipGrids:
    """Creates performers with a tip grid through the gateway, as performers do."""

    def __init__(self, urls: Urls, load_users: LoadUsers) -> None:
        self._urls = urls
        self._load_users = load_users

    async def open(self, performers: int) -> list[TipOffer]:
        """Return one item of each of this many new performers.

        Raises:
            BenchFailedError: a request was refused.
        """
        async with connected(self._urls.gateway, 1) as [connection]:
            return [await _open(connection, user) for user in await self._load_users.create_performers(performers)]


async def _open(connection: Connection, performer: Fan) -> TipOffer:
    _data_of(await connection.patch("/api/performer/profile", {"display_name": "Nova"}, token=performer.token))
    menus = "/api/performer/tip-menus"
    menu = _data_of(await connection.post(menus, {"name": "Tips"}, token=performer.token))
    item = {"name": "Applause", "price": PRICE, "bonus_loyalty_points": 1}
    path = f"{menus}/{menu['tip_menu_id']}/items"
    created = _data_of(await connection.post(path, item, token=performer.token))
    return TipOffer(performer.user_id, created["tip_menu_item_id"])


async def tip_all(url: str, requests: Sequence[TipRequest], *, clients: int) -> Tips:
    """Let this many clients tip, each the next one as soon as it is free (a closed loop).

    Raises:
        BenchFailedError: a request was refused.
    """
    tips, queue = Tips(), iter(requests)
    async with connected(url, clients) as connections:
        began = time.perf_counter()
        await asyncio.gather(*(_tip_each(connection, queue, tips) for connection in connections))
        tips.seconds = time.perf_counter() - began
    return tips


async def _tip_each(connection: Connection, queue: Iterator[TipRequest], done: Tips) -> None:
    for request in queue:
        body = {"tip_menu_item_id": request.offer.item_id, "performer_id": request.offer.performer_id}
        began = time.perf_counter()
        answer = await connection.post("/api/tip-grid/purchase", body, token=request.fan.token, key=uuid.uuid4().hex)
        done.tip_seconds.append(time.perf_counter() - began)
        _data_of(answer)


def _data_of(answer: Answer) -> Any:
    if answer.status not in {HTTPStatus.OK, HTTPStatus.CREATED}:
        raise BenchFailedError(f"refused with {answer.status}: {answer.content.decode()}")
    return answer.data
