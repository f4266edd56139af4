"""A live feed that fails closes its connection, is logged and counted."""

import asyncio
from typing import Any, cast

import pytest
from fastapi import WebSocket
from prometheus_client import REGISTRY

from gateway.live_feed import Close, run_until_closed


class Connection:
    """A client that stays silent, or leaves."""

    def __init__(self, *, leaves: bool = False) -> None:
        self._leaves = leaves
        self.closed_with: int | None = None

    async def receive(self) -> dict[str, Any]:
        if not self._leaves:
            await asyncio.Event().wait()
        return {"type": "websocket.disconnect"}

    async def close(self, code: int, _: str) -> None:
        self.closed_with = code


async def wait() -> Close:
    await asyncio.Event().wait()
    return Close(1000, "")


def failures() -> float:
    return REGISTRY.get_sample_value("periodic_task_failures_total", {"task": "live feed"}) or 0.0


@pytest.mark.parametrize(("leaves", "code", "counted"), [(False, 1011, 1), (True, None, 0)])
async def test_unexpected_error(leaves: bool, code: int | None, counted: int) -> None:  # noqa: FBT001
    connection, before = Connection(leaves=leaves), failures()

    async def fail() -> None:
        raise KeyError("entries")

    await run_until_closed(cast("WebSocket", connection), sending=fail(), ending=wait())
    assert connection.closed_with == code
    assert failures() == before + counted
