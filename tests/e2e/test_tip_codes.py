"""Flagged fans confirm each tip by a code of its own (T6)."""

import pytest

from tests.e2e.performer import Performer, balances, tip, until_status
from tests.e2e.user_client import SANDBOX_OTP, UserClient


@pytest.fixture
async def item_id(performer: Performer) -> str:
    return await performer.add_tip()


@pytest.mark.parametrize("mode", ["IMMEDIATE", "QUEUED"])
async def test_code_of_a_flagged_fan_permits_one_purchase(
    *, fan: UserClient, admin: UserClient, performer: Performer, item_id: str, mode: str
) -> None:
    """Also of one who sent no key: the refusal names the key to repeat the request with."""
    assert (await admin.patch(f"/admin/users/{fan.user_id}", {"is_flagged": True})).status == 200
    asked = await tip(fan, performer, item_id, execution_mode=mode)
    assert asked.refused() == (428, "OTP_REQUIRED")
    key = asked.body["details"].pop("idempotency_key")
    assert (await fan.post("/verify-otp", asked.body["details"] | {"otp_code": SANDBOX_OTP})).status == 200
    bought = await tip(fan, performer, item_id, execution_mode=mode, idempotency_key=key)
    await until_status(fan, bought.data["purchased_item_id"], "success")

    assert (await tip(fan, performer, item_id, execution_mode=mode)).refused() == (428, "OTP_REQUIRED")
    as_header = await tip(fan, performer, item_id, execution_mode=mode, header_key=key)
    assert as_header.refused() == (428, "OTP_REQUIRED")
    again = await tip(fan, performer, item_id, execution_mode=mode, idempotency_key=key)
    assert again.refused() == (400, "DUPLICATE_REQUEST")
    assert await balances(fan, performer) == ("980.00", "20.00")
