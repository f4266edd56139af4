"""The dependency of routes that change something as staff or admins: it records their actions on the audit trail."""

import uuid
from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import Depends

from common.http.auth import CurrentUser
from common.http.client_address import ClientAddress
from common.http.dependencies import provided
from orchestrator.audit.models import Change, NewEntry
from orchestrator.audit.service import AuditTrail


@dataclass(frozen=True, slots=True)
class Auditor:
    """Records actions of the request's user."""

    trail: AuditTrail
    actor_user_id: uuid.UUID
    address: str

    def record(
        self, action: str, object_type: str, object_id: uuid.UUID | None, request: Mapping[str, Any] | None = None
    ) -> AbstractAsyncContextManager[Change]:
        """Record the action in the `async with` block, as `AuditTrail.record` does.

        Args:
            object_id: None for an action on several objects.
        """
        entry = NewEntry(
            entry_id=uuid.uuid4(),
            actor_user_id=self.actor_user_id,
            action=action,
            object_type=object_type,
            object_id=None if object_id is None else str(object_id),
            address=self.address,
            request=None if request is None else dict(request),
        )
        return self.trail.record(entry)


async def auditor(
    user: CurrentUser, address: ClientAddress, trail: Annotated[AuditTrail, provided(AuditTrail)]
) -> Auditor:
    return Auditor(trail, user.user_id, address)


Audit = Annotated[Auditor, Depends(auditor)]
