"""A fan buys credits: the providers are played by the sandbox, and repeat a webhook until it is acknowledged."""

import asyncio
import uuid
from collections.abc import Mapping
from decimal import Decimal
from functools import partial
from random import Random
from typing import Any, Final

import httpx

from tests.chaos.fans import Fan
from tests.chaos.mixed_run import ANSWER_SECONDS, PAUSE_SECONDS, Scene, patiently

__all__ = ["top_up_by_card", "top_up_by_coin"]

LEAST_CREDITS, MOST_CREDITS = 5, 50
COPIES: Final = (1, 1, 1, 3)
"""Providers send some webhooks more than once."""


async def top_up_by_card(fan: Fan, scene: Scene, chance: Random) -> bool:
    """Pay at Stripe; now and then the first card is declined, or the money is given back afterwards."""
    wanted = {"amount": _amount(chance)}
    begun = await patiently(partial(fan.post, "/api/credits/topup", wanted, key=scene.new_key("top-up")))
    if not begun.is_success:
        return False
    data = begun.json()["data"]
    intent = f"/control/stripe/{data['client_secret'].partition('_secret_')[0]}"
    if chance.random() < 0.2:
        await _tell(scene, f"{intent}/fail")
    copies = {"copies": chance.choice(COPIES)}
    await _tell(scene, f"{intent}/succeed", copies)
    status = "SUCCEEDED"
    if chance.random() < 0.2:
        await _tell(scene, f"{intent}/refund", copies)
        status = "REFUNDED"
    scene.told.about("payment", uuid.UUID(data["payment_id"]), begun, done=[status])
    return True


async def top_up_by_coin(fan: Fan, scene: Scene, chance: Random) -> bool:
    """Pay at NOWPayments, whose notifications come in any order."""
    wanted = {"purpose": "topup", "amount": _amount(chance), "pay_currency": "btc"}
    begun = await patiently(partial(fan.post, "/api/payments/crypto", wanted, key=scene.new_key("coins")))
    if not begun.is_success:
        return False
    payment_id = begun.json()["data"]["payment_id"]
    name = await _name_at_the_provider(scene, payment_id)
    statuses = ["confirming", "finished", "waiting"]
    chance.shuffle(statuses)
    for status in statuses:
        await _tell(scene, f"/control/nowpayments/{name}", {"status": status, "copies": chance.choice(COPIES)})
    scene.told.about("payment", uuid.UUID(payment_id), begun, done=["SUCCEEDED"])
    return True


def _amount(chance: Random) -> str:
    return f"{Decimal(chance.randrange(LEAST_CREDITS, MOST_CREDITS)):.2f}"


async def _name_at_the_provider(scene: Scene, payment_id: str) -> str:
    """Ask an admin, for fans are not told."""
    ask = partial(scene.house.admin.get, "/api/admin/payments", per_page=100)
    listed = await patiently(ask, give_up_after_seconds=ANSWER_SECONDS)
    [name] = [row["provider_payment_id"] for row in listed.json()["data"] if row["payment_id"] == payment_id]
    return str(name)


async def _tell(scene: Scene, path: str, what: Mapping[str, Any] | None = None) -> None:
    """Let the provider tell something, again and again until that is acknowledged."""
    told = await _said(scene, path, what or {})
    async with asyncio.timeout(ANSWER_SECONDS):
        while told["statuses"][-1] != httpx.codes.OK:
            await asyncio.sleep(PAUSE_SECONDS)
            told = await _said(scene, f"/control/webhooks/{told['webhook_id']}/send", {})


async def _said(scene: Scene, path: str, what: Mapping[str, Any]) -> dict[str, Any]:
    answer = await scene.providers.post(path, json=dict(what))
    assert answer.is_success, answer.text
    said: dict[str, Any] = answer.json()
    return said
