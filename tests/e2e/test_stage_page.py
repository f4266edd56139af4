"""Every answer in docs/stage.md is the platform's."""

from typing import Final

from devstack.home import ROOT
from tests.e2e.conftest import MakeFan, MakePerformer
from tests.e2e.example_page import ExamplePage
from tests.e2e.user_client import UserClient

PAGE: Final = ROOT / "docs/stage.md"
FEWEST_EXAMPLES: Final = 25

PERFORMER_ID: Final = "45454545-4545-4545-4545-454545454545"
TIP_ID: Final = "11111111-1111-4111-8111-111111111111"
MENU_NOW, ITEM_NOW = "22222222-2222-4222-8222-222222222222", "33333333-3333-4333-8333-333333333333"
MENU_IN_TURN, ITEM_IN_TURN = "44444444-4444-4444-8444-444444444444", "55555555-5555-4555-8555-555555555555"


async def test_every_answer_on_the_page_is_the_platforms(
    anonymous: UserClient, new_fan: MakeFan, new_performer: MakePerformer
) -> None:
    fan, performer = await new_fan(), await new_performer(subscription_price="15.00")
    assert (await fan.patch("/users/me", {"name": "Mei Lin"})).status == 200
    item = {"name": "A song for Mia", "description": "The next song is for the name you send.", "estimated_minutes": 15}
    now, in_turn = await performer.add_menu(name="Now", queue_mode="OFF"), await performer.add_menu()
    page = ExamplePage(
        path=PAGE,
        callers={"anonymous": anonymous, "fan": fan, "performer": performer.client},
        ids={
            PERFORMER_ID: performer.performer_id,
            TIP_ID: await performer.add_tip(name="Shout-out", price="100.00"),
            MENU_NOW: now,
            ITEM_NOW: await performer.add_menu_item(now, name="Bow", token_value="50.00", bonus_loyalty_points=30),
            MENU_IN_TURN: in_turn,
            ITEM_IN_TURN: await performer.add_menu_item(
                in_turn, token_value="200.00", bonus_loyalty_points=150, **item
            ),
        },
    )
    assert await page.check() >= FEWEST_EXAMPLES
