"""Top-ups through the gateway, with the sandbox as Stripe and NOWPayments: each payment is credited once."""

import uuid
from collections import Counter
from typing import Any

from tests.e2e.conftest import MakeFan, Providers
from tests.e2e.user_client import Concert, UserClient
from tests.support.waiting import eventually

MEBIBYTE = 1_048_576


async def begin_top_up(fan: UserClient, amount: str = "400.00", key: str | None = None) -> tuple[str, str]:
    """Begin a top-up and return the ids of its payment and its intent."""
    begun = await fan.post("/credits/topup", {"amount": amount}, key=key)
    assert begun.status == 200, begun.body
    return begun.data["payment_id"], begun.data["client_secret"].partition("_secret_")[0]


async def wait_for_balance(fan: UserClient, balance: str) -> None:
    async def look() -> bool:
        assert await fan.balance() == balance
        return True

    await eventually(look)


async def webhook_log(admin: UserClient, provider: str, **filters: str) -> list[dict[str, Any]]:
    listed: list[dict[str, Any]] = (
        await admin.get("/admin/webhook-logs", provider=provider, per_page=100, **filters)
    ).data
    return listed


async def test_fan_tops_up_and_buys_a_seat(
    new_fan: MakeFan, concert: Concert, providers: Providers, admin: UserClient
) -> None:
    fan = await new_fan(balance="0")
    payment_id, intent_id = await begin_top_up(fan)
    assert (await fan.get(f"/payments/{payment_id}")).data["status"] == "PENDING"
    sent = await providers(f"/stripe/{intent_id}/succeed")
    assert sent["statuses"] == [200]
    await wait_for_balance(fan, "400.00")
    assert (await fan.get(f"/payments/{payment_id}")).data["status"] == "SUCCEEDED"
    (entry,) = (await fan.get("/credits/statement")).data["entries"]
    assert (entry["amount"], entry["balance_after"], entry["reference"]) == ("400.00", "400.00", payment_id)
    order = (await fan.reserve(concert.event_id, concert.seats["CAT1"][0])).data
    assert (await fan.pay(order["order_id"])).data["remaining_balance"] == "50.00"

    async def processed() -> dict[str, Any]:
        found = [
            webhook for webhook in await webhook_log(admin, "stripe") if webhook["external_id"] == sent["webhook_id"]
        ]
        assert [webhook["status"] for webhook in found] == ["processed"]
        return found[0]

    webhook = await eventually(processed)
    assert (webhook["outcome"], webhook["payment_id"], webhook["attempts"]) == ("CREDITED", payment_id, 1)
    shown = (await admin.get(f"/admin/webhook-logs/{webhook['webhook_id']}")).data["payload"]["data"]["object"]
    assert (shown["id"], shown["client_secret"]) == (intent_id, "[redacted]")


async def test_hundred_copies_of_a_webhook_credit_once(
    new_fan: MakeFan, providers: Providers, admin: UserClient
) -> None:
    fan = await new_fan(balance="0")
    _, intent_id = await begin_top_up(fan)
    sent = await providers(f"/stripe/{intent_id}/succeed", copies=100)
    assert Counter(sent["statuses"]) == {200: 100}
    await wait_for_balance(fan, "400.00")
    again = await providers(f"/webhooks/{sent['webhook_id']}/send")
    assert again["statuses"][-1] == 200
    assert len([w for w in await webhook_log(admin, "stripe") if w["external_id"] == sent["webhook_id"]]) == 1
    assert await fan.balance() == "400.00"


async def test_declined_then_paid_then_refunded(new_fan: MakeFan, providers: Providers) -> None:
    fan = await new_fan(balance="0")
    payment_id, intent_id = await begin_top_up(fan)

    async def is_(status: str) -> None:
        async def look() -> bool:
            assert (await fan.get(f"/payments/{payment_id}")).data["status"] == status
            return True

        await eventually(look)

    for happening, status, balance in (
        ("fail", "FAILED", "0.00"),
        ("succeed", "SUCCEEDED", "400.00"),
        ("refund", "REFUNDED", "0.00"),
    ):
        await providers(f"/stripe/{intent_id}/{happening}")
        await is_(status)
        assert await fan.balance() == balance


