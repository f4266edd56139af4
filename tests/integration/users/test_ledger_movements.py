"""Each movement, its refusals, and that it happens once (W2)."""

import uuid
from decimal import Decimal

from tests.integration.users.people import Books, code_of


class TestDeduct:
    async def test_moves_credits_from_the_wallet_to_the_events_revenue(self, books: Books) -> None:
        fan, event = await books.open_wallet("100.00"), uuid.uuid4()

        answer = await books.deduct(fan, "70.50", event_id=event)

        assert answer.status_code == 200
        assert answer.json()["data"]["balance"] == "29.50"
        assert await books.wallet_of(fan) == Decimal("29.50")
        assert await books.sum_of("revenue", event) == Decimal("70.50")
        assert await books.contradictions() == []

    async def test_a_repeated_id_gives_the_first_answer_and_moves_nothing(self, books: Books) -> None:
        fan, request_id, event = await books.open_wallet("100.00"), uuid.uuid4(), uuid.uuid4()

        first = await books.deduct(fan, "40.00", request_id=request_id, event_id=event)
        second = await books.deduct(fan, "40.00", request_id=request_id, event_id=event)

        assert second.json() == first.json()
        assert await books.wallet_of(fan) == Decimal("60.00")
