"""What the services store of a user whose account was deleted."""

import json
import uuid
from collections.abc import AsyncIterator

import pytest
from pydantic import SecretStr
from sqlalchemy import text

import events.app
import events.settings
import orders.app
import orders.settings
from common.auth.service_tokens import ServiceTokens
from common.db.engine import Database
from common.errors import Unavailable
from common.http.client import ServiceClient
from common.messaging.message import InvalidMessage, Message
from orchestrator.clients.personal_data import PersonalDataClient
from orchestrator.features.personal_data import repository
from orchestrator.features.personal_data.messages import UserDeletedHandler
from orchestrator.features.personal_data.repository import PersonalDataRepository
from orchestrator.settings import WorkerSettings
from tests.integration.orders.item_caller import opening
from tests.support.callers import new_id
from tests.support.servers import DatabaseFactory
from tests.support.serving import serving
from tests.support.unused_addresses import UNUSED_URL

ADD = text("INSERT INTO user_feed (user_id, sequence, message) VALUES (:user_id, :sequence, '{}')")
_ADD_SAGA = """
    INSERT INTO sagas (saga_id, kind, requested_by, fingerprint, state, step, data, correlation_id)
    VALUES (:saga_id, {kind}, :user_id, '', :state, 0, :data, '')
"""
ADD_SAGA = text(_ADD_SAGA.format(kind="'item purchase'"))
ADD_SAGA_OF_KIND = text(_ADD_SAGA.format(kind=":kind"))


class Stage:
    """The orders and the events service, as the orchestrator calls them."""

    def __init__(self, orders_client: ServiceClient, events_client: ServiceClient) -> None:
        self.orders, self.events = orders_client, events_client
        self.personal_data = PersonalDataClient(users=orders_client, orders=orders_client, events=events_client)

    async def buy(self, user_id: uuid.UUID) -> str:
        """Buy a menu item, with a message to the performer."""
        body = opening(buyer_user_id=str(user_id))
        await self.orders.post("/internal/purchased-items", body)
        path = f"/internal/purchased-items/{body['purchased_item_id']}/complete"
        await self.orders.post(path, {"request_id": new_id(), "note": "For you, Mia"})
        return str(body["purchased_item_id"])


@pytest.fixture(scope="module")
async def stage(settings: WorkerSettings, database_url: DatabaseFactory, rabbitmq_url: str) -> AsyncIterator[Stage]:
    secret = settings.service_token_secret
    of_orders = orders.settings.Settings(
        env="test", database_url=SecretStr(database_url("orders")), rabbitmq_url=SecretStr(rabbitmq_url)
    )
    of_events = events.settings.Settings(
        env="test", database_url=SecretStr(database_url("events")), rabbitmq_url=SecretStr(rabbitmq_url)
    )
    tokens = ServiceTokens(service="orchestrator", secret=secret)
    async with (
        serving(orders.app.create_app(of_orders), of_orders) as orders_url,
        serving(events.app.create_app(of_events), of_events) as events_url,
    ):
        clients = [
            ServiceClient(callee=callee, base_url=url, tokens=tokens, deadline_seconds=10)
            for callee, url in (("orders", orders_url), ("events", events_url))
        ]
        yield Stage(*clients)
        for client in clients:
            await client.close()


def deleted(user_id: uuid.UUID) -> Message:
    return Message(type="user.deleted", source="users", subject=str(user_id), data={"user_id": str(user_id)})


async def test_feed_is_deleted_once(database: Database, stage: Stage) -> None:
    feeds, user_id, other_id = PersonalDataRepository(database), uuid.uuid4(), uuid.uuid4()
    message, handler = deleted(user_id), UserDeletedHandler(feeds, stage.personal_data)
    for owner in (user_id, other_id):
        await database.execute(ADD, {"user_id": owner, "sequence": 1})

    await handler.handle(message)
    await database.execute(ADD, {"user_id": user_id, "sequence": 2})
    await handler.handle(message)

    left = [len(await feeds.feed_of(owner, before=10, limit=10)) for owner in (user_id, other_id)]
    assert left == [1, 1]


