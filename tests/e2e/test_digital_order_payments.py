"""Digital orders: who may order what, and how crypto payments pay them, however their notifications arrive."""

import uuid
from decimal import Decimal
from typing import Any

import pytest

from tests.e2e.conftest import MakeFan, Providers
from tests.e2e.digital_orders import BY_CRYPTO, PRODUCT_ID, order_goods, provider_id_of, request_for, until_status
from tests.e2e.in_process import InProcessServices
from tests.e2e.test_topup import wait_for_balance
from tests.e2e.user_client import SANDBOX_OTP, UserClient
from tests.support.waiting import eventually

PAID = ("PAID", "WAITING", "READY", "FULFILLED")


@pytest.fixture
async def buyer(new_fan: MakeFan) -> UserClient:
    return await new_fan(balance="0")


async def entries_of(fan: UserClient) -> list[str]:
    return sorted(entry["amount"] for entry in (await fan.get("/credits/statement")).data["entries"])


class TestCrypto:
    async def test_notifications_in_any_number_pay_once(
        self, buyer: UserClient, providers: Providers, admin: UserClient
    ) -> None:
        placed = await buyer.post("/digital-orders", request_for(**BY_CRYPTO), key="once")
        assert (placed.status, placed.data["status"], placed.data["total"]) == (201, "CREATED", "30.00"), placed.body
        order_id, payment = placed.data["order_id"], placed.data["payment"]
        assert payment["pay_address"]
        assert (await buyer.post("/digital-orders", request_for(**BY_CRYPTO), key="once")).data == placed.data
        shown = (await buyer.get(f"/fulfillment/{order_id}/status")).data
        assert (shown["fulfillment_status"], shown["payment"], shown["can_reveal"]) == (
            "awaiting_payment",
            payment,
            False,
        )
        name = await provider_id_of(buyer, admin)
        await providers(f"/nowpayments/{name}", status="confirming")
        assert (await buyer.get(f"/fulfillment/{order_id}/status")).data["status"] == "CREATED"
        await providers(f"/nowpayments/{name}", status="finished", copies=3)
        paid = await until_status(buyer, order_id, *PAID)
        assert "payment" not in paid or paid["payment"] is None
        assert await buyer.balance() == "0.00"
        assert await entries_of(buyer) == ["-30.00", "30.00"]
        jobs = (await admin.get("/admin/jobs", kind="fulfillment", per_page=100)).data
        assert sum(job["lane"] == order_id for job in jobs) <= 2  # one that reserves, one that stores

    async def test_currency_is_btc_and_the_payment_is_named(self, buyer: UserClient) -> None:
        payment = (await buyer.post("/digital-orders", request_for(pay_with="crypto"))).data["payment"]
        assert payment["pay_currency"] == "btc"
        assert (await buyer.get(f"/payments/{payment['payment_id']}")).data["purpose"] == "digital_order"

    async def test_payment_without_a_notification_is_found_by_reconciliation(
        self, buyer: UserClient, providers: Providers, admin: UserClient, in_process: InProcessServices
    ) -> None:
        order_id = await order_goods(buyer, **BY_CRYPTO)
        await providers(f"/nowpayments/{await provider_id_of(buyer, admin)}", status="finished", copies=0)
        await in_process.reconcile()
        await until_status(buyer, order_id, *PAID)

    async def test_partial_payment_does_not_pay_the_order(
        self, buyer: UserClient, providers: Providers, admin: UserClient
    ) -> None:
        order_id = await order_goods(buyer, **BY_CRYPTO)
        name = await provider_id_of(buyer, admin)
        await providers(f"/nowpayments/{name}", status="partially_paid", actually_paid=0.0001)
        assert (await buyer.get(f"/fulfillment/{order_id}/status")).data["status"] == "CREATED"
        await providers(f"/nowpayments/{name}", status="finished")
        await until_status(buyer, order_id, *PAID)

    async def test_part_of_a_cancelled_order_becomes_credits(
        self, buyer: UserClient, providers: Providers, admin: UserClient, in_process: InProcessServices
    ) -> None:
        placed = (await buyer.post("/digital-orders", request_for(**BY_CRYPTO))).data
        half = float(Decimal(placed["payment"]["pay_amount"]) / 2)
        name = await provider_id_of(buyer, admin)
        await providers(f"/nowpayments/{name}", status="partially_paid", actually_paid=half)

        async def payment() -> dict[str, Any]:
            [shown] = (await buyer.get("/payments")).data
            assert shown["status"] != "PENDING"
            return dict(shown)

        assert (await eventually(payment))["status"] == "PARTIALLY_PAID"
        assert (await buyer.post(f"/digital-orders/{placed['order_id']}/cancel")).data["status"] == "CANCELLED"
        await wait_for_balance(buyer, "15.00")
        await in_process.reconcile()
        settled = await payment()
        assert (settled["status"], settled["amount"], settled["original_amount"]) == ("SUCCEEDED", "15.00", "30.00")
        assert await entries_of(buyer) == ["15.00"]

    async def test_late_payment_of_an_expired_order_becomes_credits(
        self, buyer: UserClient, providers: Providers, admin: UserClient
    ) -> None:
        order_id = await order_goods(buyer, **BY_CRYPTO)
        name = await provider_id_of(buyer, admin)
        await providers(f"/nowpayments/{name}", status="expired")
        ended = await until_status(buyer, order_id, "CANCELLED")
        assert ended["failure_message"] == "The order was not paid in time."
        await providers(f"/nowpayments/{name}", status="finished")
        await wait_for_balance(buyer, "30.00")
        assert (await buyer.get(f"/fulfillment/{order_id}/status")).data["status"] == "CANCELLED"

    async def test_buyer_who_is_flagged_before_the_payment_reads_where_the_credits_are(
        self, buyer: UserClient, providers: Providers, admin: UserClient
    ) -> None:
        order_id = await order_goods(buyer, **BY_CRYPTO)
        assert (await admin.patch(f"/admin/users/{buyer.user_id}", {"is_flagged": True})).status == 200
        await providers(f"/nowpayments/{await provider_id_of(buyer, admin)}", status="finished")
        ended = await until_status(buyer, order_id, "CANCELLED")
        assert ended["failure_message"].startswith("Your payment has reached your wallet")
        assert await buyer.balance() == "30.00"

    async def test_buyer_cancels_an_unpaid_order(
        self, buyer: UserClient, fan: UserClient, providers: Providers, admin: UserClient
    ) -> None:
        order_id = await order_goods(buyer, **BY_CRYPTO)
        cancel = f"/digital-orders/{order_id}/cancel"
        assert (await fan.post(cancel)).refused() == (403, "FORBIDDEN")
        for _ in range(2):
            assert (await buyer.post(cancel)).data["status"] == "CANCELLED"
        await providers(f"/nowpayments/{await provider_id_of(buyer, admin)}", status="finished")
        await wait_for_balance(buyer, "30.00")

    async def test_currency_that_the_provider_refuses_leaves_no_order(self, buyer: UserClient) -> None:
        refused = await buyer.post("/digital-orders", request_for(pay_with="crypto", pay_currency="nonesuch"))
        assert refused.refused() == (400, "VALIDATION_ERROR")
        assert (await buyer.get("/digital-orders")).data == []


