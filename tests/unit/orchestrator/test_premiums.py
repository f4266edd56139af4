"""What the last owner of a refunded ticket had paid above its price comes from the sellers who earned it."""

import uuid
from collections.abc import Mapping
from decimal import Decimal

import pytest

from orchestrator.clients.models import ReturnedSeat
from orchestrator.clients.orders.orders import OwnerChange
from orchestrator.features.refunds.models import premiums_of

SEAT = uuid.uuid4()
USERS = {name: uuid.uuid4() for name in "ABCD"}
FACE = Decimal("100.00")


def given_back(*sales: tuple[str, str, int]) -> Mapping[str, Decimal]:
    """Return what each seller gives back after sales (seller, buyer, price) of a ticket of 100.00, in order."""
    changes = [
        OwnerChange(
            seat_id=SEAT, seller_user_id=USERS[seller], buyer_user_id=USERS[buyer], price=Decimal(f"{price}.00")
        )
        for seller, buyer, price in sales
    ]
    seat = ReturnedSeat(seat_id=SEAT, owner_user_id=changes[-1].buyer_user_id, price=FACE, price_paid=changes[-1].price)
    names = {user_id: name for name, user_id in USERS.items()}
    premiums = list(premiums_of(seat, changes))
    assert all(premium.owner_user_id == seat.owner_user_id for premium in premiums)
    return {names[premium.seller_user_id]: premium.amount for premium in premiums}


@pytest.mark.parametrize(
    ("sales", "expected"),
    [
        ([("A", "B", 120)], {"A": 20}),
        ([("A", "B", 100)], {}),
        ([("A", "B", 80)], {}),
        # The latest seller first, each at most their own profit.
        ([("A", "B", 110), ("B", "C", 120)], {"B": 10, "A": 10}),
        ([("A", "B", 120), ("B", "C", 110)], {"A": 10}),
        ([("A", "B", 80), ("B", "C", 115)], {"B": 15}),
        ([("A", "B", 120), ("B", "C", 90), ("C", "D", 120)], {"C": 20}),
        ([("A", "B", 120), ("B", "C", 115), ("C", "D", 120)], {"C": 5, "A": 15}),
        # A seller who appears twice: their profit is what they got in all, less what they paid in all.
        ([("A", "B", 120), ("B", "A", 110), ("A", "C", 120)], {"A": 20}),
        ([("A", "B", 110), ("B", "A", 120), ("A", "C", 115)], {"A": 5, "B": 10}),
        # The last owner had sold the ticket before, and bears that part.
        ([("A", "B", 120), ("B", "A", 110)], {}),
        ([("A", "B", 110), ("B", "A", 120)], {"B": 10}),
        ([("A", "B", 110), ("B", "C", 115), ("C", "A", 120)], {"C": 5, "B": 5}),
    ],
)
def test_sellers_give_back_their_profit(sales: list[tuple[str, str, int]], expected: Mapping[str, int]) -> None:
    assert given_back(*sales) == expected
