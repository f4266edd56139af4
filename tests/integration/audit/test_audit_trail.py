"""The audit trail: an entry before each action, its outcome after it, and the actions that the users service reports."""

import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from common.db.engine import Database
from common.errors import Conflict, Internal, OutcomeUnknown
from common.messaging.message import InvalidMessage, Message
from common.messaging.publisher import Publisher
from orchestrator.audit.models import NewEntry
from orchestrator.audit.service import AuditTrail
from orchestrator.features.audit.messages import AuditConsumer
from orchestrator.saga_engine.engine import StillRunning
from orchestrator.settings import WorkerSettings
from orchestrator.worker import create_worker
from rabbitmq.topology import platform_topology
from tests.integration.audit.conftest import ADDRESS
from tests.support.callers import Caller
from tests.support.serving import serving
from tests.support.waiting import eventually


async def entries(admin: Caller, **filters: Any) -> list[dict[str, Any]]:
    answer = await admin.get("/api/admin/audit", **filters)
    assert answer.status_code == 200, answer.text
    return list(answer.json()["data"])


def new_entry(action: str = "order.refund") -> NewEntry:
    return NewEntry(
        entry_id=uuid.uuid4(),
        actor_user_id=uuid.uuid4(),
        action=action,
        object_type="order",
        object_id=str(uuid.uuid4()),
        address=ADDRESS,
    )


def recorded(**changes: Any) -> Message:
    user_id = str(uuid.uuid4())
    data = {
        "action": "user.change",
        "actor_user_id": str(uuid.uuid4()),
        "object_type": "user",
        "object_id": user_id,
        "address": ADDRESS,
        "before": {"roles": ["customer"]},
        "after": {"roles": ["admin", "customer"]},
    }
    return Message(type="audit.recorded", source="users", subject=user_id, data=data | changes)


class TestRoutes:
    async def test_action_names_who_what_and_from_where(self, admin: Caller) -> None:
        began = datetime.now(UTC)
        await admin.request("POST", "/api/admin/jobs/retry-all", headers={"x-forwarded-for": ADDRESS})

        (entry,) = await entries(admin, action="job.retry_all")

        assert datetime.fromisoformat(entry["created_at"]) >= began - timedelta(seconds=5)
        assert (entry["actor_user_id"], entry["address"]) == (admin.user_id, ADDRESS)
        assert (entry["object_type"], entry["object_id"], entry["request"]) == ("job", None, {"kind": None})
        assert (entry["outcome"], entry["after"]) == ("DONE", {"retried": 0})

    async def test_refused_action_is_recorded_as_refused(self, admin: Caller) -> None:
        saga_id = str(uuid.uuid4())
        assert (await admin.request("POST", f"/api/admin/sagas/{saga_id}/retry")).status_code == 404

        (entry,) = await entries(admin, object=saga_id)

        assert (entry["action"], entry["outcome"], entry["error_code"]) == ("saga.retry", "REFUSED", "NOT_FOUND")
        assert (entry["before"], entry["after"]) == (None, None)

    async def test_caller_without_the_role_leaves_no_entry(self, callers: dict[str, Caller]) -> None:
        job_id = str(uuid.uuid4())
        assert (await callers["fan"].request("POST", f"/api/admin/jobs/{job_id}/retry")).status_code == 403
        assert (await callers["fan"].get("/api/admin/audit")).status_code == 403

        assert await entries(callers["admin"], object=job_id) == []

    async def test_subscription_keeps_url_and_secret_out_of_the_trail(self, admin: Caller) -> None:
        body = {"url": "https://203.0.113.1/hook?key=hidden", "message_types": ["order.confirmed"]}
        created = (await admin.post("/api/admin/webhook-subscriptions", body)).json()["data"]

        (entry,) = await entries(admin, object=created["subscription_id"])

        assert entry["after"] == {"message_types": ["order.confirmed"], "status": "ACTIVE"}
        assert not {"hidden", created["secret"]} & set(str(entry).split("'"))

    async def test_filters_and_pages(self, admin: Caller, trail: AuditTrail) -> None:
        action, made = f"test.{uuid.uuid4().hex}", []
        for _ in range(3):
            made.append(entry := new_entry(action))
            async with trail.record(entry):
                pass
        first = await admin.get("/api/admin/audit", action=action, per_page=2)
        following = await admin.get("/api/admin/audit", action=action, after=first.json()["pagination"]["next"])
        listed = [*first.json()["data"], *following.json()["data"]]
        times = [entry["created_at"] for entry in listed]

        assert [entry["entry_id"] for entry in listed] == [str(entry.entry_id) for entry in reversed(made)]
        assert [e["created_at"] for e in await entries(admin, action=action, to=times[0])] == times[1:]
        assert [e["created_at"] for e in await entries(admin, action=action, **{"from": times[0]})] == times[:1]
        assert len(await entries(admin, actor=made[0].actor_user_id)) == 1

    async def test_unreadable_entry_hides_no_other(self, admin: Caller, trail: AuditTrail, database: Database) -> None:
        action = f"test.{uuid.uuid4().hex}"
        made = [new_entry(action), new_entry(action)]
        await trail.repository.begin(made[0])
        odd = text("INSERT INTO audit_outcomes (entry_id, outcome, before) VALUES (:entry_id, 'DONE', '5')")
        await database.execute(odd, {"entry_id": made[0].entry_id})
        await trail.repository.begin(made[1])

        assert [entry["entry_id"] for entry in await entries(admin, action=action)] == [str(made[1].entry_id)]


