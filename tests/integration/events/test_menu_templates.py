"""Starter menus that performers apply (M1)."""

import pytest

from tests.integration.events.stage import OfferCaller, refused


class TestTemplates:
    async def test_three_are_listed(self, performer: OfferCaller) -> None:
        listed = (await performer.call("GET", "menu-templates")).json()["data"]

        form = {each["template"]: (each["menu"]["queue_mode"], each["menu"]["visibility"]) for each in listed}
        assert form == {
            "quick-fun": ("OFF", "public"),
            "private-energy": ("ON", "public"),
            "vip-experience": ("ON", "subscribers_only"),
        }
        assert all(4 <= len(each["menu_items"]) <= 6 for each in listed)

    @pytest.mark.parametrize("name", ["quick-fun", "private-energy", "vip-experience"])
    async def test_applied_template_is_an_own_menu(self, performer: OfferCaller, name: str) -> None:
        listed = (await performer.call("GET", "menu-templates")).json()["data"]
        [template] = [each for each in listed if each["template"] == name]

        applied = (await performer.call("POST", f"menu-templates/{name}/apply")).json()["data"]

        assert [applied] == await performer.listed()
        for item, pattern in zip(applied["menu_items"], template["menu_items"], strict=True):
            assert {field: item[field] for field in pattern if field != "position"}.items() <= pattern.items()
        menu = template["menu"]
        assert {field: applied[field] for field in menu if field != "position"}.items() <= menu.items()
        changed = await performer.change_item(applied["menu_id"], applied["menu_items"][0]["menu_item_id"], name="Mine")
        assert changed.json()["data"]["name"] == "Mine"

    async def test_unknown_template_is_refused(self, performer: OfferCaller) -> None:
        assert refused(await performer.call("POST", "menu-templates/late-show/apply")) == (400, "VALIDATION_ERROR")