async def test_partial_refund_and_dispute_move_the_credits(
    new_fan: MakeFan, providers: Providers, admin: UserClient
) -> None:
    fan = await new_fan(balance="0")
    payment_id, intent_id = await begin_top_up(fan)
    for happening, refunded, status, balance in (
        ("succeed", "0.00", None, "400.00"),
        ("refund", "100.00", None, "300.00"),
        ("dispute", "100.00", "OPEN", "300.00"),
        ("dispute/withdraw", "100.00", "WITHDRAWN", "0.00"),
        ("dispute/win", "100.00", "WON", "300.00"),
    ):
        await providers(f"/stripe/{intent_id}/{happening}", **({"amount": 10_000} if happening == "refund" else {}))
        await wait_for_balance(fan, balance)
        expected = {"status": "SUCCEEDED", "refunded_amount": refunded, "dispute_status": status}

        async def look(expected: dict[str, Any] = expected) -> bool:
            assert expected.items() <= (await fan.get(f"/payments/{payment_id}")).data.items()
            return True

        await eventually(look)
    flagged = (await admin.get("/admin/payments", flagged="true", per_page=100)).data
    (seen,) = [payment for payment in flagged if payment["payment_id"] == payment_id]
    assert seen["flags"] == ["DISPUTED"]
    assert sorted(each["status"] for each in seen["reversals"]["by_id"].values()) == ["REFUNDED", "WON"]


async def test_coins_sent_again_complete_a_crypto_payment(
    new_fan: MakeFan, providers: Providers, admin: UserClient
) -> None:
    fan = await new_fan(balance="0")
    wanted = {"purpose": "topup", "amount": "90.00", "pay_currency": "btc"}
    begun = (await fan.post("/payments/crypto", wanted)).data
    (payment,) = [p for p in (await admin.get("/admin/payments")).data if p["payment_id"] == begun["payment_id"]]
    name = payment["provider_payment_id"]
    rest = await providers(f"/nowpayments/{name}/deposit", actually_paid=0.0006)
    await providers(f"/nowpayments/{name}", status="partially_paid", actually_paid=0.0004)
    await wait_for_balance(fan, "90.00")
    await providers(f"/webhooks/{rest['webhook_id']}/send")
    assert await fan.balance() == "90.00"
    assert (await fan.get(f"/payments/{begun['payment_id']}")).data["paid_amount"] == "0.0010"


async def test_repeated_key_creates_one_payment(new_fan: MakeFan) -> None:
    fan = await new_fan(balance="0")
    assert await begin_top_up(fan, key="k") == await begin_top_up(fan, key="k")
    assert len((await fan.get("/payments")).data) == 1
    answer = await fan.post("/credits/topup", {"amount": "1.00"}, key="k")
    assert answer.refused() == (422, "IDEMPOTENCY_KEY_REUSED")


async def test_crypto_payment_is_credited_when_finished(
    new_fan: MakeFan, providers: Providers, admin: UserClient
) -> None:
    fan = await new_fan(balance="0")
    wanted = {"purpose": "topup", "amount": "90.00", "pay_currency": "btc"}
    begun = (await fan.post("/payments/crypto", wanted)).data
    assert (begun["pay_amount"], begun["pay_currency"]) == ("0.001", "btc")
    (payment,) = [p for p in (await admin.get("/admin/payments")).data if p["payment_id"] == begun["payment_id"]]
    for status in ("confirming", "partially_paid", "finished", "waiting"):
        sent = await providers(f"/nowpayments/{payment['provider_payment_id']}", status=status)
        assert sent["statuses"] == [200]
    await wait_for_balance(fan, "90.00")


