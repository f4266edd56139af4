"""Products: what the public sees, what admins change, what orders take from the stock and return (F1, F6)."""

import asyncio
import uuid
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from sqlalchemy import text

from common.auth.principal import Role
from common.db.engine import Database
from tests.integration.events.catalogue import CatalogueCaller
from tests.integration.events.stage import refused
from tests.integration.events.test_audit import ADDRESS, actions_on, reported
from tests.support.callers import Caller, new_id
from tests.support.user_tokens import UserTokenMint
from tests.support.waiting import eventually

PATH = "/api/admin/products"


def a_product(**changes: Any) -> dict[str, Any]:
    first = {"name": "Reef Runner", "price": "25.00", "supplier_product_id": "reef-runner-standard"}
    return first | changes


class ProductCaller:
    """Manages products as an admin, and takes stock as the orchestrator."""

    def __init__(self, admin: Caller, orchestrator: Caller) -> None:
        self.admin = admin
        self.orchestrator = orchestrator

    async def create(self, *, key: str | None = None, **changes: Any) -> httpx.Response:
        headers = {"x-forwarded-for": ADDRESS} | ({"idempotency-key": key} if key else {})
        return await self.admin.request("POST", PATH, json=a_product(**changes), headers=headers)

    async def created(self, **changes: Any) -> str:
        """Create a product, and return its id."""
        answer = await self.create(**changes)
        assert answer.status_code == 201, answer.text
        product_id: str = answer.json()["data"]["product_id"]
        return product_id

    async def change(self, product_id: str, **changes: Any) -> httpx.Response:
        return await self.admin.request("PATCH", f"{PATH}/{product_id}", json=changes)

    async def take(self, *wanted: tuple[str, int], request_id: str | None = None) -> httpx.Response:
        quantities = [{"product_id": product_id, "quantity": quantity} for product_id, quantity in wanted]
        body = {"request_id": request_id or new_id(), "quantities": quantities}
        return await self.orchestrator.post("/internal/products/take-stock", body)

    async def give_back(self, undoes_request_id: str, *, request_id: str | None = None) -> httpx.Response:
        body = {"request_id": request_id or new_id(), "undoes_request_id": undoes_request_id}
        return await self.orchestrator.post("/internal/products/return-stock", body)

    async def look_up(self, *product_ids: str) -> list[dict[str, Any]]:
        answer = await self.orchestrator.post("/internal/products/lookup", {"product_ids": product_ids})
        found: list[dict[str, Any]] = answer.json()["data"]
        return found

    async def stock(self, product_id: str) -> int | None:
        [found] = await self.look_up(product_id)
        stock: int | None = found["stock"]
        return stock


@pytest.fixture
def caller(admin: Caller, catalogue: CatalogueCaller) -> ProductCaller:
    return ProductCaller(admin, catalogue.orchestrator)


class TestTakingStock:
    async def test_all_products_are_taken_or_none(self, caller: ProductCaller) -> None:
        plenty, few, always = await caller.created(stock=10), await caller.created(stock=1), await caller.created()

        taken = await caller.take((plenty, 3), (few, 1), (always, 20))
        missing = await caller.take((plenty, 3), (few, 1), (always, 20))

        assert taken.status_code == 200
        assert refused(missing) == (409, "OUT_OF_STOCK")
        assert missing.json()["details"] == {"product_id": few}
        assert missing.headers["x-refusal-remembered"] == "true"
        assert [await caller.stock(each) for each in (plenty, few, always)] == [7, 0, None]

    async def test_unknown_and_inactive_products_are_refused(self, caller: ProductCaller) -> None:
        product_id, inactive, unknown = await caller.created(stock=5), await caller.created(is_active=False), new_id()
        for wrong, expected in ((unknown, (404, "PRODUCT_NOT_FOUND")), (inactive, (409, "ITEM_INACTIVE"))):
            answer = await caller.take((product_id, 1), (wrong, 1))
            assert refused(answer) == expected
            assert answer.json()["details"] == {"product_id": wrong}
            assert answer.headers["x-refusal-remembered"] == "true"
        assert refused(await caller.take((product_id, 1), (product_id, 1))) == (400, "VALIDATION_ERROR")
        assert await caller.stock(product_id) == 5

    async def test_repetition_takes_once_and_a_refusal_stays(self, caller: ProductCaller) -> None:
        product_id, taken, late = await caller.created(stock=2), new_id(), new_id()
        answers = [await caller.take((product_id, 2), request_id=taken) for _ in range(2)]
        answers += [await caller.take((product_id, 1), request_id=late)]
        await caller.change(product_id, stock=9)
        answers += [await caller.take((product_id, 1), request_id=late)]
        other = await caller.take((product_id, 1), request_id=taken)

        assert [answer.status_code for answer in answers] == [200, 200, 409, 409]
        assert refused(other) == (422, "IDEMPOTENCY_KEY_REUSED")
        assert await caller.stock(product_id) == 9

    async def test_fifty_buyers_get_the_last_ten_units(self, caller: ProductCaller) -> None:
        """They name two products, each in the other order."""
        first, second = await caller.created(stock=10), await caller.created(stock=10)
        orders = [((first, 1), (second, 1)), ((second, 1), (first, 1))] * 25

        answers = await asyncio.gather(*(caller.take(*order) for order in orders))

        assert sorted(answer.status_code for answer in answers) == [200] * 10 + [409] * 40
        assert [await caller.stock(first), await caller.stock(second)] == [0, 0]

    async def test_copies_of_a_request_at_once_take_once(self, caller: ProductCaller) -> None:
        product_id, always, request_id = await caller.created(stock=3), await caller.created(), new_id()

        answers = await asyncio.gather(
            *(caller.take((product_id, 3), (always, 1), request_id=request_id) for _ in range(8))
        )

        assert {answer.status_code for answer in answers} == {200}
        assert await caller.stock(product_id) == 0


