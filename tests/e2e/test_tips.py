"""Tips through the gateway: now, in their turn, once, and never for the wrong one."""

import uuid
from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import pytest

from devstack.stack import Stack
from tests.e2e.conftest import MakeFan, MakePerformer
from tests.e2e.performer import Performer, at_once, balances, item_of, messages_about, read, tip, until_status
from tests.e2e.test_notifications import Inbox
from tests.e2e.user_client import UserClient
from tests.support.waiting import eventually

DUPLICATE: Final = "Duplicate request detected. Transaction already processed."
PUBLISHED: Final = "purchased_item.success"
JOBS: Final = "SELECT payload, lane FROM jobs WHERE kind = 'performance' AND payload ->> 'purchased_item_id' = $1"


@pytest.fixture
async def item_id(performer: Performer) -> str:
    return await performer.add_tip()


async def queue_status(fan: UserClient, queue_request_id: str) -> dict[str, Any]:
    status: dict[str, Any] = (await fan.get(f"/performance-queue/status/{queue_request_id}")).data
    return status


async def until_job_is(fan: UserClient, queue_request_id: str, status: str) -> dict[str, Any]:
    async def look() -> dict[str, Any]:
        found = await queue_status(fan, queue_request_id)
        assert found["status"] == status, found
        return found

    return await eventually(look)


class TestImmediate:
    async def test_item_is_paid_and_published_before_the_answer(
        self, platform: Stack, fan: UserClient, performer: Performer, item_id: str
    ) -> None:
        conversation_id = str(uuid.uuid4())
        body = {"conversation_id": conversation_id, "idempotency_key": "k", "execution_mode": "IMMEDIATE"}
        bought = await tip(fan, performer, item_id, **body)
        assert bought.status == 200
        assert bought.data["success"] is True
        assert bought.data["message"] == "Tip grid item purchased successfully"
        purchased_item_id = bought.data["transaction_id"]
        assert bought.data["purchased_item_id"] == purchased_item_id
        assert await balances(fan, performer) == ("980.00", "20.00")
        item = await item_of(fan, purchased_item_id)
        assert (item["status"], item["settlement_status"]) == ("success", "settled")
        assert await messages_about(platform, purchased_item_id) == [PUBLISHED]

    async def test_item_is_a_record_of_what_was_bought(
        self, fan: UserClient, performer: Performer, item_id: str
    ) -> None:
        conversation_id = str(uuid.uuid4())
        bought = await tip(fan, performer, item_id, conversation_id=conversation_id, idempotency_key="k")
        item = await item_of(fan, bought.data["transaction_id"])
        expected = {
            "source": "user",
            "source_id": fan.user_id,
            "target": "conversation",
            "target_id": conversation_id,
            "seller_id": performer.performer_id,
            "type": "tip_grid_item",
            "name": "Shout-out",
            "description": "By name",
            "price": "20.00",
            "quantity": 1,
            "total_price": "20.00",
            "original_price": "20.00",
            "idempotency_key": "k",
        }
        assert {name: item[name] for name in expected} == expected
        assert item["extra_info"]["tip_menu_item_id"] == item_id
        assert item["extra_info"]["conversation_id"] == conversation_id
        assert item["extra_info"]["execution_mode"] == "IMMEDIATE"
        assert [move["to_status"] for move in item["history"]][-1] == "success"

    async def test_is_the_default_and_concerns_the_performer_without_a_conversation(
        self, fan: UserClient, performer: Performer, item_id: str
    ) -> None:
        bought = await tip(fan, performer, item_id)
        item = await item_of(fan, bought.data["transaction_id"])
        assert (item["status"], item["target"], item["target_id"]) == ("success", "tip", performer.performer_id)

    async def test_too_few_credits_leave_no_item(self, new_fan: MakeFan, performer: Performer, item_id: str) -> None:
        fan = await new_fan(balance="19.99")
        refused = await tip(fan, performer, item_id, idempotency_key="k")
        assert refused.refused() == (402, "INSUFFICIENT_CREDITS")
        assert (await fan.get("/purchased-items")).data == []
        await fan.top_up("0.01")
        assert (await tip(fan, performer, item_id, idempotency_key="k")).status == 200

    async def test_performer_sees_the_sale_and_its_earnings_but_not_the_fan(
        self, fan: UserClient, performer: Performer, item_id: str
    ) -> None:
        bought = await tip(fan, performer, item_id, idempotency_key="k")
        seen = await item_of(performer.client, bought.data["transaction_id"])
        assert (seen.get("source_id"), seen.get("idempotency_key")) == (None, None)
        [sale] = (await performer.client.get("/performer/sales")).data
        assert sale["purchased_item_id"] == bought.data["transaction_id"]
        assert fan.user_id not in str(sale)

        async def earned() -> bool:
            return bool((await performer.client.get("/performer/earnings")).data["total"] == "20.00")

        await eventually(earned)

    async def test_another_fan_does_not_see_the_item(
        self, fan: UserClient, new_fan: MakeFan, performer: Performer, item_id: str
    ) -> None:
        bought = await tip(fan, performer, item_id)
        stranger = await new_fan(balance="0")
        seen = await stranger.get(f"/purchased-items/{bought.data['transaction_id']}")
        assert seen.refused() == (404, "ITEM_NOT_FOUND")


