"""The gRPC channel to the inventory, and conversions that its clients share."""

import uuid
from datetime import datetime
from functools import cached_property
from typing import TYPE_CHECKING

import grpc

from common.rpc.client import RpcCaller, is_serving, open_channel
from proto.inventory.v1.inventory_pb2_grpc import InventoryStub

if TYPE_CHECKING:
    from proto.inventory.v1.inventory_pb2_grpc import InventoryAsyncStub


class InventoryChannel:
    """A client's channel. It belongs to the event loop that opens it, so the first call opens it.

    Args:
        address: ``host:port``.
    """

    def __init__(self, address: str, caller: RpcCaller) -> None:
        self._address = address
        self._caller = caller
        self._channel: grpc.aio.Channel | None = None

    @cached_property
    def _stub(self) -> "InventoryAsyncStub":
        return InventoryStub(self._open())

    async def is_healthy(self) -> bool:
        """Return whether the inventory responds, with its database."""
        return await is_serving(self._open())

    async def close(self) -> None:
        if self._channel is not None:
            await self._channel.close()

    def _open(self) -> grpc.aio.Channel:
        self._channel = self._channel or open_channel(self._address)
        return self._channel


def optional_id(text: str) -> uuid.UUID | None:
    return uuid.UUID(text) if text else None


def optional_time(text: str) -> datetime | None:
    return datetime.fromisoformat(text) if text else None
