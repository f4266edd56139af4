"""Reading codes over HTTP: by their buyer only, by links that expire, recorded and limited, and no more once deleted."""

import asyncio
import uuid
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from pydantic import SecretStr
from sqlalchemy import text

from common.auth.principal import Role
from common.db.engine import Database
from common.sealing import Sealer
from common.settings import DatabaseSettings
from orchestrator.app import create_app
from orchestrator.audit.service import AuditTrail
from orchestrator.clients.orders.digital_orders import DigitalOrderFacts, DigitalOrderStatus
from orchestrator.features.digital_goods.adapters.links import DownloadLinks
from orchestrator.features.digital_goods.adapters.storage import code_storage
from orchestrator.features.digital_goods.adapters.storage_settings import StorageSettings
from orchestrator.features.digital_goods.service.codes import OrderCodes
from orchestrator.features.digital_goods.service.reading import CodeReadingService
from orchestrator.settings import Settings
from tests.integration.digital_goods.code_fixtures import OrdersInMemory, waiting_order
from tests.support.callers import Caller
from tests.support.http_client import http_client
from tests.support.servers import DatabaseFactory
from tests.support.unused_addresses import NO_OTHER_SERVICES
from tests.support.user_tokens import UserTokenMint

CODE = "AAAA-BBBB-CCCC"
AGE = "UPDATE audit_entries SET created_at = created_at - CAST(:age AS interval) WHERE object_id = :id"
LINK_KEY = SecretStr("k" * 32)


@dataclass
class Shop:
    """The orchestrator, with orders in memory."""

    orders: OrdersInMemory
    codes: OrderCodes
    database: Database
    app: FastAPI
    buyer: Caller
    admin: Caller
    stranger: Caller
    public: Caller

    async def deliver(self) -> DigitalOrderFacts:
        """Return a delivered order of the buyer, with two codes."""
        order = waiting_order(uuid.UUID(self.buyer.user_id), items=2)
        self.orders.add(order, [self.codes.seal(item.item_id, [CODE]) for item in order.items])
        await self.codes.store(order)
        return self.orders.change(order.order_id, status=DigitalOrderStatus.FULFILLED)

    async def age(self, order_id: uuid.UUID, age: timedelta) -> None:
        """Make the entries about an order older, which the database refuses otherwise."""
        async with self.database.transaction() as connection:
            await connection.execute(text("SET LOCAL session_replication_role = replica"))
            await connection.execute(text(AGE), {"id": str(order_id), "age": age})

    async def audited(self, order_id: uuid.UUID) -> list[tuple[str, str, str | None]]:
        """Return action, actor and outcome of each entry of an order."""
        statement = text(
            "SELECT action, actor_user_id, outcome, row_to_json(e)::text || coalesce(row_to_json(o)::text, '') AS whole "
            "FROM audit_entries AS e LEFT JOIN audit_outcomes AS o USING (entry_id) WHERE object_id = :id "
            "ORDER BY created_at"
        )
        rows = await self.database.fetch_all(statement, {"id": str(order_id)})
        assert not any(CODE in row["whole"] for row in rows)
        return [(row["action"], str(row["actor_user_id"]), row["outcome"]) for row in rows]


@pytest.fixture(scope="module")
async def shop(
    database_url: DatabaseFactory, rabbitmq_url: str, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Shop]:
    settings = Settings(
        env="test",
        database_url=SecretStr(database_url("orchestrator")),
        rabbitmq_url=SecretStr(rabbitmq_url),
        qr_keys=SecretStr(f"k1:{'A' * 43}"),
        object_folder=tmp_path_factory.mktemp("objects"),
        **NO_OTHER_SERVICES,
    )
    mint, orders = UserTokenMint(), OrdersInMemory()
    app = create_app(settings, user_tokens=mint.verifier())
    codes = OrderCodes(orders=orders, storage=code_storage(settings), sealer=Sealer.of(settings))
    links = DownloadLinks(LINK_KEY, timedelta(minutes=15), "http://service")
    trail: AuditTrail = app.state.services[AuditTrail]
    app.state.services[CodeReadingService] = CodeReadingService(codes=codes, links=links, trail=trail)
    database = Database(DatabaseSettings(database_url=settings.database_url), application_name="tests")
    buyer_id, admin_id = uuid.uuid4(), uuid.uuid4()
    async with AsyncExitStack() as stack:
        callers = [
            Caller(app, mint.token(buyer_id), user_id=buyer_id),
            Caller(app, mint.token(admin_id, Role.ADMIN, Role.CUSTOMER), user_id=admin_id),
            Caller(app, mint.token(uuid.uuid4())),
            Caller(app),
        ]
        buyer, admin, stranger, public = [await stack.enter_async_context(caller) for caller in callers]
        yield Shop(orders, codes, database, app, buyer, admin, stranger, public)
    await database.close()


