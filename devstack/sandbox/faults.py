"""Faults on order: an outside party that answers with an error, late, or both, for a number of calls."""

import asyncio
from contextlib import suppress
from dataclasses import dataclass

from fastapi import HTTPException, Request

__all__ = ["Fault", "Faults"]


@dataclass(kw_only=True)
class Fault:
    """``status`` None answers as usual after the delay; ``calls_left`` None lasts until it is cleared."""

    status: int | None
    delay_seconds: float
    calls_left: int | None


class Faults:
    """By path, such as ``/SendOTP``; ``SMTP`` for mail."""

    def __init__(self) -> None:
        self._faults: dict[str, Fault] = {}
        self._cleared = asyncio.Event()

    def order(self, path: str, fault: Fault) -> None:
        self._faults[path] = fault

    def clear(self) -> None:
        """Forget what was ordered; a call that is being delayed goes on at once."""
        self._faults.clear()
        self._cleared.set()
        self._cleared = asyncio.Event()

    def take(self, path: str) -> Fault | None:
        """Return the fault that this call of a path is to suffer, if any, and count it."""
        fault = self._faults.get(path)
        if fault is not None and fault.calls_left is not None:
            fault.calls_left -= 1
            if fault.calls_left == 0:
                del self._faults[path]
        return fault

    async def strike(self, request: Request) -> None:
        """Do to this call what was ordered for its path.

        Raises:
            HTTPException: the ordered status.
        """
        fault = self.take(request.url.path)
        if fault is None:
            return
        with suppress(TimeoutError):
            await asyncio.wait_for(self._cleared.wait(), fault.delay_seconds)
        if fault.status is not None:
            raise HTTPException(fault.status, "The sandbox was told to fail here.")
