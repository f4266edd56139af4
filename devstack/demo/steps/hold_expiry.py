"""A hold that expires unpaid; another fan buys the seat."""

import time
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from typing import Final
from urllib.parse import unquote, urlsplit

from devstack.demo.context import TOP_UP, Choice, Context, expect_refusal, seat_name
from devstack.demo.fan_client import FanClient
from devstack.demo.narrator import await_count, expect
from devstack.management import RabbitMQManagement
from rabbitmq.topology import RELEASE_QUEUE, hold_queue_name

__all__ = ["HOLD_TTL_SECONDS", "let_hold_expire"]

HOLD_TTL_SECONDS: Final = 6
EXPIRY_GRACE_SECONDS: Final = 5.0
STATISTICS_TIMEOUT_SECONDS: Final = 10.0  # the broker refreshes its statistics once a second, later under load


def let_hold_expire(context: Context, choice: Choice) -> None:
    narrator, cleo = context.narrator, context.cleo
    broker = RabbitMQManagement(context.urls.rabbitmq_management)
    vhost = unquote(urlsplit(context.urls.rabbitmq).path[1:]) or "/"
    hold_queue = hold_queue_name(HOLD_TTL_SECONDS * 1000)
    narrator.section("Hold expiry")
    with narrator.step("Cleo reserves a seat") as details:
        hold = cleo.reserve(choice.event_id, [choice.single_id])
        held_until = datetime.fromisoformat(hold["held_until"])
        details.extend([seat_name(choice.single), f"held for {hold['ttl_seconds']:g} s"])
    with narrator.step("The hold queue contains its message") as details:
        waiting = _await(f"a message in {hold_queue}", lambda: broker.queue_counts(vhost).get(hold_queue, 0))
        details.append(f"{hold_queue} has {waiting} message(s)")
    with narrator.step("The hold expires and the order fails") as details:
        details.append(f"{_wait_until_failed(cleo, hold['order_id'], held_until):.1f} s after the expiry")
    with narrator.step("The dead-letter queue released the seat") as details:
        released = _await(f"{RELEASE_QUEUE} to be consumed", lambda: broker.acknowledged(vhost, RELEASE_QUEUE))
        _await(f"{hold_queue} to be empty", lambda: broker.queue_counts(vhost).get(hold_queue) == 0)
        details.append(f"{RELEASE_QUEUE} handled {released} message(s), {hold_queue} is empty")
    with narrator.step("Cleo's payment is refused") as details, expect_refusal({"HOLD_EXPIRED"}, 410, details):
        cleo.pay(hold["order_id"])
    with narrator.step("Cleo's credits are unchanged"):
        expect("the balance", wanted=Decimal(TOP_UP), seen=cleo.balance())
    _sell_again(context, choice)


def _sell_again(context: Context, choice: Choice) -> None:
    with context.narrator.step(f"{context.ben.name} buys the seat") as details:
        hold = context.ben.reserve(choice.event_id, [choice.single_id])
        expect("the order", wanted="CONFIRMED", seen=context.ben.pay(hold["order_id"])["status"])
        details.append(seat_name(choice.single))


def _wait_until_failed(fan: FanClient, order_id: str, held_until: datetime) -> float:
    """Return how many seconds after the expiry the hold's order was seen to have failed."""
    time.sleep(max(0.0, (held_until - datetime.now(UTC)).total_seconds()))
    await_count(
        "the order to be FAILED", lambda: fan.order(order_id)["status"] == "FAILED", seconds=EXPIRY_GRACE_SECONDS
    )
    return (datetime.now(UTC) - held_until).total_seconds()


def _await(what: str, count: Callable[[], int]) -> int:
    return await_count(what, count, seconds=STATISTICS_TIMEOUT_SECONDS)
