"""Reports what admins change here to the audit trail, which the orchestrator keeps, in the change's own transaction.

The message carries ids, numbers and names of roles and states; neither secrets nor personal data, but the network address.
"""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from common.messaging.message import Message
from common.messaging.outbox import outbox_row
from users.database import OUTBOX


def audit_message(
    *,
    action: str,
    actor_user_id: UUID | None,
    object_type: str,
    object_id: str | UUID,
    address: str | None,
    before: Mapping[str, Any] | None,
    after: Mapping[str, Any] | None,
) -> Message:
    """Return the message `audit.recorded`, for a statement that inserts it into the outbox itself.

    Args:
        actor_user_id: None for a command on the server.
    """
    data = {
        "action": action,
        "actor_user_id": actor_user_id and str(actor_user_id),
        "object_type": object_type,
        "object_id": str(object_id),
        "address": address,
        "before": before,
        "after": after,
    }
    return Message(type="audit.recorded", source="users", subject=str(object_id), data=data)


async def record(
    connection: AsyncConnection,
    *,
    action: str,
    actor_user_id: UUID | None,
    object_type: str,
    object_id: str | UUID,
    address: str | None,
    before: Mapping[str, Any] | None,
    after: Mapping[str, Any] | None,
) -> None:
    """Record an action in the caller's transaction; wake the outbox's relay after the commit."""
    message = audit_message(
        action=action,
        actor_user_id=actor_user_id,
        object_type=object_type,
        object_id=object_id,
        address=address,
        before=before,
        after=after,
    )
    await connection.execute(OUTBOX.insert(), outbox_row(message))
