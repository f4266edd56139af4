"""Listings only: claims of a sale, and the public market."""

import asyncio
from typing import Any

import pytest

from tests.integration.orders.deal_caller import Deal, ListingCaller
from tests.support.callers import Caller, new_id

ON_MARKET = ("ACTIVE", "PENDING_TRANSFER", "COMPLETED", "CANCELLED")


class TestClaim:
    async def test_claim_stores_the_sale(self, listings: ListingCaller) -> None:
        deal = await listings.at("ACTIVE")
        sale = {"sale_id": new_id(), "buyer_user_id": new_id(), "expires_at": "2027-01-01T19:00:00+08:00"}

        claimed = (await listings.perform(deal.key, "claim", **sale)).json()["data"]

        assert claimed["status"] == "PENDING_TRANSFER"
        assert claimed["sale_id"] == sale["sale_id"]
        assert claimed["buyer_user_id"] == sale["buyer_user_id"]
        assert claimed["expires_at"] == "2027-01-01T11:00:00Z"

    async def test_exactly_one_of_twenty_concurrent_buyers_claims(self, listings: ListingCaller) -> None:
        deal = await listings.at("ACTIVE")
        sales = [{"sale_id": new_id(), "buyer_user_id": new_id()} for _ in range(20)]

        answers = await asyncio.gather(*(listings.perform(deal.key, "claim", **sale) for sale in sales))

        assert sorted(answer.status_code for answer in answers) == [200] + [409] * 19
        assert {answer.json().get("error_code") for answer in answers} == {None, "LISTING_INVALID_STATE"}
        won = next(sale for sale, answer in zip(sales, answers, strict=True) if answer.status_code == 200)
        found = (await listings.find(deal.key)).json()["data"]
        assert {field: found[field] for field in won} == won

    async def test_seller_cannot_claim_their_own_listing(self, listings: ListingCaller) -> None:
        deal, request_id = await listings.at("ACTIVE"), new_id()
        own = {"buyer_user_id": deal.body["seller_user_id"], "request_id": request_id}

        answers = [await listings.perform(deal.key, "claim", **own) for _ in range(2)]

        assert {answer.status_code for answer in answers} == {400}
        assert {answer.json()["error_code"] for answer in answers} == {"SELF_TRANSFER"}
        assert await listings.status_of(deal.key) == "ACTIVE"

    async def test_released_listing_can_be_claimed_by_another_buyer(self, listings: ListingCaller) -> None:
        deal = await listings.at("PENDING_TRANSFER")
        await listings.apply(deal, "release-claim")

        answer = await listings.perform(deal.key, "claim", sale_id=new_id(), buyer_user_id=new_id())

        assert answer.status_code == 200

    @pytest.mark.parametrize("name", ["complete", "release-claim"])
    async def test_another_sale_cannot_complete_or_release_the_claim(self, listings: ListingCaller, name: str) -> None:
        deal = await listings.at("PENDING_TRANSFER")
        undoes = {"undoes_request_id": deal.request_ids["claim"]} if name == "release-claim" else {}

        answer = await listings.perform(deal.key, name, **undoes, sale_id=new_id())

        assert answer.status_code == 409
        assert answer.json()["error_code"] == "LISTING_INVALID_STATE"
        assert answer.json()["details"] == {"status": "PENDING_TRANSFER"}
        assert await listings.status_of(deal.key) == "PENDING_TRANSFER"

    async def test_a_completed_sale_keeps_its_buyer(self, listings: ListingCaller) -> None:
        deal = await listings.at("COMPLETED")

        sold = (await listings.find(deal.key)).json()["data"]

        claim = listings.arguments(deal.key, "claim")
        assert {field: sold[field] for field in claim} == claim
        assert sold["completed_at"] > sold["created_at"]
        assert sold["ended_at"] is None

    async def test_concurrent_claim_and_withdrawal_have_one_winner(self, listings: ListingCaller) -> None:
        for _ in range(20):
            deal = await listings.at("ACTIVE")

            claimed, withdrawn = await asyncio.gather(
                listings.perform(deal.key, "claim"), listings.perform(deal.key, "begin-withdrawal")
            )

            assert sorted([claimed.status_code, withdrawn.status_code]) == [200, 409]

    @pytest.mark.parametrize(
        "wrong",
        [{"sale_id": None}, {"sale_id": "12"}, {"buyer_user_id": None}, {"expires_at": 1_800_000_000}],
        ids=str,
    )
    async def test_invalid_request_is_refused(self, listings: ListingCaller, wrong: dict[str, Any]) -> None:
        deal = await listings.at("ACTIVE")

        answer = await listings.perform(deal.key, "claim", **wrong)

        assert answer.status_code == 400
        assert await listings.status_of(deal.key) == "ACTIVE"


