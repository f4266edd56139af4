"""Fault injection: a provider responds with an error, late, or both, for a number of calls."""

import asyncio
from contextlib import suppress
from dataclasses import dataclass

from fastapi import HTTPException, Request


@dataclass(kw_only=True)
class Fault:
    """With ``status`` None calls succeed after the delay; with ``calls_left`` None the fault lasts until it is cleared."""

    status: int | None
    delay_seconds: float
    calls_left: int | None


class Faults:
    """Faults by path, such as ``/SendOTP``; ``SMTP`` for email, ``supplier`` for every call of the supplier's API."""

    def __init__(self) -> None:
        self._faults: dict[str, Fault] = {}
        self._cleared = asyncio.Event()

    def add(self, path: str, fault: Fault) -> None:
        self._faults[path] = fault

    def clear(self) -> None:
        """Remove all faults; delayed calls continue immediately."""
        self._faults.clear()
        self._cleared.set()
        self._cleared = asyncio.Event()

    def take(self, path: str) -> Fault | None:
        """Return the fault of this call, if any, and count the call."""
        fault = self._faults.get(path)
        if fault is not None and fault.calls_left is not None:
            fault.calls_left -= 1
            if fault.calls_left == 0:
                del self._faults[path]
        return fault

    async def inject(self, request: Request) -> None:
        """Apply the fault of the request's path, as `apply` does."""
        await self.apply(request.url.path)

    async def apply(self, path: str) -> None:
        """Apply a fault.

        Raises:
            HTTPException: with the fault's status.
        """
        fault = self.take(path)
        if fault is None:
            return
        with suppress(TimeoutError):
            await asyncio.wait_for(self._cleared.wait(), fault.delay_seconds)
        if fault.status is not None:
            raise HTTPException(fault.status, "The sandbox injected this fault.")
