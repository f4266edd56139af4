"""Commissions on the database of the orders service."""

import pytest

from tests.integration.orders.commissions.commission_caller import CommissionCaller
from tests.integration.orders.orders_caller import OrdersCaller


@pytest.fixture(scope="module")
def commissions(orders_caller: OrdersCaller) -> CommissionCaller:
    return CommissionCaller(orders_caller.orchestrator)
