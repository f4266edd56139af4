"""A closed loop: fans transfer tickets to other fans; both confirm with a code."""

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
from bench.purchases import SeatRequest, connected
from bench.scans import Tickets
from devstack.sandbox.otp import USUAL_CODE

__all__ = ["Transfers", "transfer_all"]

CREDITS: Final = "100.00"


@dataclass(slots=True)
class Transfers:
    """The latency of each response, and the duration of all transfers, in seconds."""

    seconds: float = 0.0
    initiate_seconds: list[float] = field(default_factory=list)
    first_confirm_seconds: list[float] = field(default_factory=list)
    """The seller's confirmation, after which nothing has moved yet."""
    last_confirm_seconds: list[float] = field(default_factory=list)
    """The buyer's confirmation, which moves credits and ticket."""

    @property
    def transfers(self) -> int:
        return len(self.last_confirm_seconds)

    @property
    def transfer_seconds(self) -> list[float]:
        """Return the sum of the three latencies of each transfer."""
        parts = zip(self.initiate_seconds, self.first_confirm_seconds, self.last_confirm_seconds, strict=True)
        return [sum(part) for part in parts]


async def transfer_all(url: str, tickets: Tickets, buyers: Sequence[Fan], *, clients: int) -> Transfers:
    """Let this many pairs at a time transfer a ticket, one transfer after the other (a closed loop).

    Raises:
        BenchFailedError: a request was refused.
    """
    transfers, queue = Transfers(), iter(zip(tickets, buyers, strict=True))
    async with connected(url, clients) as connections:
        began = time.perf_counter()
        await asyncio.gather(*(_transfer_each(connection, queue, transfers) for connection in connections))
        transfers.seconds = time.perf_counter() - began
    return transfers


async def _transfer_each(connection: Connection, queue: Iterator[tuple[SeatRequest, Fan]], done: Transfers) -> None:
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
    """Return the response's data and its latency."""
    began = time.perf_counter()
    answer = await connection.post(path, body, token=caller.token, key=uuid.uuid4().hex)
    took = time.perf_counter() - began
    if answer.status not in {HTTPStatus.OK, HTTPStatus.CREATED}:
        raise BenchFailedError(f"{path} was refused with {answer.status}: {answer.content.decode()}")
    return answer.data, took
