"""The seeded performer's profile, tip grid and menus, the seeded articles, and the seeded products."""

import uuid
from typing import Any

from common.db.engine import Database
from devstack.seed import PERFORMER_ID, USERS
from devstack.seed_articles import CLOSED_ARTICLE_ID, OPEN_ARTICLE_ID, seed_articles
from devstack.seed_performer import seed_performer
from devstack.seed_products import ALWAYS_IN_STOCK_ID, COUNTED_ID, FEW_ID, seed_products
from tests.integration.events.catalogue import CatalogueCaller
from tests.integration.events.stage import FactsCaller, OfferCaller
from tests.support.callers import Caller


async def shown(anonymous: Caller, facts: FactsCaller) -> tuple[dict[str, Any], dict[str, Any], list[dict[str, Any]]]:
    performer = (await anonymous.get(f"/api/performers/{PERFORMER_ID}")).json()["data"]
    grid = (await anonymous.get(f"/api/tip-grid/{PERFORMER_ID}")).json()["data"]
    menus = (await facts.menus_of(str(PERFORMER_ID))).json()["data"]
    return performer, grid, [facts["menu"] for facts in menus]


async def test_performer_has_a_grid_and_the_three_template_menus(
    anonymous: Caller, facts: FactsCaller, database: Database
) -> None:
    await seed_performer(database, PERFORMER_ID)

    performer, grid, menus = await shown(anonymous, facts)

    assert (performer["display_name"], performer["subscription_price"]) == ("Nova", "15.00")
    assert [len(menu["items"]) for menu in grid["tip_menus"]] == [6]
    assert [(menu["name"], menu["queue_mode"], menu["visibility"]) for menu in menus] == [
        ("Quick Fun", "OFF", "public"),
        ("Private Energy", "ON", "public"),
        ("VIP Experience", "ON", "subscribers_only"),
    ]
    assert all(4 <= len(menu["menu_items"]) <= 6 for menu in menus)


async def test_seeding_again_changes_nothing(
    admin: Caller, anonymous: Caller, facts: FactsCaller, database: Database
) -> None:
    await seed_performer(database, PERFORMER_ID)
    _, grid, _ = await shown(anonymous, facts)
    menu = grid["tip_menus"][0]
    by_admin = OfferCaller.of_admin(admin, PERFORMER_ID)
    path = f"tip-menus/{menu['tip_menu_id']}/items/{menu['items'][0]['tip_menu_item_id']}"
    await by_admin.call("DELETE", path)
    await by_admin.write_profile(bio="Changed.")
    before = await shown(anonymous, facts)

    await seed_performer(database, PERFORMER_ID)

    assert await shown(anonymous, facts) == before
    assert before[0]["bio"] == "Changed."
    assert len(before[1]["tip_menus"][0]["items"]) == 5


async def test_concert_has_two_articles_and_one_is_open_to_backlinks(
    *, admin: Caller, anonymous: Caller, catalogue: CatalogueCaller, database: Database
) -> None:
    event_id = (await catalogue.published())["event_id"]

    async def seeded() -> dict[str, Any]:
        await seed_articles(database, event_id=uuid.UUID(event_id), owner_user_id=USERS[0].user_id)
        return {
            each["article_id"]: each
            for each in (await anonymous.get("/api/articles", event_id=event_id)).json()["data"]
        }

    first = await seeded()
    assert {key: each["links_allowed"] for key, each in first.items()} == {
        str(OPEN_ARTICLE_ID): True,
        str(CLOSED_ARTICLE_ID): False,
    }
    path = f"/api/articles/{first[str(OPEN_ARTICLE_ID)]['slug']}"
    await admin.request("PATCH", path, json={"links_allowed": False})
    assert (await seeded())[str(OPEN_ARTICLE_ID)]["links_allowed"] is False


async def test_three_products_are_on_offer_and_keep_what_admins_change(
    admin: Caller, anonymous: Caller, database: Database
) -> None:
    await seed_products(database)
    await admin.request("PATCH", f"/api/admin/products/{FEW_ID}", json={"stock": 0})

    await seed_products(database)

    found = {each["product_id"]: each["in_stock"] for each in (await anonymous.get("/api/products")).json()["data"]}
    assert found == {str(ALWAYS_IN_STOCK_ID): True, str(COUNTED_ID): True, str(FEW_ID): False}
