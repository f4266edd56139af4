"""What an export shows of a user's orders, transfers, listings and purchases, what of them is open, and what a deletion ends."""

import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import text

from common.db.engine import Database
from orchestrator.clients.orders.commissions import NewCommission
from orders.personal_data import service as personal_data_service
from tests.integration.orders.commissions.commission_caller import PATHS, CommissionCaller, Order, commission
from tests.integration.orders.deal_caller import listing, transfer
from tests.integration.orders.digital_orders.digital_order_caller import PATHS as PATHS_OF_GOODS
from tests.integration.orders.digital_orders.digital_order_caller import DigitalOrderCaller, digital_order
from tests.integration.orders.item_caller import ItemCaller, told_of
from tests.integration.orders.orders_caller import OrdersCaller
from tests.support.callers import Caller, new_id


@pytest.fixture
def orchestrator(orders_caller: OrdersCaller) -> Caller:
    return orders_caller.orchestrator


@pytest.fixture
def user_id() -> str:
    return str(uuid.uuid4())


async def section(orchestrator: Caller, user_id: str, name: str) -> list[dict[str, Any]]:
    items, after = [], None
    while True:
        query: dict[str, str] = {} if after is None else {"after": after}
        part = (await orchestrator.get(f"/internal/personal-data/{user_id}/{name}", **query)).json()["data"]
        items += part["items"]
        if (after := part["next"]) is None:
            return items


async def test_deals_are_shown_with_the_users_own_part(orchestrator: Caller, user_id: str) -> None:
    sold, bought = transfer(seller_user_id=user_id), transfer(buyer_user_id=user_id)
    offered = listing(seller_user_id=user_id)
    for path, body in (("transfers", sold), ("transfers", bought), ("listings", offered)):
        assert (await orchestrator.post(f"/internal/{path}", body)).status_code == 200

    transfers, listings = [await section(orchestrator, user_id, name) for name in ("transfers", "listings")]

    assert [(item["transfer_id"], item["role"]) for item in transfers] == [
        (bought["transfer_id"], "buyer"),
        (sold["transfer_id"], "seller"),
    ]
    assert [(item["listing_id"], item["role"]) for item in listings] == [(offered["listing_id"], "seller")]
    assert not {bought["seller_user_id"], sold["buyer_user_id"]} & set(str(transfers).split("'"))


