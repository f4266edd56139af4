"""Reports what admins change here to the audit trail, which the orchestrator keeps, in the change's own transaction."""

from functools import partial
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from common.messaging import audit
from common.messaging.outbox import outbox_row
from users.database import OUTBOX

audit_message = partial(audit.audit_message, source="users")
"""The message, for a statement that inserts it into the outbox itself."""


async def record(connection: AsyncConnection, **action: Any) -> None:
    """Record an action in the caller's transaction; wake the outbox's relay after the commit."""
    await connection.execute(OUTBOX.insert(), outbox_row(audit_message(**action)))
