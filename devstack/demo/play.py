"""The play itself: three fans, two seats everybody wants, and one hold that nobody pays for."""

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, Final
from urllib.parse import unquote, urlsplit

from common.messaging.topology import RELEASE_QUEUE, hold_queue_name
from devstack.demo.fan import Fan, Refusal
from devstack.demo.telling import DemoFailedError, Story, expect
from devstack.management import RabbitMQManagement
from devstack.services import Urls

__all__ = ["HOLD_TTL_SECONDS", "play_purchase"]

HOLD_TTL_SECONDS: Final = 6
LAPSE_GRACE_SECONDS: Final = 5.0
STATISTICS_SECONDS: Final = 10.0  # the broker refreshes its figures once a second, a little later under load
POLL_SECONDS: Final = 0.1
TOP_UP: Final = "1000.00"
SEATS_NEEDED: Final = 3
CODE_SHOWN: Final = 32  # characters of a QR payload


@dataclass(frozen=True, kw_only=True)
class Choice:
    """What the fans are after: two seats side by side, and a third one."""

    event_id: str
    pair: list[dict[str, Any]]
    single: dict[str, Any]

    @property
    def pair_ids(self) -> list[str]:
        return [seat["seat_id"] for seat in self.pair]


def play_purchase(story: Story, urls: Urls) -> None:
    """Play every step against a running platform.

    Raises:
        DemoFailedError: a step turned out otherwise; httpx.HTTPError: the platform does not answer.
    """
    with ExitStack() as ends:
        ada, ben, cleo = (Fan(name, urls) for name in ("Ada", "Ben", "Cleo"))
        for fan in (ada, ben, cleo):
            ends.callback(fan.close)
        story.chapter("Three fans sign up")
        for fan in (ada, ben, cleo):
            _join(story, fan)
        story.chapter("Ada buys two tickets")
        choice = _browse(story, ada)
        _buy(story, ada, choice)
        story.chapter("Ben wants the same seats")
        _refuse(story, ben, choice)
        story.chapter("Cleo holds a seat and forgets to pay")
        _lapse(story, cleo, choice, urls)
        _sell_again(story, ben, choice)
        with story.step("Cleo paid nothing"):
            expect("the balance", wanted=Decimal(TOP_UP), seen=cleo.balance())


def _join(story: Story, fan: Fan) -> None:
    with story.step(f"{fan.name} registers and proves the phone number") as told:
        told.append(f"OTP {fan.register()} from the sandbox")
    with story.step(f"{fan.name} tops up in the sandbox") as told:
        fan.top_up(TOP_UP)
        expect("the balance", wanted=Decimal(TOP_UP), seen=fan.balance())
        told.append(f"{TOP_UP} credits")


def _browse(story: Story, fan: Fan) -> Choice:
    with story.step("She browses the events") as told:
        for listed in fan.events():
            event = fan.event(listed["event_id"])
            if choice := _three_seats(event):
                told.append(f"{event['name']}, {event['venue']['name']}, {listed['available_seats']} seats left")
                return choice
        raise DemoFailedError("expected an event with three free seats in one row, but there is none")


def _three_seats(event: dict[str, Any]) -> Choice | None:
    rows: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for seat in event["seats"]:
        if seat["status"] == "AVAILABLE":
            rows.setdefault((seat["category"], seat["row_number"]), []).append(seat)
    for seats in rows.values():
        if len(seats) >= SEATS_NEEDED:
            return Choice(event_id=event["event_id"], pair=seats[:2], single=seats[2])
    return None


def _buy(story: Story, fan: Fan, choice: Choice) -> None:
    with story.step("She reserves two seats") as told:
        hold = fan.reserve(choice.event_id, choice.pair_ids)
        expect("the order", wanted="HELD", seen=hold["status"])
        told.extend([*map(_named, choice.pair), f"held for {hold['ttl_seconds']:g} s"])
    with story.step("She pays") as told:
        price = sum((Decimal(seat["price"]) for seat in choice.pair), Decimal())
        receipt = fan.pay(hold["order_id"])
        expect("the order", wanted="CONFIRMED", seen=receipt["status"])
        expect("the charge", wanted=price, seen=Decimal(receipt["credits_charged"]))
        expect("the balance", wanted=Decimal(TOP_UP) - price, seen=fan.balance())
        told.append(f"{receipt['credits_charged']} credits, {receipt['remaining_balance']} left")
    with story.step("Her tickets have QR codes") as told:
        expect("the paid seats", wanted=sorted(choice.pair_ids), seen=sorted(t["seat_id"] for t in receipt["tickets"]))
        expect("her seats", wanted=sorted(choice.pair_ids), seen=sorted(t["seat_id"] for t in fan.tickets()))
        told.append(f"good for {fan.qr(choice.pair_ids[0])['ttl_seconds']} s each")
    for ticket in receipt["tickets"]:
        story.note(f"{ticket['qr_payload'][:CODE_SHOWN]}…")


