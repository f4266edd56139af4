"""Messages of the inventory about holds."""

import uuid
from dataclasses import dataclass
from typing import Any

from common.messaging.message import InvalidMessage, Message
from orchestrator.features.purchases.service import PurchaseService
from orchestrator.saga_engine.engine import StillRunning


@dataclass(frozen=True, slots=True)
class HoldExpiredHandler:
    """Handles `hold.expired`. A repeated or late message finds no waiting purchase and changes nothing."""

    purchases: PurchaseService

    async def handle(self, message: Message) -> None:
        """End the purchase that waits for payment of the hold.

        Raises:
            InvalidMessage: the message names no hold.
        """
        hold_id: Any = message.data.get("hold_id")
        try:
            order_id = uuid.UUID(hold_id)
        except (ValueError, TypeError, AttributeError) as error:
            raise InvalidMessage(hold_id=hold_id) from error
        try:
            await self.purchases.hold_expired(order_id)
        except StillRunning:
            return  # the saga goes on in the background
