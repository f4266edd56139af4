"""The fans sign up, and look for seats."""

from decimal import Decimal
from typing import Any

from devstack.demo.context import SEATS_NEEDED, TOP_UP, Choice, Context
from devstack.demo.fan import Fan
from devstack.demo.narrator import DemoFailedError, Narrator, expect

__all__ = ["arrive", "browse"]


def arrive(context: Context) -> None:
    context.narrator.chapter("Three fans sign up")
    for fan in (context.ada, context.ben, context.cleo):
        _join(context.narrator, fan)


def _join(narrator: Narrator, fan: Fan) -> None:
    with narrator.step(f"{fan.name} registers and proves the phone number") as told:
        told.append(f"OTP {fan.register()} from the sandbox")
    with narrator.step(f"{fan.name} tops up in the sandbox") as told:
        fan.top_up(TOP_UP)
        expect("the balance", wanted=Decimal(TOP_UP), seen=fan.balance())
        told.append(f"{TOP_UP} credits")


def browse(context: Context) -> Choice:
    with context.narrator.step(f"{context.ada.name} browses the events") as told:
        for listed in context.ada.events():
            event = context.ada.event(listed["event_id"])
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