async def test_all_parts_together_are_complete(
    orchestrator: Caller, orders_caller: OrdersCaller, user_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(personal_data_service, "PAGE", 2)
    made = [(await orders_caller.opened(user_id=user_id))["order_id"] for _ in range(4)]
    other = await orders_caller.opened()

    listed = [item["order_id"] for item in await section(orchestrator, user_id, "orders")]

    assert listed == made[::-1]
    assert other["order_id"] not in listed


async def test_unreadable_row_ends_no_section(
    *,
    orchestrator: Caller,
    orders_caller: OrdersCaller,
    user_id: str,
    database: Database,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(personal_data_service, "PAGE", 2)
    made = [(await orders_caller.opened(user_id=user_id))["order_id"] for _ in range(5)]
    await spoil(database, made[3])

    listed = [item["order_id"] for item in await section(orchestrator, user_id, "orders")]

    assert listed == [made[number] for number in (4, 2, 1, 0)]


async def test_page_with_an_unreadable_row_leads_to_the_next_one(
    orders_caller: OrdersCaller, fan: Caller, database: Database
) -> None:
    made = [(await orders_caller.opened(user_id=fan.user_id))["order_id"] for _ in range(3)]
    await spoil(database, made[1])

    first = (await fan.get("/api/orders", per_page=2)).json()
    second = (await fan.get("/api/orders", per_page=2, after=first["pagination"]["next"])).json()

    assert [[order["order_id"] for order in page["data"]] for page in (first, second)] == [[made[2]], [made[0]]]


async def spoil(database: Database, order_id: str) -> None:
    await database.execute(text("UPDATE orders SET total = 'NaN' WHERE order_id = :key"), {"key": uuid.UUID(order_id)})


async def test_open_deals_are_counted(orchestrator: Caller, orders_caller: OrdersCaller, user_id: str) -> None:
    path = f"/internal/personal-data/{user_id}/open-deals"
    names = ("orders", "transfers", "listings", "purchased_items", "earnings", "commissions", "digital_orders")
    assert (await orchestrator.get(path)).json()["data"] == dict.fromkeys(names, 0)
    await orders_caller.opened(user_id=user_id)
    await orchestrator.post("/internal/transfers", transfer(buyer_user_id=user_id))
    await orchestrator.post("/internal/listings", listing(seller_user_id=user_id))
    items = ItemCaller(orchestrator)
    await items.at("PENDING", buyer_user_id=user_id)
    await items.at("IN_PROGRESS", buyer_user_id=user_id)
    await items.at("PENDING", performer_id=user_id)
    await items.at("IN_PROGRESS", performer_id=user_id)
    for over in ("OPENING", "SUCCESS", "FAILED"):
        await items.at(over, buyer_user_id=user_id)
        await items.at(over, performer_id=user_id)
    await items.at("SUCCESS", performer_id=user_id, is_batched=True)
    for status in PATHS:  # three of them are over, and one is not visible
        await CommissionCaller(orchestrator).at(status, commission(customer_user_id=uuid.UUID(user_id)))
    for status in PATHS_OF_GOODS:  # the same
        await DigitalOrderCaller(orchestrator).at(status, digital_order(buyer_user_id=uuid.UUID(user_id)))
    counts = {"orders": 1, "transfers": 1, "listings": 1, "purchased_items": 4, "earnings": 1}
    counts |= {"commissions": 6, "digital_orders": 5}
    assert (await orchestrator.get(path)).json()["data"] == counts


class TestStage:
    """What fans buy from performers."""

    async def test_each_party_sees_its_own_part(self, orchestrator: Caller, user_id: str) -> None:
        items = ItemCaller(orchestrator)
        bought = await items.at("SUCCESS", buyer_user_id=user_id, message="For Mia")
        sold = await items.at("SUCCESS", performer_id=user_id, message="For Noa", idempotency_key="a secret key")
        await items.at("OPENING", buyer_user_id=user_id)

        purchases, sales = [await section(orchestrator, user_id, name) for name in ("purchased_items", "sales")]

        assert [(item["purchased_item_id"], item["message"]) for item in purchases] == [(bought.key, "For Mia")]
        assert [(item["purchased_item_id"], item["price"]) for item in sales] == [(sold.key, "12.00")]
        assert not {sold.body["buyer_user_id"], "For Noa", "a secret key"} & set(str(sales).split("'"))

    async def test_subscriptions_are_listed_and_end_with_the_account(
        self, orchestrator: Caller, user_id: str, database: Database
    ) -> None:
        items, performer_id = ItemCaller(orchestrator), new_id()
        await items.at("SUCCESS", type="subscription", buyer_user_id=user_id, performer_id=performer_id)
        renewal = await items.at("OPENING", type="subscription", buyer_user_id=user_id, performer_id=performer_id)
        [before] = await section(orchestrator, user_id, "subscriptions")

        for _ in range(2):
            assert (await orchestrator.post(f"/internal/personal-data/{user_id}/erase", {})).status_code == 200

        [after] = await section(orchestrator, user_id, "subscriptions")
        assert (before["performer_id"], before["is_active"], before["renews"]) == (performer_id, True, True)
        assert (after["is_active"], after["renews"]) == (False, False)
        assert [kind for kind, _ in await told_of(database, before["subscription_id"])] == ["subscription.started"]
        await items.perform(renewal, "complete")
        [late] = await section(orchestrator, user_id, "subscriptions")
        assert (late["periods"], late["renews"]) == (2, False)

    async def test_subscriptions_to_a_deleted_performer_end_and_their_fans_are_told(
        self, orchestrator: Caller, user_id: str, database: Database, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(personal_data_service, "ENDED_AT_ONCE", 2)
        items, fans = ItemCaller(orchestrator), [new_id() for _ in range(3)]
        for fan in fans:
            await items.at("SUCCESS", type="subscription", buyer_user_id=fan, performer_id=user_id)

        for _ in range(2):
            assert (await orchestrator.post(f"/internal/personal-data/{user_id}/erase", {})).status_code == 200

        for fan in fans:
            [ended] = await section(orchestrator, fan, "subscriptions")
            assert (ended["is_active"], ended["renews"]) == (False, False)
            (_, started), (kind, told) = await told_of(database, ended["subscription_id"])
            assert (kind, told["reason"]) == ("subscription.ended", "PERFORMER_NOT_FOUND")
            assert "reason" not in started

    async def test_words_about_a_purchase_go_with_the_buyer(self, orchestrator: Caller, user_id: str) -> None:
        items = ItemCaller(orchestrator)
        bought = await items.at("SUCCESS", buyer_user_id=user_id)
        sold = await items.at("SUCCESS", performer_id=user_id)

        await orchestrator.post(f"/internal/personal-data/{user_id}/erase", {})

        facts = await items.facts(bought.key)
        assert [facts[name] for name in ("message", "note", "file_url", "explanation")] == [""] * 4
        assert (facts["name"], facts["price"], facts["status"]) == ("Song dedication", "12.00", "SUCCESS")
        kept = await items.facts(sold.key)
        assert (kept["message"], kept["note"]) == ("For Mia", "Done with love")


class TestCommissions:
    async def test_are_exported_with_every_version(
        self, orchestrator: Caller, user_id: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(personal_data_service, "PAGE_OF_TEXTS", 2)
        made = [await self._ordered(orchestrator, status, user_id) for status in PATHS]
        await CommissionCaller(orchestrator).at("PROCESSING")

        listed = await section(orchestrator, user_id, "commissions")

        assert [order["order_id"] for order in listed] == [str(order.key) for order in made[1:]][::-1]
        [completed] = [order for order in listed if order["status"] == "COMPLETED"]
        assert (completed["brief"], completed["title"]) == ("A look ahead at the concert.", "A night to remember")
        assert [version["content"] for version in completed["versions"]] == ["<p>The doors open at seven.</p>"]
        assert not {"customer_user_id", "provider", "cost_usd"} & {*completed, *completed["versions"][0]}

    async def test_words_and_unpublished_texts_go_with_the_customer(self, orchestrator: Caller, user_id: str) -> None:
        commissions = CommissionCaller(orchestrator)
        link = {"target_url": "https://tea.example.com/", "anchor_text": "a cup of tea"}
        published, refunded = [
            await self._revised(commissions, commission(customer_user_id=uuid.UUID(user_id), **link)) for _ in range(2)
        ]
        other = await self._ordered(orchestrator, "QUALITY_CHECK", new_id())
        await commissions.perform(refunded, "end")
        for name in ("submit", "begin_publication", "complete"):
            await commissions.perform(published, name)

        for _ in range(2):
            await orchestrator.post(f"/internal/personal-data/{user_id}/erase", {})

        kept, gone = await commissions.find(published), await commissions.find(refunded)
        for facts in (kept, gone):
            assert (facts.brief, facts.keywords, facts.notes, facts.price) == ("", (), "", other.facts.price)
            assert {version.notes + version.changes for version in facts.versions} == {""}
        contents = [version.content for facts in (kept, gone) for version in facts.versions]
        assert contents == ["", "<p>The doors open at seven.</p>", "", ""]
        assert [facts.anchor_text for facts in (kept, gone)] == ["a cup of tea", None]
        assert (await commissions.find(other)).brief == "A look ahead at the concert."

    @staticmethod
    async def _ordered(orchestrator: Caller, status: str, user_id: str) -> Order:
        return await CommissionCaller(orchestrator).at(status, commission(customer_user_id=uuid.UUID(user_id)))

    @staticmethod
    async def _revised(commissions: CommissionCaller, facts: NewCommission) -> Order:
        order = await commissions.at("QUALITY_CHECK", facts)
        await commissions.perform(order, "revise")
        await commissions.perform(order.renew("add_version"), "add_version", round_number=2)
        return order


class TestDigitalOrders:
    async def test_are_exported_without_codes(self, orchestrator: Caller, user_id: str) -> None:
        goods, buyer = DigitalOrderCaller(orchestrator), uuid.UUID(user_id)
        made = [await goods.at(status, digital_order(buyer_user_id=buyer)) for status in ("OPENING", "PAID", "READY")]
        await goods.at("READY")

        listed = await section(orchestrator, user_id, "digital_orders")

        assert [order["order_id"] for order in listed] == [str(order.key) for order in made[1:]][::-1]
        assert [item["name"] for item in listed[0]["items"]] == ["Starfall 0", "Starfall 1"]
        assert not {"buyer_user_id", "storage_ref", "codes"} & {*listed[0], *listed[0]["items"][0]}

    async def test_codes_of_a_deleted_buyer_are_due_for_deletion(self, orchestrator: Caller, user_id: str) -> None:
        """By the periodic task, which deletes the object too; a refunded order has none since its end."""
        goods, buyer = DigitalOrderCaller(orchestrator), uuid.UUID(user_id)
        stored = await goods.at("FULFILLED", digital_order(buyer_user_id=buyer))
        refunded = await goods.at("WAITING", digital_order(buyer_user_id=buyer))
        other = await goods.at("FULFILLED")
        await goods.perform(refunded, "deliver")
        await goods.perform(refunded, "end")

        for _ in range(2):
            await orchestrator.post(f"/internal/personal-data/{user_id}/erase", {})

        long_ago = datetime.now(UTC) - timedelta(days=30)
        due = {order.order_id for order in await goods.client.downloaded_before(long_ago, limit=1000)}
        assert due & {stored.key, refunded.key, other.key} == {stored.key, refunded.key}
        counts = [len(await goods.client.codes(order.key)) for order in (stored, refunded, other)]
        assert counts == [2, 0, 2]
        await goods.perform(stored, "delete_codes")
        await orchestrator.post(f"/internal/personal-data/{user_id}/erase", {})
        assert (await goods.find(stored)).keys_deleted_at is not None


async def test_users_may_not_call_it(fan: Caller, user_id: str) -> None:
    assert (await fan.get(f"/internal/personal-data/{user_id}/orders")).status_code == 401
