"""The inventory over gRPC: protobuf stops here."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from functools import cached_property
from typing import TYPE_CHECKING, Final

import grpc
import orjson

from common.rpc.client import RpcCaller, open_channel
from orchestrator.clients.models import Hold, LayoutCategory, ReturnedSeat, Seat, SeatChoice, Ticket
from orchestrator.errors import NotSeatOwner
from orchestrator.saga_engine.plan import Call
from proto.inventory.v1 import inventory_pb2 as pb
from proto.inventory.v1.inventory_pb2_grpc import InventoryStub

if TYPE_CHECKING:
    from proto.inventory.v1.inventory_pb2_grpc import InventoryAsyncStub

__all__ = ["CategoryCount", "InventoryClient", "OwnedSeat"]

PROVISION_DEADLINE_SECONDS: Final = 55.0
SEAT_PAGE: Final = 2_000  # a page keeps the event loop for some ten milliseconds
STATUS_NAMES: Final = {number: name for name, number in pb.SeatStatus.items()}


@dataclass(frozen=True, slots=True)
class OwnedSeat:
    """A seat as its owner may see it."""

    seat: Seat
    event_id: uuid.UUID
    status: str
    owner_user_id: uuid.UUID | None
    order_id: uuid.UUID | None
    price_paid: Decimal | None
    purchased_at: datetime | None

    @property
    def ticket(self) -> Ticket:
        """The sold seat as transfers and listings name it."""
        if self.order_id is None:
            raise NotSeatOwner
        return Ticket(
            seat_id=self.seat.seat_id,
            order_id=self.order_id,
            event_id=self.event_id,
            category=self.seat.category,
            row_number=self.seat.row_number,
            seat_number=self.seat.seat_number,
            price=self.seat.price,
        )


@dataclass(frozen=True, slots=True)
class CategoryCount:
    """How many seats of a category are in which state; `sold` includes listed and checked-in ones."""

    category: str
    total: int
    available: int
    held: int
    sold: int
    blocked: int


class InventoryClient:
    """The inventory as sagas and readers use it.

    Args:
        address: ``host:port``. A channel belongs to the event loop it is opened in, so the first call opens it.
        hold_ttl_seconds: how long seats are held.
    """

    def __init__(self, address: str, caller: RpcCaller, *, hold_ttl_seconds: float) -> None:
        self._address = address
        self._caller = caller
        self._hold_ttl_milliseconds = round(hold_ttl_seconds * 1000)
        self._channel: grpc.aio.Channel | None = None

    @cached_property
    def _stub(self) -> "InventoryAsyncStub":
        self._channel = open_channel(self._address)
        return InventoryStub(self._channel)

    async def close(self) -> None:
        if self._channel is not None:
            await self._channel.close()

    async def hold(
        self, call: Call, *, hold_id: uuid.UUID, event_id: uuid.UUID, user_id: uuid.UUID, choice: SeatChoice
    ) -> Hold:
        """Hold seats, all or none. A seat that is taken or being taken: SEAT_UNAVAILABLE, at once."""
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

    async def release(self, call: Call, *, hold_id: uuid.UUID) -> None:
        request = pb.ReleaseHoldRequest(
            request_id=str(call.request_id),
            hold_id=str(hold_id),
            undoes_request_id=str(call.undoes_request_id or ""),
        )
        await self._caller.call(self._stub.ReleaseHold, request)

    async def sell(self, call: Call, *, hold_id: uuid.UUID, user_id: uuid.UUID) -> None:
        """Sell what is held. When the hold is over: HOLD_EXPIRED."""
        request = pb.ConfirmHoldRequest(request_id=str(call.request_id), hold_id=str(hold_id), user_id=str(user_id))
        await self._caller.call(self._stub.ConfirmHold, request)

    async def hand_over(
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
        """Change a ticket's owner. When it is not (any more) theirs: NOT_SEAT_OWNER; used, or listed: SEAT_UNAVAILABLE.

        The event's sale has ended: EVENT_ENDED.

        Args:
            order_id: the order the ticket was bought with: the same seat sold anew is another ticket.
            was_listed: the ticket is expected to be listed for resale, and is not afterwards.
            is_forced: also when the event's sale has ended.
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
        """Put a ticket on sale: its code opens no door from now on. Raises as `hand_over`; EVENT_ENDED."""
        request = _resale_request(call, seat_id=seat_id, order_id=order_id, owner_user_id=owner_user_id)
        await self._caller.call(self._stub.ListForResale, request)

    async def withdraw_from_resale(
        self, call: Call, *, seat_id: uuid.UUID, order_id: uuid.UUID, owner_user_id: uuid.UUID
    ) -> None:
        request = _resale_request(call, seat_id=seat_id, order_id=order_id, owner_user_id=owner_user_id)
        await self._caller.call(self._stub.WithdrawFromResale, request)

    async def reclaim(
        self, call: Call, *, order_id: uuid.UUID, buyer_user_id: uuid.UUID, is_forced: bool
    ) -> tuple[ReturnedSeat, ...]:
        """Take an order's seats back, all or none. One that is listed, used or handed over: a refusal.

        Args:
            is_forced: used and handed-over ones are taken back all the same.
        """
        request = pb.ReclaimSeatsRequest(
            request_id=str(call.request_id),
            order_id=str(order_id),
            buyer_user_id=str(buyer_user_id),
            is_forced=is_forced,
        )
        answer = await self._caller.call(self._stub.ReclaimSeats, request)
        return tuple(
            ReturnedSeat(
                seat_id=uuid.UUID(seat.seat_id),
                owner_user_id=uuid.UUID(seat.owner_user_id),
                price=Decimal(seat.price),
            )
            for seat in answer.seats
        )

    async def close_event(self, call: Call, *, event_id: uuid.UUID) -> None:
        """From now on nothing of the event is held, sold or listed."""
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
            request_id=str(call.request_id),
            undoes_request_id=str(call.undoes_request_id or ""),
            event_id=str(event_id),
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
        """Return a hall's seats in hall order, as the JSON array of what anybody may see of them (`SeatView`)."""
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

    async def owned_by(self, user_id: uuid.UUID, *, offset: int, limit: int) -> tuple[list[OwnedSeat], int]:
        """Return a page of a user's seats, newest first, and how many there are in all."""
        request = pb.ListOwnedSeatsRequest(user_id=str(user_id), offset=offset, limit=limit)
        answer = await self._caller.call(self._stub.ListOwnedSeats, request)
        return [_owned(seat) for seat in answer.seats], int(answer.total)