async def test_crypto_payment_for_an_order_uses_its_price(
    new_fan: MakeFan, concert: Concert, providers: Providers, admin: UserClient
) -> None:
    buyer, stranger = await new_fan(balance="0"), await new_fan(balance="0")
    order_id = (await buyer.reserve(concert.event_id, concert.seats["CAT2"][0])).data["order_id"]
    wanted = {"purpose": "order", "reference_id": order_id, "pay_currency": "btc"}
    assert (await stranger.post("/payments/crypto", wanted)).refused() == (403, "FORBIDDEN")
    assert (await buyer.post("/payments/crypto", wanted | {"amount": "1.00"})).refused() == (400, "VALIDATION_ERROR")
    unknown = wanted | {"reference_id": str(uuid.uuid4())}
    assert (await buyer.post("/payments/crypto", unknown)).refused() == (404, "ORDER_NOT_FOUND")
    begun = (await buyer.post("/payments/crypto", wanted)).data
    assert begun["amount"] == "100.00"
    (payment,) = [p for p in (await admin.get("/admin/payments")).data if p["payment_id"] == begun["payment_id"]]
    await providers(f"/nowpayments/{payment['provider_payment_id']}", status="finished")
    await wait_for_balance(buyer, "100.00")
    assert (await buyer.pay(order_id)).data["remaining_balance"] == "0.00"
    assert (await buyer.post("/payments/crypto", wanted)).refused() == (409, "ORDER_INVALID_STATE")


class TestIntake:
    async def test_forged_stale_or_oversized_webhook_is_refused(
        self, anonymous: UserClient, new_fan: MakeFan, providers: Providers, admin: UserClient
    ) -> None:
        before = len(await webhook_log(admin, "stripe"))
        forged = await anonymous.send("/webhooks/stripe", b'{"id": "evt_x"}', stripe_signature="t=1,v1=00")
        assert forged.refused() == (401, "SIGNATURE_INVALID")
        for provider in ("stripe", "nowpayments", "kinguin"):
            unsigned = await anonymous.send(f"/webhooks/{provider}", b"{}")
            assert unsigned.refused() == (401, "SIGNATURE_INVALID")
        large = await anonymous.send("/webhooks/stripe", b" " * (MEBIBYTE + 1), stripe_signature="t=1,v1=00")
        assert large.status == 413
        fan = await new_fan(balance="0")
        _, intent_id = await begin_top_up(fan)
        sent = await providers(f"/stripe/{intent_id}/succeed", signed_seconds_ago=400)
        assert sent["statuses"] == [400]
        assert len(await webhook_log(admin, "stripe")) == before
        assert await fan.balance() == "0.00"

    async def test_wrong_amount_is_stored_and_flagged_but_not_credited(
        self, new_fan: MakeFan, providers: Providers, admin: UserClient
    ) -> None:
        fan = await new_fan(balance="0")
        payment_id, intent_id = await begin_top_up(fan)
        sent = await providers(f"/stripe/{intent_id}/succeed", changes={"amount_received": 4_000_000})

        async def failed() -> bool:
            assert sent["webhook_id"] in {w["external_id"] for w in await webhook_log(admin, "stripe", status="failed")}
            return True

        await eventually(failed)
        assert await fan.balance() == "0.00"
        flagged = (await admin.get("/admin/payments", flagged="true")).data
        assert [p["flags"] for p in flagged if p["payment_id"] == payment_id] == [["AMOUNT_MISMATCH"]]

    async def test_unknown_event_type_is_stored_and_can_be_replayed(
        self, providers: Providers, admin: UserClient
    ) -> None:
        sent = await providers("/kinguin", type="order.archived")
        assert sent["statuses"] == [200]

        async def ignored() -> dict[str, Any]:
            (webhook,) = [w for w in await webhook_log(admin, "kinguin") if w["external_id"] == sent["webhook_id"]]
            assert webhook["status"] == "ignored"
            return webhook

        webhook = await eventually(ignored)
        replayed = (await admin.post(f"/admin/webhook-logs/{webhook['webhook_id']}/replay")).data
        assert replayed["replays"] == 1
        await eventually(ignored)


def test_openapi_marks_webhooks_as_public(openapi: dict[str, Any]) -> None:
    for provider in ("stripe", "nowpayments", "kinguin"):
        assert openapi["paths"][f"/api/webhooks/{provider}"]["post"]["security"] == []
    assert openapi["paths"]["/api/credits/topup"]["post"]["security"] == [{"bearer": []}]
