"""Lists parked messages and settles them, for admins."""

import uuid
from collections.abc import Callable, Collection
from dataclasses import dataclass

from common.http.envelope import Page
from common.pages import Total
from common.redaction import redacted
from common.telemetry.logs import get_logger
from orchestrator.features.parked_messages.errors import ParkedMessageNotFound, ParkedMessageSettled
from orchestrator.features.parked_messages.models.records import ParkedStatus, ParkedView
from orchestrator.features.parked_messages.repository import ParkedMessageStore
from orchestrator.features.parked_messages.schemas import ParkedMessage

__all__ = ["ParkedMessageService"]

logger = get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class ParkedMessageService:
    """Settles messages.

    Args:
        queues: the queues that have a consumer, to which messages may be replayed.
        wake_relay: called after a write that left a message in the outbox.
    """

    store: ParkedMessageStore
    queues: Collection[str]
    wake_relay: Callable[[], None]

    async def page(
        self, *, status: ParkedStatus | None, queue: str | None, page: Page
    ) -> tuple[list[ParkedMessage], Total]:
        """Return a page of messages, the last parked first, and the total."""
        messages, total = await self.store.page(
            status=status, queue=queue, limit=page.per_page, offset=page.offset, after=page.after
        )
        return [_shown(message) for message in messages], total

    async def replay(self, parked_id: uuid.UUID, *, admin_id: uuid.UUID) -> ParkedMessage:
        """Send a message to the queue that it came from, once.

        Raises:
            ParkedMessageNotFound: there is none.
            ParkedMessageSettled: it was already replayed or discarded, or its queue is unknown.
        """
        replayed = await self.store.replay(parked_id, queues=self.queues, settled_by=admin_id)
        settled = await self._settled(parked_id, replayed, admin_id)
        self.wake_relay()
        return settled

    async def discard(self, parked_id: uuid.UUID, *, admin_id: uuid.UUID) -> ParkedMessage:
        """Discard a message, with the errors of `replay`."""
        discarded = await self.store.discard(parked_id, settled_by=admin_id)
        return await self._settled(parked_id, discarded, admin_id)

    async def _settled(self, parked_id: uuid.UUID, written: ParkedView | None, admin_id: uuid.UUID) -> ParkedMessage:
        if written is None:
            stored = await self.store.find(parked_id)
            raise ParkedMessageSettled(status=stored.status) if stored else ParkedMessageNotFound
        logger.info("parking.settled", parked_id=str(parked_id), status=written.status, admin_id=str(admin_id))
        return _shown(written)


def _shown(parked: ParkedView) -> ParkedMessage:
    payload = None if parked.body is None else redacted(parked.body)
    return ParkedMessage(**parked.model_dump(exclude={"body"}), payload=payload)
