"""Purchased items as users read them."""

import uuid
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from fastapi import FastAPI

from common.auth.principal import Role
from common.db.engine import Database
from tests.integration.orders.item_caller import Item, ItemCaller, told_of
from tests.support.callers import Caller, new_id
from tests.support.user_tokens import UserTokenMint
from tests.support.waiting import eventually

PATH = "/api/purchased-items"


@pytest.fixture
async def performer(app: FastAPI, mint: UserTokenMint) -> AsyncIterator[Caller]:
    user_id = uuid.uuid4()
    async with Caller(app, mint.token(user_id, Role.PERFORMER), user_id=user_id) as caller:
        yield caller


class TestDetail:
    async def test_of_a_menu_item_as_its_buyer_sees_it(self, items: ItemCaller, fan: Caller) -> None:
        item = await items.at("SUCCESS", buyer_user_id=fan.user_id, idempotency_key="k")

        shown = await _shown(fan, item)

        times = {name: shown.pop(name) for name in ("created_at", "updated_at", "started_at", "ended_at")}
        history = [(change["from_status"], change["to_status"]) for change in shown.pop("history")]
        assert shown == {
            "purchased_item_id": item.key,
            "source": "user",
            "source_id": fan.user_id,
            "target": "menu",
            "target_id": item.body["performer_id"],
            "seller_id": item.body["performer_id"],
            "type": "menu_item",
            "name": "Song dedication",
            "description": "The next song is for you.",
            "price": "12.00",
            "quantity": 1,
            "total_price": "12.00",
            "original_price": "12.00",
            "status": "success",
            "settlement_status": "settled",
            "extra_info": {
                "menu_item_id": item.body["offer_id"],
                "menu_id": item.body["menu_id"],
                "conversation_id": None,
                "execution_mode": "QUEUED",
            },
            "idempotency_key": "k",
            "queue_request_id": None,
            "queue_position": None,
            "estimated_wait_minutes": None,
            "scheduled_for": None,
            "message": "For Mia",
            "note": "Done with love",
            "file_url": "https://files.example.com/1",
            "explanation": "",
            "device": {},
        }
        assert times["created_at"] < times["started_at"] < times["ended_at"] == times["updated_at"]
        assert history == [(None, "pending"), ("pending", "in_progress"), ("in_progress", "success")]

    async def test_of_a_tip_in_a_conversation(self, items: ItemCaller, fan: Caller) -> None:
        conversation_id = new_id()
        item = await items.at(
            "PENDING", buyer_user_id=fan.user_id, type="tip_grid_item", conversation_id=conversation_id
        )

        shown = await _shown(fan, item)

        assert (shown["target"], shown["target_id"]) == ("conversation", conversation_id)
        assert shown["extra_info"] == {
            "tip_menu_item_id": item.body["offer_id"],
            "tip_menu_id": item.body["menu_id"],
            "conversation_id": conversation_id,
            "execution_mode": "QUEUED",
        }
        assert (shown["queue_position"], shown["estimated_wait_minutes"]) == (1, 0)

    @pytest.mark.parametrize(("kind", "target"), [("tip_grid_item", "tip"), ("subscription", "subscription")])
    async def test_target_is_the_performer(self, items: ItemCaller, fan: Caller, kind: str, target: str) -> None:
        item = await items.at("SUCCESS", buyer_user_id=fan.user_id, type=kind)

        shown = await _shown(fan, item)

        assert (shown["target"], shown["target_id"]) == (target, item.body["performer_id"])

    async def test_performer_sees_neither_buyer_nor_key(self, items: ItemCaller, performer: Caller) -> None:
        item = await items.at("PENDING", performer_id=performer.user_id, idempotency_key="k")

        shown = await _shown(performer, item)

        assert (shown["source_id"], shown["idempotency_key"]) == (None, None)
        assert item.body["buyer_user_id"] not in str(shown)
        assert shown["message"] == "For Mia"

    async def test_admin_sees_the_buyer(self, items: ItemCaller, admin: Caller) -> None:
        item = await items.at("PENDING")

        assert (await _shown(admin, item))["source_id"] == item.body["buyer_user_id"]

    async def test_others_find_nothing(self, items: ItemCaller, fan: Caller) -> None:
        item = await items.at("PENDING")

        answers = [await fan.get(f"{PATH}/{key}") for key in (item.key, new_id())]

        assert [answer.status_code for answer in answers] == [404, 404]
        assert {answer.json()["error_code"] for answer in answers} == {"ITEM_NOT_FOUND"}

    async def test_opening_item_is_not_found(self, items: ItemCaller, fan: Caller, admin: Caller) -> None:
        item = await items.at("OPENING", buyer_user_id=fan.user_id)

        assert [(await caller.get(f"{PATH}/{item.key}")).status_code for caller in (fan, admin)] == [404, 404]


