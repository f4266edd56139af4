"""The fans sign up and choose seats."""

from decimal import Decimal
from typing import Any, Final

from devstack.demo.context import SEATS_NEEDED, TOP_UP, Choice, Context
from devstack.demo.fan_client import FanClient
from devstack.demo.narrator import DemoFailedError, Narrator, expect

EMAIL_SECONDS: Final = 30.0


def register_fans(context: Context) -> None:
    context.narrator.section("Sign-up")
    for fan in (context.ada, context.ben, context.cleo):
        _register(context.narrator, fan)


def _register(narrator: Narrator, fan: FanClient) -> None:
    with narrator.step(f"{fan.name} registers and verifies the phone number") as details:
        details.append(f"OTP {fan.register()} from the sandbox")
    with narrator.step(f"{fan.name} proves the email address by the link that was sent to it") as details:
        details.append(fan.prove_email(seconds=EMAIL_SECONDS))
    with narrator.step(f"{fan.name} tops up in the sandbox") as details:
        fan.top_up(TOP_UP)
        expect("the balance", wanted=Decimal(TOP_UP), seen=fan.balance())
        details.append(f"{TOP_UP} credits")


def choose_seats(context: Context) -> Choice:
    with context.narrator.step(f"{context.ada.name} browses the events") as details:
        for summary in context.ada.events():
            event = context.ada.event(summary["event_id"])
            if choice := _seats_in_one_row(event):
                details.append(
                    f"{event['name']}, {event['venue']['name']}, {summary['available_seats']} seats available"
                )
                return choice
        raise DemoFailedError(f"expected an event with {SEATS_NEEDED} available seats in one row, but found none")


def _seats_in_one_row(event: dict[str, Any]) -> Choice | None:
    rows: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for seat in event["seats"]:
        if seat["status"] == "AVAILABLE":
            rows.setdefault((seat["category"], seat["row_number"]), []).append(seat)
    for seats in rows.values():
        if len(seats) >= SEATS_NEEDED:
            return Choice(event=event, pair=seats[:2], single=seats[2], spare=seats[3])
    return None