class TestRefusals:
    @pytest.mark.parametrize(
        "changes",
        [
            {"items": []},
            {"items": [{"product_id": PRODUCT_ID, "quantity": 0}]},
            {"items": [{"product_id": PRODUCT_ID}, {"product_id": PRODUCT_ID}]},
            {"items": [{"product_id": str(uuid.uuid4()), "quantity": 7} for _ in range(3)]},
            {"items": [{"product_id": PRODUCT_ID, "price": "0.01"}]},
            {"pay_currency": "btc"},
        ],
    )
    async def test_contradictions_are_refused(self, fan: UserClient, changes: dict[str, Any]) -> None:
        assert (await fan.post("/digital-orders", request_for() | changes)).refused() == (400, "VALIDATION_ERROR")

    async def test_unknown_product_is_refused(self, fan: UserClient) -> None:
        unknown = request_for() | {"items": [{"product_id": str(uuid.uuid4())}]}
        assert (await fan.post("/digital-orders", unknown)).refused() == (404, "PRODUCT_NOT_FOUND")
        assert await fan.balance() == "1000.00"

    async def test_too_few_credits_leave_no_order_and_the_request_can_be_repeated(self, buyer: UserClient) -> None:
        refused = await buyer.post("/digital-orders", request_for(), key="k")
        assert refused.refused() == (402, "INSUFFICIENT_CREDITS")
        assert (await buyer.get("/digital-orders")).data == []
        await buyer.top_up("30.00")
        assert (await buyer.post("/digital-orders", request_for(), key="k")).status == 201
        assert await buyer.balance() == "0.00"

    @pytest.mark.parametrize("payment", [{"pay_with": "credits"}, BY_CRYPTO], ids=["credits", "crypto"])
    async def test_code_of_a_flagged_buyer_permits_one_order(
        self, fan: UserClient, admin: UserClient, payment: dict[str, Any]
    ) -> None:
        assert (await admin.patch(f"/admin/users/{fan.user_id}", {"is_flagged": True})).status == 200
        refused = await fan.post("/digital-orders", request_for(**payment))
        assert refused.refused() == (428, "OTP_REQUIRED")
        key = refused.body["details"].pop("idempotency_key")
        proof = refused.body["details"] | {"otp_code": SANDBOX_OTP}
        assert (await fan.post("/verify-otp", proof)).data["context"] == "digital_order"
        assert (await fan.post("/digital-orders", request_for(**payment), key=key)).status == 201
        assert (await fan.post("/digital-orders", request_for(**payment))).refused() == (428, "OTP_REQUIRED")


async def test_admins_are_recorded(fan: UserClient, admin: UserClient) -> None:
    order_id = await order_goods(fan, **BY_CRYPTO)
    path = f"/admin/digital-orders/{order_id}"
    assert (await fan.post(f"{path}/refund", {"reason": "Mine"})).refused() == (403, "FORBIDDEN")
    assert (await admin.post(f"{path}/refund", {"reason": "Late"})).refused() == (409, "ORDER_INVALID_STATE")
    assert (await admin.post(f"{path}/retry")).refused() == (409, "ORDER_INVALID_STATE")
    trail = (await admin.get("/admin/audit", object=order_id)).data
    assert [(each["action"], each["outcome"]) for each in trail] == [
        ("digital_order.retry", "REFUSED"),
        ("digital_order.refund", "REFUSED"),
    ]
