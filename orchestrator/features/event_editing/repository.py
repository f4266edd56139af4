"""Messages to the holders of an event's tickets, in the outbox."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from sqlalchemy import text

from common.db.engine import Database
from common.messaging.outbox import OutgoingMessage, message_arrays

# A holder of two tickets may be on two pages, and a page is repeated after a crash.
_SEND: Final = text(
    """
    INSERT INTO outbox (message_id, exchange, routing_key, body)
    SELECT * FROM unnest(CAST(:message_ids AS uuid[]), CAST(:exchanges AS text[]),
                         CAST(:routing_keys AS text[]), CAST(:bodies AS bytea[]))
    ON CONFLICT (message_id) DO NOTHING
    """
)


@dataclass(frozen=True, slots=True)
class HolderNotices:
    """`wake_relay` is called after a write that left messages in the outbox."""

    database: Database
    wake_relay: Callable[[], None]

    async def send(self, messages: Sequence[OutgoingMessage]) -> None:
        """Send messages, except those that were sent under their id before."""
        await self.database.execute(_SEND, message_arrays(messages))
        self.wake_relay()
