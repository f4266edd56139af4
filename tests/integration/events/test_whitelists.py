"""Whitelists of private menus (M2)."""

import asyncio
import uuid

from sqlalchemy import text

from common.db.engine import Database
from tests.integration.events.conftest import NewPerformer
from tests.integration.events.stage import OfferCaller, refused
from tests.support.callers import new_id


class TestWhitelist:
    async def test_users_are_added_listed_and_removed(self, performer: OfferCaller) -> None:
        menu_id = await performer.created(visibility="private")
        users = [new_id() for _ in range(3)]
        path = f"menus/{menu_id}/whitelist"
        added = [(await performer.call("POST", path, {"user_id": user})).json()["data"] for user in users]

        repeated = await performer.call("POST", path, {"user_id": users[0]})

        assert repeated.json()["data"] == added[0]
        page = (await performer.call("GET", f"{path}?per_page=2")).json()
        assert page["data"] == added[:0:-1]
        assert page["pagination"]["total"] == 3
        for _ in range(2):
            assert (await performer.call("DELETE", f"{path}/{users[1]}")).status_code == 204
        assert (await performer.call("GET", path)).json()["data"] == [added[2], added[0]]
        assert [menu["whitelisted_users"] for menu in await performer.listed()] == [2]

    async def test_another_performers_whitelist_is_unknown(
        self, performer: OfferCaller, new_performer: NewPerformer
    ) -> None:
        path = f"menus/{await performer.created(visibility='private')}/whitelist"
        user_id = new_id()
        await performer.call("POST", path, {"user_id": user_id})
        stranger = await new_performer()

        for method, below, body in [
            ("GET", "", None),
            ("POST", "", {"user_id": stranger.performer_id}),
            ("DELETE", f"/{user_id}", None),
        ]:
            assert refused(await stranger.call(method, path + below, body)) == (404, "MENU_NOT_FOUND"), method
        [entry] = (await performer.call("GET", path)).json()["data"]
        assert entry["user_id"] == user_id

    async def test_thousand_users_are_the_most(self, performer: OfferCaller, database: Database) -> None:
        """Also if they are added at once. A user who is on it already may be added again."""
        menu_id = await performer.created(visibility="private")
        statement = (
            "INSERT INTO menu_whitelist SELECT CAST(:menu_id AS uuid), gen_random_uuid() FROM generate_series(1, 998)"
        )
        await database.execute(text(statement), {"menu_id": uuid.UUID(menu_id)})
        path, users = f"menus/{menu_id}/whitelist", [new_id() for _ in range(8)]

        async def add(user_id: str) -> int:
            return (await performer.call("POST", path, {"user_id": user_id})).status_code

        added = await asyncio.gather(*map(add, users))

        assert sorted(added) == [200] * 2 + [400] * 6
        assert await add(users[added.index(200)]) == 200
        assert [menu["whitelisted_users"] for menu in await performer.listed()] == [1_000]

    async def test_deleted_menu_has_no_whitelist(self, performer: OfferCaller, database: Database) -> None:
        menu_id, other = [await performer.created(visibility="private") for _ in range(2)]
        for each in (menu_id, other):
            await performer.call("POST", f"menus/{each}/whitelist", {"user_id": new_id()})

        await performer.call("DELETE", f"menus/{menu_id}")

        statement = text("SELECT menu_id FROM menu_whitelist WHERE menu_id = ANY(:menu_ids)")
        left = await database.fetch_all(statement, {"menu_ids": [uuid.UUID(menu_id), uuid.UUID(other)]})
        assert [str(row["menu_id"]) for row in left] == [other]

    async def test_malformed_user_is_refused(self, performer: OfferCaller) -> None:
        path = f"menus/{await performer.created()}/whitelist"
        assert refused(await performer.call("POST", path, {"user_id": "mia"})) == (400, "INVALID_UUID")