def refusal_of(answer: httpx.Response) -> tuple[int, str | None]:
    return answer.status_code, answer.json().get("error_code")


def path_of(order: DigitalOrderFacts, action: str) -> str:
    return f"/api/fulfillment/{order.order_id}/{action}"


async def link_to(shop: Shop, order: DigitalOrderFacts) -> str:
    answer = await shop.buyer.get(path_of(order, "download-link"))
    assert (answer.status_code, answer.headers["cache-control"]) == (200, "no-store")
    url: str = answer.json()["data"]["url"]
    return url


def expected(order: DigitalOrderFacts) -> list[dict[str, Any]]:
    return [{"item_id": str(item.item_id), "name": item.name, "code": CODE} for item in order.items]


async def test_buyer_downloads_the_codes_by_a_link_that_needs_no_token(shop: Shop) -> None:
    order = await shop.deliver()
    url = await link_to(shop, order)
    head = await shop.public.request("HEAD", url)  # a preview of the link is no download
    assert (head.status_code, head.content, head.headers["cache-control"]) == (200, b"", "no-store")
    assert (await shop.orders.find(order.order_id)).downloaded_at is None
    answer = await shop.public.get(url)
    assert answer.status_code == 200
    assert answer.json()["codes"] == expected(order)
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["content-disposition"] == 'attachment; filename="keys.json"'
    first = (await shop.orders.find(order.order_id)).downloaded_at
    assert first is not None
    assert (await shop.public.get(url)).json()["downloaded_at"] == first.isoformat().replace("+00:00", "Z")
    buyer = shop.buyer.user_id
    entries = [("digital_order.link", buyer, "DONE"), *[("digital_order.download", buyer, "DONE")] * 2]
    assert await shop.audited(order.order_id) == entries


async def test_links_that_are_expired_tampered_or_led_to_deleted_codes_are_refused(shop: Shop) -> None:
    order = await shop.deliver()
    url = await link_to(shop, order)
    expired = DownloadLinks(LINK_KEY, timedelta(seconds=-1), "http://service").issue(order.order_id).url
    forged = DownloadLinks(SecretStr("x" * 32), timedelta(minutes=1), "http://service").issue(order.order_id).url
    assert refusal_of(await shop.public.get(expired)) == (410, "OFFER_EXPIRED")
    assert refusal_of(await shop.public.get(forged)) == (404, "NOT_FOUND")
    assert refusal_of(await shop.public.get("/api/downloads/x")) == (404, "NOT_FOUND")
    for _ in range(2):
        answer = await shop.buyer.post(path_of(order, "delete-keys"), None)
        assert answer.json()["data"] == {"order_id": str(order.order_id), "keys_deleted": True}
    assert refusal_of(await shop.public.get(url)) == (410, "KEYS_DELETED")
    assert refusal_of(await shop.buyer.get(path_of(order, "download-link"))) == (410, "KEYS_DELETED")
    assert refusal_of(await shop.buyer.post(path_of(order, "reveal"), None)) == (410, "KEYS_DELETED")


async def test_codes_are_for_their_buyer_and_not_even_for_admins(shop: Shop) -> None:
    order = await shop.deliver()
    for caller in (shop.stranger, shop.admin):
        for answer in (
            await caller.get(path_of(order, "download-link")),
            await caller.post(path_of(order, "reveal"), None),
            await caller.post(path_of(order, "delete-keys"), None),
        ):
            assert refusal_of(answer) == (403, "FORBIDDEN")
    assert (await shop.public.get(path_of(order, "download-link"))).status_code == 401
    unknown = f"/api/fulfillment/{uuid.uuid4()}/reveal"
    assert refusal_of(await shop.buyer.post(unknown, None)) == (404, "ORDER_NOT_FOUND")
    assert refusal_of(await shop.buyer.post(path_of(order, "reveal"), {"order_id": "x"})) == (400, "VALIDATION_ERROR")
    assert (await shop.buyer.post(path_of(order, "reveal"), None)).json()["data"]["codes"] == expected(order)


