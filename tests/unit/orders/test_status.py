"""The status machine's table."""

from orders.ticket_orders.status import REACHED_FROM, OrderStatus


def test_every_status_but_the_first_is_reached_from_one_other() -> None:
    assert set(REACHED_FROM) == set(OrderStatus) - {OrderStatus.PENDING}
    assert all(to_status != from_status for to_status, from_status in REACHED_FROM.items())


def test_every_status_is_reached_from_the_first() -> None:
    for status in REACHED_FROM:
        steps = 0
        while status != OrderStatus.PENDING:
            status, steps = REACHED_FROM[status], steps + 1  # noqa: PLW2901 - walking back
            assert steps < len(OrderStatus)
