"""Menus of both kinds and their items: what performers and admins make of them (Q7, M1)."""

import asyncio
import uuid
from typing import Any

import pytest

from tests.integration.events.conftest import NewPerformer
from tests.integration.events.stage import MENUS, TIP_MENUS, OfferCaller, an_item, refused
from tests.support.callers import Caller, new_id

both_kinds = pytest.mark.parametrize("kind", [TIP_MENUS, MENUS])

FULL_ITEM: dict[str, Any] = {
    "name": "Song dedication",
    "description": "The next song\nis for you.",
    "category": "songs",
    "position": 7,
    "bonus_loyalty_points": 15,
    "estimated_minutes": 5,
    "daily_limit": 10,
    "daily_limit_per_user": 2,
    "device_activation": {"pattern": None, "intensity": 20, "duration_seconds": 10},
    "is_active": False,
}
THEME: dict[str, Any] = {
    "primary_color": "#3a0ca3",
    "secondary_color": None,
    "background_color": "#FFFFFF",
    "text_color": None,
    "banner_url": "https://images.example.com/banner.jpg",
    "emoji": "\U0001f469\u200d\U0001f3a4",
}


def ids_of(kind: str, listed: list[dict[str, Any]]) -> list[str]:
    return [menu["tip_menu_id" if kind == TIP_MENUS else "menu_id"] for menu in listed]


def names_of(kind: str, menu: dict[str, Any]) -> list[str]:
    return [item["name"] for item in menu["items" if kind == TIP_MENUS else "menu_items"]]


class TestMenus:
    @both_kinds
    async def test_created_menus_are_listed_in_order(self, performer: OfferCaller, kind: str) -> None:
        first, second = await performer.created(kind, name="First"), await performer.created(kind, name="Second")
        before = await performer.created(kind, name="Before", position=0)

        listed = await performer.listed(kind)

        assert ids_of(kind, listed) == [before, first, second]
        assert [menu["position"] for menu in listed] == [0, 1, 2]
        assert {menu["performer_id"] for menu in listed} == {performer.performer_id}
        assert await performer.listed(MENUS if kind == TIP_MENUS else TIP_MENUS) == []

    async def test_menu_has_all_its_fields(self, performer: OfferCaller) -> None:
        fields: dict[str, Any] = {"description": "Late.", "queue_mode": "ON", "visibility": "private", "theme": THEME}

        created = (await performer.create(**fields, is_active=False)).json()["data"]

        assert {name: created[name] for name in fields} == fields
        assert (created["menu_items"], created["whitelisted_users"], created["is_active"]) == ([], 0, False)
        assert await performer.listed() == [created]

    async def test_given_fields_change(self, performer: OfferCaller) -> None:
        menu_id = await performer.created(theme=THEME, queue_mode="ON")
        await performer.added(menu_id)
        [before] = await performer.listed()

        changed = (await performer.change(menu_id, name="Late", visibility="subscribers_only")).json()["data"]

        assert changed == before | {"name": "Late", "visibility": "subscribers_only"}
        changed = (await performer.change(menu_id, theme={"emoji": "\U0001f3b8"})).json()["data"]
        assert changed["theme"] == dict.fromkeys(THEME) | {"emoji": "\U0001f3b8"}

    @both_kinds
    async def test_deleted_menu_is_gone_for_ever(self, performer: OfferCaller, kind: str) -> None:
        menu_id = await performer.created(kind)
        item_id = await performer.added(menu_id, kind)

        for _ in range(2):  # a repeated call changes nothing
            assert (await performer.call("DELETE", f"{kind}/{menu_id}")).status_code == 204

        assert await performer.listed(kind) == []
        gone = (404, "MENU_NOT_FOUND")
        assert refused(await performer.change(menu_id, kind, is_active=True)) == gone
        assert refused(await performer.add_item(menu_id, kind)) == gone
        assert refused(await performer.change_item(menu_id, item_id, kind, name="x")) == gone

    @pytest.mark.parametrize(
        "fields",
        [
            {"name": ""},
            {"name": "M" * 81},
            {"name": "No\0va"},
            {"name": None},
            {"description": "x" * 1_001},
            {"position": -1},
            {"position": 2**63},
            {"position": "1"},
            {"queue_mode": "MAYBE"},
            {"visibility": "secret"},
            {"theme": {"primary_color": "red"}},
            {"theme": {"primary_color": "#12345g"}},
            {"theme": {"primary_color": "#1234567"}},
            {"theme": {"primary_color": "#123456\n"}},
            {"theme": {"banner_url": "http://images.example.com/1.jpg"}},
            {"theme": {"banner_url": "data:text/html,x"}},
            {"theme": {"emoji": "x" * 17}},
            {"theme": {"font": "serif"}},
            {"theme": None},
            {"performer_id": new_id()},
            {"is_deleted": False},
        ],
        ids=lambda fields: str(fields)[:40],
    )
    async def test_invalid_menu_is_refused(self, performer: OfferCaller, fields: dict[str, Any]) -> None:
        assert refused(await performer.create(**fields)) == (400, "VALIDATION_ERROR")
        menu_id = await performer.created()
        assert refused(await performer.change(menu_id, **fields)) == (400, "VALIDATION_ERROR")

    @pytest.mark.parametrize("field", ["queue_mode", "visibility", "theme"])
    async def test_tip_grid_is_always_public_and_never_queued(self, performer: OfferCaller, field: str) -> None:
        value: dict[str, Any] = {field: {"queue_mode": "OFF", "visibility": "public", "theme": {}}[field]}
        assert refused(await performer.create(TIP_MENUS, **value)) == (400, "VALIDATION_ERROR")

    @both_kinds
    async def test_menu_needs_a_profile(self, new_performer: NewPerformer, kind: str) -> None:
        performer = await new_performer()
        assert refused(await performer.create(kind)) == (404, "PERFORMER_NOT_FOUND")
        assert await performer.listed(kind) == []

    async def test_twenty_menus_of_a_kind_are_the_most(self, performer: OfferCaller) -> None:
        """Also if they are created at once. A deleted one makes room."""
        created = await asyncio.gather(*(performer.create() for _ in range(25)))

        assert sorted(answer.status_code for answer in created) == [201] * 20 + [400] * 5
        menus = await performer.listed()
        assert sorted(menu["position"] for menu in menus) == [*range(1, 21)]
        assert (await performer.create(TIP_MENUS)).status_code == 201
        await performer.call("DELETE", f"menus/{menus[0]['menu_id']}")
        assert (await performer.create()).status_code == 201
        assert refused(await performer.call("POST", "menu-templates/quick-fun/apply")) == (400, "VALIDATION_ERROR")


