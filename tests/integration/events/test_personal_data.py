"""What an export shows of a performer and of users on whitelists, and what a deletion erases."""

from typing import Any

import pytest

from events.personal_data import service as personal_data_service
from tests.integration.events.catalogue import CatalogueCaller
from tests.integration.events.conftest import NewPerformer
from tests.integration.events.stage import MENUS, TIP_MENUS, OfferCaller
from tests.support.callers import Caller, new_id


@pytest.fixture
def orchestrator(catalogue: CatalogueCaller) -> Caller:
    return catalogue.orchestrator


@pytest.fixture
async def performer(new_performer: NewPerformer) -> OfferCaller:
    performer = await new_performer()
    await performer.write_profile(
        bio="Synths", device_uid=f"light {performer.performer_id}", subscription_price="15.00"
    )
    return performer


async def section(orchestrator: Caller, user_id: str, name: str) -> list[dict[str, Any]]:
    items, after = [], None
    while True:
        query: dict[str, str] = {} if after is None else {"after": after}
        part = (await orchestrator.get(f"/internal/personal-data/{user_id}/{name}", **query)).json()["data"]
        items += part["items"]
        if (after := part["next"]) is None:
            return items


async def erase(orchestrator: Caller, user_id: str) -> None:
    assert (await orchestrator.post(f"/internal/personal-data/{user_id}/erase", {})).status_code == 200


class TestExport:
    async def test_has_the_profile(self, orchestrator: Caller, performer: OfferCaller) -> None:
        [profile] = await section(orchestrator, performer.performer_id, "performers")

        assert profile["performer_id"] == performer.performer_id
        assert (profile["display_name"], profile["bio"], profile["subscription_price"]) == ("Nova", "Synths", "15.00")
        assert not {"place_at", "place_key"} & profile.keys()
        assert await section(orchestrator, new_id(), "performers") == []

    async def test_has_all_menus_with_their_items(
        self, orchestrator: Caller, performer: OfferCaller, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(personal_data_service, "PAGE", 2)
        grid, encore, gone = [await performer.created(kind) for kind in (TIP_MENUS, MENUS, MENUS)]
        item = await performer.added(encore)
        await performer.call("DELETE", f"{MENUS}/{gone}")

        menus = await section(orchestrator, performer.performer_id, "menus")

        assert [menu["menu_id"] for menu in menus] == [gone, encore, grid]
        assert [menu["is_deleted"] for menu in menus] == [True, False, False]
        [exported] = menus[1]["items"]
        assert (exported["item_id"], exported["price"]) == (item, "25.00")

    async def test_has_the_whitelists_with_the_user(self, orchestrator: Caller, performer: OfferCaller) -> None:
        fan, menu_id = new_id(), await performer.created(visibility="private")
        for user_id in (fan, new_id()):
            await performer.call("POST", f"{MENUS}/{menu_id}/whitelist", {"user_id": user_id})

        [entry] = await section(orchestrator, fan, "whitelists")

        assert entry["menu_id"] == menu_id
        assert entry.keys() == {"menu_id", "added_at"}

    async def test_bad_cursor_is_refused(self, orchestrator: Caller) -> None:
        answer = await orchestrator.get(f"/internal/personal-data/{new_id()}/menus", after="x")

        assert (answer.status_code, answer.json()["error_code"]) == (400, "VALIDATION_ERROR")


class TestErasure:
    async def test_makes_a_performer_nameless_and_inactive(
        self, orchestrator: Caller, performer: OfferCaller, new_performer: NewPerformer
    ) -> None:
        other = await new_performer()
        await other.write_profile()

        for _ in range(2):
            await erase(orchestrator, performer.performer_id)

        [profile] = await section(orchestrator, performer.performer_id, "performers")
        assert (profile["display_name"], profile["bio"], profile["is_active"]) == ("deleted user", "", False)
        assert [profile[name] for name in ("image_url", "device_uid", "subscription_price")] == [None] * 3
        [untouched] = await section(orchestrator, other.performer_id, "performers")
        assert (untouched["display_name"], untouched["is_active"]) == ("Nova", True)

    async def test_removes_the_user_from_whitelists(self, orchestrator: Caller, performer: OfferCaller) -> None:
        fan, other, menu_id = new_id(), new_id(), await performer.created(visibility="private")
        for user_id in (fan, other):
            await performer.call("POST", f"{MENUS}/{menu_id}/whitelist", {"user_id": user_id})

        await erase(orchestrator, fan)

        listed = (await performer.call("GET", f"{MENUS}/{menu_id}/whitelist")).json()["data"]
        assert [entry["user_id"] for entry in listed] == [other]

    async def test_empties_the_whitelists_of_a_performer(self, orchestrator: Caller, performer: OfferCaller) -> None:
        fan, menu_id = new_id(), await performer.created(visibility="private")
        await performer.call("POST", f"{MENUS}/{menu_id}/whitelist", {"user_id": fan})

        await erase(orchestrator, performer.performer_id)

        assert await section(orchestrator, fan, "whitelists") == []
