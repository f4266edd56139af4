"""Statement cursors round-trip, and anything else is refused."""

import uuid
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from users.ledger.cursors import AccountStatementCursor
from users.ledger.errors import UnknownCursor


@given(st.uuids(), st.decimals(min_value=0, max_value=Decimal("999999999999.99"), places=2))
def test_cursor_round_trips(transaction_id: uuid.UUID, balance: Decimal) -> None:
    cursor = AccountStatementCursor(transaction_id, balance)
    assert AccountStatementCursor.parse(str(cursor)) == cursor


ID = uuid.UUID(int=5).hex


@pytest.mark.parametrize(
    "written",
    [
        "",
        ID,
        f"{ID}-",
        f"{ID}-1",
        f"{ID}-1.5",
        f"{ID}--1.00",
        f"{ID}-1.00\n",
        f" {ID}-1.00",
        f"{ID}-NaN",
        f"{ID}-1234567890123.00",
        f"{ID}-\u0661.\u0660\u0660",  # digits, but not ASCII digits
        f"{uuid.UUID(ID)}-1.00",
        f"{ID[1:]}g-1.00",
    ],
)
def test_malformed_cursor_is_refused(written: str) -> None:
    with pytest.raises(UnknownCursor):
        AccountStatementCursor.parse(written)
