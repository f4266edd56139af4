"""The transition tables of transfers and listings."""

import pytest

from orders.listings.status import ListingMove, ListingStatus
from orders.shared.transitions import Move
from orders.transfers.status import TransferMove, TransferStatus

MACHINES = [
    (TransferMove, TransferStatus, TransferStatus.PENDING_OTP),
    (ListingMove, ListingStatus, ListingStatus.OPENING),
]


@pytest.mark.parametrize(("moves", "statuses", "first"), MACHINES)
def test_every_status_is_reached_from_the_first(moves: type[Move], statuses: type[TransferStatus], first: str) -> None:
    reached = {first}
    for _ in statuses:
        reached |= {move.to_status for move in moves if move.from_status in reached and move.to_status}

    assert reached == set(statuses)
