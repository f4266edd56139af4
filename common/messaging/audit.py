"""The message with which a service reports an action of an admin to the audit trail.

The message carries ids, numbers and names of roles and states; neither secrets nor personal data, but the network address.
"""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from common.messaging.message import Message


def audit_message(
    *,
    source: str,
    action: str,
    actor_user_id: UUID | None,
    object_type: str,
    object_id: str | UUID,
    address: str | None,
    before: Mapping[str, Any] | None,
    after: Mapping[str, Any] | None,
) -> Message:
    """Return the message `audit.recorded`.

    Args:
        source: the service.
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
    return Message(type="audit.recorded", source=source, subject=str(object_id), data=data)
