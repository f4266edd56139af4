"""What becomes of a queued tip with its job: repeated, dead, cancelled by an admin, deleted; and of its request."""

import uuid
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any, Final

import pytest

from devstack.stack import Stack
from orchestrator.features.tips.jobs import BATCH
from tests.e2e.conftest import MakeFan
from tests.e2e.performer import Performer, balances, change, item_of, tip, until_status
from tests.e2e.user_client import SANDBOX_OTP, UserClient
from tests.support.waiting import eventually

JOB_IS_DEAD: Final = """
    UPDATE jobs SET status = 'failed', failure = 'dead', attempts = 3, finished_at = now() WHERE job_id = $1
"""
SECOND_ATTEMPT_IS_DUE: Final = """
    UPDATE jobs SET status = 'retrying', attempts = 1, queued_at = now(), run_at = now(), token_at = now()
    WHERE job_id = $1
"""
DELETE_JOB: Final = "DELETE FROM jobs WHERE job_id = $1"
DELETE_JOBS: Final = "DELETE FROM jobs WHERE kind = 'performance' AND lane = $1"


@pytest.fixture
async def item_id(performer: Performer) -> str:
    return await performer.add_tip()


async def scheduled(fan: UserClient, performer: Performer, item_id: str, **body: Any) -> dict[str, Any]:
    """Buy a tip for tomorrow."""
    tomorrow = (datetime.now(UTC) + timedelta(days=1)).isoformat()
    queued: dict[str, Any] = (await tip(fan, performer, item_id, scheduled_for=tomorrow, **body)).data
    return queued


async def status_of(fan: UserClient, queued: dict[str, Any]) -> dict[str, Any]:
    status: dict[str, Any] = (await fan.get(f"/performance-queue/status/{queued['queue_request_id']}")).data
    return status


async def test_tip_whose_job_is_dead_fails_and_its_credits_return(
    platform: Stack, fan: UserClient, performer: Performer, item_id: str
) -> None:
    queued = await scheduled(fan, performer, item_id, hold_funds=True)
    assert await balances(fan, performer) == ("980.00", "0.00")
    await change(platform, "orchestrator", JOB_IS_DEAD, uuid.UUID(queued["queue_request_id"]))
    failed = await until_status(fan, queued["purchased_item_id"], "failed")
    assert failed["settlement_status"] == "refunded"
    assert await balances(fan, performer) == ("1000.00", "0.00")
    status = await status_of(fan, queued)
    assert (status["status"], status["retry_count"]) == ("failed", 2)
    assert status["result"]["success"] is False
    assert status["result"]["message"]


async def test_tips_whose_jobs_were_deleted_fail_and_their_credits_return(
    platform: Stack, fan: UserClient, performer: Performer, item_id: str
) -> None:
    """More jobs may die between two looks than are kept."""
    queued = [await scheduled(fan, performer, item_id, hold_funds=True) for _ in range(BATCH + 2)]
    await change(platform, "orchestrator", DELETE_JOBS, performer.performer_id)
    for one in queued:
        await until_status(fan, one["purchased_item_id"], "failed")
    assert await balances(fan, performer) == ("1000.00", "0.00")


async def test_tip_whose_job_an_admin_cancels_is_cancelled(
    fan: UserClient, admin: UserClient, performer: Performer, item_id: str
) -> None:
    queued = await scheduled(fan, performer, item_id, hold_funds=True)
    assert (await admin.post(f"/admin/jobs/{queued['queue_request_id']}/cancel")).status == 200
    await until_status(fan, queued["purchased_item_id"], "cancelled")
    assert (await status_of(fan, queued))["status"] == "cancelled"
    assert await balances(fan, performer) == ("1000.00", "0.00")


async def test_status_outlives_the_row_of_the_job(
    platform: Stack, fan: UserClient, performer: Performer, item_id: str
) -> None:
    queued = await scheduled(fan, performer, item_id)
    job_id = uuid.UUID(queued["queue_request_id"])
    await change(platform, "orchestrator", SECOND_ATTEMPT_IS_DUE, job_id)
    await until_status(fan, queued["purchased_item_id"], "success")
    before = await status_of(fan, queued)
    assert (before["status"], before["retry_count"]) == ("completed", 1)
    await change(platform, "orchestrator", DELETE_JOB, job_id)
    assert await status_of(fan, queued) == before