async def test_withdrawn_listing_has_its_time(listings: ListingCaller) -> None:
    deal = await listings.at("CANCELLED")

    withdrawn = (await listings.find(deal.key)).json()["data"]

    assert withdrawn["ended_at"] > withdrawn["created_at"]
    assert withdrawn["completed_at"] is None


class TestBrowse:
    async def test_active_listings_are_newest_first(self, listings: ListingCaller, fan: Caller) -> None:
        event_id = new_id()
        for status in listings.paths:
            await listings.at(status, event_id=event_id)
        newest = await listings.at("ACTIVE", event_id=event_id)

        answer = await fan.get("/api/marketplace/listings", event_id=event_id)

        found = (await listings.find(newest.key)).json()["data"]
        assert answer.json()["data"][0] == {**found, "order_id": None}
        assert [each["status"] for each in answer.json()["data"]] == ["ACTIVE", "ACTIVE"]
        assert answer.json()["pagination"] == {"page": 1, "per_page": 20, "total": 2, "total_pages": 1}

    async def test_listings_of_all_events_are_shown(self, listings: ListingCaller, fan: Caller) -> None:
        keys = [(await listings.at("ACTIVE")).key for _ in range(2)]

        answer = await fan.get("/api/marketplace/listings", per_page=2)

        assert [each["listing_id"] for each in answer.json()["data"]] == keys[::-1]

    @pytest.mark.parametrize("status", ON_MARKET)
    async def test_filters_by_status(self, listings: ListingCaller, fan: Caller, status: str) -> None:
        event_id = new_id()
        for each in listings.paths:
            await listings.at(each, event_id=event_id)

        answer = await fan.get("/api/marketplace/listings", event_id=event_id, status=status)

        assert [each["status"] for each in answer.json()["data"]] == [status]

    async def test_pages(self, listings: ListingCaller, fan: Caller) -> None:
        event_id = new_id()
        keys = [(await listings.at("ACTIVE", event_id=event_id)).key for _ in range(3)]

        pages = [
            (await fan.get("/api/marketplace/listings", event_id=event_id, page=page, per_page=2)).json()
            for page in (1, 2, 3)
        ]

        assert [[each["listing_id"] for each in page["data"]] for page in pages] == [keys[:0:-1], keys[:1], []]
        assert {page["pagination"]["total_pages"] for page in pages} == {2}

    @pytest.mark.parametrize(
        ("query", "code"),
        [
            ({"status": "OPENING"}, "VALIDATION_ERROR"),
            ({"status": "WITHDRAWING"}, "VALIDATION_ERROR"),
            ({"status": "active"}, "VALIDATION_ERROR"),
            ({"event_id": "42"}, "INVALID_UUID"),
            ({"page": 0}, "VALIDATION_ERROR"),
            ({"per_page": 101}, "VALIDATION_ERROR"),
        ],
        ids=str,
    )
    async def test_invalid_query_is_refused(self, fan: Caller, query: dict[str, Any], code: str) -> None:
        answer = await fan.get("/api/marketplace/listings", **query)

        assert answer.status_code == 400
        assert answer.json()["error_code"] == code


@pytest.mark.parametrize("status", ON_MARKET)
class TestListingsOffTheMarket:
    async def test_is_hidden_from_others(self, listings: ListingCaller, fan: Caller, status: str) -> None:
        event_id = new_id()
        deal = await listings.at(status, event_id=event_id)
        seller = None if status in {"COMPLETED", "CANCELLED"} else deal.body["seller_user_id"]

        everything_shown = await _shown(fan, deal, event_id=event_id, status=status)

        found = (await listings.find(deal.key)).json()["data"]
        hidden = {"order_id": None, "buyer_user_id": None, "sale_id": None, "seller_user_id": seller}
        assert everything_shown == [{**found, **hidden}] * 2

    async def test_is_shown_to_the_seller(self, listings: ListingCaller, fan: Caller, status: str) -> None:
        event_id = new_id()
        deal = await listings.at(status, event_id=event_id, seller_user_id=fan.user_id)

        await _shown_whole(listings, deal, to=fan, event_id=event_id)

    async def test_is_shown_to_admins(self, listings: ListingCaller, admin: Caller, status: str) -> None:
        event_id = new_id()
        deal = await listings.at(status, event_id=event_id)

        await _shown_whole(listings, deal, to=admin, event_id=event_id)


