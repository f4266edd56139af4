"""The number of remote calls and statements of the orchestrator per digital order, which must not grow."""

import uuid

from orchestrator.features.digital_goods.schemas.ordering import DigitalOrderRequest
from orchestrator.features.digital_goods.service.ordering import DigitalOrderingService
from tests.e2e.digital_orders import request_for
from tests.e2e.in_process import InProcessServices
from tests.e2e.test_purchase_cost import at_most
from tests.e2e.user_client import UserClient


async def test_orders(in_process: InProcessServices, fan: UserClient) -> None:
    ordering = in_process.service(DigitalOrderingService)

    async def order(*, calls: int, statements: int, **payment: str) -> None:
        wanted = DigitalOrderRequest.model_validate(request_for(5, **payment))
        with at_most(calls=calls, statements=statements):
            await ordering.order(wanted, buyer_id=uuid.UUID(fan.user_id), key=None, address="127.0.0.1")

    # The products, may spend, open, stock, hold, accept; started, four steps, the job.
    await order(calls=6, statements=6)
    # The products, may spend, open, stock, the payment thrice, await payment; started, three steps.
    await order(calls=8, statements=4, pay_with="crypto", pay_currency="btc")
