"""How many contended seats are sold."""

import pytest

from bench.workloads import Contention


@pytest.mark.parametrize(
    ("attempts", "buyers", "seats", "sold"),
    [(32, 1, 1, 32), (2_000, 1_000, 100, 200), (1_040, 1_000, 100, 140), (1_200, 1_000, 100, 200)],
)
def test_each_group_of_buyers_gets_its_seats(attempts: int, buyers: int, seats: int, sold: int) -> None:
    assert Contention(buyers=buyers, seats=seats).seats_for(attempts) == sold
