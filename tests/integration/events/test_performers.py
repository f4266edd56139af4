"""Performers' profiles: who writes them, who sees what of them (Q7, M1)."""

import uuid
from typing import Any

import pytest

from tests.integration.events.conftest import NewPerformer
from tests.integration.events.stage import FactsCaller, OfferCaller, refused
from tests.support.callers import Caller, new_id

DEFAULTS = {
    "display_name": "Nova",
    "bio": "",
    "image_url": None,
    "time_zone": "Asia/Singapore",
    "subscription_price": None,
    "settlement": "INSTANT",
    "device_uid": None,
    "is_active": True,
}
EVERYTHING: dict[str, Any] = {
    "display_name": "Nova & the Tides",
    "bio": "Strings.\nAnd a loop station.",
    "image_url": "https://images.example.com/nova.jpg",
    "time_zone": "Europe/Berlin",
    "subscription_price": "15.00",
    "settlement": "BATCHED",
    "is_active": False,
}


@pytest.fixture
def everything() -> dict[str, Any]:
    """A change of all fields. A device belongs to one performer only."""
    return EVERYTHING | {"device_uid": f"light {uuid.uuid4()}"}


def facts_of(profile: dict[str, Any]) -> dict[str, Any]:
    return {name: profile[name] for name in DEFAULTS}


class TestProfile:
    async def test_first_change_writes_it(self, new_performer: NewPerformer) -> None:
        performer = await new_performer()
        assert refused(await performer.call("GET", "profile")) == (404, "PERFORMER_NOT_FOUND")
        assert refused(await performer.call("PATCH", "profile", {"bio": "x"})) == (404, "PERFORMER_NOT_FOUND")

        written = await performer.write_profile()

        assert written.status_code == 200
        assert facts_of(written.json()["data"]) == DEFAULTS
        assert written.json()["data"]["performer_id"] == performer.performer_id
        assert (await performer.call("GET", "profile")).json() == written.json()

    async def test_given_fields_change(self, performer: OfferCaller, everything: dict[str, Any]) -> None:
        changed = (await performer.call("PATCH", "profile", everything)).json()["data"]
        assert facts_of(changed) == everything

        changed = (await performer.call("PATCH", "profile", {"bio": "Drums."})).json()["data"]
        assert facts_of(changed) == everything | {"bio": "Drums."}

    async def test_null_clears_what_may_be_empty(self, performer: OfferCaller, everything: dict[str, Any]) -> None:
        await performer.call("PATCH", "profile", everything)
        empty = {"image_url": None, "subscription_price": None, "device_uid": None}

        changed = await performer.call("PATCH", "profile", empty)

        assert facts_of(changed.json()["data"]) == everything | empty

    @pytest.mark.parametrize(
        "change",
        [
            {},
            {"display_name": ""},
            {"display_name": "\u200d \u200d"},
            {"display_name": "N" * 81},
            {"display_name": None},
            {"display_name": "No\0va"},
            {"bio": "x" * 2_001},
            {"image_url": "http://images.example.com/1.jpg"},
            {"image_url": "javascript:alert(1)"},
            {"image_url": "https://user:secret@images.example.com/1.jpg"},
            {"time_zone": "Mars/Olympus"},
            {"time_zone": None},
            {"subscription_price": "0.00"},
            {"subscription_price": "-1.00"},
            {"subscription_price": "1.001"},
            {"subscription_price": "1e30"},
            {"subscription_price": 10**40},
            {"settlement": "LATER"},
            {"device_uid": "x" * 101},
            {"is_active": None},
            {"balance": "5.00"},
        ],
        ids=lambda change: str(change)[:40],
    )
    async def test_invalid_change_is_refused(self, performer: OfferCaller, change: dict[str, Any]) -> None:
        assert refused(await performer.call("PATCH", "profile", change)) == (400, "VALIDATION_ERROR")
        assert facts_of((await performer.call("GET", "profile")).json()["data"]) == DEFAULTS

    @pytest.mark.parametrize(
        ("sent", "stored"),
        [
            ("\u0399\u03c9\u03ac\u03bd\u03bd\u03b7\u03c2", "\u0399\u03c9\u03ac\u03bd\u03bd\u03b7\u03c2"),
            ("Cafe\u0301 Noir", "Caf\u00e9 Noir"),
            ("\u661f\u3068 \u266b", "\u661f\u3068 \u266b"),
            (
                "\U0001f469\u200d\U0001f3a4 Mia \U0001f3f3\ufe0f\u200d\U0001f308",
                "\U0001f469\u200d\U0001f3a4 Mia \U0001f3f3\ufe0f\u200d\U0001f308",
            ),
            ("\u202eavoN\r\nBcc: x", "avoN Bcc: x"),
        ],
    )
    async def test_names_of_all_scripts_are_kept(self, performer: OfferCaller, sent: str, stored: str) -> None:
        assert (await performer.write_profile(display_name=sent)).json()["data"]["display_name"] == stored

    async def test_settlement_is_read_in_any_case(self, performer: OfferCaller) -> None:
        assert (await performer.write_profile(settlement="batched")).json()["data"]["settlement"] == "BATCHED"

    async def test_device_belongs_to_one_performer(self, performer: OfferCaller, new_performer: NewPerformer) -> None:
        device = {"device_uid": f"light {uuid.uuid4()}"}
        await performer.write_profile(**device)
        another = await new_performer()

        assert refused(await another.write_profile(**device)) == (409, "DEVICE_IN_USE")
        await another.write_profile()
        assert refused(await another.call("PATCH", "profile", device)) == (409, "DEVICE_IN_USE")

        assert (await performer.write_profile(**device)).status_code == 200
        await performer.call("PATCH", "profile", {"device_uid": None})
        assert (await another.call("PATCH", "profile", device)).json()["data"].items() >= device.items()

    async def test_only_an_admin_reactivates_what_an_admin_deactivated(
        self, admin: Caller, performer: OfferCaller
    ) -> None:
        by_admin = OfferCaller.of_admin(admin, performer.performer_id)
        for active in ({"is_active": False}, {"is_active": True}):  # one's own deactivation
            assert (await performer.write_profile(**active)).status_code == 200
        await by_admin.write_profile(is_active=False)

        await performer.write_profile(is_active=False)
        for change in ({"is_active": True}, {"is_active": True, "display_name": "Nova"}):
            assert refused(await performer.call("PATCH", "profile", change)) == (403, "FORBIDDEN")
        assert (await performer.write_profile(bio="New.")).json()["data"]["is_active"] is False

        assert (await by_admin.write_profile(is_active=True)).json()["data"]["is_active"] is True
        for active in ({"is_active": False}, {"is_active": True}):
            assert (await performer.write_profile(**active)).status_code == 200

    async def test_admin_writes_it_on_their_behalf(self, admin: Caller, new_performer: NewPerformer) -> None:
        performer = await new_performer()

        written = await OfferCaller.of_admin(admin, performer.performer_id).write_profile(bio="By an admin.")

        assert written.json()["data"]["bio"] == "By an admin."
        assert (await performer.call("GET", "profile")).json() == written.json()


