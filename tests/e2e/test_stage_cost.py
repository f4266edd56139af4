"""The number of remote calls and statements of the orchestrator per tip, menu purchase and list of menus, which must not grow.

What a call costs its participant is counted beside the participant, as `test_purchase_cost.py` says.
"""

import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

from common.auth.principal import Principal
from orchestrator.features.menus.schemas import MenuPurchaseRequest
from orchestrator.features.menus.service.menus import MenuService
from orchestrator.features.menus.service.purchases import MenuPurchaseService
from orchestrator.features.tips.schemas import TipRequest
from orchestrator.features.tips.service import TipService
from tests.e2e.in_process import InProcessServices
from tests.e2e.performer import Performer
from tests.e2e.test_purchase_cost import at_most
from tests.e2e.user_client import UserClient


def principal(fan: UserClient) -> Principal:
    return Principal(uuid.UUID(fan.user_id), frozenset(), uuid.uuid4(), datetime.now(UTC) + timedelta(hours=1))


async def test_tip_now_and_queued_tip(in_process: InProcessServices, fan: UserClient, performer: Performer) -> None:
    tips, item_id = in_process.service(TipService), await performer.add_tip()

    async def tip(**more: Any) -> None:
        wanted = {"tip_menu_item_id": item_id, "performer_id": performer.performer_id, **more}
        await tips.buy(
            TipRequest.model_validate(wanted), buyer_id=uuid.UUID(fan.user_id), key=None, address="127.0.0.1"
        )

    tomorrow = datetime.now(UTC) + timedelta(days=1)
    with at_most(calls=5, statements=6):  # the item, open, hold, pay, complete; started, and one for each step
        await tip()
    with at_most(calls=5, statements=5):  # the item, may spend, the balance, open, enqueue; with the job
        await tip(scheduled_for=tomorrow)
    with at_most(calls=4, statements=6):  # the item, open, hold, enqueue
        await tip(scheduled_for=tomorrow, hold_funds=True)


async def test_menu_purchase(in_process: InProcessServices, fan: UserClient, performer: Performer) -> None:
    menus = in_process.service(MenuPurchaseService)

    async def buy(queue_mode: str, *, calls: int, statements: int) -> None:
        menu_id = await performer.add_menu(queue_mode=queue_mode)
        wanted = {"menu_id": menu_id, "menu_item_id": await performer.add_menu_item(menu_id)}
        with at_most(calls=calls, statements=statements):
            await menus.buy(
                MenuPurchaseRequest.model_validate(wanted), buyer=principal(fan), key=None, address="127.0.0.1"
            )

    await buy("OFF", calls=5, statements=6)  # as a tip now
    await buy("ON", calls=4, statements=4)  # the item, open, hold, enqueue


async def test_list_of_menus_for_subscribers(
    in_process: InProcessServices, fan: UserClient, performer: Performer
) -> None:
    """The subscription is looked up once, not for each menu."""
    for _ in range(3):
        await performer.add_menu(visibility="subscribers_only")
    public_id = await performer.add_menu()
    menus = in_process.service(MenuService)

    with at_most(calls=2, statements=0):
        found = await menus.list_of(uuid.UUID(performer.performer_id), reader=principal(fan))

    assert [menu["menu_id"] for menu in found] == [public_id]
