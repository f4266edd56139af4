"""Reports what admins change for a performer to the audit trail, which the orchestrator keeps, in the change's own transaction."""

import uuid
from collections.abc import Mapping
from typing import Any, Final

from pydantic import TypeAdapter
from sqlalchemy.ext.asyncio import AsyncConnection

from common.messaging.audit import audit_message
from common.messaging.outbox import outbox_row
from events.database import OUTBOX
from events.performers.schemas import Actor

_JSON: Final = TypeAdapter(dict[str, Any])
# Texts about a person, which the trail would keep for longer than the account.
PERSONAL: Final = frozenset({"display_name", "bio", "image_url", "device_uid"})


async def record(
    connection: AsyncConnection,
    actor: Actor,
    action: str,
    object_id: uuid.UUID,
    *,
    before: Mapping[str, Any] | None = None,
    after: Mapping[str, Any] | None = None,
) -> None:
    """Record an admin's action in the caller's transaction; what performers do for themselves is not recorded.

    Args:
        action: what was done to which type of object, such as `menu.change`.
    """
    if not actor.is_admin:
        return
    message = audit_message(
        source="events",
        action=action,
        actor_user_id=actor.user_id,
        object_type=action.partition(".")[0],
        object_id=object_id,
        address=actor.address,
        before=_shown(before),
        after=_shown(after),
    )
    await connection.execute(OUTBOX.insert(), outbox_row(message))


def changed(row: Mapping[Any, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """Return the values that a row has of the changed columns."""
    return {name: row[name] for name in changes}


def is_same(row: Mapping[Any, Any], changes: Mapping[str, Any]) -> bool:
    """Return whether a row has the values already; an amount of a body is a text."""
    return _json(changed(row, changes)) == _json(changes)


def _shown(values: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """Return JSON values; of personal ones, that they are there."""
    return None if values is None else _json({name: "…" if name in PERSONAL else values[name] for name in values})


def _json(values: Mapping[str, Any]) -> dict[str, Any]:
    shown: dict[str, Any] = _JSON.dump_python(dict(values), mode="json")
    return shown
