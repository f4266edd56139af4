"""Seats in the inventory. Protobuf messages do not leave this module."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Final

import orjson

from common.pages import Total
from common.rpc.client import RpcCaller
from orchestrator.clients.inventory.channel import InventoryChannel, optional_id, optional_time
from orchestrator.clients.models import Hold, LayoutCategory, ReturnedSeat, Seat, SeatChoice, Ticket
from orchestrator.errors import NotSeatOwner
from orchestrator.saga_engine.plan import Call
from proto.inventory.v1 import inventory_pb2 as pb

__all__ = ["CategoryCount", "InventoryClient", "OwnedSeat"]

PROVISION_DEADLINE_SECONDS: Final = 55.0
SEAT_PAGE: Final = 2_000  # one page blocks the event loop for about ten milliseconds
STATUS_NAMES: Final = {number: name for name, number in pb.SeatStatus.items()}


@dataclass(frozen=True, slots=True)
class OwnedSeat:
    """A seat as its owner sees it."""

    seat: Seat
    event_id: uuid.UUID
    status: str
    owner_user_id: uuid.UUID | None
    order_id: uuid.UUID | None
    price_paid: Decimal | None
    purchased_at: datetime | None

    @property
    def ticket(self) -> Ticket:
        """The sold seat as transfers and listings refer to it."""
        if self.order_id is None:
            raise NotSeatOwner
        return Ticket(
            order_id=self.order_id,
            event_id=self.event_id,
            **dict(self.seat),
        )


@dataclass(frozen=True, slots=True)
class CategoryCount:
    """The number of a category's seats in each state; `sold` includes listed and checked-in seats."""

    category: str
    total: int
    available: int
    held: int
    sold: int
    blocked: int


