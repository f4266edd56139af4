"""The postponement of an event with three holders of tickets, two of them admitted, for the contract."""

import uuid
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, Final

from orchestrator.clients.inventory.check_in import Scan, ScanResult
from orchestrator.container import Container
from orchestrator.features.event_editing.repository import HolderNotices
from orchestrator.features.event_editing.saga import EditEvent, edit_event_plan
from orchestrator.saga_engine.plan import AnyPlan
from orchestrator.saga_engine.record import SagaRecord
from tests.contracts.databases import Databases
from tests.contracts.event_fixtures import PublishedEvent, publish_event
from tests.contracts.scenario import NothingLapses
from tests.contracts.ticket_fixtures import TicketFixtures

__all__ = ["OUTLINE", "EditEventScenario"]

NO_CLIENT: Final[Any] = None
OUTLINE: Final = edit_event_plan(NO_CLIENT, NO_CLIENT)
"""The plan without clients: its steps and their order."""
SEATS_PER_PAGE: Final = 1
NEW_DATE: Final = datetime.now(UTC).replace(microsecond=0) + timedelta(days=60)
_EVENT: Final = "SELECT event_date, version, refundable_until FROM events WHERE event_id = $1"
_TOLD: Final = """
    SELECT message #>> '{data,user_id}' AS user_id
    FROM (SELECT CAST(convert_from(body, 'UTF8') AS jsonb) AS message FROM outbox) AS announced
    WHERE message ->> 'subject' = $1 AND message ->> 'type' = 'ticket.rescheduled'
"""
_CHECKED_IN: Final = "SELECT seat_id FROM seats WHERE event_id = $1 AND status = 'CHECKED_IN'"
_SCANS: Final = """
    SELECT array_agg(result ORDER BY logged_at) AS results FROM entry_logs WHERE event_id = $1 GROUP BY seat_id
"""


class EditEventScenario(NothingLapses):
    """An admin, and an event with four tickets on four pages: a fan has two, another has one by a transfer.

    Two of the tickets were used already.
    """

    def __init__(
        self, container: Container, databases: Databases, event: PublishedEvent, holders: set[uuid.UUID]
    ) -> None:
        self.requested_by = uuid.uuid4()
        self.data = EditEvent(
            saga_id=uuid.uuid4(),
            event_id=event.event_id,
            editor_user_id=self.requested_by,
            changes={"event_date": NEW_DATE.isoformat()},
            refundable_until=NEW_DATE,
        )
        resources = container.resources
        notices = HolderNotices(resources.database, wake_relay=resources.relay.wake)
        self.plan: AnyPlan = edit_event_plan(
            resources.clients, notices, seats_per_page=SEATS_PER_PAGE, settling_time=timedelta(0)
        )
        self._databases = databases
        self._holders = holders

    @classmethod
    async def prepare(cls, container: Container, databases: Databases, _: PublishedEvent) -> "EditEventScenario":
        postponed = await publish_event(container.resources.clients, rows=1)
        tickets = TicketFixtures(container, databases, postponed)
        first, second, third = await tickets.buy(seats=3)
        [fourth] = await tickets.buy()
        transfer = await tickets.complete_transfer(third, amount=Decimal("30.00"))
        for used in (second, fourth):
            scan = Scan(
                staff_user_id=uuid.uuid4(),
                hall_presented=postponed.hall_id,
                seat_id=used.ticket.seat_id,
                event_id=postponed.event_id,
                ticket_user_id=used.owner_id,
            )
            outcome = await container.resources.clients.check_in.check_in(uuid.uuid4(), scan)
            assert outcome.result is ScanResult.SUCCESS
        return cls(container, databases, postponed, {first.owner_id, fourth.owner_id, transfer.buyer_user_id})

    async def assert_done(self, saga: SagaRecord) -> None:
        assert isinstance(saga.data, EditEvent)
        assert saga.data.are_holders_told
        assert await self._databases.read("inventory", _CHECKED_IN, self.data.event_id) == []
        scans = await self._databases.read("inventory", _SCANS, self.data.event_id)
        assert [seat["results"] for seat in scans] == [["SUCCESS", "UNDONE"]] * 2
        [event] = await self._databases.read("events", _EVENT, self.data.event_id)
        assert event == {"event_date": NEW_DATE, "version": 2, "refundable_until": NEW_DATE}
        told = [row["user_id"] for row in await self._databases.read("orchestrator", _TOLD, str(self.data.event_id))]
        assert sorted(told) == sorted(map(str, self._holders))
        messages = await self._databases.messages_about(self.data.event_id)
        assert messages == ["event.rescheduled", *["ticket.rescheduled"] * len(self._holders)]

    async def assert_undone(self, saga: SagaRecord | None) -> None:
        assert saga is not None
        [event] = await self._databases.read("events", _EVENT, self.data.event_id)
        assert (event["version"], event["refundable_until"]) == (1, None)
        assert await self._databases.messages_about(self.data.event_id) == []
        assert len(await self._databases.read("inventory", _CHECKED_IN, self.data.event_id)) == 2
