"""What buyers do with the codes of their orders: reveal, download, delete. Codes are deleted some time after the download."""

import math
import uuid
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from common.auth.principal import Principal
from common.errors import TooManyRequests
from orchestrator.audit.models import NewEntry
from orchestrator.audit.service import AuditTrail
from orchestrator.clients.orders.digital_orders import DigitalOrderFacts, DigitalOrderStatus
from orchestrator.errors import NotYours, OrderInvalidState
from orchestrator.features.digital_goods.adapters.links import DownloadLink, DownloadLinks
from orchestrator.features.digital_goods.errors import KeysDeleted
from orchestrator.features.digital_goods.schemas.codes import CodesDocument, DeliveredCode
from orchestrator.features.digital_goods.service.codes import OrderCodes

__all__ = ["DELETE", "LINK", "OBJECT", "REVEAL", "CodeReadingService", "DownloadedCodesTask", "can_reveal"]

# Actions on the audit trail, and the type of their object.
REVEAL: Final = "digital_order.reveal"
LINK: Final = "digital_order.link"
DOWNLOAD: Final = "digital_order.download"
DELETE: Final = "digital_order.delete_keys"
OBJECT: Final = "digital_order"

# Of an order. A reveal shows the codes at once; a link leads to as many downloads as its lifetime permits.
AT_MOST_AN_HOUR: Final = {REVEAL: 10, LINK: 30}
HOUR: Final = timedelta(hours=1)
BATCH: Final = 100


def can_reveal(order: DigitalOrderFacts) -> bool:
    """Return whether codes can be read: once they are paid for, because the credits of a READY order may still be returned."""
    return order.status is DigitalOrderStatus.FULFILLED and order.storage_ref is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class CodeReadingService:
    codes: OrderCodes
    links: DownloadLinks
    trail: AuditTrail

    async def reveal(self, order_id: uuid.UUID, user: Principal) -> list[DeliveredCode]:
        """Return the codes to their buyer. The caller has recorded REVEAL on the audit trail, by which it is limited.

        Raises:
            NotFound: ORDER_NOT_FOUND.
            Forbidden: another user's order; admins read no codes either.
            Conflict: ORDER_INVALID_STATE; there are no codes yet.
            KeysDeleted.
            TooManyRequests.
        """
        order = await self._readable(order_id, user)
        await self._limit(REVEAL, order_id, user)
        document = await self.codes.read(order)
        await self.codes.orders.note_download(order_id)
        return document.codes

    async def link(self, order_id: uuid.UUID, user: Principal) -> DownloadLink:
        """Return a link to the codes. The caller has recorded LINK on the audit trail. Raises as `reveal`.

        A link of the storage itself counts as the first download, because the storage does not tell when it is used.
        """
        order = await self._readable(order_id, user)
        await self._limit(LINK, order_id, user)
        link = self.links.issue(order_id)
        seconds = int(self.links.lifetime.total_seconds())
        url = await self.codes.presigned_url(order, seconds=seconds) if self.codes.is_presigned else None
        if url is None:
            return link
        await self.codes.orders.note_download(order_id)
        return DownloadLink(url, link.expires_at)

    async def download(self, token: str, *, address: str) -> CodesDocument:
        """Return the codes that a link leads to, and note the download.

        Raises:
            NotFound: the link is not ours.
            Gone: OFFER_EXPIRED, or KEYS_DELETED.
        """
        order = await self.codes.orders.find(self.links.read(token))
        _require_readable(order)
        async with self.trail.record(_entry(DOWNLOAD, order, address)):
            document = await self.codes.read(order)
            await self.codes.orders.note_download(order.order_id)
        return document.model_copy(update={"downloaded_at": order.downloaded_at or datetime.now(UTC)})

    async def check(self, token: str) -> None:
        """Check that a link leads to codes, as HEAD asks. It is no download. Raises as `download`."""
        _require_readable(await self.codes.orders.find(self.links.read(token)))

    async def delete(self, order_id: uuid.UUID, user: Principal) -> None:
        """Delete the codes at their buyer's request. Repeating it changes nothing. Raises as `reveal`."""
        order = await self._own(order_id, user)
        if order.keys_deleted_at is None and order.status is not DigitalOrderStatus.REFUNDED:
            _require_readable(order)
        await self.codes.delete(order_id)

    async def _limit(self, action: str, order_id: uuid.UUID, user: Principal) -> None:
        """Raise TooManyRequests if the action in progress is one too many; it says when it may be repeated."""
        now, at_most = datetime.now(UTC), AT_MOST_AN_HOUR[action]
        times = await self.trail.times(
            action, object_id=order_id, actor_id=user.user_id, since=now - HOUR, limit=at_most + 1
        )
        if len(times) > at_most:
            seconds = (times[at_most] + HOUR - now).total_seconds()
            raise TooManyRequests(retry_after_seconds=max(1, math.ceil(seconds)))

    async def _readable(self, order_id: uuid.UUID, user: Principal) -> DigitalOrderFacts:
        order = await self._own(order_id, user)
        _require_readable(order)
        return order

    async def _own(self, order_id: uuid.UUID, user: Principal) -> DigitalOrderFacts:
        order = await self.codes.orders.find(order_id)
        if order.buyer_user_id != user.user_id:
            raise NotYours
        return order


@dataclass(frozen=True, slots=True)
class DownloadedCodesTask:
    """Deletes codes that were downloaded longer than `keep` ago, and those of refunded orders. Several workers may run it."""

    codes: OrderCodes
    keep: timedelta

    async def delete_all(self) -> None:
        before, deleted = datetime.now(UTC) - self.keep, set[uuid.UUID]()
        while orders := await self.codes.orders.downloaded_before(before, limit=BATCH):
            found = {order.order_id for order in orders} - deleted
            if not found:
                return
            for order_id in found:
                await self.codes.delete(order_id)
            deleted |= found


def _require_readable(order: DigitalOrderFacts) -> None:
    if order.keys_deleted_at is not None:
        raise KeysDeleted
    if not can_reveal(order):
        raise OrderInvalidState


def _entry(action: str, order: DigitalOrderFacts, address: str) -> NewEntry:
    """Return an entry for the buyer, who is known by the link."""
    return NewEntry(
        entry_id=uuid.uuid4(),
        actor_user_id=order.buyer_user_id,
        action=action,
        object_type=OBJECT,
        object_id=str(order.order_id),
        address=address,
    )