class TestOutcome:
    async def test_entry_precedes_its_action(self, admin: Caller, trail: AuditTrail) -> None:
        entry = new_entry()
        async with trail.record(entry):
            (listed,) = await entries(admin, object=entry.object_id)
        assert (listed["outcome"], listed["actor_user_id"]) == (None, str(entry.actor_user_id))

    @pytest.mark.parametrize(
        ("error", "outcome", "code"),
        [
            (Conflict(), "REFUSED", "CONFLICT"),
            (OutcomeUnknown(), "UNKNOWN", "UPSTREAM_TIMEOUT"),
            (Internal(), "UNKNOWN", "INTERNAL_ERROR"),
        ],
    )
    async def test_errors(self, admin: Caller, trail: AuditTrail, *, error: Exception, outcome: str, code: str) -> None:
        entry = new_entry()
        with pytest.raises(type(error)):
            async with trail.record(entry):
                raise error
        (listed,) = await entries(admin, object=entry.object_id)
        assert (listed["outcome"], listed["error_code"]) == (outcome, code)

    async def test_saga_that_goes_on_is_named(self, admin: Caller, trail: AuditTrail) -> None:
        entry, saga_id = new_entry(), uuid.uuid4()
        with pytest.raises(StillRunning):
            async with trail.record(entry):
                raise StillRunning(saga_id)
        (listed,) = await entries(admin, object=entry.object_id)
        assert (listed["outcome"], listed["after"]) == ("IN_PROGRESS", {"saga_id": str(saga_id)})

    @pytest.mark.parametrize("table", ["audit_entries", "audit_outcomes"])
    async def test_database_refuses_updates(self, database: Database, trail: AuditTrail, table: str) -> None:
        entry = new_entry()
        async with trail.record(entry):
            pass
        column = "action" if table == "audit_entries" else "outcome"
        with pytest.raises(DBAPIError, match="RaiseError"):
            await database.execute(text(f"UPDATE {table} SET {column} = 'REFUSED'"))  # noqa: S608 - constants


class TestMessages:
    async def test_message_that_comes_twice_is_one_entry(self, admin: Caller, trail: AuditTrail) -> None:
        message = recorded()
        for _ in range(2):
            await AuditConsumer(trail).handle(message)

        (entry,) = await entries(admin, object=message.subject)

        assert datetime.fromisoformat(entry["created_at"]) == message.time
        assert (entry["actor_user_id"], entry["address"]) == (message.data["actor_user_id"], ADDRESS)
        assert (entry["outcome"], entry["before"]) == ("DONE", {"roles": ["customer"]})
        assert entry["after"] == {"roles": ["admin", "customer"]}

    async def test_command_on_the_server_has_no_actor(self, admin: Caller, trail: AuditTrail) -> None:
        message = recorded(actor_user_id=None, address=None)
        await AuditConsumer(trail).handle(message)
        (entry,) = await entries(admin, object=message.subject)
        assert (entry["actor_user_id"], entry["address"]) == (None, None)

    async def test_unreadable_message_is_refused(self, trail: AuditTrail) -> None:
        with pytest.raises(InvalidMessage):
            await AuditConsumer(trail).handle(recorded(action=None))

    async def test_worker_stores_what_is_published(
        self, admin: Caller, settings: WorkerSettings, rabbitmq_url: str
    ) -> None:
        message, topology = recorded(), platform_topology(settings.hold_ttl_seconds)
        publisher = Publisher(rabbitmq_url, service="tests", topology=topology, timeout_seconds=30)
        publisher.broker.start()
        await publisher.broker.wait_until_ready()
        async with serving(create_worker(settings), settings):
            await publisher.publish(
                message.to_bytes(),
                exchange="messages.exchange",
                routing_key=message.type,
                message_id=str(message.id),
            )

            async def stored() -> bool:
                return len(await entries(admin, object=message.subject)) == 1

            await eventually(stored)
        await publisher.broker.close()
