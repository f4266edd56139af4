"""Where admins see parked messages, have them handled again, or throw them away."""

import uuid
from collections.abc import Callable, Collection

from common.http.envelope import Page
from common.redaction import redacted
from common.telemetry.logs import get_logger
from orchestrator.features.parked_messages.errors import ParkedMessageNotFound, ParkedMessageSettled
from orchestrator.features.parked_messages.models.records import ParkedStatus, ParkedView
from orchestrator.features.parked_messages.repository import ParkedMessageStore
from orchestrator.features.parked_messages.schemas import ParkedMessage

__all__ = ["ParkedMessageService"]

logger = get_logger(__name__)


class ParkedMessageService:
    """Settles messages.

    Args:
        queues: where messages may be sent again: the queues that somebody reads.
        on_replayed: called after a write that left a message in the outbox.
    """

    def __init__(self, store: ParkedMessageStore, *, queues: Collection[str], on_replayed: Callable[[], None]) -> None:
        self._store = store
        self._queues = queues
        self._on_replayed = on_replayed

    async def page(
        self, *, status: ParkedStatus | None, queue: str | None, page: Page
    ) -> tuple[list[ParkedMessage], int]:
        """Return a page of messages, last parked first, and how many there are in all."""
        found, total = await self._store.page(status=status, queue=queue, limit=page.per_page, offset=page.offset)
        return [_shown(parked) for parked in found], total

    async def replay(self, parked_id: uuid.UUID, *, admin_id: uuid.UUID) -> ParkedMessage:
        """Send a message to the queue that it was taken from, once.

        Raises:
            ParkedMessageNotFound: there is none.
            ParkedMessageSettled: it was replayed or discarded before, or came from no queue of ours.
        """
        replayed = await self._store.replay(parked_id, queues=self._queues, settled_by=admin_id)
        settled = await self._settled(parked_id, replayed, admin_id)
        self._on_replayed()
        return settled

    async def discard(self, parked_id: uuid.UUID, *, admin_id: uuid.UUID) -> ParkedMessage:
        """Let a message rest.

        Raises:
            ParkedMessageNotFound: there is none.
            ParkedMessageSettled: it was replayed or discarded before.
        """
        discarded = await self._store.discard(parked_id, settled_by=admin_id)
        return await self._settled(parked_id, discarded, admin_id)

    async def _settled(self, parked_id: uuid.UUID, written: ParkedView | None, admin_id: uuid.UUID) -> ParkedMessage:
        if written is None:
            found = await self._store.find(parked_id)
            raise ParkedMessageSettled(status=found.status) if found else ParkedMessageNotFound
        logger.info("parking.settled", parked_id=str(parked_id), status=written.status, admin_id=str(admin_id))
        return _shown(written)


def _shown(parked: ParkedView) -> ParkedMessage:
    return ParkedMessage(
        parked_id=parked.parked_id,
        message_id=parked.message_id,
        queue=parked.queue,
        reason=parked.reason,
        status=parked.status,
        size_bytes=parked.size_bytes,
        payload=None if parked.body is None else redacted(parked.body),
        parked_at=parked.parked_at,
        settled_at=parked.settled_at,
        settled_by=parked.settled_by,
    )
