"""Top-ups by a fan. The sandbox stands in for the providers, which repeat a webhook until it is acknowledged."""

import asyncio
import uuid
from collections.abc import Mapping
from decimal import Decimal
from functools import partial
from random import Random
from typing import Any, Final

import httpx

from tests.chaos.fans import Fan
from tests.chaos.mixed_run import ANSWER_SECONDS, PAUSE_SECONDS, MixedRun, retry_until_final

__all__ = ["post_control", "provider_id", "top_up_by_card", "top_up_by_crypto", "until_acknowledged"]

LEAST_CREDITS, MOST_CREDITS = 5, 50
COPIES: Final = (1, 1, 1, 3)
"""Providers send some webhooks more than once."""


async def top_up_by_card(fan: Fan, mixed_run: MixedRun, random: Random) -> bool:
    """Pay at Stripe; sometimes the first card is declined, or the payment is refunded or disputed afterwards."""
    wanted = {"amount": _amount(random)}
    begun = await retry_until_final(partial(fan.post, "/api/credits/topup", wanted, key=mixed_run.new_key("top-up")))
    if not begun.is_success:
        return False
    data = begun.json()["data"]
    intent = f"/control/stripe/{data['client_secret'].partition('_secret_')[0]}"
    if random.random() < 0.2:
        await _send_webhook(mixed_run, f"{intent}/fail")
    copies = {"copies": random.choice(COPIES)}
    await _send_webhook(mixed_run, f"{intent}/succeed", copies)
    status = await _take_back(mixed_run, intent, Decimal(data["amount"]), random)
    mixed_run.expectations.expect("payment", uuid.UUID(data["payment_id"]), begun, done=[status])
    return True


async def _take_back(mixed_run: MixedRun, intent: str, amount: Decimal, random: Random) -> str:
    """Sometimes refund the payment or parts of it, or dispute it, and return its status afterwards."""
    copies = {"copies": random.choice(COPIES)}
    habit = random.random()
    if habit < 0.15:
        await _send_webhook(mixed_run, f"{intent}/refund", copies)
        return "REFUNDED"
    if habit < 0.3:
        for cents in (100, int(amount * 50)):
            await _send_webhook(mixed_run, f"{intent}/refund", {"amount": cents, **copies})
    elif habit < 0.5:
        await _send_webhook(mixed_run, f"{intent}/dispute", copies)
        ends = (("withdraw", "win", "reinstate"), ("withdraw", "lose"), ("win",))
        for step in random.choice(ends):
            await _send_webhook(mixed_run, f"{intent}/dispute/{step}", copies)
    return "SUCCEEDED"


async def top_up_by_crypto(fan: Fan, mixed_run: MixedRun, random: Random) -> bool:
    """Pay at NOWPayments, whose notifications come in any order."""
    wanted = {"purpose": "topup", "amount": _amount(random), "pay_currency": "btc"}
    begun = await retry_until_final(partial(fan.post, "/api/payments/crypto", wanted, key=mixed_run.new_key("coins")))
    if not begun.is_success:
        return False
    data = begun.json()["data"]
    name = await provider_id(mixed_run, data["payment_id"])
    webhooks = _crypto_webhooks(name, Decimal(data["pay_amount"]), random)
    random.shuffle(webhooks)
    for path, what in webhooks:
        await _send_webhook(mixed_run, path, {**what, "copies": random.choice(COPIES)})
    mixed_run.expectations.expect("payment", uuid.UUID(data["payment_id"]), begun, done=["SUCCEEDED"])
    return True


def _crypto_webhooks(name: str, due: Decimal, random: Random) -> list[tuple[str, dict[str, Any]]]:
    """Pay at once, or in two deposits, of which the second is a payment of its own at the provider."""
    path = f"/control/nowpayments/{name}"
    if random.random() < 0.7:
        return [(path, {"status": status}) for status in ("confirming", "finished", "waiting")]
    first = (due / 3).quantize(Decimal("0.00000001"))
    return [
        (path, {"status": "confirming"}),
        (path, {"status": "partially_paid", "actually_paid": float(first)}),
        (f"{path}/deposit", {"actually_paid": float(due - first)}),
    ]


def _amount(random: Random) -> str:
    return f"{Decimal(random.randrange(LEAST_CREDITS, MOST_CREDITS)):.2f}"


async def provider_id(mixed_run: MixedRun, payment_id: str) -> str:
    """Ask an admin, because fans do not see the provider's id."""
    request = partial(mixed_run.operators.admin.get, "/api/admin/payments", per_page=100)
    listed = await retry_until_final(request, unavailable_after_seconds=ANSWER_SECONDS)
    [name] = [row["provider_payment_id"] for row in listed.json()["data"] if row["payment_id"] == payment_id]
    return str(name)


async def _send_webhook(mixed_run: MixedRun, path: str, what: Mapping[str, Any] | None = None) -> None:
    """Let the provider send a webhook until it is acknowledged."""
    await until_acknowledged(mixed_run, await post_control(mixed_run, path, what or {}))


async def until_acknowledged(mixed_run: MixedRun, sent: Mapping[str, Any]) -> None:
    """Let the provider repeat a webhook that it has sent until it is acknowledged."""
    async with asyncio.timeout(ANSWER_SECONDS):
        while sent["statuses"][-1] != httpx.codes.OK:
            await asyncio.sleep(PAUSE_SECONDS)
            sent = await post_control(mixed_run, f"/control/webhooks/{sent['webhook_id']}/send", {})


async def post_control(mixed_run: MixedRun, path: str, what: Mapping[str, Any]) -> Any:
    """Let the provider act, and return its answer."""
    answer = await mixed_run.providers.post(path, json=dict(what))
    assert answer.is_success, answer.text
    return answer.json()
