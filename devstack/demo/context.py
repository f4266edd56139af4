"""Who plays, and what they are after."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final

from devstack.demo.caller import Refusal
from devstack.demo.fan import Fan
from devstack.demo.narrator import DemoFailedError, Narrator
from devstack.demo.officials import Official
from devstack.services import Urls

__all__ = ["SEATS_NEEDED", "TOP_UP", "Choice", "Context", "named", "refused"]

TOP_UP: Final = "1000.00"
SEATS_NEEDED: Final = 4


@dataclass(frozen=True, kw_only=True)
class Context:
    """Everybody, and where they play."""

    narrator: Narrator
    urls: Urls
    ada: Fan
    ben: Fan
    cleo: Fan
    dana: Official
    """Staff at the door."""
    sam: Official
    """The admin."""


@dataclass(frozen=True, kw_only=True)
class Choice:
    """What the fans are after, in one row: two seats side by side, and two more."""

    event: dict[str, Any]
    pair: list[dict[str, Any]]
    single: dict[str, Any]
    spare: dict[str, Any]

    @property
    def event_id(self) -> str:
        return str(self.event["event_id"])

    @property
    def hall_id(self) -> str:
        return str(self.event["hall_id"])

    @property
    def pair_ids(self) -> list[str]:
        return [seat["seat_id"] for seat in self.pair]

    @property
    def single_id(self) -> str:
        return str(self.single["seat_id"])

    @property
    def spare_id(self) -> str:
        return str(self.spare["seat_id"])


def named(seat: dict[str, Any]) -> str:
    return f"{seat['category']} row {seat['row_number']} seat {seat['seat_number']}"


@contextmanager
def refused(codes: set[str], status: int, told: list[str]) -> Iterator[None]:
    """Expect what is inside to be refused that way, and tell it.

    Raises:
        DemoFailedError: it was allowed, or refused otherwise.
    """
    try:
        yield
    except Refusal as refusal:
        if refusal.status != status or refusal.code not in codes:
            raise
        told.append(f"{refusal.status} {refusal.code}")
    else:
        raise DemoFailedError(f"expected {status} {' or '.join(sorted(codes))}, but it was allowed")
