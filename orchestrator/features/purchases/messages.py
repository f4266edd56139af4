"""What the inventory says of holds."""

import uuid
from typing import Any

from common.messaging.message import InvalidMessage, Message
from orchestrator.features.purchases.service import PurchaseService
from orchestrator.saga_engine.engine import StillRunning

__all__ = ["HoldExpiredHandler"]


class HoldExpiredHandler:
    """Handles `hold.expired`. A repeated or late message finds no waiting purchase and changes nothing."""

    def __init__(self, purchases: PurchaseService) -> None:
        self._purchases = purchases

    async def handle(self, message: Message) -> None:
        """End the purchase that waits for the hold to be paid.

        Raises:
            InvalidMessage: it does not name a hold.
        """
        hold_id: Any = message.data.get("hold_id")
        try:
            order_id = uuid.UUID(hold_id)
        except (ValueError, TypeError, AttributeError) as error:
            raise InvalidMessage(hold_id=hold_id) from error
        try:
            await self._purchases.hold_expired(order_id)
        except StillRunning:
            return  # the saga goes on by itself
