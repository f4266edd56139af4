"""A hold that nobody pays for, and who gets the seat."""

import time
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from typing import Final
from urllib.parse import unquote, urlsplit

from devstack.demo.context import TOP_UP, Choice, Context, named, refused
from devstack.demo.fan import Fan
from devstack.demo.narrator import await_count, expect
from devstack.management import RabbitMQManagement
from rabbitmq.topology import RELEASE_QUEUE, hold_queue_name

__all__ = ["HOLD_TTL_SECONDS", "let_a_hold_lapse"]

HOLD_TTL_SECONDS: Final = 6
LAPSE_GRACE_SECONDS: Final = 5.0
STATISTICS_SECONDS: Final = 10.0  # the broker refreshes its figures once a second, a little later under load


def let_a_hold_lapse(context: Context, choice: Choice) -> None:
    narrator, cleo = context.narrator, context.cleo
    broker = RabbitMQManagement(context.urls.rabbitmq_management)
    vhost = unquote(urlsplit(context.urls.rabbitmq).path[1:]) or "/"
    hold_queue = hold_queue_name(HOLD_TTL_SECONDS * 1000)
    narrator.chapter("Cleo holds a seat and forgets to pay")
    with narrator.step("She reserves a seat") as told:
        hold = cleo.reserve(choice.event_id, [choice.single_id])
        held_until = datetime.fromisoformat(hold["held_until"])
        told.extend([named(choice.single), f"held for {hold['ttl_seconds']:g} s"])
    with narrator.step("The hold waits in RabbitMQ") as told:
        waiting = _await(f"a message in {hold_queue}", lambda: broker.queue_counts(vhost).get(hold_queue, 0))
        told.append(f"{hold_queue} has {waiting} message(s)")
    with narrator.step("Its time runs out, and the order fails by itself") as told:
        told.append(f"{_wait_until_failed(cleo, hold['order_id'], held_until):.1f} s after its time")
    with narrator.step("It was the dead-letter queue") as told:
        released = _await(f"{RELEASE_QUEUE} to be read", lambda: broker.acknowledged(vhost, RELEASE_QUEUE))
        _await(f"{hold_queue} to be empty", lambda: broker.queue_counts(vhost).get(hold_queue) == 0)
        told.append(f"{RELEASE_QUEUE} handled {released} message(s), {hold_queue} is empty")
    with narrator.step("It is too late to pay") as told, refused({"HOLD_EXPIRED"}, 410, told):
        cleo.pay(hold["order_id"])
    with narrator.step("Cleo paid nothing"):
        expect("the balance", wanted=Decimal(TOP_UP), seen=cleo.balance())
    _sell_again(context, choice)


def _sell_again(context: Context, choice: Choice) -> None:
    with context.narrator.step(f"{context.ben.name} gets the seat") as told:
        hold = context.ben.reserve(choice.event_id, [choice.single_id])
        expect("the order", wanted="CONFIRMED", seen=context.ben.pay(hold["order_id"])["status"])
        told.append(named(choice.single))


def _wait_until_failed(fan: Fan, order_id: str, held_until: datetime) -> float:
    """Return how many seconds after its time the hold's order was seen to have failed."""
    time.sleep(max(0.0, (held_until - datetime.now(UTC)).total_seconds()))
    await_count(
        "the order to be FAILED", lambda: fan.order(order_id)["status"] == "FAILED", seconds=LAPSE_GRACE_SECONDS
    )
    return (datetime.now(UTC) - held_until).total_seconds()


def _await(what: str, look: Callable[[], int]) -> int:
    return await_count(what, look, seconds=STATISTICS_SECONDS)
