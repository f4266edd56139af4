"""Risky purchases: a flagged fan verifies a one-time code before paying (T6)."""

import pytest

from devstack.stack import Stack
from tests.e2e.conftest import MakeFan
from tests.e2e.deal_calls import WRONG_OTP, sandbox_fault
from tests.e2e.user_client import SANDBOX_OTP, ApiResponse, Concert, UserClient


@pytest.fixture
async def flagged(fan: UserClient, admin: UserClient) -> UserClient:
    assert (await admin.patch(f"/admin/users/{fan.user_id}", {"is_flagged": True})).status == 200
    return fan


async def held(fan: UserClient, concert: Concert, seat: int = 0) -> str:
    return str((await fan.reserve(concert.event_id, concert.seats["CAT2"][seat])).data["order_id"])


async def prove(fan: UserClient, order_id: str, otp_code: str = SANDBOX_OTP) -> ApiResponse:
    body = {"otp_code": otp_code, "context": "purchase", "reference_id": order_id}
    return await fan.post("/verify-otp", body)


async def test_verified_code_lets_the_order_be_paid(flagged: UserClient, concert: Concert) -> None:
    order_id = await held(flagged, concert)
    assert (await flagged.pay(order_id)).refused() == (428, "OTP_REQUIRED")
    assert (await flagged.get(f"/orders/{order_id}")).data["status"] == "PENDING"
    assert await flagged.balance() == "1000.00"
    verified = await prove(flagged, order_id)
    assert verified.data == {"verified": True, "context": "purchase", "reference_id": order_id}
    assert (await flagged.pay(order_id)).data["status"] == "CONFIRMED"
    assert await flagged.balance() == "900.00"


async def test_same_key_pays_after_verification(flagged: UserClient, concert: Concert) -> None:
    order_id = await held(flagged, concert)
    assert (await flagged.pay(order_id, key="pay")).code == "OTP_REQUIRED"
    await prove(flagged, order_id)
    assert (await flagged.pay(order_id, key="pay")).data["status"] == "CONFIRMED"


async def test_code_is_valid_for_one_order(flagged: UserClient, concert: Concert) -> None:
    first, second = await held(flagged, concert, 0), await held(flagged, concert, 1)
    assert (await flagged.pay(first)).code == "OTP_REQUIRED"
    await prove(flagged, first)
    assert (await flagged.pay(second)).refused() == (428, "OTP_REQUIRED")


async def test_code_can_be_verified_again_until_payment(flagged: UserClient, concert: Concert) -> None:
    order_id = await held(flagged, concert)
    await flagged.pay(order_id)
    assert [(await prove(flagged, order_id)).status for _ in range(2)] == [200, 200]
    await flagged.pay(order_id)
    assert (await prove(flagged, order_id)).refused() == (409, "ORDER_ALREADY_CONFIRMED")


async def test_third_wrong_code_invalidates_the_code_but_keeps_the_hold(flagged: UserClient, concert: Concert) -> None:
    order_id = await held(flagged, concert)
    await flagged.pay(order_id)
    wrong = [(await prove(flagged, order_id, WRONG_OTP)).refused() for _ in range(4)]
    assert wrong == [(401, "OTP_INVALID")] * 2 + [(429, "OTP_MAX_RETRIES")] * 2
    assert (await prove(flagged, order_id)).refused() == (429, "OTP_MAX_RETRIES")
    assert (await flagged.get(f"/orders/{order_id}")).data["status"] == "PENDING"
    assert (await flagged.pay(order_id)).code == "OTP_REQUIRED"
    again = await flagged.post("/resend-otp", {"context": "purchase", "reference_id": order_id})
    assert again.status in {200, 429}, again.body  # paying may have sent the new code already
    assert (await prove(flagged, order_id)).status == 200
    assert (await flagged.pay(order_id)).status == 200


async def test_no_code_exists_before_a_payment_attempt(flagged: UserClient, concert: Concert) -> None:
    order_id = await held(flagged, concert)
    assert (await prove(flagged, order_id)).refused() == (410, "OTP_EXPIRED")
    resent = await flagged.post("/resend-otp", {"context": "purchase", "reference_id": order_id})
    assert resent.refused() == (409, "ORDER_INVALID_STATE")


async def test_resend_has_a_cool_down(flagged: UserClient, concert: Concert) -> None:
    order_id = await held(flagged, concert)
    await flagged.pay(order_id)
    resent = await flagged.post("/resend-otp", {"context": "purchase", "reference_id": order_id})
    assert resent.refused() == (429, "RATE_LIMITED")
    assert 0 < int(resent.headers["retry-after"]) <= 30


async def test_unavailable_otp_provider_keeps_the_hold(platform: Stack, flagged: UserClient, concert: Concert) -> None:
    order_id = await held(flagged, concert)
    await sandbox_fault(platform, "/SendOTP", status=503)
    try:
        assert (await flagged.pay(order_id)).refused() == (503, "SERVICE_UNAVAILABLE")
    finally:
        await sandbox_fault(platform, None)
    assert (await flagged.get(f"/orders/{order_id}")).data["status"] == "PENDING"
    assert (await flagged.pay(order_id)).code == "OTP_REQUIRED"
    await prove(flagged, order_id)
    assert (await flagged.pay(order_id)).status == 200


async def test_another_fans_order_returns_403(flagged: UserClient, new_fan: MakeFan, concert: Concert) -> None:
    order_id = await held(flagged, concert)
    await flagged.pay(order_id)
    stranger = await new_fan(balance="0")
    assert (await prove(stranger, order_id)).refused() == (403, "FORBIDDEN")