class TestQueued:
    async def test_nothing_moves_before_the_job_runs(
        self, platform: Stack, fan: UserClient, performer: Performer, item_id: str
    ) -> None:
        await performer.pause()
        queued = await tip(fan, performer, item_id, execution_mode="QUEUED", idempotency_key="k")
        assert queued.status == 200
        assert queued.data["success"] is True
        assert queued.data["message"] == "Tip grid item queued for processing"
        assert queued.data["queue_position"] == 1
        purchased_item_id, queue_request_id = queued.data["purchased_item_id"], queued.data["queue_request_id"]
        item = await item_of(fan, purchased_item_id)
        assert (item["status"], item["settlement_status"]) == ("pending", "pending")
        assert item["extra_info"]["execution_mode"] == "QUEUED"
        status = await queue_status(fan, queue_request_id)
        assert (status["request_id"], status["status"], status["retry_count"]) == (queue_request_id, "pending", 0)
        [job] = await read(platform, "orchestrator", JOBS, purchased_item_id)
        assert job["lane"] == performer.performer_id
        for part in ("tip_grid_item_queued", purchased_item_id, performer.performer_id, fan.user_id, item_id):
            assert part in job["payload"]
        assert PUBLISHED not in await messages_about(platform, purchased_item_id)
        assert await balances(fan, performer) == ("1000.00", "0.00")
        await performer.resume()
        await until_status(fan, purchased_item_id, "success")

    async def test_credits_move_and_the_success_is_published_when_the_job_runs(
        self, platform: Stack, fan: UserClient, performer: Performer, item_id: str
    ) -> None:
        queued = await tip(fan, performer, item_id, execution_mode="QUEUED")
        purchased_item_id, queue_request_id = queued.data["purchased_item_id"], queued.data["queue_request_id"]
        status = await until_job_is(fan, queue_request_id, "completed")
        assert status["result"] == {
            "success": True,
            "message": "Tip grid item processed and published for settlement",
            "purchased_item_id": purchased_item_id,
        }
        assert status["completed_at"] >= status["created_at"]
        item = await item_of(fan, purchased_item_id)
        assert (item["status"], item["settlement_status"]) == ("success", "settled")
        assert [move["to_status"] for move in item["history"]][-2:] == ["pending", "success"]
        assert await balances(fan, performer) == ("980.00", "20.00")
        assert (await messages_about(platform, purchased_item_id)).count(PUBLISHED) == 1

    async def test_fan_who_can_no_longer_pay_gets_a_failed_item(
        self, platform: Stack, new_fan: MakeFan, performer: Performer, item_id: str
    ) -> None:
        fan = await new_fan(balance="30.00")
        await performer.pause()
        first, second = [(await tip(fan, performer, item_id, execution_mode="QUEUED")).data for _ in range(2)]
        await performer.resume()
        await until_status(fan, first["purchased_item_id"], "success")
        failed = await until_status(fan, second["purchased_item_id"], "failed")
        assert failed["settlement_status"] in {"pending", "refunded"}
        status = await until_job_is(fan, second["queue_request_id"], "failed")
        assert status["request_id"] == second["queue_request_id"]

        async def is_explained_by_email() -> bool:
            reason = "There were too few credits to pay for it. You were not charged."
            return any(reason in email["text"] for email in await Inbox(platform, fan).emails())

        await eventually(is_explained_by_email)
        assert await balances(fan, performer) == ("10.00", "20.00")

    async def test_waiting_tip_can_be_cancelled_once(
        self, platform: Stack, fan: UserClient, performer: Performer, item_id: str
    ) -> None:
        await performer.pause()
        queued = (await tip(fan, performer, item_id, execution_mode="QUEUED")).data
        path = f"/performance-queue/{queued['queue_request_id']}/cancel"
        assert (await fan.post(path)).status == 200
        assert (await item_of(fan, queued["purchased_item_id"]))["status"] == "cancelled"
        await performer.resume()
        await until_job_is(fan, queued["queue_request_id"], "cancelled")
        assert await balances(fan, performer) == ("1000.00", "0.00")
        assert PUBLISHED not in await messages_about(platform, queued["purchased_item_id"])

    async def test_performed_tip_cannot_be_cancelled(self, fan: UserClient, performer: Performer, item_id: str) -> None:
        queued = (await tip(fan, performer, item_id, execution_mode="QUEUED")).data
        await until_status(fan, queued["purchased_item_id"], "success")
        refused = await fan.post(f"/performance-queue/{queued['queue_request_id']}/cancel")
        assert refused.refused() == (409, "ITEM_INVALID_STATE")

    async def test_funds_can_be_held_from_the_start(self, fan: UserClient, performer: Performer, item_id: str) -> None:
        await performer.pause()
        kept, cancelled = [
            (await tip(fan, performer, item_id, execution_mode="QUEUED", hold_funds=True)).data for _ in range(2)
        ]
        assert await balances(fan, performer) == ("960.00", "0.00")
        assert (await item_of(fan, kept["purchased_item_id"]))["settlement_status"] == "held"
        assert (await fan.post(f"/performance-queue/{cancelled['queue_request_id']}/cancel")).status == 200
        assert (await item_of(fan, cancelled["purchased_item_id"]))["settlement_status"] == "refunded"
        await performer.resume()
        await until_status(fan, kept["purchased_item_id"], "success")
        assert await balances(fan, performer) == ("980.00", "20.00")

    async def test_scheduled_tip_waits_for_its_time_and_its_end_is_told_by_email(
        self, platform: Stack, fan: UserClient, performer: Performer, item_id: str
    ) -> None:
        due, later = (datetime.now(UTC) + timedelta(seconds=seconds) for seconds in (5, 3600))
        soon = (await tip(fan, performer, item_id, scheduled_for=due.isoformat())).data
        waiting = (await tip(fan, performer, item_id, scheduled_for=later.isoformat())).data
        done = await until_status(fan, soon["purchased_item_id"], "success")
        assert datetime.fromisoformat(done["ended_at"]) >= due
        assert (await item_of(fan, waiting["purchased_item_id"]))["status"] == "pending"
        assert (await fan.post(f"/performance-queue/{waiting['queue_request_id']}/cancel")).status == 200
        inbox = Inbox(platform, fan)
        assert "20.00 credits" in (await inbox.email_about("Nova has completed Shout-out"))["text"]
        assert "You were not charged." in (await inbox.email_about("Cancelled: Shout-out"))["text"]

    @pytest.mark.parametrize(
        "body",
        [
            {"scheduled_for": (datetime.now(UTC) - timedelta(minutes=5)).isoformat()},
            {"scheduled_for": (datetime.now(UTC) + timedelta(days=31)).isoformat()},
            {"scheduled_for": (datetime.now(UTC) + timedelta(hours=1)).isoformat(), "execution_mode": "IMMEDIATE"},
            {"execution_mode": "SOON"},
            {"amount": "1.00"},
            {"price": "1.00"},
        ],
    )
    async def test_what_a_client_may_not_decide_is_refused(
        self, fan: UserClient, performer: Performer, item_id: str, body: dict[str, str]
    ) -> None:
        assert (await tip(fan, performer, item_id, **body)).refused() == (400, "VALIDATION_ERROR")

    async def test_status_is_for_its_owner_only(
        self, fan: UserClient, new_fan: MakeFan, performer: Performer, item_id: str
    ) -> None:
        queued = (await tip(fan, performer, item_id, execution_mode="QUEUED")).data
        stranger = await new_fan(balance="0")
        path = f"/performance-queue/{queued['queue_request_id']}/cancel"
        seen = await stranger.get(f"/performance-queue/status/{queued['queue_request_id']}")
        assert seen.status == 404
        assert (await stranger.post(path)).status == 404


