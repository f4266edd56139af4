"""Fans who hand their tickets to others, both confirming by code."""

import asyncio
import time
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, Final

from bench.connection import Connection
from bench.errors import BenchFailedError
from bench.load_users import Fan
from bench.purchases import Wish, connected
from bench.scans import Tickets
from devstack.sandbox.otp import USUAL_CODE

__all__ = ["Transfers", "hand_over_all"]

CREDITS: Final = "100.00"


@dataclass(slots=True)
class Transfers:
    """How long each answer took, and all of it together, in seconds."""

    seconds: float = 0.0
    initiate_seconds: list[float] = field(default_factory=list)
    first_confirm_seconds: list[float] = field(default_factory=list)
    """The seller's, after which nothing has moved yet."""
    last_confirm_seconds: list[float] = field(default_factory=list)
    """The buyer's: credits and ticket change hands."""

    @property
    def transfers(self) -> int:
        return len(self.last_confirm_seconds)

    @property
    def transfer_seconds(self) -> list[float]:
        """All three answers of each transfer."""
        parts = zip(self.initiate_seconds, self.first_confirm_seconds, self.last_confirm_seconds, strict=True)
        return [sum(part) for part in parts]


async def hand_over_all(url: str, tickets: Tickets, buyers: Sequence[Fan], *, clients: int) -> Transfers:
    """Let so many pairs at a time hand a ticket over, each after the one before it (a closed loop).

    Raises:
        BenchFailedError: a request was refused.
    """
    handovers, queue = Transfers(), iter(zip(tickets, buyers, strict=True))
    async with connected(url, clients) as connections:
        began = time.perf_counter()
        await asyncio.gather(*(_hand_over_in_turn(connection, queue, handovers) for connection in connections))
        handovers.seconds = time.perf_counter() - began
    return handovers


async def _hand_over_in_turn(connection: Connection, queue: Iterator[tuple[Wish, Fan]], done: Transfers) -> None:
    for ticket, buyer in queue:
        offer = {"seat_id": ticket.seat_id, "buyer_user_id": buyer.user_id, "credits_amount": CREDITS}
        initiated, initiate_seconds = await _post(connection, "/api/transfer/initiate", offer, ticket.fan)
        proof = {"transfer_id": initiated["transfer_id"], "otp_code": USUAL_CODE}
        _, first_confirm_seconds = await _post(connection, "/api/transfer/confirm", proof, ticket.fan)
        moved, last_confirm_seconds = await _post(connection, "/api/transfer/confirm", proof, buyer)
        if moved["status"] != "COMPLETED":
            raise BenchFailedError(f"a transfer is {moved['status']} after both have confirmed")
        done.initiate_seconds.append(initiate_seconds)
        done.first_confirm_seconds.append(first_confirm_seconds)
        done.last_confirm_seconds.append(last_confirm_seconds)


async def _post(connection: Connection, path: str, body: dict[str, Any], caller: Fan) -> tuple[dict[str, Any], float]:
    """Return the answer's data, and how long it took."""
    began = time.perf_counter()
    answer = await connection.post(path, body, token=caller.token, key=uuid.uuid4().hex)
    took = time.perf_counter() - began
    if answer.status not in {HTTPStatus.OK, HTTPStatus.CREATED}:
        raise BenchFailedError(f"{path} was refused with {answer.status}: {answer.content.decode()}")
    return answer.data, took
