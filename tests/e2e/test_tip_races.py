"""Concurrent tips: each limit, each wallet and each item is used once."""

import asyncio
from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest

from tests.e2e.conftest import MakeFan
from tests.e2e.performer import Performer, at_once, balances, item_of, tip, until_status


@pytest.fixture
async def item_id(performer: Performer) -> str:
    return await performer.add_tip()


async def test_two_devices_with_credits_for_one_tip_buy_one(
    new_fan: MakeFan, performer: Performer, item_id: str
) -> None:
    fan = await new_fan(balance="20.00")
    answers = await at_once(*(tip(fan, performer, item_id) for _ in range(2)))
    assert Counter(answer.status for answer in answers) == {200: 1, 402: 1}
    assert await balances(fan, performer) == ("0.00", "20.00")
    assert len((await fan.get("/purchased-items")).data) == 1


async def test_fifty_fans_get_ten_of_an_item_with_a_daily_limit_of_ten(new_fan: MakeFan, performer: Performer) -> None:
    item_id = await performer.add_tip(price="1.00", daily_limit=10)
    fans = await asyncio.gather(*(new_fan(balance="1.00") for _ in range(50)))
    answers = await at_once(*(tip(fan, performer, item_id) for fan in fans))
    assert Counter(answer.status for answer in answers) == {200: 10, 409: 40}
    assert {answer.code for answer in answers if answer.status == 409} == {"DAILY_LIMIT_REACHED"}
    assert await performer.balance() == "10.00"


async def test_fan_without_credits_leaves_the_places_of_a_daily_limit_to_others(
    new_fan: MakeFan, performer: Performer
) -> None:
    item_id = await performer.add_tip(daily_limit=1)
    later = {"scheduled_for": (datetime.now(UTC) + timedelta(days=29)).isoformat()}
    poor, fan = await new_fan(balance="1.00"), await new_fan(balance="20.00")
    assert (await tip(poor, performer, item_id, **later)).refused() == (402, "INSUFFICIENT_CREDITS")
    waiting = await tip(fan, performer, item_id, **later)
    assert (await item_of(fan, waiting.data["purchased_item_id"]))["settlement_status"] == "held"
    assert await fan.balance() == "0.00"
    await poor.top_up("20.00")
    assert (await tip(poor, performer, item_id, **later)).refused() == (409, "DAILY_LIMIT_REACHED")


async def test_cancellation_against_the_job_has_one_winner(
    new_fan: MakeFan, performer: Performer, item_id: str
) -> None:
    fan = await new_fan(balance="100.00")
    queued = [(await tip(fan, performer, item_id, execution_mode="QUEUED")).data for _ in range(5)]
    cancelled = await at_once(*(fan.post(f"/performance-queue/{one['queue_request_id']}/cancel") for one in queued))
    for one, answer in zip(queued, cancelled, strict=True):
        await until_status(fan, one["purchased_item_id"], "cancelled" if answer.status == 200 else "success")
    performed = sum(answer.status == 409 for answer in cancelled)
    assert await balances(fan, performer) == (f"{100 - 20 * performed}.00", f"{20 * performed}.00")
