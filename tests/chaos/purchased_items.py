"""What fans buy from performers: tips now and in turn, menu items, subscriptions."""

import asyncio
import uuid
from functools import partial
from random import Random
from typing import Any, Final

import httpx

from tests.chaos.fans import OTP, Fan
from tests.chaos.mixed_run import UNAVAILABLE_AFTER_SECONDS, MixedRun, Request, retry_until_final
from tests.chaos.offers import Offers

__all__ = ["buy_menu_item", "cancel_subscription", "proven", "subscribe", "tip_in_turn", "tip_now"]

ENDS: Final = frozenset({"SUCCESS", "FAILED", "CANCELLED", "DECLINED", "EXPIRED"})
TIPS_ENDS: Final = frozenset({"SUCCESS", "FAILED", "CANCELLED", "EXPIRED"})


async def tip_now(fan: Fan, mixed_run: MixedRun, random: Random) -> bool:
    """Tip with the header's key, the body's, or both, and sometimes twice at once."""
    offers = random.choice(mixed_run.offers)
    bought = await _bought(fan, mixed_run, random, path="/api/tip-grid/purchase", body=_tip(offers, random))
    if not bought.is_success:
        return False
    item_id = uuid.UUID(bought.json()["data"]["purchased_item_id"])
    mixed_run.expectations.expect("purchased_item", item_id, bought, done=["SUCCESS"])
    return True


async def tip_in_turn(fan: Fan, mixed_run: MixedRun, random: Random) -> bool:
    """Queue a tip, sometimes with the funds held; some are cancelled, perhaps while their job runs."""
    offers = random.choice(mixed_run.offers)
    tip = _tip(offers, random) | {"execution_mode": "QUEUED", "hold_funds": random.random() < 0.4}
    queued = await _bought(fan, mixed_run, random, path="/api/tip-grid/purchase", body=tip)
    if not queued.is_success:
        return False
    data = queued.json()["data"]
    item_id = uuid.UUID(data["purchased_item_id"])
    mixed_run.expectations.expect("purchased_item", item_id, queued, done=TIPS_ENDS)
    if random.random() < 0.3:
        await _cancel(fan, mixed_run, item_id, f"/api/performance-queue/{data['queue_request_id']}/cancel")
    status = await retry_until_final(partial(fan.get, f"/api/performance-queue/status/{data['queue_request_id']}"))
    return status.is_success


async def buy_menu_item(fan: Fan, mixed_run: MixedRun, random: Random) -> bool:
    menu_id, item_id = random.choice(random.choice(mixed_run.offers).menu_items)
    wanted = {"menu_id": menu_id, "menu_item_id": item_id, "message": "For Mia"}
    bought = await _bought(fan, mixed_run, random, path="/api/menu/purchase", body=wanted)
    if not bought.is_success:
        return False
    data = bought.json()["data"]
    purchase_id = uuid.UUID(data["purchase_id"])
    done = ["SUCCESS"] if data["transaction_type"] == "immediate" else ENDS
    mixed_run.expectations.expect("purchased_item", purchase_id, bought, done=done)
    if data["transaction_type"] == "queued" and random.random() < 0.25:
        await asyncio.sleep(random.uniform(0.0, 1.0))  # the performer may start it meanwhile
        await _cancel(fan, mixed_run, purchase_id, f"/api/menu/purchase/{purchase_id}/cancel")
    return True


async def subscribe(fan: Fan, mixed_run: MixedRun, random: Random) -> bool:
    performer_id = random.choice(mixed_run.offers).performer.user_id
    path, key = f"/api/performers/{performer_id}/subscription", mixed_run.new_key("subscribe")
    subscribed = await proven(fan, partial(fan.post, path, key=key))
    return subscribed.is_success


async def cancel_subscription(fan: Fan, random: Random) -> bool:
    listed = await retry_until_final(partial(fan.get, "/api/subscriptions"))
    performers = [row["performer_id"] for row in listed.json()["data"]] if listed.is_success else []
    if not performers:
        return False
    path = f"/api/performers/{random.choice(performers)}/subscription"
    return (await retry_until_final(partial(fan.delete, path))).is_success


async def _bought(fan: Fan, mixed_run: MixedRun, random: Random, *, path: str, body: dict[str, Any]) -> httpx.Response:
    """Send a purchase under a key, sometimes twice at once, and prove a flagged fan's phone."""
    key = mixed_run.new_key("item")
    wanted = body | ({"idempotency_key": key} if random.random() < 0.5 else {})
    buy = partial(fan.post, path, wanted, key=key)
    if random.random() < 0.15:
        await asyncio.gather(retry_until_final(buy), retry_until_final(buy))
    return await proven(fan, buy)


async def proven(
    fan: Fan, request: Request, *, unavailable_after_seconds: float = UNAVAILABLE_AFTER_SECONDS
) -> httpx.Response:
    """Send a request, and again after the code of a flagged fan, if it asks for one."""
    answer = await retry_until_final(request, unavailable_after_seconds=unavailable_after_seconds)
    if answer.status_code != httpx.codes.PRECONDITION_REQUIRED:
        return answer
    proof = {**answer.json()["details"], "otp_code": OTP}
    await retry_until_final(partial(fan.post, "/api/verify-otp", proof))
    return await retry_until_final(request, unavailable_after_seconds=unavailable_after_seconds)


async def _cancel(fan: Fan, mixed_run: MixedRun, item_id: uuid.UUID, path: str) -> None:
    cancelled = await retry_until_final(partial(fan.post, path))
    mixed_run.expectations.expect("purchased_item", item_id, cancelled, done=["CANCELLED"])
    mixed_run.expectations.completed["cancel item"] += cancelled.is_success


def _tip(offers: Offers, random: Random) -> dict[str, Any]:
    return {"tip_menu_item_id": random.choice(offers.tip_ids), "performer_id": f"{offers.performer.user_id}"}