class TestItems:
    @both_kinds
    async def test_item_has_all_its_fields(self, performer: OfferCaller, kind: str) -> None:
        menu_id = await performer.created(kind)

        added = (await performer.add_item(menu_id, kind, **FULL_ITEM)).json()["data"]

        named = {"price": "5.00"} if kind == TIP_MENUS else {"token_value": "25.00"}
        item_id = uuid.UUID(added.pop("tip_menu_item_id" if kind == TIP_MENUS else "menu_item_id"))
        assert (added, item_id.version) == (FULL_ITEM | named, 4)

    @both_kinds
    async def test_items_are_in_order(self, performer: OfferCaller, kind: str) -> None:
        menu_id = await performer.created(kind)
        for name in ("B", "C"):
            await performer.added(menu_id, kind, name=name)
        await performer.added(menu_id, kind, name="A", position=0)
        last = await performer.added(menu_id, kind, name="Between", position=1)

        [menu] = await performer.listed(kind)
        assert names_of(kind, menu) == ["A", "B", "Between", "C"]
        await performer.change_item(menu_id, last, kind, position=9)
        [menu] = await performer.listed(kind)
        assert names_of(kind, menu) == ["A", "B", "C", "Between"]

    @both_kinds
    async def test_given_fields_change(self, performer: OfferCaller, kind: str) -> None:
        menu_id = await performer.created(kind)
        item_id = await performer.added(menu_id, kind, **FULL_ITEM)
        price = {"price": "6.50"} if kind == TIP_MENUS else {"token_value": "6.50"}

        changed = (await performer.change_item(menu_id, item_id, kind, is_active=True, **price)).json()["data"]

        assert {**FULL_ITEM, **price, "is_active": True}.items() <= changed.items()
        nothing = {"daily_limit": None, "daily_limit_per_user": None, "device_activation": None}
        assert (
            nothing.items() <= (await performer.change_item(menu_id, item_id, kind, **nothing)).json()["data"].items()
        )

    @both_kinds
    async def test_deleted_item_is_gone_for_ever(self, performer: OfferCaller, kind: str) -> None:
        menu_id = await performer.created(kind)
        item_id, kept = await performer.added(menu_id, kind), await performer.added(menu_id, kind, name="Kept")

        for _ in range(2):
            assert (await performer.call("DELETE", f"{kind}/{menu_id}/items/{item_id}")).status_code == 204

        [menu] = await performer.listed(kind)
        assert names_of(kind, menu) == ["Kept"]
        changed = await performer.change_item(menu_id, item_id, kind, is_active=True)
        assert refused(changed) == (404, "ITEM_NOT_FOUND")
        assert (await performer.change_item(menu_id, kept, kind, is_active=True)).status_code == 200

    @both_kinds
    @pytest.mark.parametrize(
        "fields",
        [
            {"name": "\u200b"},
            {"name": "x" * 81},
            {"description": "No\0va"},
            {"category": "x" * 51},
            {"bonus_loyalty_points": -1},
            {"bonus_loyalty_points": 10_001},
            {"estimated_minutes": 1.5},
            {"estimated_minutes": 1_441},
            {"daily_limit": 0},
            {"daily_limit": 2**31},
            {"daily_limit_per_user": -1},
            {"daily_limit_per_user": True},
            {"device_activation": {"duration_seconds": 5}},
            {"device_activation": {"pattern": "pulse", "intensity": 5, "duration_seconds": 5}},
            {"device_activation": {"intensity": 21, "duration_seconds": 5}},
            {"device_activation": {"intensity": 0, "duration_seconds": 5}},
            {"device_activation": {"pattern": "", "duration_seconds": 5}},
            {"device_activation": {"pattern": "pulse", "duration_seconds": 0}},
            {"device_activation": {"pattern": "pulse"}},
            {"is_active": None},
            {"performer_id": new_id()},
        ],
        ids=lambda fields: str(fields)[:40],
    )
    async def test_invalid_item_is_refused(self, performer: OfferCaller, kind: str, fields: dict[str, Any]) -> None:
        menu_id = await performer.created(kind)
        assert refused(await performer.add_item(menu_id, kind, **fields)) == (400, "VALIDATION_ERROR")
        item_id = await performer.added(menu_id, kind)
        assert refused(await performer.change_item(menu_id, item_id, kind, **fields)) == (400, "VALIDATION_ERROR")

    @both_kinds
    async def test_price_bounds_the_bonus_points(self, performer: OfferCaller, kind: str) -> None:
        """10 for a credit, also if only one of the two changes."""
        field = "price" if kind == TIP_MENUS else "token_value"
        menu_id, invalid = await performer.created(kind), (400, "VALIDATION_ERROR")
        most: dict[str, Any] = {field: "2.50", "bonus_loyalty_points": 25}

        assert refused(await performer.add_item(menu_id, kind, **most | {"bonus_loyalty_points": 26})) == invalid
        item_id = await performer.added(menu_id, kind, **most)

        for change in ({"bonus_loyalty_points": 26}, {field: "2.49"}):
            assert refused(await performer.change_item(menu_id, item_id, kind, **change)) == invalid
        [menu] = await performer.listed(kind)
        [item] = menu["items" if kind == TIP_MENUS else "menu_items"]
        assert most.items() <= item.items()
        both = {field: "3.00", "bonus_loyalty_points": 30}
        assert (await performer.change_item(menu_id, item_id, kind, **both)).status_code == 200

    @pytest.mark.parametrize(
        "price", ["0", "0.00", "-5.00", "0.001", "1e5", "NaN", "1000000.01", 10**30, 0, None, True]
    )
    @pytest.mark.parametrize(("kind", "field"), [(TIP_MENUS, "price"), (MENUS, "token_value")])
    async def test_price_is_positive_with_two_decimals(
        self, performer: OfferCaller, *, kind: str, field: str, price: Any
    ) -> None:
        menu_id = await performer.created(kind)
        assert refused(await performer.add_item(menu_id, kind, **{field: price})) == (400, "VALIDATION_ERROR")

    @pytest.mark.parametrize(("kind", "field"), [(TIP_MENUS, "token_value"), (MENUS, "price")])
    async def test_price_has_one_name_in_a_kind(self, performer: OfferCaller, kind: str, field: str) -> None:
        menu_id = await performer.created(kind)
        assert refused(await performer.add_item(menu_id, kind, **{field: "1.00"})) == (400, "VALIDATION_ERROR")

    async def test_hundred_items_are_the_most(self, performer: OfferCaller) -> None:
        menu_id = await performer.created(TIP_MENUS)
        added = await asyncio.gather(*(performer.add_item(menu_id, TIP_MENUS) for _ in range(104)))

        assert sorted(answer.status_code for answer in added) == [201] * 100 + [400] * 4
        [menu] = await performer.listed(TIP_MENUS)
        assert [item["position"] for item in menu["items"]] == [*range(1, 101)]