class TestIdempotency:
    @pytest.mark.parametrize("mode", ["IMMEDIATE", "QUEUED"])
    async def test_repeated_body_key_is_refused_with_the_first_items_ids(
        self, *, fan: UserClient, new_fan: MakeFan, performer: Performer, item_id: str, mode: str
    ) -> None:
        first = (await tip(fan, performer, item_id, execution_mode=mode, idempotency_key="k")).data
        for other_mode in ("IMMEDIATE", "QUEUED"):
            again = await tip(fan, performer, item_id, execution_mode=other_mode, idempotency_key="k")
            assert again.refused() == (400, "DUPLICATE_REQUEST")
            assert again.body["message"] == DUPLICATE
            assert again.body["details"]["purchased_item_id"] == first["purchased_item_id"]
            assert again.body["details"]["transaction_id"] == first["purchased_item_id"]
            assert again.body["details"]["queue_request_id"] == first.get("queue_request_id")
        await until_status(fan, first["purchased_item_id"], "success")
        assert await balances(fan, performer) == ("980.00", "20.00")
        other_fan = await new_fan()
        assert (await tip(other_fan, performer, item_id, idempotency_key="k")).status == 200

    @pytest.mark.parametrize("mode", ["IMMEDIATE", "QUEUED"])
    async def test_repeated_body_key_is_refused_whatever_has_changed_since(
        self, *, fan: UserClient, admin: UserClient, performer: Performer, item_id: str, mode: str
    ) -> None:
        first = (await tip(fan, performer, item_id, execution_mode=mode, idempotency_key="k")).data
        await until_status(fan, first["purchased_item_id"], "success")

        async def repeat(**more: Any) -> None:
            again = await tip(fan, performer, item_id, execution_mode=mode, idempotency_key="k", **more)
            assert again.refused() == (400, "DUPLICATE_REQUEST")
            assert again.body["details"]["purchased_item_id"] == first["purchased_item_id"]

        assert (await admin.patch(f"/admin/users/{fan.user_id}", {"is_flagged": True})).status == 200
        await repeat()
        if mode == "QUEUED":
            await repeat(scheduled_for=(datetime.now(UTC) - timedelta(minutes=5)).isoformat())
        assert (await performer.client.patch("/performer/profile", {"is_active": False})).status == 200
        await repeat()
        assert (await tip(fan, performer, item_id, idempotency_key="l")).refused() == (404, "PERFORMER_NOT_FOUND")

    @pytest.mark.parametrize("mode", ["IMMEDIATE", "QUEUED"])
    async def test_repeated_header_replays_the_first_answer(
        self, fan: UserClient, performer: Performer, item_id: str, mode: str
    ) -> None:
        first = await tip(fan, performer, item_id, header_key="k", execution_mode=mode)
        await until_status(fan, first.data["purchased_item_id"], "success")
        again = await tip(fan, performer, item_id, header_key="k", execution_mode=mode)
        assert (again.status, again.data) == (200, first.data)
        assert await balances(fan, performer) == ("980.00", "20.00")
        other = await tip(fan, performer, item_id, header_key="k", execution_mode=mode, idempotency_key="other")
        assert other.refused() == (422, "IDEMPOTENCY_KEY_REUSED")

    @pytest.mark.parametrize("mode", ["IMMEDIATE", "QUEUED"])
    async def test_hundred_concurrent_purchases_with_one_key_buy_once(
        self, *, platform: Stack, fan: UserClient, performer: Performer, item_id: str, mode: str
    ) -> None:
        body = {"execution_mode": mode, "idempotency_key": "k"}
        answers = await at_once(*(tip(fan, performer, item_id, **body) for _ in range(100)))
        assert Counter(answer.status for answer in answers) == {200: 1, 400: 99}
        assert {answer.code for answer in answers if answer.status == 400} == {"DUPLICATE_REQUEST"}
        [item] = (await fan.get("/purchased-items")).data
        await until_status(fan, item["purchased_item_id"], "success")
        assert await balances(fan, performer) == ("980.00", "20.00")
        assert (await messages_about(platform, item["purchased_item_id"])).count(PUBLISHED) == 1

    async def test_hundred_concurrent_purchases_with_one_header_buy_once(
        self, fan: UserClient, performer: Performer, item_id: str
    ) -> None:
        answers = await at_once(*(tip(fan, performer, item_id, header_key="k") for _ in range(100)))
        assert {answer.status for answer in answers} <= {200, 202, 409}
        assert {answer.code for answer in answers if answer.status == 409} <= {"REQUEST_IN_PROGRESS"}
        assert len({answer.data["transaction_id"] for answer in answers if answer.status == 200}) == 1
        assert await balances(fan, performer) == ("980.00", "20.00")


class TestBatchedSettlement:
    async def test_earnings_gather_until_the_payout(self, fan: UserClient, new_performer: MakePerformer) -> None:
        performer = await new_performer(settlement="BATCHED")
        item_id = await performer.add_tip()
        bought = [(await tip(fan, performer, item_id)).data["transaction_id"] for _ in range(3)]
        assert await balances(fan, performer) == ("940.00", "0.00")
        for purchased_item_id in bought:
            item = await item_of(fan, purchased_item_id)
            assert (item["status"], item["settlement_status"]) == ("success", "pending")

        async def pending() -> bool:
            return bool((await performer.client.get("/performer/earnings")).data["pending"] == "60.00")

        await eventually(pending)