@pytest.mark.parametrize("status", ["PENDING_TRANSFER", "COMPLETED"])
async def test_a_buyer_is_shown_everything(listings: ListingCaller, fan: Caller, status: str) -> None:
    event_id = new_id()
    deal = await listings.at("ACTIVE", event_id=event_id)
    await listings.perform(deal.key, "claim", buyer_user_id=fan.user_id)
    if status == "COMPLETED":
        await listings.apply(deal, "complete")

    await _shown_whole(listings, deal, to=fan, event_id=event_id)


class TestShow:
    async def test_unopened_listing_is_visible_to_its_seller_only(self, listings: ListingCaller, fan: Caller) -> None:
        mine = await listings.at("OPENING", seller_user_id=fan.user_id)
        others = await listings.at("OPENING")

        assert (await fan.get(f"/api/marketplace/listings/{mine.key}")).json()["data"]["status"] == "OPENING"
        hidden = await fan.get(f"/api/marketplace/listings/{others.key}")
        assert hidden.status_code == 404
        assert hidden.json()["error_code"] == "LISTING_NOT_FOUND"

    async def test_unknown_id_is_404(self, fan: Caller) -> None:
        answer = await fan.get(f"/api/marketplace/listings/{new_id()}")

        assert answer.status_code == 404
        assert answer.json()["error_code"] == "LISTING_NOT_FOUND"

    async def test_a_malformed_id(self, fan: Caller) -> None:
        answer = await fan.get("/api/marketplace/listings/42")

        assert answer.status_code == 400
        assert answer.json()["error_code"] == "INVALID_UUID"


class TestMine:
    async def test_user_lists_own_sales_and_purchases_newest_first(self, listings: ListingCaller, fan: Caller) -> None:
        sold = await listings.at("CANCELLED", seller_user_id=fan.user_id)
        bought = await listings.at("ACTIVE")
        await listings.perform(bought.key, "claim", buyer_user_id=fan.user_id)
        await listings.at("ACTIVE")

        answer = await fan.get("/api/listings")

        assert [each["listing_id"] for each in answer.json()["data"]] == [bought.key, sold.key]
        assert answer.json()["data"][0] == (await listings.find(bought.key)).json()["data"]
        assert answer.json()["pagination"]["total"] == 2

    async def test_filters_by_any_status(self, listings: ListingCaller, fan: Caller) -> None:
        for status in listings.paths:
            await listings.at(status, seller_user_id=fan.user_id)

        for status in listings.paths:
            answer = await fan.get("/api/listings", status=status)

            assert [each["status"] for each in answer.json()["data"]] == [status]

    async def test_buyer_of_a_released_claim_no_longer_sees_it(self, listings: ListingCaller, fan: Caller) -> None:
        deal = await listings.at("ACTIVE")
        deal.request_ids["claim"] = new_id()
        await listings.perform(deal.key, "claim", request_id=deal.request_ids["claim"], buyer_user_id=fan.user_id)
        await listings.apply(deal, "release-claim")

        assert (await fan.get("/api/listings")).json()["data"] == []

    @pytest.mark.parametrize("query", [{"page": 0}, {"per_page": 101}, {"status": "SOLD"}], ids=str)
    async def test_invalid_query_is_refused(self, fan: Caller, query: dict[str, Any]) -> None:
        answer = await fan.get("/api/listings", **query)

        assert answer.status_code == 400
        assert answer.json()["error_code"] == "VALIDATION_ERROR"


async def _shown_whole(listings: ListingCaller, deal: Deal, *, to: Caller, event_id: str) -> None:
    found = (await listings.find(deal.key)).json()["data"]
    assert found["order_id"] == deal.body["order_id"]
    assert found["seller_user_id"] == deal.body["seller_user_id"]
    assert await _shown(to, deal, event_id=event_id, status=found["status"]) == [found] * 2


async def _shown(user: Caller, deal: Deal, *, event_id: str, status: str) -> list[dict[str, Any]]:
    """Return the listing as its list and its page show it."""
    listed = await user.get("/api/marketplace/listings", event_id=event_id, status=status)
    shown = await user.get(f"/api/marketplace/listings/{deal.key}")
    return [*listed.json()["data"], shown.json()["data"]]