class TestReturningStock:
    async def test_what_the_request_took_is_returned_once(self, caller: ProductCaller) -> None:
        """Even by two undos, each of them repeated; a late copy of the request takes nothing."""
        plenty, few, taken = await caller.created(stock=10), await caller.created(stock=2), new_id()
        await caller.take((plenty, 3), (few, 2), request_id=taken)
        await caller.take((plenty, 1))

        undos = [new_id(), new_id()]
        answers = await asyncio.gather(*(caller.give_back(taken, request_id=undo) for undo in undos * 3))
        answers += [await caller.take((plenty, 3), (few, 2), request_id=taken)]

        assert {answer.status_code for answer in answers} == {200}
        assert [await caller.stock(plenty), await caller.stock(few)] == [9, 2]

    async def test_request_that_arrives_after_its_undo_takes_nothing(self, caller: ProductCaller) -> None:
        product_id, late = await caller.created(stock=5), new_id()
        assert (await caller.give_back(late)).status_code == 200
        assert refused(await caller.take((product_id, 1), request_id=late)) == (409, "REQUEST_UNDONE")
        assert await caller.stock(product_id) == 5

    async def test_refused_request_is_undone_without_a_change(self, caller: ProductCaller) -> None:
        product_id, request_id = await caller.created(stock=1), new_id()
        assert (await caller.take((product_id, 2), request_id=request_id)).status_code == 409
        assert (await caller.give_back(request_id)).status_code == 200
        assert await caller.stock(product_id) == 1

    async def test_requests_and_their_undos_at_once_leave_the_stock(self, caller: ProductCaller) -> None:
        first, second = await caller.created(stock=20), await caller.created(stock=20)
        requests = [new_id() for _ in range(20)]

        answers = await asyncio.gather(
            *(caller.take((first, 1), (second, 1), request_id=each) for each in requests),
            *(caller.give_back(each) for each in requests),
        )

        assert {answer.status_code for answer in answers} <= {200, 409}
        assert [await caller.stock(first), await caller.stock(second)] == [20, 20]

    async def test_stock_that_is_no_longer_counted_stays_so(self, caller: ProductCaller) -> None:
        product_id, taken = await caller.created(stock=5), new_id()
        await caller.take((product_id, 2), request_id=taken)
        await caller.change(product_id, stock=None)
        assert (await caller.give_back(taken)).status_code == 200
        assert await caller.stock(product_id) is None

    async def test_what_was_taken_uncounted_is_not_returned(self, caller: ProductCaller) -> None:
        product_id, taken = await caller.created(), new_id()
        await caller.take((product_id, 2), request_id=taken)
        await caller.change(product_id, stock=5)
        await caller.give_back(taken)
        assert await caller.stock(product_id) == 5


