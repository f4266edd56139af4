"""A hold that nobody pays for, and who gets the seat."""

import time
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from typing import Final
from urllib.parse import unquote, urlsplit

from devstack.demo.cast import TOP_UP, Cast, Choice, named, refused
from devstack.demo.fan import Fan
from devstack.demo.telling import await_count, expect
from devstack.management import RabbitMQManagement
from rabbitmq.topology import RELEASE_QUEUE, hold_queue_name

__all__ = ["HOLD_TTL_SECONDS", "let_a_hold_lapse"]

HOLD_TTL_SECONDS: Final = 6
LAPSE_GRACE_SECONDS: Final = 5.0
STATISTICS_SECONDS: Final = 10.0  # the broker refreshes its figures once a second, a little later under load


def let_a_hold_lapse(cast: Cast, choice: Choice) -> None:
    story, cleo = cast.story, cast.cleo
    broker = RabbitMQManagement(cast.urls.rabbitmq_management)
    vhost = unquote(urlsplit(cast.urls.rabbitmq).path[1:]) or "/"
    hold_queue = hold_queue_name(HOLD_TTL_SECONDS * 1000)
    story.chapter("Cleo holds a seat and forgets to pay")
    with story.step("She reserves a seat") as told:
        hold = cleo.reserve(choice.event_id, [choice.single_id])
        held_until = datetime.fromisoformat(hold["held_until"])
        told.extend([named(choice.single), f"held for {hold['ttl_seconds']:g} s"])
    with story.step("The hold waits in RabbitMQ") as told:
        waiting = _await(f"a message in {hold_queue}", lambda: broker.queue_counts(vhost).get(hold_queue, 0))
        told.append(f"{hold_queue} has {waiting} message(s)")
    with story.step("Its time runs out, and the order fails by itself") as told:
        told.append(f"{_wait_until_failed(cleo, hold['order_id'], held_until):.1f} s after its time")
    with story.step("It was the dead-letter queue") as told:
        released = _await(f"{RELEASE_QUEUE} to be read", lambda: broker.acknowledged(vhost, RELEASE_QUEUE))
        _await(f"{hold_queue} to be empty", lambda: broker.queue_counts(vhost).get(hold_queue) == 0)
        told.append(f"{RELEASE_QUEUE} handled {released} message(s), {hold_queue} is empty")
    with story.step("It is too late to pay") as told, refused({"HOLD_EXPIRED"}, 410, told):
        cleo.pay(hold["order_id"])
    with story.step("Cleo paid nothing"):
        expect("the balance", wanted=Decimal(TOP_UP), seen=cleo.balance())
    _sell_again(cast, choice)


def _sell_again(cast: Cast, choice: Choice) -> None:
    with cast.story.step(f"{cast.ben.name} gets the seat") as told:
        hold = cast.ben.reserve(choice.event_id, [choice.single_id])
        expect("the order", wanted="CONFIRMED", seen=cast.ben.pay(hold["order_id"])["status"])
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