def _refuse(story: Story, fan: Fan, choice: Choice) -> None:
    with story.step("He is refused at once") as told, _refused({"SEAT_UNAVAILABLE", "SEAT_ALREADY_SOLD"}, 409, told):
        fan.reserve(choice.event_id, choice.pair_ids)
    with story.step("His credits are untouched"):
        expect("the balance", wanted=Decimal(TOP_UP), seen=fan.balance())


def _lapse(story: Story, fan: Fan, choice: Choice, urls: Urls) -> None:
    broker = RabbitMQManagement(urls.rabbitmq_management)
    vhost = unquote(urlsplit(urls.rabbitmq).path[1:]) or "/"
    hold_queue = hold_queue_name(HOLD_TTL_SECONDS * 1000)
    with story.step("She reserves a seat") as told:
        hold = fan.reserve(choice.event_id, [choice.single["seat_id"]])
        held_until = datetime.fromisoformat(hold["held_until"])
        told.extend([_named(choice.single), f"held for {hold['ttl_seconds']:g} s"])
    with story.step("The hold waits in RabbitMQ") as told:
        waiting = _await(f"a message in {hold_queue}", lambda: broker.queue_counts(vhost).get(hold_queue, 0))
        told.append(f"{hold_queue} has {waiting} message(s)")
    with story.step("Its time runs out, and the order fails by itself") as told:
        told.append(f"{_wait_until_failed(fan, hold['order_id'], held_until):.1f} s after its time")
    with story.step("It was the dead-letter queue") as told:
        released = _await(f"{RELEASE_QUEUE} to be read", lambda: broker.acknowledged(vhost, RELEASE_QUEUE))
        _await(f"{hold_queue} to be empty", lambda: broker.queue_counts(vhost).get(hold_queue) == 0)
        told.append(f"{RELEASE_QUEUE} handled {released} message(s), {hold_queue} is empty")
    with story.step("It is too late to pay") as told, _refused({"HOLD_EXPIRED"}, 410, told):
        fan.pay(hold["order_id"])


def _sell_again(story: Story, fan: Fan, choice: Choice) -> None:
    with story.step(f"{fan.name} gets the seat") as told:
        hold = fan.reserve(choice.event_id, [choice.single["seat_id"]])
        expect("the order", wanted="CONFIRMED", seen=fan.pay(hold["order_id"])["status"])
        told.append(_named(choice.single))


@contextmanager
def _refused(codes: set[str], status: int, told: list[str]) -> Iterator[None]:
    try:
        yield
    except Refusal as refusal:
        if refusal.status != status or refusal.code not in codes:
            raise
        told.append(f"{refusal.status} {refusal.code}")
    else:
        raise DemoFailedError(f"expected {status} {' or '.join(sorted(codes))}, but it was allowed")


def _wait_until_failed(fan: Fan, order_id: str, held_until: datetime) -> float:
    """Return how many seconds after its time the hold's order was seen to have failed."""
    time.sleep(max(0.0, (held_until - datetime.now(UTC)).total_seconds()))
    _await("the order to be FAILED", lambda: fan.order(order_id)["status"] == "FAILED", seconds=LAPSE_GRACE_SECONDS)
    return (datetime.now(UTC) - held_until).total_seconds()


def _await(what: str, look: Callable[[], int], *, seconds: float = STATISTICS_SECONDS) -> int:
    """Look again and again until what is seen is not 0, and return it.

    Raises:
        DemoFailedError: the time is over.
    """
    deadline = time.monotonic() + seconds
    while not (seen := look()):
        if time.monotonic() > deadline:
            raise DemoFailedError(f"expected {what} within {seconds:.0f} s, but waited in vain")
        time.sleep(POLL_SECONDS)
    return seen


def _named(seat: dict[str, Any]) -> str:
    return f"{seat['category']} row {seat['row_number']} seat {seat['seat_number']}"
