"""Refused tips, and the spelling of answers."""

import uuid
from typing import Any, Final

import pytest

from tests.e2e.conftest import MakePerformer
from tests.e2e.performer import Performer, balances, tip, until_status
from tests.e2e.user_client import SANDBOX_OTP, ApiResponse, UserClient

DUPLICATE: Final = "Duplicate request detected. Transaction already processed."
PUBLISHED: Final = "purchased_item.success"
JOBS: Final = "SELECT payload, lane FROM jobs WHERE kind = 'performance' AND payload ->> 'purchased_item_id' = $1"


@pytest.fixture
async def item_id(performer: Performer) -> str:
    return await performer.add_tip()


class TestRefusals:
    async def test_performer_and_item_must_exist_and_belong_together(
        self, fan: UserClient, performer: Performer, item_id: str, new_performer: MakePerformer
    ) -> None:
        other = await new_performer()
        no_performer, no_item = str(uuid.uuid4()), str(uuid.uuid4())
        wanted = {"tip_menu_item_id": item_id, "performer_id": no_performer}
        assert (await fan.post("/tip-grid/purchase", wanted)).refused() in {
            (404, "PERFORMER_NOT_FOUND"),
            (404, "ITEM_NOT_FOUND"),
        }
        assert (await tip(fan, performer, no_item)).refused() == (404, "ITEM_NOT_FOUND")
        assert (await tip(fan, other, item_id)).refused() == (404, "ITEM_NOT_FOUND")

    async def test_menu_item_is_no_tip(self, fan: UserClient, performer: Performer) -> None:
        menu_item_id = await performer.add_menu_item(await performer.add_menu())
        assert (await tip(fan, performer, menu_item_id)).refused() == (404, "ITEM_NOT_FOUND")

    async def test_inactive_item_and_performer_sell_nothing(
        self, fan: UserClient, performer: Performer, item_id: str
    ) -> None:
        inactive = await performer.add_tip(is_active=False)
        assert (await tip(fan, performer, inactive)).refused() == (409, "ITEM_INACTIVE")
        assert (await performer.client.patch("/performer/profile", {"is_active": False})).status == 200
        assert (await tip(fan, performer, item_id)).refused() in {
            (404, "PERFORMER_NOT_FOUND"),
            (409, "ITEM_INACTIVE"),
        }

    async def test_performer_cannot_tip_themselves(self, performer: Performer, item_id: str) -> None:
        await performer.client.top_up("50.00")
        assert (await tip(performer.client, performer, item_id)).refused() == (400, "SELF_PURCHASE")
        assert await performer.balance() == "50.00"

    async def test_flagged_fan_proves_the_phone_and_repeats_the_request(
        self, fan: UserClient, admin: UserClient, performer: Performer, item_id: str
    ) -> None:
        assert (await admin.patch(f"/admin/users/{fan.user_id}", {"is_flagged": True})).status == 200
        asked = await tip(fan, performer, item_id, header_key="k")
        assert asked.refused() == (428, "OTP_REQUIRED")
        proof: dict[str, Any] = {**asked.body["details"], "otp_code": SANDBOX_OTP}
        assert proof["context"] == "purchased_item"
        wanted = {name: proof[name] for name in ("context", "reference_id", "otp_code")}
        assert (await fan.post("/verify-otp", wanted)).status == 200
        assert (await tip(fan, performer, item_id, header_key="k")).status == 200
        assert await balances(fan, performer) == ("980.00", "20.00")


def spelled_in_camel_case(answer: ApiResponse) -> bool:
    """Return whether no field of an answer's data has an underscore."""
    names = (answer.body["data"] if answer.body["success"] else answer.body["details"]).keys()
    return not any("_" in name for name in names)


async def test_camel_case_client_gets_camel_case_answers(fan: UserClient, performer: Performer, item_id: str) -> None:
    wanted = {
        "tipMenuItemId": item_id,
        "performerId": performer.performer_id,
        "conversationId": str(uuid.uuid4()),
        "idempotencyKey": "k",
    }
    now = await fan.post("/tip-grid/purchase", wanted | {"executionMode": "IMMEDIATE"})
    assert now.status == 200
    assert spelled_in_camel_case(now)
    assert now.data["transactionId"]
    again = await fan.post("/tip-grid/purchase", wanted | {"executionMode": "QUEUED"})
    assert (again.status, again.body["message"]) == (400, DUPLICATE)
    assert again.body["details"]["purchasedItemId"] == now.data["transactionId"]
    queued = await fan.post("/tip-grid/purchase", wanted | {"executionMode": "QUEUED", "idempotencyKey": "l"})
    assert spelled_in_camel_case(queued)
    assert queued.data["queuePosition"] == 1
    await until_status(fan, queued.data["purchasedItemId"], "success")
    status = await fan.get(f"/performance-queue/status/{queued.data['queueRequestId']}", naming="camel")
    assert status.data["requestId"] == queued.data["queueRequestId"]
    assert status.data["result"]["purchasedItemId"] == queued.data["purchasedItemId"]
