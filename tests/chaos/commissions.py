"""Texts that sponsors order: revisions and submissions, and what an admin decides on them."""

import asyncio
import uuid
from functools import partial
from random import Random
from typing import Any, Final

import httpx

from tests.chaos.fans import Fan
from tests.chaos.mixed_run import (
    ANSWER_SECONDS,
    PAUSE_SECONDS,
    UNAVAILABLE_AFTER_SECONDS,
    MixedRun,
    any_listed,
    retry_until_final,
)
from tests.chaos.purchased_items import proven
from tests.chaos.top_ups import post_control, until_acknowledged

__all__ = ["RandomEditor", "order_text", "work_on_text"]

PATH: Final = "/api/commissions"
ADMIN: Final = "/api/admin/commissions"
UNDECIDED: Final = ("ADMIN_REVIEW", "ADMIN_REVIEW", "QUALITY_CHECK", "FAILED")
ENDS: Final = frozenset({"COMPLETED", "REFUNDED"})
UNPAID: Final = frozenset({"CANCELLED"})


async def order_text(fan: Fan, mixed_run: MixedRun, random: Random) -> bool:
    """Order an article by credits, sometimes twice at once under one key, or by card."""
    is_by_card = random.random() < 0.3
    wanted = {
        "type": "ARTICLE",
        "event_id": f"{random.choice(mixed_run.concerts).event_id}",
        "brief": "An evening out with friends.",
        "keywords": ["evening out"],
        "pay_with": "stripe" if is_by_card else "credits",
    }
    order = partial(fan.post, PATH, wanted, key=mixed_run.new_key("text"))
    if random.random() < 0.15:
        await asyncio.gather(retry_until_final(order), retry_until_final(order))
    # An order at a checkout that its fan does not know of would stay open for an hour.
    patience = ANSWER_SECONDS if is_by_card else UNAVAILABLE_AFTER_SECONDS
    ordered = await proven(fan, order, unavailable_after_seconds=patience)
    if not ordered.is_success:
        return False
    data = ordered.json()["data"]
    # What its sponsor and the admin leave undone is refunded.
    done = await _check_out(fan, mixed_run, random, data) if is_by_card else ENDS
    mixed_run.expectations.expect("commission", uuid.UUID(data["order_id"]), ordered, done=done)
    return True


async def _check_out(fan: Fan, mixed_run: MixedRun, random: Random, order: dict[str, Any]) -> frozenset[str]:
    """Pay at the checkout, or let it expire, or cancel the order; return the statuses in which the order may end."""
    control = f"/control/stripe/checkout/{order['checkout_url'].rpartition('/')[2]}"
    habit = random.random()
    if habit < 0.15:
        cancel = partial(fan.post, f"{PATH}/{order['order_id']}/cancel")
        await retry_until_final(cancel, unavailable_after_seconds=ANSWER_SECONDS)
        return UNPAID
    if habit < 0.3:
        await until_acknowledged(mixed_run, await post_control(mixed_run, f"{control}/expire", {}))
        return UNPAID
    delivery = {"first": random.choice(("intent", "session")), "copies": random.choice((1, 2))}
    for sent in await post_control(mixed_run, f"{control}/pay", delivery):
        await until_acknowledged(mixed_run, sent)
    return ENDS


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
        elif habit < 0.3 or not self._mixed_run.expectations.completed["send-back text"]:
            await self._act(order_id, "send-back", notes="Name the venue in the title, please.")
        elif habit < 0.4:
            await self._refund(order_id)
        elif habit < 0.55:
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
    order = await any_listed(user, random, path=path, status=status)
    return uuid.UUID(order["order_id"]) if order else None
