"""Where a crowd meets, and what everybody there was told."""

import asyncio
import itertools
import time
import uuid
from collections import Counter
from collections.abc import Awaitable, Callable, Collection, Iterator
from dataclasses import dataclass, field
from typing import Final

import httpx

from tests.chaos.fans import Fan, is_pending
from tests.chaos.operators import Concert, House
from tests.contracts.databases import World

__all__ = ["ANSWER_SECONDS", "PAUSE_SECONDS", "Ask", "Scene", "Told", "patiently"]

# A killed process is back in a second or two, a killed orchestrator's sagas when their leases are over.
ANSWER_SECONDS: Final = 60.0
GIVE_UP_SECONDS: Final = 2.0
PAUSE_SECONDS: Final = 0.2
NOBODY_THERE: Final = frozenset({503, 504})
FAULTS: Final = frozenset({"INTERNAL_ERROR", "VALIDATION_ERROR", "UNAUTHORIZED", "IDEMPOTENCY_KEY_REUSED", "NOT_FOUND"})
ADMISSIONS: Final = "SELECT seat_id FROM entry_logs WHERE result = 'SUCCESS'"
STATUSES: Final = {
    "order": ("orders", "SELECT order_id, status FROM orders"),
    "transfer": ("orders", "SELECT transfer_id, status FROM transfers"),
    "listing": ("orders", "SELECT listing_id, status FROM listings"),
    "payment": ("users", "SELECT payment_id, status FROM payments"),
}

Ask = Callable[[], Awaitable[httpx.Response]]


@dataclass(kw_only=True)
class Told:
    """What people were told: which statuses a thing may have from then on, and who was let in."""

    statuses: dict[tuple[str, uuid.UUID], set[str]] = field(default_factory=dict)
    admissions: Counter[uuid.UUID] = field(default_factory=Counter)
    deeds: Counter[str] = field(default_factory=Counter)
    """What came off, by kind."""

    def about(
        self,
        thing: str,
        thing_id: uuid.UUID,
        answer: httpx.Response,
        *,
        done: Collection[str],
        refused: Collection[str] = (),
    ) -> None:
        """Note which statuses an answer leaves possible: success, or a refusal. No answer says nothing."""
        statuses = done if answer.is_success else refused
        if statuses and not is_pending(answer):
            self.statuses[thing, thing_id] = set(statuses)

    async def lies(self, world: World) -> list[str]:
        """Return what turned out otherwise, when all is calm."""
        found = {
            (thing, row[f"{thing}_id"]): row["status"]
            for thing, (package, statement) in STATUSES.items()
            for row in await world.read(package, statement)
        }
        admissions = Counter(row["seat_id"] for row in await world.read("inventory", ADMISSIONS))
        return [
            *(
                f"{thing} {thing_id} is {found.get((thing, thing_id))}, told was {sorted(statuses)}"
                for (thing, thing_id), statuses in self.statuses.items()
                if found.get((thing, thing_id)) not in statuses
            ),
            *([] if admissions == self.admissions else [f"let in were {admissions}, told was {self.admissions}"]),
        ]


@dataclass(kw_only=True)
class Scene:
    """Several concerts, and the fans who do things there until it is over."""

    house: House
    providers: httpx.AsyncClient
    """Whoever takes money, played by the sandbox."""
    concerts: list[Concert]
    fans: dict[uuid.UUID, Fan]
    told: Told = field(default_factory=Told)
    is_over: bool = False
    _numbers: Iterator[int] = field(default_factory=itertools.count)

    def new_key(self, deed: str) -> str:
        return f"{deed}-{next(self._numbers)}"


async def patiently(ask: Ask, *, give_up_after_seconds: float = GIVE_UP_SECONDS) -> httpx.Response:
    """Ask the same again until there is an answer that stays, and return it.

    Whoever is told again and again that nobody can be reached gives up, and gets that answer. It may be the answer that
    stays: what failed because somebody was away has failed, whoever asks again with the same key.
    """
    asking_until = time.monotonic() + give_up_after_seconds
    async with asyncio.timeout(ANSWER_SECONDS):
        while True:
            response = await _answer_to(ask)
            if response is not None and (not is_pending(response) or _is_nobody_there(response, asking_until)):
                _require_sense(response)
                return response
            await asyncio.sleep(PAUSE_SECONDS)


async def _answer_to(ask: Ask) -> httpx.Response | None:
    try:
        return await ask()
    except httpx.TransportError:
        return None


def _is_nobody_there(response: httpx.Response, asking_until: float) -> bool:
    return response.status_code in NOBODY_THERE and time.monotonic() > asking_until


def _require_sense(response: httpx.Response) -> None:
    """Check that an answer is none that only a fault explains."""
    assert response.status_code < httpx.codes.INTERNAL_SERVER_ERROR or is_pending(response), response.text
    assert response.json().get("error_code") not in FAULTS, response.text
