"""The state of a mixed run: its events and fans, and what the responses promised."""

import asyncio
import itertools
import time
import uuid
from collections import Counter
from collections.abc import Awaitable, Callable, Collection, Iterator
from dataclasses import dataclass, field
from functools import partial
from random import Random
from typing import Any, Final

import httpx

from tests.chaos.fans import Fan, is_pending
from tests.chaos.offers import Offers
from tests.chaos.operators import Concert, Operators
from tests.contracts.databases import Databases

__all__ = [
    "ANSWER_SECONDS",
    "PAUSE_SECONDS",
    "UNAVAILABLE_AFTER_SECONDS",
    "Expectations",
    "MixedRun",
    "Request",
    "any_listed",
    "retry_until_final",
]

# A killed process is back after a second or two, a killed orchestrator's sagas when their leases expire.
ANSWER_SECONDS: Final = 180.0
UNAVAILABLE_AFTER_SECONDS: Final = 2.0
PAUSE_SECONDS: Final = 0.2
UNAVAILABLE: Final = frozenset({503, 504})
FAULTS: Final = frozenset({"INTERNAL_ERROR", "VALIDATION_ERROR", "UNAUTHORIZED", "IDEMPOTENCY_KEY_REUSED", "NOT_FOUND"})
ADMISSIONS: Final = "SELECT seat_id, result FROM entry_logs WHERE result IN ('SUCCESS', 'UNDONE')"
STATUSES: Final = {
    "order": ("orders", "SELECT order_id, status FROM orders"),
    "transfer": ("orders", "SELECT transfer_id, status FROM transfers"),
    "listing": ("orders", "SELECT listing_id, status FROM listings"),
    "payment": ("users", "SELECT payment_id, status FROM payments"),
    "purchased_item": ("orders", "SELECT purchased_item_id, status FROM purchased_items"),
    "digital_order": ("orders", "SELECT order_id AS digital_order_id, status FROM digital_orders"),
    "commission": ("orders", "SELECT order_id AS commission_id, status FROM commissions"),
}

Request = Callable[[], Awaitable[httpx.Response]]


@dataclass(kw_only=True)
class Expectations:
    """What responses promise: the statuses that a thing may have from then on, who was admitted, and where that was undone."""

    statuses: dict[tuple[str, uuid.UUID], set[str]] = field(default_factory=dict)
    admissions: Counter[uuid.UUID] = field(default_factory=Counter)
    undone: Counter[uuid.UUID] = field(default_factory=Counter)
    completed: Counter[str] = field(default_factory=Counter)
    """The number of completed actions, by kind."""

    def expect(
        self,
        thing: str,
        thing_id: uuid.UUID,
        answer: httpx.Response,
        *,
        done: Collection[str],
        refused: Collection[str] = (),
    ) -> None:
        """Record the statuses that a response permits: those of success, or of a refusal. A pending response permits all."""
        statuses = done if answer.is_success else refused
        if statuses and not is_pending(answer):
            self.statuses[thing, thing_id] = set(statuses)

    async def mismatches(self, databases: Databases) -> list[str]:
        """Return what differs from the promises, once the platform is idle."""
        found = {
            (thing, row[f"{thing}_id"]): row["status"]
            for thing, (package, statement) in STATUSES.items()
            for row in await databases.read(package, statement)
        }
        logged = await databases.read("inventory", ADMISSIONS)
        admissions, undone = (
            Counter(row["seat_id"] for row in logged if row["result"] == result) for result in ("SUCCESS", "UNDONE")
        )
        return [
            *(
                f"{thing} {thing_id} is {found.get((thing, thing_id))}, expected one of {sorted(statuses)}"
                for (thing, thing_id), statuses in self.statuses.items()
                if found.get((thing, thing_id)) not in statuses
            ),
            *([] if admissions == self.admissions else [f"admitted are {admissions}, expected {self.admissions}"]),
            *([] if undone == self.undone else [f"undone are {undone}, expected {self.undone}"]),
        ]


@dataclass(kw_only=True)
class MixedRun:
    """Several events, performers' offers, and the fans who act on them until the run is over."""

    operators: Operators
    providers: httpx.AsyncClient
    """The sandbox, which acts as every payment provider."""
    concerts: list[Concert]
    fans: dict[uuid.UUID, Fan]
    offers: list[Offers]
    expectations: Expectations = field(default_factory=Expectations)
    is_over: bool = False
    _numbers: Iterator[int] = field(default_factory=itertools.count)

    def new_key(self, action: str) -> str:
        return f"{action}-{next(self._numbers)}"


async def retry_until_final(
    request: Request, *, unavailable_after_seconds: float = UNAVAILABLE_AFTER_SECONDS
) -> httpx.Response:
    """Repeat a request until it gets a final response, and return it.

    If services stay unavailable for too long, return the 503 or 504. It may be the final response: a request that failed
    because a service was down fails again under the same key.
    """
    asking_until = time.monotonic() + unavailable_after_seconds
    async with asyncio.timeout(ANSWER_SECONDS):
        while True:
            response = await _answer_to(request)
            if response is not None and (not is_pending(response) or _is_unavailable(response, asking_until)):
                _assert_expected(response)
                return response
            await asyncio.sleep(PAUSE_SECONDS)


async def any_listed(user: Fan, random: Random, *, path: str, status: str) -> dict[str, Any] | None:
    """Return one of the things that a list shows under this status."""
    listed = await retry_until_final(partial(user.get, path, status=status))
    rows: list[dict[str, Any]] = listed.json()["data"] if listed.is_success else []
    return random.choice(rows) if rows else None


async def _answer_to(request: Request) -> httpx.Response | None:
    try:
        return await request()
    except httpx.TransportError:
        return None


def _is_unavailable(response: httpx.Response, asking_until: float) -> bool:
    return response.status_code in UNAVAILABLE and time.monotonic() > asking_until


def _assert_expected(response: httpx.Response) -> None:
    """Check that a response is not an error that only a defect explains."""
    assert response.status_code < httpx.codes.INTERNAL_SERVER_ERROR or is_pending(response), response.text
    assert response.json().get("error_code") not in FAULTS, response.text