class TestIdempotencyKey:
    async def test_repeated_creation_returns_the_first_answer(self, performer: OfferCaller) -> None:
        created = await asyncio.gather(*(performer.create(key="one") for _ in range(10)))
        first = created[0].json()
        assert [answer.json() for answer in created] == [first] * 10
        menu_id = first["data"]["menu_id"]
        await performer.change(menu_id, name="Late")

        repeated = await performer.create(key="one")

        assert (repeated.status_code, repeated.json()) == (201, first)
        assert len(await performer.listed()) == 1
        assert refused(await performer.create(key="one", name="Other")) == (422, "IDEMPOTENCY_KEY_REUSED")
        added = [await performer.add_item(menu_id, key="one") for _ in range(2)]
        assert added[0].json() == added[1].json()
        applied = [await performer.call("POST", "menu-templates/quick-fun/apply", key="one") for _ in range(2)]
        assert applied[0].json() == applied[1].json()
        assert len(await performer.listed()) == 2

    async def test_key_belongs_to_its_user(self, admin: Caller, performer: OfferCaller) -> None:
        by_admin = OfferCaller.of_admin(admin, performer.performer_id)
        ids = [(await each.create(key="one")).json()["data"]["menu_id"] for each in (performer, by_admin)]
        assert ids[0] != ids[1]