async def test_words_of_purchases_are_erased_in_orders_and_in_sagas(database: Database, stage: Stage) -> None:
    user_id, other_id = uuid.uuid4(), uuid.uuid4()
    item_ids = [await stage.buy(buyer) for buyer in (user_id, other_id)]
    for item_id, buyer in zip(item_ids, (user_id, other_id), strict=True):
        data = {"saga_id": item_id, "item": {"message": "For Mia", "price": "12.00"}, "note": "For you, Mia"}
        saga = {"saga_id": uuid.UUID(item_id), "user_id": buyer, "state": "COMPLETED"}
        await database.execute(ADD_SAGA, {**saga, "data": json.dumps(data)})

    for _ in range(2):
        await UserDeletedHandler(PersonalDataRepository(database), stage.personal_data).handle(deleted(user_id))

    items = [await stage.orders.get(f"/internal/purchased-items/{item_id}") for item_id in item_ids]
    assert [(item["message"], item["note"]) for item in items] == [("", ""), ("For Mia", "For you, Mia")]
    sagas = [
        await database.fetch_one(text("SELECT data FROM sagas WHERE saga_id = :key"), {"key": uuid.UUID(item_id)})
        for item_id in item_ids
    ]
    assert ["Mia" in json.dumps(saga["data"]) for saga in sagas if saga] == [False, True]
    assert [saga["data"]["item"]["price"] for saga in sagas if saga] == ["12.00", "12.00"]


async def test_words_of_refused_purchases_are_erased(
    database: Database, stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(repository, "ERASED_AT_ONCE", 2)
    user_id = uuid.uuid4()
    for _ in range(5):
        data = {"item": {"message": "For Mia", "price": "12.00"}}
        saga = {"saga_id": uuid.uuid4(), "user_id": user_id, "state": "UNWOUND", "data": json.dumps(data)}
        await database.execute(ADD_SAGA, saga)

    await UserDeletedHandler(PersonalDataRepository(database), stage.personal_data).handle(deleted(user_id))

    stored = text("SELECT data FROM sagas WHERE requested_by = :user_id")
    sagas = await database.fetch_all(stored, {"user_id": user_id})
    assert [saga["data"]["item"] for saga in sagas] == [{"price": "12.00"}] * 5


async def test_words_of_commissions_are_erased_in_sagas(database: Database, stage: Stage) -> None:
    user_id, other_id = uuid.uuid4(), uuid.uuid4()
    order = {"brief": "For Mia", "keywords": ["Mia"], "target_url": "https://mia.example.com", "anchor_text": "Mia"}
    for kind, data in (("commission", {"order": order | {"price": "40.00"}}), ("commission writing", {"notes": "Mia"})):
        for user, state in ((user_id, "UNWOUND"), (other_id, "COMPLETED")):
            saga = {"saga_id": uuid.uuid4(), "kind": kind, "user_id": user, "state": state, "data": json.dumps(data)}
            await database.execute(ADD_SAGA_OF_KIND, saga)

    await UserDeletedHandler(PersonalDataRepository(database), stage.personal_data).handle(deleted(user_id))

    stored = text("SELECT data FROM sagas WHERE requested_by = :user_id ORDER BY kind")
    ours, others = [await database.fetch_all(stored, {"user_id": user}) for user in (user_id, other_id)]
    assert ["Mia" in json.dumps(saga["data"]) for saga in [*ours, *others]] == [False, False, True, True]
    assert ours[0]["data"]["order"]["price"] == "40.00"


async def test_message_waits_for_a_service_that_is_unavailable(
    database: Database, stage: Stage, settings: WorkerSettings
) -> None:
    feeds, user_id = PersonalDataRepository(database), uuid.uuid4()
    await database.execute(ADD, {"user_id": user_id, "sequence": 1})
    tokens = ServiceTokens(service="orchestrator", secret=settings.service_token_secret)
    absent = ServiceClient(callee="events", base_url=UNUSED_URL, tokens=tokens, deadline_seconds=1)
    without_events = PersonalDataClient(users=stage.orders, orders=stage.orders, events=absent)

    with pytest.raises(Unavailable):
        await UserDeletedHandler(feeds, without_events).handle(deleted(user_id))

    assert len(await feeds.feed_of(user_id, before=10, limit=10)) == 1
    await absent.close()


async def test_unreadable_message_is_refused(database: Database, stage: Stage) -> None:
    message = Message(type="user.deleted", source="users", subject="", data={})
    with pytest.raises(InvalidMessage):
        await UserDeletedHandler(PersonalDataRepository(database), stage.personal_data).handle(message)
