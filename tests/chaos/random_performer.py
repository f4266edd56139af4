"""A performer who works through the queue: starts, completes and declines items, and sometimes pauses."""

import asyncio
import uuid
from functools import partial
from random import Random
from typing import Any, Final

from tests.chaos.mixed_run import PAUSE_SECONDS, MixedRun, retry_until_final
from tests.chaos.offers import Offers

__all__ = ["RandomPerformer"]

PATH: Final = "/api/performance-queue"
MENU_ITEM: Final = "menu_item"


class RandomPerformer:
    def __init__(self, offers: Offers, mixed_run: MixedRun, random: Random) -> None:
        self._performer = offers.performer
        self._mixed_run = mixed_run
        self._random = random

    async def act_until_over(self) -> None:
        """Act until the fans have stopped; what is left then expires."""
        while not self._mixed_run.is_over:
            if self._random.random() < 0.1:
                await self._pause()
            elif (item := await self._next_item()) is None:
                await asyncio.sleep(PAUSE_SECONDS)
            else:
                await self._perform(item)
        await retry_until_final(partial(self._performer.post, f"{PATH}/resume"))

    async def _next_item(self) -> dict[str, Any] | None:
        """Return the first menu item in the queue, or another one."""
        shown = await retry_until_final(partial(self._performer.get, PATH))
        items: list[dict[str, Any]] = shown.json()["data"]["items"] if shown.is_success else []
        items = [item for item in items if item["type"] == MENU_ITEM]
        if not items:
            return None
        return items[0] if self._random.random() < 0.8 else self._random.choice(items)

    async def _perform(self, item: dict[str, Any]) -> None:
        item_id = uuid.UUID(item["purchased_item_id"])
        habit = self._random.random()
        if habit < 0.15:
            await asyncio.sleep(PAUSE_SECONDS)  # until it expires, perhaps
            return
        if habit < 0.5:
            await self._act(item_id, "start")
        if habit < 0.3:
            await self._act(item_id, "decline", done="DECLINED", reason="Not today")
        elif habit < 0.4:
            await asyncio.gather(
                self._act(item_id, "complete", done="SUCCESS"),
                self._act(item_id, "decline", done="DECLINED", reason="Not today"),
            )
        else:
            await self._act(item_id, "complete", done="SUCCESS", note="With love")

    async def _act(self, item_id: uuid.UUID, act: str, *, done: str = "", **body: str) -> None:
        key = self._mixed_run.new_key(act)
        answer = await retry_until_final(partial(self._performer.post, f"{PATH}/{item_id}/{act}", body, key=key))
        if done:
            self._mixed_run.expectations.expect("purchased_item", item_id, answer, done=[done])
        self._mixed_run.expectations.completed[f"{act} item"] += answer.is_success

    async def _pause(self) -> None:
        await retry_until_final(partial(self._performer.post, f"{PATH}/pause"))
        await asyncio.sleep(self._random.uniform(0.0, 1.0))
        await retry_until_final(partial(self._performer.post, f"{PATH}/resume"))
