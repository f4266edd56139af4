"""A request that the previous release stored is recognised when a saga repeats it."""

import uuid

import pytest

from inventory.repository.requests import Command, request_of
from inventory.schemas import ReclaimSeats, ReleaseHold

ID = uuid.UUID("0d9f2f0e-6f0b-4d0e-9a53-6f0f6ad1c3b7")


@pytest.mark.parametrize(
    ("command", "fingerprint"),
    [
        (
            ReclaimSeats(request_id=ID, order_id=ID, buyer_user_id=ID, is_forced=True),
            "e028637a5ff969849399c1aff548d480",
        ),
        *(
            (
                ReleaseHold(request_id=ID, hold_id=ID, undoes_request_id=None, is_cancelled=is_cancelled),
                "30f42bec4c54c5e85d89a909742aa304",
            )
            for is_cancelled in (False, True)
        ),
    ],
    ids=["reclaim of a whole order", "release", "release of a cancelled hold"],
)
def test_fingerprint_is_that_of_the_previous_release(command: Command, fingerprint: str) -> None:
    assert request_of(command).fingerprint == fingerprint