class TestReading:
    async def test_public_sees_active_products_by_name_without_numbers(
        self, caller: ProductCaller, anonymous: Caller
    ) -> None:
        word = uuid.uuid4().hex
        wanted = {f"B {word}": 3, f"A {word}": 0, f"C {word}": None}
        ids = {name: await caller.created(name=name, stock=stock) for name, stock in wanted.items()}
        await caller.created(name=f"D {word}", is_active=False)

        page = (await anonymous.get("/api/products", q=word.upper(), per_page=2)).json()
        rest = (await anonymous.get("/api/products", q=word, per_page=2, page=2)).json()

        assert page["pagination"]["total"] == 3
        assert page["data"] + rest["data"] == [
            {"product_id": ids[name], "name": name, "description": "", "price": "25.00", "in_stock": in_stock}
            for name, in_stock in ((f"A {word}", False), (f"B {word}", True), (f"C {word}", True))
        ]

    async def test_orchestrator_finds_inactive_products_and_no_unknown_ones(self, caller: ProductCaller) -> None:
        product_id = await caller.created(is_active=False, stock=4)
        assert await caller.look_up(product_id, new_id()) == [
            a_product(product_id=product_id, description="", stock=4, is_active=False)
        ]


class TestManaging:
    async def test_key_creates_one_product(self, caller: ProductCaller, database: Database) -> None:
        answers = await asyncio.gather(*(caller.create(key="first", stock=7) for _ in range(4)))
        other = await caller.create(key="first", stock=8)

        product_id = answers[0].json()["data"]["product_id"]
        assert {answer.status_code for answer in answers} == {201}
        assert len({answer.text for answer in answers}) == 1
        assert refused(other) == (422, "IDEMPOTENCY_KEY_REUSED")
        [entry] = await reported(database, product_id)
        assert (entry["action"], entry["object_type"], entry["address"]) == ("product.create", "product", ADDRESS)
        assert entry["after"] == a_product(description="", stock=7, is_active=True)

    async def test_change_is_reported_with_what_it_replaced(self, caller: ProductCaller, database: Database) -> None:
        product_id = await caller.created(stock=7)
        await caller.take((product_id, 3))
        changes = {"stock": 100, "price": "19.90", "name": "Reef Runner II"}

        answers = [await caller.change(product_id, **changes) for _ in range(2)]

        assert [changes.items() <= answer.json()["data"].items() for answer in answers] == [True, True]
        assert await caller.stock(product_id) == 100
        [_, change] = await actions_on(database, product_id)
        assert change == (
            "product.change",
            {"stock": 4, "price": "25.00", "name": "Reef Runner"},
            changes,
        )

    async def test_change_of_the_stock_waits_for_an_order(self, caller: ProductCaller, database: Database) -> None:
        """The trail has the number that the order left."""
        product_id = await caller.created(stock=7)
        async with database.transaction() as connection:
            await connection.execute(
                text("UPDATE products SET stock = 2 WHERE product_id = :id"), {"id": uuid.UUID(product_id)}
            )
            change = asyncio.create_task(caller.change(product_id, stock=50))
            waiting = text(
                "SELECT FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"
            )
            await eventually(lambda: database.fetch_all(waiting))

        assert (await change).status_code == 200
        assert (await actions_on(database, product_id))[-1][1:] == ({"stock": 2}, {"stock": 50})

    async def test_admins_list_all_products_newest_first(self, caller: ProductCaller) -> None:
        ids = [await caller.created(is_active=is_active) for is_active in (True, False)]
        page = (await caller.admin.get(PATH, per_page=2)).json()["data"]
        assert [each["product_id"] for each in page] == ids[::-1]
        assert page[0]["is_active"] is False

    async def test_invalid_products_are_refused(self, caller: ProductCaller) -> None:
        product_id = await caller.created()
        for wrong in ({"price": "0.00"}, {"stock": -1}, {"name": " "}, {"name": "a\0b"}, {"in_stock": True}):
            assert refused(await caller.create(**wrong)) == (400, "VALIDATION_ERROR")
            assert refused(await caller.change(product_id, **wrong)) == (400, "VALIDATION_ERROR")
        assert refused(await caller.change(product_id, price=None)) == (400, "VALIDATION_ERROR")
        assert refused(await caller.change(new_id(), stock=1)) == (404, "PRODUCT_NOT_FOUND")

    async def test_only_admins_manage_products(
        self, *, app: FastAPI, mint: UserTokenMint, caller: ProductCaller, anonymous: Caller
    ) -> None:
        product_id = await caller.created(stock=1)
        calls = [("GET", PATH, None), ("POST", PATH, a_product()), ("PATCH", f"{PATH}/{product_id}", {"stock": 9})]
        for method, path, body in calls:
            assert (await anonymous.request(method, path, json=body)).status_code == 401
            for roles in [(Role.CUSTOMER,), (Role.STAFF, Role.ORGANISER, Role.PERFORMER)]:
                async with Caller(app, mint.token(uuid.uuid4(), *roles)) as user:
                    assert refused(await user.request(method, path, json=body)) == (403, "FORBIDDEN")
        assert await caller.stock(product_id) == 1