class TestPublic:
    async def test_the_public_sees_active_performers(
        self, anonymous: Caller, performer: OfferCaller, everything: dict[str, Any]
    ) -> None:
        mark = uuid.uuid4().hex
        await performer.write_profile(**everything | {"is_active": True, "display_name": f"Nova {mark}"})

        shown = (await anonymous.get(f"/api/performers/{performer.performer_id}")).json()["data"]
        listed = (await anonymous.get("/api/performers", q=mark)).json()

        assert listed["data"] == [shown]
        assert listed["pagination"]["total"] == 1
        public = {"performer_id", "display_name", "bio", "image_url", "time_zone", "subscription_price"}
        assert shown.keys() == public  # neither the settlement nor the device

    async def test_inactive_performer_is_hidden(self, anonymous: Caller, performer: OfferCaller) -> None:
        mark = uuid.uuid4().hex
        await performer.write_profile(display_name=mark, is_active=False)

        for path in (f"/api/performers/{performer.performer_id}", f"/api/tip-grid/{performer.performer_id}"):
            assert refused(await anonymous.get(path)) == (404, "PERFORMER_NOT_FOUND")
        assert (await anonymous.get("/api/performers", q=mark)).json()["data"] == []

    async def test_search_is_literal_and_by_name(self, anonymous: Caller, new_performer: NewPerformer) -> None:
        mark = uuid.uuid4().hex
        for name in (f"B {mark}%", f"A {mark}_"):
            await (await new_performer()).write_profile(display_name=name)

        async def found(text: str, **page: int) -> list[str]:
            listed = await anonymous.get("/api/performers", q=text, **page)
            return [performer["display_name"] for performer in listed.json()["data"]]

        assert await found(mark.upper()) == [f"A {mark}_", f"B {mark}%"]
        assert await found(mark, per_page=1, page=2) == [f"B {mark}%"]
        assert await found(f"{mark}%") == [f"B {mark}%"]
        assert await found("_" * 4) == []

    async def test_malformed_id(self, anonymous: Caller) -> None:
        assert refused(await anonymous.get("/api/performers/nova")) == (400, "INVALID_UUID")


class TestFacts:
    async def test_sagas_read_them(
        self, facts: FactsCaller, performer: OfferCaller, everything: dict[str, Any]
    ) -> None:
        await performer.write_profile(**everything)

        found = (await facts.performer(performer.performer_id)).json()["data"]

        wanted = set(everything) - {"bio", "image_url"}
        assert found == {name: everything[name] for name in wanted} | {"performer_id": performer.performer_id}

    async def test_unknown_performer(self, facts: FactsCaller) -> None:
        assert refused(await facts.performer(new_id())) == (404, "PERFORMER_NOT_FOUND")

    async def test_lookup_returns_those_that_exist(self, facts: FactsCaller, performer: OfferCaller) -> None:
        await performer.write_profile(is_active=False)
        wanted = {"performer_ids": [new_id(), performer.performer_id, performer.performer_id]}

        found = (await facts.orchestrator.post("/internal/performers/lookup", wanted)).json()["data"]

        assert found == [(await facts.performer(performer.performer_id)).json()["data"]]
