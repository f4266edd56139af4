"""Messages that sagas publish."""

import uuid
from collections.abc import Mapping
from typing import Final

from common.messaging.declarations import MESSAGES_EXCHANGE
from common.messaging.message import Message
from common.messaging.outbox import OutgoingMessage

__all__ = ["announcement"]

SOURCE: Final = "orchestrator"


def announcement(
    message_type: str,
    *,
    subject: uuid.UUID,
    data: Mapping[str, object],
    exchange: str = MESSAGES_EXCHANGE,
    routing_key: str | None = None,
    message_id: uuid.UUID | None = None,
) -> OutgoingMessage:
    """Return a message about `subject`, routed by its type unless another routing key is given.

    Args:
        message_id: for a message that may be made twice; consumers handle one of them.
    """
    known = {} if message_id is None else {"id": message_id}
    message = Message(type=message_type, source=SOURCE, subject=str(subject), data=dict(data), **known)
    return OutgoingMessage(message, exchange, routing_key or message_type)