class InventoryClient(InventoryChannel):
    """The inventory for sagas and readers; seats are held for `hold_ttl_seconds`."""

    def __init__(self, address: str, caller: RpcCaller, *, hold_ttl_seconds: float) -> None:
        super().__init__(address, caller)
        self._hold_ttl_milliseconds = round(hold_ttl_seconds * 1000)

    async def reserve(
        self, call: Call, *, hold_id: uuid.UUID, event_id: uuid.UUID, user_id: uuid.UUID, choice: SeatChoice
    ) -> Hold:
        """Hold seats, all or none, at once.

        Refusals: SEAT_UNAVAILABLE, one is taken, or another request is taking it; PURCHASE_LIMIT_REACHED; HOLD_COOLDOWN.
        """
        if choice.seat_ids:
            answer = await self._caller.call(
                self._stub.Reserve,
                pb.ReserveRequest(
                    request_id=str(call.request_id),
                    hold_id=str(hold_id),
                    event_id=str(event_id),
                    seat_ids=[str(seat_id) for seat_id in choice.seat_ids],
                    user_id=str(user_id),
                    hold_ttl_milliseconds=self._hold_ttl_milliseconds,
                ),
            )
        else:
            answer = await self._caller.call(
                self._stub.ReserveBestAvailable,
                pb.ReserveBestAvailableRequest(
                    request_id=str(call.request_id),
                    hold_id=str(hold_id),
                    event_id=str(event_id),
                    category=choice.category,
                    quantity=choice.quantity,
                    user_id=str(user_id),
                    hold_ttl_milliseconds=self._hold_ttl_milliseconds,
                ),
            )
        return Hold(
            hold_id=uuid.UUID(answer.hold_id),
            held_until=datetime.fromisoformat(answer.held_until),
            seats=tuple(_seat(seat) for seat in answer.seats),
        )

    async def release_hold(self, call: Call, *, hold_id: uuid.UUID, is_cancelled: bool = False) -> None:
        """Free the held seats.

        Args:
            is_cancelled: by the holder, which counts towards a cool-down; a hold that has expired counts anyway.
        """
        request = pb.ReleaseHoldRequest(
            request_id=str(call.request_id),
            hold_id=str(hold_id),
            undoes_request_id=str(call.undoes_request_id or ""),
            is_cancelled=is_cancelled,
        )
        await self._caller.call(self._stub.ReleaseHold, request)

    async def confirm_hold(self, call: Call, *, hold_id: uuid.UUID, user_id: uuid.UUID) -> None:
        """Sell the held seats. If the hold is over: HOLD_EXPIRED."""
        request = pb.ConfirmHoldRequest(request_id=str(call.request_id), hold_id=str(hold_id), user_id=str(user_id))
        await self._caller.call(self._stub.ConfirmHold, request)

    async def change_owner(
        self,
        call: Call,
        *,
        seat_id: uuid.UUID,
        order_id: uuid.UUID,
        from_user_id: uuid.UUID,
        to_user_id: uuid.UUID,
        price_paid: Decimal,
        was_listed: bool = False,
        is_forced: bool = False,
    ) -> None:
        """Transfer a ticket to another owner.

        Refusals: NOT_SEAT_OWNER, `from_user_id` does not own it; SEAT_UNAVAILABLE, it is used or listed; EVENT_ENDED.

        Args:
            order_id: the order that bought the ticket; the same seat sold again is another ticket.
            was_listed: the ticket must be listed for resale, and no longer is afterwards.
            is_forced: even if the event's sale has ended.
        """
        request = pb.ChangeOwnerRequest(
            request_id=str(call.request_id),
            seat_id=str(seat_id),
            expected_owner_user_id=str(from_user_id),
            new_owner_user_id=str(to_user_id),
            price_paid=f"{price_paid:.2f}",
            expected_status=pb.LISTED if was_listed else pb.SOLD,
            expected_order_id=str(order_id),
            is_forced=is_forced,
        )
        await self._caller.call(self._stub.ChangeOwner, request)

    async def list_for_resale(
        self, call: Call, *, seat_id: uuid.UUID, order_id: uuid.UUID, owner_user_id: uuid.UUID
    ) -> None:
        """List a ticket for resale; its code is invalid from then on. Refusals are those of `change_owner`."""
        request = _resale_request(call, seat_id=seat_id, order_id=order_id, owner_user_id=owner_user_id)
        await self._caller.call(self._stub.ListForResale, request)

    async def withdraw_from_resale(
        self, call: Call, *, seat_id: uuid.UUID, order_id: uuid.UUID, owner_user_id: uuid.UUID
    ) -> None:
        request = _resale_request(call, seat_id=seat_id, order_id=order_id, owner_user_id=owner_user_id)
        await self._caller.call(self._stub.WithdrawFromResale, request)

    async def reclaim(
        self,
        call: Call,
        *,
        order_id: uuid.UUID,
        buyer_user_id: uuid.UUID,
        is_forced: bool,
        seat_ids: Sequence[uuid.UUID] = (),
    ) -> tuple[ReturnedSeat, ...]:
        """Reclaim an order's seats, all or none. A listed, used or transferred seat is a refusal.

        Args:
            is_forced: reclaim used and transferred seats, too.
            seat_ids: only these.
        """
        facts = {"request_id": str(call.request_id), "order_id": str(order_id), "buyer_user_id": str(buyer_user_id)}
        if seat_ids:
            named = pb.ReclaimNamedSeatsRequest(**facts, is_forced=is_forced, seat_ids=map(str, seat_ids))
            answer = await self._caller.call(self._stub.ReclaimNamedSeats, named)
        else:
            request = pb.ReclaimSeatsRequest(**facts, is_forced=is_forced)
            answer = await self._caller.call(self._stub.ReclaimSeats, request)
        return tuple(
            ReturnedSeat(
                seat_id=uuid.UUID(seat.seat_id),
                owner_user_id=uuid.UUID(seat.owner_user_id),
                price=Decimal(seat.price),
                price_paid=Decimal(seat.price_paid),
            )
            for seat in answer.seats
        )

    async def close_event(self, call: Call, *, event_id: uuid.UUID) -> None:
        """Close the event: from then on, its seats cannot be held, sold or listed."""
        request = pb.CloseEventRequest(request_id=str(call.request_id), event_id=str(event_id))
        await self._caller.call(self._stub.CloseEvent, request)

    async def provision(self, call: Call, *, event_id: uuid.UUID, layout: Sequence[LayoutCategory]) -> int:
        """Create a hall's seats and return how many."""
        request = pb.ProvisionSeatsRequest(
            request_id=str(call.request_id),
            event_id=str(event_id),
            layout=[_layout_category(category) for category in layout],
        )
        answer = await self._caller.call(
            self._stub.ProvisionSeats, request, deadline_seconds=PROVISION_DEADLINE_SECONDS
        )
        return int(answer.seats_created)

    async def discard(self, call: Call, *, event_id: uuid.UUID) -> None:
        request = pb.DiscardSeatsRequest(
            request_id=str(call.request_id), undoes_request_id=str(call.undoes_request_id or ""), event_id=str(event_id)
        )
        await self._caller.call(self._stub.DiscardSeats, request)

    async def availability(self, event_ids: Sequence[uuid.UUID]) -> dict[uuid.UUID, list[CategoryCount]]:
        """Return the counts per category of several events, at most a second old."""
        request = pb.GetAvailabilityRequest(event_ids=[str(event_id) for event_id in event_ids])
        answer = await self._caller.call(self._stub.GetAvailability, request)
        return {
            uuid.UUID(event.event_id): [
                CategoryCount(c.category, c.total, c.available, c.held, c.sold, c.blocked) for c in event.categories
            ]
            for event in answer.events
        }

    async def seat_map(self, event_id: uuid.UUID) -> bytes:
        """Return a hall's seats in hall order, as the JSON array that the public may see (`SeatView`)."""
        parts: list[bytes] = []
        page_token = ""
        while True:
            request = pb.ListSeatsRequest(event_id=str(event_id), page_token=page_token, page_size=SEAT_PAGE)
            answer = await self._caller.call(self._stub.ListSeats, request)
            if answer.seats:
                parts.append(orjson.dumps([_seat_view(seat) for seat in answer.seats])[1:-1])
            page_token = answer.next_page_token
            if not page_token:
                return b"[" + b",".join(parts) + b"]"

    async def seat(self, seat_id: uuid.UUID) -> OwnedSeat:
        return _owned(await self._caller.call(self._stub.GetSeat, pb.GetSeatRequest(seat_id=str(seat_id))))

    async def owned_by(self, user_id: uuid.UUID, *, offset: int, limit: int) -> tuple[list[OwnedSeat], Total]:
        """Return a page of a user's seats, newest first, and the total."""
        request = pb.ListOwnedSeatsRequest(user_id=str(user_id), offset=offset, limit=limit)
        answer = await self._caller.call(self._stub.ListOwnedSeats, request)
        return [_owned(seat) for seat in answer.seats], Total(answer.total)


