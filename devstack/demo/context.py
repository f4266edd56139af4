"""The users of the demo, and the seats they buy."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final

from devstack.demo.api_client import Refusal
from devstack.demo.fan_client import FanClient
from devstack.demo.narrator import DemoFailedError, Narrator
from devstack.demo.performer_client import PerformerClient
from devstack.demo.staff_client import StaffClient
from devstack.services import Urls

TOP_UP: Final = "1000.00"
SEATS_NEEDED: Final = 4


@dataclass(frozen=True, kw_only=True)
class Context:
    """The narrator, the platform and its users."""

    narrator: Narrator
    urls: Urls
    ada: FanClient
    ben: FanClient
    cleo: FanClient
    dana: StaffClient
    """A staff member, who scans tickets."""
    sam: StaffClient
    """An admin."""
    nova: PerformerClient
    """A performer."""


@dataclass(frozen=True, kw_only=True)
class Choice:
    """The event and the seats of one row that the fans buy: two adjacent seats, and two more."""

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


def seat_name(seat: dict[str, Any]) -> str:
    return f"{seat['category']} row {seat['row_number']} seat {seat['seat_number']}"


@contextmanager
def expect_refusal(codes: set[str], status: int, details: list[str]) -> Iterator[None]:
    """Expect the block to be refused with this status and one of the codes, and add both to the details.

    Raises:
        DemoFailedError: the call succeeded, or was refused with another status or code.
    """
    try:
        yield
    except Refusal as refusal:
        if refusal.status != status or refusal.code not in codes:
            raise
        details.append(f"{refusal.status} {refusal.code}")
    else:
        raise DemoFailedError(f"expected {status} {' or '.join(sorted(codes))}, but the call succeeded")
