"""Digital orders on the database of the orders service."""

import pytest

from tests.integration.orders.digital_orders.digital_order_caller import DigitalOrderCaller
from tests.integration.orders.orders_caller import OrdersCaller


@pytest.fixture(scope="module")
def goods(orders_caller: OrdersCaller) -> DigitalOrderCaller:
    return DigitalOrderCaller(orders_caller.orchestrator)
