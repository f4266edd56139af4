"""Stores the actions that other services report."""

from dataclasses import dataclass

from pydantic import ValidationError

from common.messaging.message import InvalidMessage, Message
from orchestrator.audit.models import Change, NewEntry
from orchestrator.audit.service import AuditTrail
from orchestrator.features.audit.schemas import RecordedAction


@dataclass(frozen=True, slots=True)
class AuditConsumer:
    """Handles `audit.recorded`. A repeated message changes nothing."""

    trail: AuditTrail

    async def handle(self, message: Message) -> None:
        """Store the entry, with the message's id and time.

        Raises:
            InvalidMessage: the message names no action.
        """
        try:
            recorded = RecordedAction.model_validate(message.data)
        except ValidationError as error:
            raise InvalidMessage(problems=error.error_count()) from error
        entry = NewEntry(
            entry_id=message.id,
            created_at=message.time,
            **recorded.model_dump(exclude={"before", "after"}),
        )
        await self.trail.receive(entry, Change(recorded.before, recorded.after))
