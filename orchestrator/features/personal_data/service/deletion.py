"""Deletes an account once nothing of it is open."""

import asyncio
import uuid
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, Final

from orchestrator.clients import Clients
from orchestrator.features.personal_data.errors import AccountInUse
from orchestrator.features.personal_data.schemas import AccountDeleted, DeleteAccount
from orchestrator.saga_engine.engine import SagaEngine

__all__ = ["DeletionService"]

TICKETS_PAGE: Final = 100
USABLE: Final = {"SOLD", "LISTED"}


@dataclass(frozen=True, slots=True)
class DeletionService:
    clients: Clients
    engine: SagaEngine

    async def delete(self, body: DeleteAccount, *, user_id: uuid.UUID) -> AccountDeleted:
        """Delete the account: the books stay, the person goes.

        The users service checks the credits again, and deletes in one transaction, so a crash leaves the account as it
        was or deleted. What the user begins between this check and that ends by itself: a hold without a charge, a
        transfer without a confirmation.

        Raises:
            AccountInUse: an order, a saga, a transfer, a listing, a purchased item, a commission or a payment is open, or
                earnings; or credits or tickets, unless forfeited.
            Forbidden: PASSWORD_INVALID.
            TooManyRequests: too many wrong passwords.
        """
        open_, tickets = await asyncio.gather(self._open(user_id), self._tickets_to_come(user_id))
        forfeitable = {"tickets": tickets, "credits": open_.pop("credits")}
        details = {name: value for name, value in open_.items() if value}
        if not body.forfeit:
            details |= {name: value for name, value in forfeitable.items() if value}
        if details:
            raise AccountInUse(details={name: _plain(value) for name, value in details.items()})
        forfeited = await self.clients.personal_data.delete_account(
            user_id, current_password=body.current_password, forfeits=body.forfeit, tickets=tickets
        )
        return AccountDeleted(credits_forfeited=forfeited, tickets_forfeited=tickets)

    async def _open(self, user_id: uuid.UUID) -> dict[str, Any]:
        holdings, deals, sagas = await asyncio.gather(
            self.clients.personal_data.holdings(user_id),
            self.clients.personal_data.open_deals(user_id),
            self.engine.log.count_unfinished(requested_by=user_id),
        )
        return {**dict(deals), "sagas": sagas, **dict(holdings)}

    async def _tickets_to_come(self, user_id: uuid.UUID) -> int:
        """Count the unused tickets of events that have not ended; also those of which a service cannot read that."""
        count, offset = 0, 0
        while True:
            seats, total = await self.clients.inventory.owned_by(user_id, offset=offset, limit=TICKETS_PAGE)
            events = await self.clients.events.facts_of(sorted({seat.event_id for seat in seats}))
            ended = {event_id for event_id, event in events.items() if event.ends_at <= datetime.now(UTC)}
            count += sum(seat.status in USABLE and seat.event_id not in ended for seat in seats)
            count += max(min(TICKETS_PAGE, total.number - offset) - len(seats), 0)
            offset += TICKETS_PAGE
            if offset >= total.number:
                return count


def _plain(value: Any) -> Any:
    return f"{value:.2f}" if isinstance(value, Decimal) else value
