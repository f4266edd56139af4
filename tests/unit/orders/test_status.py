"""The transition table of orders."""

from orders.ticket_orders.status import REACHED_FROM, OrderStatus


def test_every_other_status_is_reached_from_exactly_one() -> None:
    assert set(REACHED_FROM) == set(OrderStatus) - {OrderStatus.PENDING}
    assert all(to_status != from_status for to_status, from_status in REACHED_FROM.items())


def test_every_status_is_reached_from_the_first() -> None:
    for status in REACHED_FROM:
        steps = 0
        while status != OrderStatus.PENDING:
            status, steps = REACHED_FROM[status], steps + 1  # noqa: PLW2901 - walks back
            assert steps < len(OrderStatus)
