"""Publishing a draft, and undoing one: even if the draft never arrived, arrives later, or is in progress."""

import asyncio
from functools import partial
from typing import Any

import pytest
from sqlalchemy import text

from common.db.engine import Database
from common.db.idempotency import ParticipantRequest
from events.catalogue.repository import draft_parameters
from events.catalogue.schemas import DraftEvent
from events.catalogue.statements import DRAFT
from tests.integration.events.catalogue import CatalogueCaller, a_venue, drafting
from tests.support.callers import Caller, new_id
from tests.support.waiting import eventually


class TestPublish:
    async def test_draft_becomes_published(self, catalogue: CatalogueCaller) -> None:
        body = drafting()
        drafted = (await catalogue.draft(body)).json()["data"]

        answer = await catalogue.publish(body["event_id"])

        assert answer.status_code == 200
        assert answer.json()["data"] == {**drafted, "status": "PUBLISHED"}
        assert await catalogue.event(body["event_id"]) == {**drafted, "status": "PUBLISHED"}

    async def test_fifty_concurrent_repetitions_get_one_response(self, catalogue: CatalogueCaller) -> None:
        body, request_id = await catalogue.drafted(), new_id()

        answers = await asyncio.gather(*(catalogue.publish(body["event_id"], request_id=request_id) for _ in range(50)))

        assert {answer.status_code for answer in answers} == {200}
        assert len({answer.text for answer in answers}) == 1

    async def test_exactly_one_of_fifty_requests_publishes(self, catalogue: CatalogueCaller) -> None:
        body = await catalogue.drafted()

        answers = await asyncio.gather(*(catalogue.publish(body["event_id"]) for _ in range(50)))

        assert sorted(answer.status_code for answer in answers) == [200] + [409] * 49

    async def test_the_same_id_for_another_event_is_refused(self, catalogue: CatalogueCaller) -> None:
        first, second, request_id = await catalogue.drafted(), await catalogue.drafted(), new_id()
        await catalogue.publish(first["event_id"], request_id=request_id)

        answer = await catalogue.publish(second["event_id"], request_id=request_id)

        assert answer.status_code == 422
        assert answer.json()["error_code"] == "IDEMPOTENCY_KEY_REUSED"

    async def test_unknown_event_is_refused_permanently(self, catalogue: CatalogueCaller) -> None:
        event_id, request_id = new_id(), new_id()
        early = await catalogue.publish(event_id, request_id=request_id)
        await catalogue.drafted(event_id=event_id)

        late = await catalogue.publish(event_id, request_id=request_id)

        assert early.status_code == late.status_code == 404
        assert early.json()["error_code"] == late.json()["error_code"] == "EVENT_NOT_FOUND"
        assert (await catalogue.event(event_id))["status"] == "DRAFT"

    @pytest.mark.parametrize("status", ["PUBLISHED", "CANCELLED"])
    async def test_published_or_cancelled_event_is_refused(self, catalogue: CatalogueCaller, status: str) -> None:
        body = await (catalogue.cancelled() if status == "CANCELLED" else catalogue.published())

        answer = await catalogue.publish(body["event_id"])

        assert answer.status_code == 409
        assert answer.json()["error_code"] == "EVENT_INVALID_STATE"
        assert answer.json()["details"] == {"status": status}