async def test_cancelled_tip_takes_its_job_with_it(
    fan: UserClient, admin: UserClient, performer: Performer, item_id: str
) -> None:
    queued = await scheduled(fan, performer, item_id)
    for _ in range(2):
        answer = await fan.post(f"/performance-queue/{queued['purchased_item_id']}/cancel")
        assert (answer.status, answer.data["status"]) == (200, "cancelled")
    assert (await admin.get(f"/admin/jobs/{queued['queue_request_id']}")).data["status"] == "cancelled"


async def test_job_of_a_tip_that_has_ended_does_not_wait_for_a_paused_queue(
    fan: UserClient, admin: UserClient, performer: Performer, item_id: str
) -> None:
    await performer.pause()
    queued = (await tip(fan, performer, item_id, execution_mode="QUEUED")).data

    async def job_is(status: str) -> bool:
        job = await admin.get(f"/admin/jobs/{queued['queue_request_id']}")
        return bool(job.data["status"] == status)

    await eventually(partial(job_is, "retrying"))
    assert (await fan.post(f"/performance-queue/{queued['purchased_item_id']}/cancel")).status == 200
    await eventually(partial(job_is, "failed"))


async def test_performer_declines_a_tip_but_does_not_start_or_complete_it(
    fan: UserClient, performer: Performer, item_id: str
) -> None:
    queued = await scheduled(fan, performer, item_id, hold_funds=True)
    for act in ("start", "complete"):
        refused = await performer.act(queued["purchased_item_id"], act)
        assert refused.refused() == (409, "ITEM_INVALID_STATE")
    assert (await performer.act(queued["purchased_item_id"], "decline", reason="Not tonight")).status == 200
    declined = await item_of(fan, queued["purchased_item_id"])
    assert (declined["status"], declined["settlement_status"]) == ("declined", "refunded")
    assert declined["explanation"] == "Not tonight"
    assert await balances(fan, performer) == ("1000.00", "0.00")


async def test_repeated_header_finds_a_tip_that_has_failed_since(
    new_fan: MakeFan, performer: Performer, item_id: str
) -> None:
    """The first answer was a success: the request does not buy another one, even now that it could."""
    fan = await new_fan(balance="20.00")
    await performer.pause()
    queued = await tip(fan, performer, item_id, header_key="k", execution_mode="QUEUED")
    assert (await tip(fan, performer, item_id)).status == 200
    await performer.resume()
    failed = await until_status(fan, queued.data["purchased_item_id"], "failed")
    assert "credits" in failed["explanation"]
    await fan.top_up("100.00")
    again = await tip(fan, performer, item_id, header_key="k", execution_mode="QUEUED")
    assert (again.status, again.data) == (200, queued.data)
    assert len((await fan.get("/purchased-items")).data) == 2
    assert await balances(fan, performer) == ("100.00", "20.00")


@pytest.mark.parametrize("hold_funds", [True, False])
async def test_repeated_header_buys_after_too_few_credits(
    *, new_fan: MakeFan, performer: Performer, item_id: str, hold_funds: bool
) -> None:
    fan = await new_fan(balance="1.00")
    body: dict[str, Any] = {
        "header_key": "k",
        "idempotency_key": "l",
        "execution_mode": "QUEUED",
        "hold_funds": hold_funds,
    }
    assert (await tip(fan, performer, item_id, **body)).refused() == (402, "INSUFFICIENT_CREDITS")
    await fan.top_up("19.00")
    bought = await tip(fan, performer, item_id, **body)
    assert bought.status == 200
    await until_status(fan, bought.data["purchased_item_id"], "success")
    assert await balances(fan, performer) == ("0.00", "20.00")


async def test_flagged_fan_proves_the_phone_before_a_tip_is_queued(
    fan: UserClient, admin: UserClient, performer: Performer, item_id: str
) -> None:
    assert (await admin.patch(f"/admin/users/{fan.user_id}", {"is_flagged": True})).status == 200
    asked = await tip(fan, performer, item_id, execution_mode="QUEUED")
    assert asked.refused() == (428, "OTP_REQUIRED")
    assert (await fan.get("/purchased-items")).data == []
    key = asked.body["details"].pop("idempotency_key")
    assert (await fan.post("/verify-otp", asked.body["details"] | {"otp_code": SANDBOX_OTP})).status == 200
    queued = await tip(fan, performer, item_id, execution_mode="QUEUED", idempotency_key=key)
    await until_status(fan, queued.data["purchased_item_id"], "success")
    assert await balances(fan, performer) == ("980.00", "20.00")