@pytest.mark.parametrize(
    "status", [status for status in DigitalOrderStatus if status is not DigitalOrderStatus.FULFILLED]
)
async def test_codes_are_not_readable_before_they_are_paid_for(shop: Shop, status: DigitalOrderStatus) -> None:
    order = await shop.deliver()
    url = await link_to(shop, order)
    shop.orders.change(order.order_id, status=status)
    for answer in (
        await shop.public.get(url),
        await shop.buyer.get(path_of(order, "download-link")),
        await shop.buyer.post(path_of(order, "reveal"), None),
    ):
        assert refusal_of(answer) == (409, "ORDER_INVALID_STATE")
    # What is left of a refunded order can be deleted.
    deleted = await shop.buyer.post(path_of(order, "delete-keys"), None)
    assert deleted.status_code == (200 if status is DigitalOrderStatus.REFUNDED else 409)


async def test_ten_reveals_an_hour_even_if_they_are_sent_at_once(shop: Shop) -> None:
    order, other = await shop.deliver(), await shop.deliver()
    answers = [await shop.buyer.post(path_of(order, "reveal"), None) for _ in range(8)]
    answers += await asyncio.gather(*(shop.buyer.post(path_of(order, "reveal"), None) for _ in range(10)))
    answers += [await shop.buyer.post(path_of(order, "reveal"), None) for _ in range(3)]
    # Those sent at once may all have been counted before one is refused, so the last ones use what is left.
    assert Counter(answer.status_code for answer in answers) == {200: 10, 429: 11}
    assert refusal_of(answers[-1]) == (429, "RATE_LIMITED")
    await shop.age(order.order_id, timedelta(minutes=50))
    again = await shop.buyer.post(path_of(order, "reveal"), None)
    assert again.status_code == 429
    assert 0 < int(again.headers["retry-after"]) <= 600
    await shop.age(order.order_id, timedelta(minutes=11))
    assert (await shop.buyer.post(path_of(order, "reveal"), None)).status_code == 200
    assert (await shop.buyer.post(path_of(other, "reveal"), None)).status_code == 200
    outcomes = Counter(outcome for _, _, outcome in await shop.audited(order.order_id))
    assert outcomes == {"DONE": 11, "REFUSED": 12}


async def test_reveals_that_failed_do_not_count_and_links_are_limited_too(shop: Shop) -> None:
    order = await shop.deliver()
    stored = await shop.codes.storage.get(order.storage_ref or "")
    await shop.codes.storage.delete(order.storage_ref or "")
    for _ in range(11):
        assert (await shop.buyer.post(path_of(order, "reveal"), None)).status_code == 503
    await shop.codes.storage.put(order.storage_ref or "", stored or b"", metadata={})
    assert (await shop.buyer.post(path_of(order, "reveal"), None)).status_code == 200
    for _ in range(30):
        await link_to(shop, order)
    assert (await shop.buyer.get(path_of(order, "download-link"))).status_code == 429


async def test_presigned_link_leads_to_the_storage_and_old_sealed_objects_to_the_gateway(
    shop: Shop, s3_settings: StorageSettings
) -> None:
    codes = OrderCodes(
        orders=shop.orders, storage=code_storage(s3_settings), sealer=shop.codes.sealer, is_presigned=True
    )
    usual: CodeReadingService = shop.app.state.services[CodeReadingService]
    shop.app.state.services[CodeReadingService] = CodeReadingService(codes=codes, links=usual.links, trail=usual.trail)
    try:
        order = waiting_order(uuid.UUID(shop.buyer.user_id), items=1)
        shop.orders.add(order, [codes.seal(item.item_id, [CODE]) for item in order.items])
        await codes.store(order)
        order = shop.orders.change(order.order_id, status=DigitalOrderStatus.FULFILLED)
        async with http_client() as browser:
            url = await link_to(shop, order)
            assert url.startswith(s3_settings.s3_endpoint)
            assert (await browser.get(url)).json() == {"codes": expected(order), "downloaded_at": None}
        assert (await shop.orders.find(order.order_id)).downloaded_at is not None
        before = shop.codes.sealer.seal(b"{}", context="x")
        await codes.storage.put(order.storage_ref or "", before, metadata={})
        assert (await link_to(shop, order)).startswith("http://service/api/downloads/")
    finally:
        shop.app.state.services[CodeReadingService] = usual