class TestOwnership:
    """The ids of another performer's menu, and of a menu of the other kind, are unknown."""

    @both_kinds
    async def test_another_performers_menus_are_unknown(
        self, performer: OfferCaller, new_performer: NewPerformer, kind: str
    ) -> None:
        stranger = await new_performer()
        await stranger.write_profile()
        menu_id = await performer.created(kind)
        item_id = await performer.added(menu_id, kind)
        before = await performer.listed(kind)
        own = await stranger.created(kind)

        unknown = (404, "MENU_NOT_FOUND")
        for method, path, body in [
            ("PATCH", f"{kind}/{menu_id}", {"name": "x"}),
            ("DELETE", f"{kind}/{menu_id}", None),
            ("POST", f"{kind}/{menu_id}/items", an_item(kind)),
            ("PATCH", f"{kind}/{menu_id}/items/{item_id}", {"name": "x"}),
            ("DELETE", f"{kind}/{menu_id}/items/{item_id}", None),
        ]:
            assert refused(await stranger.call(method, path, body)) == unknown, (method, path)
        for method, body in [("PATCH", {"name": "x"}), ("DELETE", None)]:
            answer = await stranger.call(method, f"{kind}/{own}/items/{item_id}", body)
            assert refused(answer) == (404, "ITEM_NOT_FOUND"), method
        assert await performer.listed(kind) == before

    async def test_a_menu_of_the_other_kind_is_unknown(self, performer: OfferCaller) -> None:
        tips, menu = await performer.created(TIP_MENUS), await performer.created(MENUS)
        for kind, menu_id in ((MENUS, tips), (TIP_MENUS, menu)):
            assert refused(await performer.change(menu_id, kind, name="x")) == (404, "MENU_NOT_FOUND")
            assert refused(await performer.add_item(menu_id, kind)) == (404, "MENU_NOT_FOUND")

    async def test_admin_manages_any_performers_menus(self, admin: Caller, performer: OfferCaller) -> None:
        by_admin = OfferCaller.of_admin(admin, performer.performer_id)
        menu_id = await by_admin.created()
        item_id = await by_admin.added(menu_id)
        await by_admin.change_item(menu_id, item_id, token_value="9.00")

        [menu] = await performer.listed()
        assert [item["token_value"] for item in menu["menu_items"]] == ["9.00"]
        of_another = OfferCaller.of_admin(admin, new_id())
        assert refused(await of_another.change(menu_id, name="x")) == (404, "MENU_NOT_FOUND")

    @both_kinds
    async def test_only_an_admin_reactivates_what_an_admin_deactivated(
        self, admin: Caller, performer: OfferCaller, kind: str
    ) -> None:
        by_admin = OfferCaller.of_admin(admin, performer.performer_id)
        menu_id = await performer.created(kind, is_active=False)
        item_id = await performer.added(menu_id, kind)

        async def change(by: OfferCaller, *, is_active: bool) -> list[int]:
            menu = await by.change(menu_id, kind, is_active=is_active)
            item = await by.change_item(menu_id, item_id, kind, is_active=is_active)
            return [menu.status_code, item.status_code]

        for by, is_active, status in (
            (performer, True, 200),
            (performer, False, 200),
            (by_admin, False, 200),
            (performer, False, 200),
            (performer, True, 403),
            (by_admin, True, 200),
            (performer, False, 200),
            (performer, True, 200),
        ):
            assert await change(by, is_active=is_active) == [status] * 2, (by, is_active)
