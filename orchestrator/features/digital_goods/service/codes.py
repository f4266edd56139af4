"""The codes of an order: sealed, stored as one object, read, deleted, and rewrapped under another key (F4)."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

import orjson
from pydantic import ValidationError

from common.errors import NotFound
from common.sealing import Sealer, is_sealed
from orchestrator.clients.orders.digital_orders import (
    DigitalOrderFacts,
    DigitalOrdersClient,
    DigitalOrderStatus,
    SealedCodes,
)
from orchestrator.features.digital_goods.adapters.interfaces import CodeStorage
from orchestrator.features.digital_goods.errors import CodesUnreadable, KeysDeleted, StorageUnavailable
from orchestrator.features.digital_goods.schemas.codes import CodesDocument, DeliveredCode

OBJECTS: Final = "orders/"


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderCodes:
    """Args: is_presigned: buyers read from the storage itself, so only its own encryption protects new objects."""

    orders: DigitalOrdersClient
    storage: CodeStorage
    sealer: Sealer
    is_presigned: bool = False

    def seal(self, item_id: uuid.UUID, codes: Sequence[str]) -> SealedCodes:
        """Seal an item's codes for the orders service."""
        return SealedCodes.of(item_id, self.sealer.seal(orjson.dumps([*codes]), context=_item(item_id)))

    async def store(self, order: DigitalOrderFacts) -> None:
        """Store the codes of an order as one object, and make it READY. Repeating it changes nothing.

        Raises:
            Conflict: ORDER_INVALID_STATE; an item is still open, or the order has ended.
            StorageUnavailable.
        """
        if order.keys_deleted_at is not None:
            return
        name = order.storage_ref or _name(order.order_id)
        if order.storage_ref is None:
            document = CodesDocument(codes=await self._codes(order))
            await self._put(name, document.model_dump_json().encode(), order.order_id)
        try:
            await self.orders.make_ready(order.order_id, storage_ref=name)
        finally:
            await self._undo_if_unwanted(order.order_id, name)

    async def read(self, order: DigitalOrderFacts) -> CodesDocument:
        """Return the stored codes.

        Raises:
            KeysDeleted.
            StorageUnavailable: the storage does not respond, or has lost them.
            CodesUnreadable.
        """
        if order.storage_ref is None:
            raise KeysDeleted
        stored = await self.storage.get(order.storage_ref)
        if stored is None:
            current = await self.orders.find(order.order_id)
            raise KeysDeleted if current.keys_deleted_at else StorageUnavailable(missing=order.storage_ref)
        if is_sealed(stored):
            stored = self.sealer.open(stored, context=_order(order.order_id))
        try:
            return CodesDocument.model_validate_json(stored)
        except ValidationError as error:
            raise CodesUnreadable(order_id=order.order_id, problems=error.error_count()) from None

    async def presigned_url(self, order: DigitalOrderFacts, *, seconds: int) -> str | None:
        """Return the storage's own link; None if the buyer could not read what is there, because it is sealed.

        Raises:
            KeysDeleted.
            StorageUnavailable.
        """
        if order.storage_ref is None:
            raise KeysDeleted
        stored = await self.storage.get(order.storage_ref)
        if stored is None or is_sealed(stored):
            return None
        return await self.storage.presigned_url(order.storage_ref, seconds=seconds)

    async def delete(self, order_id: uuid.UUID) -> None:
        """Delete an order's codes. Repeating it changes nothing.

        The object goes first, so that a repetition after a crash deletes it again. It goes once more after the rows: a process
        that wrote it meanwhile, and did not see the rows deleted, wrote it before that.
        """
        await self.storage.delete(_name(order_id))
        await self.orders.delete_codes(order_id)
        await self.storage.delete(_name(order_id))

    async def rewrap(self, name: str) -> bool:
        """Put an object under the current key; return False if it is, or is not sealed at all."""
        stored = await self.storage.get(name)
        rewrapped = self.sealer.rewrap(stored) if stored is not None and is_sealed(stored) else None
        if rewrapped is None:
            return False
        order_id = uuid.UUID(name.split("/")[1])
        await self.storage.put(name, rewrapped, metadata=_metadata(order_id))
        await self._undo_if_unwanted(order_id, name)
        return True

    async def _codes(self, order: DigitalOrderFacts) -> list[DeliveredCode]:
        """Return the codes of all items, in the order of the items."""
        sealed = {each.item_id: each.sealed for each in await self.orders.codes(order.order_id)}
        return [
            DeliveredCode(item_id=item.item_id, name=item.name, code=code)
            for item in order.items
            if item.item_id in sealed
            for code in orjson.loads(self.sealer.open(sealed[item.item_id], context=_item(item.item_id)))
        ]

    async def _put(self, name: str, document: bytes, order_id: uuid.UUID) -> None:
        stored = document if self.is_presigned else self.sealer.seal(document, context=_order(order_id))
        await self.storage.put(name, stored, metadata=_metadata(order_id))

    async def _undo_if_unwanted(self, order_id: uuid.UUID, name: str) -> None:
        """Delete an object just written whose order's codes were deleted meanwhile, or that was refunded."""
        try:
            order = await self.orders.find(order_id)
        except NotFound:
            await self.storage.delete(name)
            return
        if order.keys_deleted_at is not None or order.status is DigitalOrderStatus.REFUNDED:
            await self.storage.delete(name)


def _name(order_id: uuid.UUID) -> str:
    return f"{OBJECTS}{order_id}/keys.json"


def _metadata(order_id: uuid.UUID) -> dict[str, str]:
    return {"order-id": str(order_id), "timestamp": datetime.now(UTC).isoformat()}


# What an envelope is for; it cannot be opened as another one.
def _item(item_id: uuid.UUID) -> str:
    return f"digital item {item_id}"


def _order(order_id: uuid.UUID) -> str:
    return f"digital order {order_id}"
