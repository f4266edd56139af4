"""Texts that sponsors order: revisions and submissions, and what an admin decides on them."""

import asyncio
import uuid
from functools import partial
from random import Random
from typing import Any, Final

import httpx

from tests.chaos.fans import Fan
from tests.chaos.mixed_run import PAUSE_SECONDS, MixedRun, retry_until_final
from tests.chaos.purchased_items import proven

__all__ = ["RandomEditor", "order_text", "work_on_text"]

PATH: Final = "/api/commissions"
ADMIN: Final = "/api/admin/commissions"
UNDECIDED: Final = ("ADMIN_REVIEW", "ADMIN_REVIEW", "QUALITY_CHECK", "FAILED")
ENDS: Final = frozenset({"COMPLETED", "REFUNDED"})


async def order_text(fan: Fan, mixed_run: MixedRun, random: Random) -> bool:
    """Order an article, sometimes twice at once under one key."""
    concert = random.choice(mixed_run.concerts)
    wanted = {
        "type": "ARTICLE",
        "event_id": f"{concert.event_id}",
        "brief": "An evening out with friends.",
        "keywords": ["evening out"],
        "pay_with": "credits",
    }
    order = partial(fan.post, PATH, wanted, key=mixed_run.new_key("text"))
    if random.random() < 0.15:
        await asyncio.gather(retry_until_final(order), retry_until_final(order))
    ordered = await proven(fan, order)
    if not ordered.is_success:
        return False
    # Whatever its sponsor and the admin leave undone is refunded.
    mixed_run.expectations.expect("commission", uuid.UUID(ordered.json()["data"]["order_id"]), ordered, done=ENDS)
    return True


async def work_on_text(fan: Fan, mixed_run: MixedRun, random: Random) -> bool:
    """Ask for a revision of a text, submit it, or both at once: one of them is refused."""
    if (order_id := await _any_order(fan, random, path=PATH, status="QUALITY_CHECK")) is None:
        return False
    notes = {"revision_notes": random.choice(("Livelier, please.", "Shorter, please.", "More about the prices."))}
    revise = partial(fan.post, f"{PATH}/{order_id}/revisions", notes, key=mixed_run.new_key("revise"))
    submit = partial(fan.post, f"{PATH}/{order_id}/submit", key=mixed_run.new_key("submit"))
    habit = random.random()
    if habit < 0.15:
        answers = await asyncio.gather(retry_until_final(revise), retry_until_final(submit))
        # A late revision may follow a submission that was sent back, so both may succeed.
        return any(answer.is_success for answer in answers)
    return (await retry_until_final(revise if habit < 0.4 else submit)).is_success


class RandomEditor:
    """An admin who approves, sends back, refunds and retries orders."""

    def __init__(self, mixed_run: MixedRun, random: Random) -> None:
        self._admin = mixed_run.operators.admin
        self._mixed_run = mixed_run
        self._random = random

    async def act_until_over(self) -> None:
        """Decide until the fans have stopped; what is left then expires."""
        while not self._mixed_run.is_over:
            status = self._random.choice(UNDECIDED)
            order_id = await _any_order(self._admin, self._random, path=ADMIN, status=status)
            if order_id is None:
                await asyncio.sleep(PAUSE_SECONDS)
            else:
                await self._decide(order_id, status)

    async def _decide(self, order_id: uuid.UUID, status: str) -> None:
        habit = self._random.random()
        if status == "FAILED":
            await self._act(order_id, "retry")
        elif status == "QUALITY_CHECK":
            if habit < 0.1:
                await self._refund(order_id)
            else:
                await asyncio.sleep(PAUSE_SECONDS)
        elif habit < 0.2:
            await self._act(order_id, "send-back", notes="Name the venue in the title, please.")
        elif habit < 0.35:
            await self._refund(order_id)
        elif habit < 0.5:
            decisions = [self._approve(order_id), self._refund(order_id)]
            done = [decision.is_success for decision in await asyncio.gather(*decisions)]
            assert not all(done), f"commission {order_id} was both published and refunded"
        else:
            await self._approve(order_id)

    async def _approve(self, order_id: uuid.UUID) -> httpx.Response:
        return await self._act(order_id, "approve", done="COMPLETED")

    async def _refund(self, order_id: uuid.UUID) -> httpx.Response:
        return await self._act(order_id, "refund", done="REFUNDED", reason="The sponsor has withdrawn.")

    async def _act(self, order_id: uuid.UUID, act: str, *, done: str = "", **body: str) -> httpx.Response:
        key = self._mixed_run.new_key(act)
        answer = await retry_until_final(partial(self._admin.post, f"{ADMIN}/{order_id}/{act}", body, key=key))
        if done:
            self._mixed_run.expectations.expect("commission", order_id, answer, done=[done])
        self._mixed_run.expectations.completed[f"{act} text"] += answer.is_success
        return answer


async def _any_order(user: Fan, random: Random, *, path: str, status: str) -> uuid.UUID | None:
    listed = await retry_until_final(partial(user.get, path, status=status))
    orders: list[dict[str, Any]] = listed.json()["data"] if listed.is_success else []
    return uuid.UUID(random.choice(orders)["order_id"]) if orders else None