class TestDiscard:
    async def test_removes_the_draft_and_the_venue_it_created(
        self, catalogue: CatalogueCaller, anonymous: Caller
    ) -> None:
        body = await catalogue.drafted(venue=a_venue(name=f"Hall {new_id()}"))

        answer = await catalogue.discard(body["event_id"], undoes=body["request_id"])

        assert answer.status_code == 200
        assert answer.json()["data"] == {"event_id": body["event_id"]}
        assert (await catalogue.find(body["event_id"])).json()["error_code"] == "EVENT_NOT_FOUND"
        assert body["venue"]["name"] not in await _venue_names(anonymous)

    async def test_venue_that_existed_before_is_kept(self, catalogue: CatalogueCaller, anonymous: Caller) -> None:
        venue_id, name = new_id(), f"Hall {new_id()}"
        await catalogue.drafted(venue=a_venue(venue_id=venue_id, name=name))
        body = await catalogue.drafted(venue=None, venue_id=venue_id, hall_id="HALL-B")

        await catalogue.discard(body["event_id"], undoes=body["request_id"])

        assert name in await _venue_names(anonymous)

    async def test_existing_venue_without_other_events_is_kept(
        self, catalogue: CatalogueCaller, anonymous: Caller, database: Database
    ) -> None:
        venue_id, name = new_id(), f"Hall {new_id()}"
        await database.execute(
            text("INSERT INTO venues (venue_id, name, address, total_halls) VALUES (:venue_id, :name, '', 1)"),
            {"venue_id": venue_id, "name": name},
        )
        body = await catalogue.drafted(venue=None, venue_id=venue_id)

        await catalogue.discard(body["event_id"], undoes=body["request_id"])

        assert name in await _venue_names(anonymous)

    async def test_venue_used_by_another_event_is_kept(self, catalogue: CatalogueCaller, anonymous: Caller) -> None:
        venue_id, name = new_id(), f"Hall {new_id()}"
        body = await catalogue.drafted(venue=a_venue(venue_id=venue_id, name=name))
        other = await catalogue.drafted(venue=None, venue_id=venue_id, hall_id="HALL-B")

        answer = await catalogue.discard(body["event_id"], undoes=body["request_id"])

        assert answer.status_code == 200
        assert (await catalogue.event(other["event_id"]))["venue"]["name"] == name
        assert name in await _venue_names(anonymous)

    async def test_discard_before_the_draft_succeeds_and_the_late_draft_is_refused(
        self, catalogue: CatalogueCaller
    ) -> None:
        body = drafting()

        answer = await catalogue.discard(body["event_id"], undoes=body["request_id"])
        late = await catalogue.draft(body)

        assert answer.status_code == 200
        assert answer.json()["data"] == {"event_id": body["event_id"]}
        assert late.status_code == 409
        assert late.json()["error_code"] == "REQUEST_UNDONE"
        assert (await catalogue.find(body["event_id"])).status_code == 404

    @pytest.mark.parametrize("same_id", [True, False])
    async def test_fifty_concurrent_requests_get_one_response(
        self, catalogue: CatalogueCaller, *, same_id: bool
    ) -> None:
        body, request_id = await catalogue.drafted(), new_id()

        answers = await asyncio.gather(
            *(
                catalogue.discard(
                    body["event_id"], undoes=body["request_id"], request_id=request_id if same_id else None
                )
                for _ in range(50)
            )
        )

        assert {answer.status_code for answer in answers} == {200}
        assert {answer.json()["data"]["event_id"] for answer in answers} == {body["event_id"]}

    async def test_request_id_with_other_arguments_is_refused(self, catalogue: CatalogueCaller) -> None:
        body, request_id = await catalogue.drafted(), new_id()
        await catalogue.discard(body["event_id"], undoes=body["request_id"], request_id=request_id)

        answer = await catalogue.discard(new_id(), undoes=body["request_id"], request_id=request_id)

        assert answer.status_code == 422

    async def test_published_event_is_not_discarded(self, catalogue: CatalogueCaller) -> None:
        body, request_id = await catalogue.published(), new_id()

        answers = [
            await catalogue.discard(body["event_id"], undoes=body["request_id"], request_id=request_id)
            for _ in range(2)
        ]

        assert {answer.status_code for answer in answers} == {409}
        assert answers[0].json()["error_code"] == "EVENT_INVALID_STATE"
        assert answers[0].json()["details"] == {"status": "PUBLISHED"}
        assert (await catalogue.event(body["event_id"]))["status"] == "PUBLISHED"


class TestRaces:
    """Whichever comes first, nothing that was undone remains."""

    async def test_concurrent_draft_and_undo(self, catalogue: CatalogueCaller, anonymous: Caller) -> None:
        name = f"Hall {new_id()}"
        for _ in range(30):
            body = drafting(venue=a_venue(name=name))

            drafted, discarded = await asyncio.gather(
                catalogue.draft(body), catalogue.discard(body["event_id"], undoes=body["request_id"])
            )

            assert discarded.status_code == 200
            assert drafted.status_code == 200 or drafted.json()["error_code"] == "REQUEST_UNDONE"
            assert (await catalogue.find(body["event_id"])).status_code == 404
        assert name not in await _venue_names(anonymous)

    async def test_undo_waits_for_the_uncommitted_draft(self, catalogue: CatalogueCaller, database: Database) -> None:
        body = drafting()
        draft = DraftEvent.model_validate(body)
        request = ParticipantRequest.of(draft.request_id, "draft", **draft.model_dump(exclude={"request_id"}))
        async with database.transaction() as connection:
            await connection.execute(DRAFT, {**draft_parameters(draft), **request.parameters})
            discarding = asyncio.create_task(catalogue.discard(body["event_id"], undoes=body["request_id"]))
            await eventually(partial(_is_waiting_for_a_lock, database))

        answer = await discarding

        assert answer.status_code == 200
        assert (await catalogue.find(body["event_id"])).status_code == 404

    async def test_concurrent_publication_and_discard(self, catalogue: CatalogueCaller) -> None:
        for _ in range(30):
            body = await catalogue.drafted()

            published, discarded = await asyncio.gather(
                catalogue.publish(body["event_id"]), catalogue.discard(body["event_id"], undoes=body["request_id"])
            )

            outcome = (published.status_code, discarded.status_code)
            assert outcome in {(200, 409), (404, 200)}
            found = await catalogue.find(body["event_id"])
            assert found.status_code == (200 if published.status_code == 200 else 404)

    async def test_draft_in_a_venue_that_is_being_discarded(self, catalogue: CatalogueCaller) -> None:
        for _ in range(30):
            venue_id = new_id()
            body = await catalogue.drafted(venue=a_venue(venue_id=venue_id))
            moving = drafting(venue=None, venue_id=venue_id, hall_id="HALL-B")

            moved, discarded = await asyncio.gather(
                catalogue.draft(moving), catalogue.discard(body["event_id"], undoes=body["request_id"])
            )

            assert discarded.status_code == 200
            assert moved.status_code == 200 or moved.json()["error_code"] == "NOT_FOUND"
            found = await catalogue.find(moving["event_id"])
            assert found.status_code == moved.status_code


async def _venue_names(anonymous: Caller) -> list[str]:
    return [venue["name"] for venue in (await anonymous.get("/api/venues", per_page=100)).json()["data"]]


async def _is_waiting_for_a_lock(database: Database) -> Any:
    waiting = await database.fetch_one(
        text(
            "SELECT count(*) AS waiting FROM pg_stat_activity"
            " WHERE datname = current_database() AND wait_event_type = 'Lock'"
        )
    )
    return waiting and waiting["waiting"]
