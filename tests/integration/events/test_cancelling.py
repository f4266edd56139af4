"""Cancelling a published event: once, and permanently."""

import asyncio

import pytest
from sqlalchemy import text

from common.db.engine import Database
from tests.integration.events.catalogue import CatalogueCaller
from tests.support.callers import new_id


async def test_event_becomes_cancelled(catalogue: CatalogueCaller, database: Database) -> None:
    body = await catalogue.published()
    published = await catalogue.event(body["event_id"])

    answer = await catalogue.cancel(body["event_id"])

    assert answer.status_code == 200
    assert answer.json()["data"] == {**published, "status": "CANCELLED"}
    assert await catalogue.event(body["event_id"]) == answer.json()["data"]
    noted = await database.fetch_one(
        text("SELECT cancelled_at > published_at AS is_later FROM events WHERE event_id = :event_id"),
        {"event_id": body["event_id"]},
    )
    assert noted == {"is_later": True}


async def test_cancelled_event_is_not_in_the_search(catalogue: CatalogueCaller) -> None:
    name = f"Show {new_id()}"
    await catalogue.cancelled(name=name)

    assert (await catalogue.search(q=name)).json()["data"] == []


async def test_fifty_concurrent_repetitions_get_one_response(catalogue: CatalogueCaller) -> None:
    body, request_id = await catalogue.published(), new_id()

    answers = await asyncio.gather(*(catalogue.cancel(body["event_id"], request_id=request_id) for _ in range(50)))

    assert {answer.status_code for answer in answers} == {200}
    assert len({answer.text for answer in answers}) == 1


async def test_exactly_one_of_fifty_requests_cancels(catalogue: CatalogueCaller) -> None:
    body = await catalogue.published()

    answers = await asyncio.gather(*(catalogue.cancel(body["event_id"]) for _ in range(50)))

    assert sorted(answer.status_code for answer in answers) == [200] + [409] * 49
    refused = next(answer for answer in answers if answer.status_code == 409)
    assert refused.json()["error_code"] == "EVENT_INVALID_STATE"
    assert refused.json()["details"] == {"status": "CANCELLED"}


async def test_draft_is_refused_permanently(catalogue: CatalogueCaller) -> None:
    body, request_id = await catalogue.drafted(), new_id()
    early = await catalogue.cancel(body["event_id"], request_id=request_id)
    await catalogue.publish(body["event_id"])

    late = await catalogue.cancel(body["event_id"], request_id=request_id)

    assert early.status_code == late.status_code == 409
    assert early.json()["details"] == late.json()["details"] == {"status": "DRAFT"}
    assert (await catalogue.event(body["event_id"]))["status"] == "PUBLISHED"


async def test_an_unknown_event_is_refused(catalogue: CatalogueCaller) -> None:
    answer = await catalogue.cancel(new_id())

    assert answer.status_code == 404
    assert answer.json()["error_code"] == "EVENT_NOT_FOUND"


async def test_request_id_of_the_publication_cannot_cancel(catalogue: CatalogueCaller) -> None:
    body, request_id = await catalogue.drafted(), new_id()
    await catalogue.publish(body["event_id"], request_id=request_id)

    answer = await catalogue.cancel(body["event_id"], request_id=request_id)

    assert answer.status_code == 422
    assert answer.json()["error_code"] == "IDEMPOTENCY_KEY_REUSED"


@pytest.mark.parametrize("event_id", ["42", "e1e1"])
async def test_a_malformed_id(catalogue: CatalogueCaller, event_id: str) -> None:
    answer = await catalogue.cancel(event_id)

    assert answer.status_code == 400
    assert answer.json()["error_code"] == "INVALID_UUID"
