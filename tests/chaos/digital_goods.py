"""Codes that fans order, by credits and by crypto: what the supplier makes of them, and what an admin decides."""

import asyncio
import uuid
from functools import partial
from random import Random
from typing import Any, Final

import httpx

from devstack.seed_products import ALWAYS_IN_STOCK_ID, COUNTED_ID, FEW_ID
from orchestrator.features.digital_goods.models import payment_id_of
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
from tests.chaos.top_ups import post_control, provider_id, until_acknowledged

__all__ = ["RandomShopkeeper", "RandomSupplier", "order_goods", "reveal_codes"]

PATH: Final = "/api/digital-orders"
ADMIN: Final = "/api/admin/digital-orders"
SUPPLIER: Final = "/control/supplier"
PRODUCTS: Final = (ALWAYS_IN_STOCK_ID, ALWAYS_IN_STOCK_ID, COUNTED_ID, FEW_ID)
ENDS: Final = frozenset({"FULFILLED", "REFUNDED"})
UNPAID: Final = frozenset({"CANCELLED"})
COPIES: Final = (0, 1, 1, 1, 3)
"""Of a notice; one without a copy is lost."""


async def order_goods(fan: Fan, mixed_run: MixedRun, random: Random) -> bool:
    """Order one or two products by credits, sometimes twice at once under one key, or by crypto."""
    is_by_crypto = random.random() < 0.3
    products = {random.choice(PRODUCTS) for _ in range(random.choice((1, 1, 2)))}
    payment = {"pay_with": "crypto", "pay_currency": "btc"} if is_by_crypto else {"pay_with": "credits"}
    items = [{"product_id": f"{product}", "quantity": random.choice((1, 1, 2))} for product in sorted(products)]
    order = partial(fan.post, PATH, {"items": items} | payment, key=mixed_run.new_key("goods"))
    if random.random() < 0.15:
        await asyncio.gather(retry_until_final(order), retry_until_final(order))
    # An unpaid order that its fan does not know of would stay open for an hour.
    patience = ANSWER_SECONDS if is_by_crypto else UNAVAILABLE_AFTER_SECONDS
    ordered = await proven(fan, order, unavailable_after_seconds=patience)
    if not ordered.is_success:
        return False
    order_id = uuid.UUID(ordered.json()["data"]["order_id"])
    done = await _pay(fan, mixed_run, random, order_id) if is_by_crypto else ENDS
    mixed_run.expectations.expect("digital_order", order_id, ordered, done=done)
    return True


async def _pay(fan: Fan, mixed_run: MixedRun, random: Random, order_id: uuid.UUID) -> frozenset[str]:
    """Pay, or let the payment expire, or cancel the order and pay too late; return the statuses in which it may end."""
    path = f"/control/nowpayments/{await provider_id(mixed_run, f'{payment_id_of(order_id)}')}"
    statuses, end = ["confirming", "finished", "waiting"], ENDS
    habit = random.random()
    if habit < 0.15:
        cancel = partial(fan.post, f"{PATH}/{order_id}/cancel")
        await retry_until_final(cancel, unavailable_after_seconds=ANSWER_SECONDS)
        statuses, end = ["finished"], UNPAID
    elif habit < 0.3:
        statuses, end = ["expired"], UNPAID
    random.shuffle(statuses)
    for status in statuses:
        what = {"status": status, "copies": random.choice((1, 1, 3))}
        await until_acknowledged(mixed_run, await post_control(mixed_run, path, what))
    return end


async def reveal_codes(fan: Fan, random: Random) -> bool:
    """Reveal the codes of a delivered order: one for each item that was delivered."""
    order = await any_listed(fan, random, path=PATH, status="FULFILLED")
    if order is None:
        return False
    delivered = {item["item_id"] for item in order["items"] if item["status"] == "DELIVERED"}
    revealed = await retry_until_final(partial(fan.post, f"/api/fulfillment/{order['order_id']}/reveal"))
    if not revealed.is_success:
        return False
    assert {code["item_id"] for code in revealed.json()["data"]["codes"]} == delivered
    return True


class RandomSupplier:
    """Delivers or fails reservations, and reports it in time, late, more than once, wrongly or never; its API has outages."""

    def __init__(self, mixed_run: MixedRun, random: Random) -> None:
        self._mixed_run = mixed_run
        self._random = random

    async def act_until_over(self) -> None:
        while not self._mixed_run.is_over:
            listed = (await self._mixed_run.providers.get(SUPPLIER)).json()
            open_ = [unit for unit in listed if unit["status"] in {"waiting", "ready"}]
            if self._random.random() < 0.1:
                await self._fail_calls()
            elif open_:
                await self._report(self._random.choice(open_)["reservation_id"])
            await asyncio.sleep(PAUSE_SECONDS)

    async def _report(self, reservation_id: str) -> None:
        habit = self._random.random()
        status = "delivered" if habit < 0.65 else "ready" if habit < 0.8 else "failed"
        notice = {
            "status": status,
            "moves": self._random.random() < 0.85,
            "has_codes": self._random.random() < 0.6,
            "copies": self._random.choice(COPIES),
        }
        await post_control(self._mixed_run, f"{SUPPLIER}/{reservation_id}", notice)
        self._mixed_run.expectations.completed[f"report {status}"] += 1

    async def _fail_calls(self) -> None:
        fault = {"path": "supplier", "status": self._random.choice((500, 503)), "times": self._random.choice((1, 3))}
        (await self._mixed_run.providers.post("/control/faults", json=fault)).raise_for_status()


class RandomShopkeeper:
    """An admin who retries failed orders, and refunds some that wait."""

    def __init__(self, mixed_run: MixedRun, random: Random) -> None:
        self._admin = mixed_run.operators.admin
        self._mixed_run = mixed_run
        self._random = random

    async def act_until_over(self) -> None:
        """Decide until the fans have stopped; what is left is delivered or expires."""
        while not self._mixed_run.is_over:
            status = self._random.choice(("FAILED", "WAITING"))
            order = await any_listed(self._admin, self._random, path=ADMIN, status=status)
            # Orders wait for a moment only: until one refund has succeeded, each that is seen waiting is refunded.
            is_refunded = status == "WAITING" and (not self._has_refunded or self._random.random() < 0.1)
            if order is not None and (status == "FAILED" or is_refunded):
                await self._decide(uuid.UUID(order["order_id"]), status)
            await asyncio.sleep(PAUSE_SECONDS)

    @property
    def _has_refunded(self) -> bool:
        return self._mixed_run.expectations.completed["refund goods"] > 0

    async def _decide(self, order_id: uuid.UUID, status: str) -> None:
        if status == "FAILED" and self._random.random() < 0.7:
            await self._act(order_id, "retry")
            return
        refunded = await self._act(order_id, "refund", reason="The supplier is late.")
        is_whole = refunded.is_success and refunded.json()["data"].get("status") == "REFUNDED"
        done = (
            ["REFUNDED"] if is_whole else ["FULFILLED", "REFUNDED"]
        )  # the deadline may come before the rest is settled
        self._mixed_run.expectations.expect("digital_order", order_id, refunded, done=done)
        self._mixed_run.expectations.completed["refund goods"] += refunded.is_success

    async def _act(self, order_id: uuid.UUID, act: str, **body: Any) -> httpx.Response:
        key = self._mixed_run.new_key(act)
        return await retry_until_final(partial(self._admin.post, f"{ADMIN}/{order_id}/{act}", body, key=key))
