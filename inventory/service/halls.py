"""Creates, discards, blocks and counts a hall's seats, and ends an event's sale."""

import uuid
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import asdict, dataclass

from common.db.idempotency import ParticipantRequest
from common.errors import Busy, ServiceError
from inventory.errors import EventAlreadyProvisioned, RepeatedRows, SeatsInUse
from inventory.repository.halls import HallRepository, repeated_rows
from inventory.repository.holds import HoldRepository
from inventory.repository.requests import Change
from inventory.schemas import CategoryAvailability, LayoutCategory, SeatState, SeatStatus
from inventory.seat_changes import SeatChangePublisher
from inventory.service.refusals import refusal_to_take, refusal_to_unblock

__all__ = ["HallService"]

ChangeSeats = Callable[[ParticipantRequest, uuid.UUID, Sequence[uuid.UUID]], Awaitable[Change[int] | None]]
Refusal = Callable[[uuid.UUID, Sequence[uuid.UUID], Sequence[SeatState]], ServiceError]


@dataclass(frozen=True, slots=True)
class HallService:
    halls: HallRepository
    holds: HoldRepository
    changes: SeatChangePublisher

    async def provision(self, *, request_id: uuid.UUID, event_id: uuid.UUID, layout: Sequence[LayoutCategory]) -> int:
        """Create an event's seats and return their number.

        Raises:
            EventAlreadyProvisioned: another request created them.
            RepeatedRows: two seats would have one label.
        """
        request = ParticipantRequest.of(
            request_id, "ProvisionSeats", event_id=event_id, layout=[asdict(category) for category in layout]
        )
        created = await self.halls.provision(request, event_id, layout)
        if created is None:
            rows = repeated_rows(layout)
            refusal = RepeatedRows(details={"rows": rows}) if rows else EventAlreadyProvisioned()
            done = await self.halls.refuse(request, refusal)
            return int(done["seats_created"])
        return created

    async def discard(self, *, request_id: uuid.UUID, event_id: uuid.UUID, undoes_request_id: uuid.UUID) -> None:
        """Remove an event's seats: the undo of `provision`, which is refused afterwards.

        Raises:
            SeatsInUse: one of them was held, sold or blocked before.
        """
        request = ParticipantRequest.of(
            request_id, "DiscardSeats", event_id=event_id, undoes_request_id=undoes_request_id
        )
        if not await self.halls.discard(request, event_id, undoes_request_id):
            await self.halls.refuse(request, SeatsInUse())

    async def block(self, *, request_id: uuid.UUID, event_id: uuid.UUID, seat_ids: Sequence[uuid.UUID]) -> int:
        """Take free seats off sale, all or none.

        Raises:
            SeatUnavailable: one of them is not free.
            SeatNotFound, SeatsOfTwoEvents: one of them is not the event's.
        """
        request = ParticipantRequest.of(request_id, "BlockSeats", event_id=event_id, seat_ids=seat_ids)
        return await self._change(
            request, event_id, seat_ids, change=self.halls.block, after=SeatStatus.BLOCKED, refusal=refusal_to_take
        )

    async def unblock(self, *, request_id: uuid.UUID, event_id: uuid.UUID, seat_ids: Sequence[uuid.UUID]) -> int:
        """Put blocked seats back on sale, all or none.

        Raises:
            SeatUnavailable: one of them is not blocked.
            SeatNotFound, SeatsOfTwoEvents: one of them is not the event's.
        """
        request = ParticipantRequest.of(request_id, "UnblockSeats", event_id=event_id, seat_ids=seat_ids)
        return await self._change(
            request,
            event_id,
            seat_ids,
            change=self.halls.unblock,
            after=SeatStatus.AVAILABLE,
            refusal=refusal_to_unblock,
        )

    async def _change(
        self,
        request: ParticipantRequest,
        event_id: uuid.UUID,
        seat_ids: Sequence[uuid.UUID],
        *,
        change: ChangeSeats,
        after: SeatStatus,
        refusal: Refusal,
    ) -> int:
        try:
            changed = await change(request, event_id, seat_ids)
        except Busy:
            changed = None  # a busy seat counts as taken, and the refusal is stored
        if changed is None:
            states = await self.holds.states_of(seat_ids)
            done = await self.halls.refuse(request, refusal(event_id, seat_ids, states))
            return int(done["seats_changed"])
        if changed.is_new:
            self.changes.add(event_id, seat_ids, after)
        return changed.result

    async def close_event(self, *, request_id: uuid.UUID, event_id: uuid.UUID) -> None:
        """End the event's sale: from now on, holding, selling and listing its seats is refused with `EventEnded`."""
        await self.halls.close(ParticipantRequest.of(request_id, "CloseEvent", event_id=event_id), event_id)

    async def availability(self, event_ids: Sequence[uuid.UUID]) -> list[CategoryAvailability]:
        """Return the counts of each event's categories, best first, at the same cost for any hall."""
        return await self.halls.availability(event_ids)
