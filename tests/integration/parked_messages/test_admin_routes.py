"""What admins see of parked messages and do with them over HTTP."""

import json
from typing import Any

import pytest

from common.messaging.declarations import PARKING_QUEUE
from common.messaging.message import Message
from common.messaging.outbox import OutboxRelay
from common.messaging.parking import ParkingHeaders
from rabbitmq.topology import NOTIFICATIONS_QUEUE, ORCHESTRATOR_HOLDS_QUEUE, RELEASE_QUEUE
from tests.integration.parked_messages.harness import ParkingHarness
from tests.support.callers import Caller, new_id
from tests.support.waiting import eventually

PATH = "/api/admin/parked-messages"
TICKET = ParkingHeaders.of(RELEASE_QUEUE, RuntimeError())
BODY = Message(type="seat.hold", source="tests", subject="a hold", data={"token": "secret"}).to_bytes()


async def one_parked(
    harness: ParkingHarness, admin: Caller, body: bytes = BODY, ticket: ParkingHeaders | None = TICKET
) -> Any:
    async with harness.storing():
        await harness.put(PARKING_QUEUE, body, ticket.headers if ticket else None)
        await harness.parked()
    [shown] = (await admin.get(PATH, status="parked")).json()["data"]
    return shown


@pytest.mark.parametrize(
    ("method", "path"),
    [("GET", PATH), ("POST", f"{PATH}/{new_id()}/replay"), ("POST", f"{PATH}/{new_id()}/discard")],
)
async def test_for_admins_only(callers: dict[str, Caller], method: str, path: str) -> None:
    assert (await callers["anonymous"].request(method, path)).status_code == 401
    assert (await callers["fan"].request(method, path)).status_code == 403


async def test_list_shows_messages_without_secrets(harness: ParkingHarness, admin: Caller) -> None:
    shown = await one_parked(harness, admin)
    assert (shown["queue"], shown["reason"], shown["size_bytes"]) == (RELEASE_QUEUE, "RuntimeError", len(BODY))
    assert (shown["payload"]["type"], shown["payload"]["data"]) == ("seat.hold", {"token": "[redacted]"})
    assert shown["payload"]["subject"] == json.loads(BODY)["subject"]


async def test_list_is_filtered(harness: ParkingHarness, admin: Caller) -> None:
    await one_parked(harness, admin)
    for filters, number in (
        ({"queue": RELEASE_QUEUE}, 1),
        ({"queue": NOTIFICATIONS_QUEUE}, 0),
        ({"status": "discarded"}, 0),
    ):
        assert (await admin.get(PATH, **filters)).json()["pagination"]["total"] == number
    assert (await admin.get(PATH, status="sleeping")).status_code == 400


@pytest.mark.parametrize(
    "body", [b"", b"\xff", b"not json", b'"\\ud800"', b"[" * 20_000, b"[" * 300 + b"]" * 300, b"x" * 70_000]
)
async def test_message_that_cannot_be_shown_is_listed_without_payload(
    harness: ParkingHarness, admin: Caller, body: bytes
) -> None:
    shown = await one_parked(harness, admin, body)
    assert (shown["payload"], shown["size_bytes"]) == (None, len(body))


@pytest.mark.usefixtures("relay")
@pytest.mark.parametrize("body", [BODY, b"\xff not json"])
async def test_replayed_message_returns_to_its_queue_once(harness: ParkingHarness, admin: Caller, body: bytes) -> None:
    parked = await one_parked(harness, admin, body)
    path = f"{PATH}/{parked['parked_id']}"
    replayed = (await admin.post(f"{path}/replay", {})).json()["data"]
    assert (replayed["status"], replayed["settled_by"]) == ("replayed", admin.user_id)
    for again in ("replay", "discard"):
        refused = await admin.post(f"{path}/{again}", {})
        assert (refused.status_code, refused.json()["error_code"]) == (409, "PARKED_INVALID_STATE")
    await eventually(lambda: harness.messages_in(RELEASE_QUEUE))
    assert await harness.taken_from(RELEASE_QUEUE) == [body]
    for other in (ORCHESTRATOR_HOLDS_QUEUE, NOTIFICATIONS_QUEUE, PARKING_QUEUE):
        assert await harness.taken_from(other) == []


async def test_replayed_message_that_fails_again_is_parked_again(
    harness: ParkingHarness, admin: Caller, relay: OutboxRelay
) -> None:
    parked = await one_parked(harness, admin, ticket=ParkingHeaders.of(NOTIFICATIONS_QUEUE, RuntimeError()))
    async with harness.refusing(), harness.storing():
        await admin.post(f"{PATH}/{parked['parked_id']}/replay", {})
        relay.wake()
        last, first = await harness.parked(2)
    assert (first.status, last.status) == ("replayed", "parked")
    assert last.body == first.body
    assert await harness.store.count() == 1


async def test_redelivery_of_a_settled_message_does_not_reopen_it(harness: ParkingHarness, admin: Caller) -> None:
    parked = await one_parked(harness, admin)
    await admin.post(f"{PATH}/{parked['parked_id']}/discard", {})
    async with harness.storing():
        for body in (BODY, b"another"):
            await harness.put(PARKING_QUEUE, body, TICKET.headers)
        await harness.parked(2)
        await eventually(lambda: harness.vhost.queue_counts()[PARKING_QUEUE] == 0)
    assert await harness.store.count() == 1


@pytest.mark.parametrize(
    "ticket", [None, ParkingHeaders.of("jobs.email", RuntimeError()), ParkingHeaders.of(PARKING_QUEUE, RuntimeError())]
)
async def test_message_without_a_known_queue_can_only_be_discarded(
    harness: ParkingHarness, admin: Caller, ticket: ParkingHeaders | None
) -> None:
    parked = await one_parked(harness, admin, ticket=ticket)
    path = f"{PATH}/{parked['parked_id']}"
    assert (await admin.post(f"{path}/replay", {})).json()["error_code"] == "PARKED_INVALID_STATE"
    discarded = (await admin.post(f"{path}/discard", {})).json()["data"]
    assert (discarded["status"], discarded["settled_by"]) == ("discarded", admin.user_id)
    assert await harness.store.count() == 0


async def test_unknown_message_is_404(admin: Caller) -> None:
    for what in ("replay", "discard"):
        assert (await admin.post(f"{PATH}/{new_id()}/{what}", {})).json()["error_code"] == "NOT_FOUND"
        assert (await admin.post(f"{PATH}/none/{what}", {})).json()["error_code"] == "INVALID_UUID"