def _seat(seat: pb.Seat) -> Seat:
    return Seat(
        seat_id=uuid.UUID(seat.seat_id),
        category=seat.category,
        row_number=seat.row_number,
        seat_number=seat.seat_number,
        price=Decimal(seat.price),
    )


def _seat_view(seat: pb.Seat) -> dict[str, object]:
    """Plain values, no models: a hall has up to 100,000 seats."""
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
        owner_user_id=uuid.UUID(seat.owner_user_id) if seat.owner_user_id else None,
        order_id=uuid.UUID(seat.order_id) if seat.order_id else None,
        price_paid=Decimal(seat.price_paid) if seat.price_paid else None,
        purchased_at=datetime.fromisoformat(seat.purchased_at) if seat.purchased_at else None,
    )


def _resale_request(
    call: Call, *, seat_id: uuid.UUID, order_id: uuid.UUID, owner_user_id: uuid.UUID
) -> pb.ResaleRequest:
    return pb.ResaleRequest(
        request_id=str(call.request_id),
        seat_id=str(seat_id),
        order_id=str(order_id),
        owner_user_id=str(owner_user_id),
    )


def _layout_category(category: LayoutCategory) -> pb.LayoutCategory:
    return pb.LayoutCategory(
        category=category.category,
        price=f"{category.price:.2f}",
        rows=[pb.LayoutRow(row_number=row.row_number, seats=row.seats) for row in category.rows],
        general_admission=category.general_admission,
    )