def _seat(seat: pb.Seat) -> Seat:
    return Seat(
        seat_id=uuid.UUID(seat.seat_id),
        category=seat.category,
        row_number=seat.row_number,
        seat_number=seat.seat_number,
        price=Decimal(seat.price),
    )


def _seat_view(seat: pb.Seat) -> dict[str, object]:
    """Return plain values, no model: a hall has up to 100,000 seats."""
    return {
        "seat_id": seat.seat_id,
        "row_number": seat.row_number,
        "seat_number": seat.seat_number,
        "category": seat.category,
        "price": seat.price,
        "status": STATUS_NAMES[seat.status],
    }


def _owned(seat: pb.Seat) -> OwnedSeat:
    return OwnedSeat(
        seat=_seat(seat),
        event_id=uuid.UUID(seat.event_id),
        status=pb.SeatStatus.Name(seat.status),
        owner_user_id=optional_id(seat.owner_user_id),
        order_id=optional_id(seat.order_id),
        price_paid=Decimal(seat.price_paid) if seat.price_paid else None,
        purchased_at=optional_time(seat.purchased_at),
    )


def _resale_request(
    call: Call, *, seat_id: uuid.UUID, order_id: uuid.UUID, owner_user_id: uuid.UUID
) -> pb.ResaleRequest:
    return pb.ResaleRequest(
        request_id=str(call.request_id), seat_id=str(seat_id), order_id=str(order_id), owner_user_id=str(owner_user_id)
    )


def _layout_category(category: LayoutCategory) -> pb.LayoutCategory:
    return pb.LayoutCategory(
        category=category.category,
        price=f"{category.price:.2f}",
        rows=[pb.LayoutRow(row_number=row.row_number, seats=row.seats) for row in category.rows],
        general_admission=category.general_admission,
    )
