"""Premiums: what the last owner of a refunded ticket had paid above its original price, and who gives it back."""

import uuid
from collections import defaultdict
from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import Final

from pydantic import BaseModel, ConfigDict

from common.money import Money
from orchestrator.clients.models import ReturnedSeat
from orchestrator.clients.orders.orders import OwnerChange

__all__ = ["Premium", "premiums_of"]

NOTHING: Final = Decimal("0.00")


class Premium(BaseModel):
    """What a seller of a ticket gives back to its last owner. `shortfall`, what the seller owes, is set once it is done."""

    model_config = ConfigDict(frozen=True)

    seat_id: uuid.UUID
    seller_user_id: uuid.UUID
    owner_user_id: uuid.UUID
    amount: Money
    shortfall: Money | None = None

    @property
    def is_returned(self) -> bool:
        return self.shortfall is not None


def premiums_of(seat: ReturnedSeat, changes: Sequence[OwnerChange]) -> Iterator[Premium]:
    """Yield what each seller gives back, the latest first, at most their own profit on the ticket.

    The profits of all sellers add up to what the last owner had paid above the original price, so the premium is always
    covered. An owner who had sold the same ticket before bears a part of it without a movement.

    Args:
        changes: of the ticket's owner, oldest first.
    """
    profits: defaultdict[uuid.UUID, Decimal] = defaultdict(lambda: NOTHING)
    paid = seat.price
    for change in changes:
        profits[change.seller_user_id] += change.price - paid
        paid = change.price
    left = seat.premium
    for seller_id in dict.fromkeys(change.seller_user_id for change in reversed(changes)):
        amount = min(left, max(profits[seller_id], NOTHING))
        left -= amount
        if amount and seller_id != seat.owner_user_id:
            yield Premium(
                seat_id=seat.seat_id, seller_user_id=seller_id, owner_user_id=seat.owner_user_id, amount=amount
            )
