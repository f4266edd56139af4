"""The fans sign up, and look for seats."""

from decimal import Decimal
from typing import Any

from devstack.demo.cast import SEATS_NEEDED, TOP_UP, Cast, Choice
from devstack.demo.fan import Fan
from devstack.demo.telling import DemoFailedError, Story, expect

__all__ = ["arrive", "browse"]


def arrive(cast: Cast) -> None:
    cast.story.chapter("Three fans sign up")
    for fan in (cast.ada, cast.ben, cast.cleo):
        _join(cast.story, fan)


def _join(story: Story, fan: Fan) -> None:
    with story.step(f"{fan.name} registers and proves the phone number") as told:
        told.append(f"OTP {fan.register()} from the sandbox")
    with story.step(f"{fan.name} tops up in the sandbox") as told:
        fan.top_up(TOP_UP)
        expect("the balance", wanted=Decimal(TOP_UP), seen=fan.balance())
        told.append(f"{TOP_UP} credits")


def browse(cast: Cast) -> Choice:
    with cast.story.step(f"{cast.ada.name} browses the events") as told:
        for listed in cast.ada.events():
            event = cast.ada.event(listed["event_id"])
            if choice := _seats_in_one_row(event):
                told.append(f"{event['name']}, {event['venue']['name']}, {listed['available_seats']} seats left")
                return choice
        raise DemoFailedError(f"expected an event with {SEATS_NEEDED} free seats in one row, but there is none")


def _seats_in_one_row(event: dict[str, Any]) -> Choice | None:
    rows: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for seat in event["seats"]:
        if seat["status"] == "AVAILABLE":
            rows.setdefault((seat["category"], seat["row_number"]), []).append(seat)
    for seats in rows.values():
        if len(seats) >= SEATS_NEEDED:
            return Choice(event=event, pair=seats[:2], single=seats[2], spare=seats[3])
    return None