class TestList:
    @pytest.fixture
    async def bought(self, items: ItemCaller, fan: Caller) -> list[Item]:
        """One of each, the oldest first, and an opening one."""
        buyer = {"buyer_user_id": fan.user_id}
        await items.at("OPENING", **buyer)
        await items.at("PENDING")
        return [
            await items.at("PENDING", type="tip_grid_item", **buyer),
            await items.at("PENDING", **buyer),
            await items.at("SUCCESS", **buyer),
        ]

    async def test_has_the_callers_items_newest_first(self, fan: Caller, bought: list[Item]) -> None:
        found = (await fan.get(PATH)).json()

        assert _keys(found) == [item.key for item in reversed(bought)]
        assert found["pagination"]["total"] == 3

    @pytest.mark.parametrize(
        ("wanted", "expected"),
        [
            ({"type": "tip_grid_item"}, [0]),
            ({"type": "menu_item"}, [2, 1]),
            ({"status": "pending"}, [1, 0]),
            ({"type": "menu_item", "status": "success"}, [2]),
            ({"type": "subscription"}, []),
        ],
        ids=str,
    )
    async def test_filters(self, fan: Caller, bought: list[Item], wanted: dict[str, str], expected: list[int]) -> None:
        found = (await fan.get(PATH, **wanted)).json()

        assert _keys(found) == [bought[n].key for n in expected]

    async def test_pages_by_cursor(self, fan: Caller, bought: list[Item]) -> None:
        first = (await fan.get(PATH, per_page=2)).json()
        second = (await fan.get(PATH, per_page=2, after=first["pagination"]["next"])).json()

        assert _keys(first) + _keys(second) == [item.key for item in reversed(bought)]

    @pytest.mark.parametrize(
        "wrong", [{"type": "song"}, {"status": "opening"}, {"status": "PENDING"}, {"per_page": 101}], ids=str
    )
    async def test_unknown_filter_is_refused(self, fan: Caller, wrong: dict[str, Any]) -> None:
        assert (await fan.get(PATH, **wrong)).status_code == 400

    async def test_admin_sees_their_own_only(self, items: ItemCaller, admin: Caller) -> None:
        await items.at("PENDING")

        assert (await admin.get(PATH)).json()["data"] == []


@pytest.mark.parametrize("path", [PATH, f"{PATH}/{new_id()}"])
async def test_login_is_required(anonymous: Caller, path: str) -> None:
    assert (await anonymous.get(path)).status_code == 401


class TestBackground:
    """The service itself looks after its queues."""

    async def test_scheduled_item_gets_its_place_and_its_turn_is_announced(
        self, items: ItemCaller, database: Database
    ) -> None:
        item = await items.at("PENDING", scheduled_for=(datetime.now(UTC) + timedelta(seconds=1)).isoformat())

        await eventually(lambda: self._is_next(database, item))

        assert await items.place(item.key) == (1, 0)

    @staticmethod
    async def _is_next(database: Database, item: Item) -> bool:
        return "purchased_item.next" in [kind for kind, _ in await told_of(database, item.key)]


async def _shown(caller: Caller, item: Item) -> dict[str, Any]:
    answer = await caller.get(f"{PATH}/{item.key}")
    assert answer.status_code == 200, answer.text
    shown: dict[str, Any] = answer.json()["data"]
    return shown


def _keys(found: dict[str, Any]) -> list[str]:
    return [row["purchased_item_id"] for row in found["data"]]
