"""A small client of the inventory's API for tests."""

import asyncio
import uuid
from collections.abc import Awaitable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypedDict, TypeVar

import pytest

from common.errors import ServiceError
from common.rpc.client import RpcCaller
from proto.inventory.v1 import inventory_pb2 as pb

if TYPE_CHECKING:
    from proto.inventory.v1.inventory_pb2_grpc import InventoryAsyncStub  # exists for type checkers only

__all__ = ["Hall", "InventoryCaller", "new_id", "new_ids", "outcomes", "refused", "rows", "scan_of", "standing"]

Answer = TypeVar("Answer")

DEFAULT_TTL_MILLISECONDS = 60_000


@dataclass(frozen=True, kw_only=True)
class Hall:
    """An event's seats in hall order, and their ids by category."""

    event_id: str
    seats: Sequence[pb.Seat]
    seat_ids: list[str] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "seat_ids", [seat.seat_id for seat in self.seats])

    def ids_of(self, category: str) -> list[str]:
        return [seat.seat_id for seat in self.seats if seat.category == category]


class InventoryCaller:
    """Calls the inventory over gRPC as the orchestrator does. Ids that do not matter to a test are generated.

    It stores the order by which it last sold each seat.
    """

    def __init__(self, stub: "InventoryAsyncStub", caller: RpcCaller) -> None:
        self.stub = stub
        self.caller = caller
        self._orders: dict[str, str] = {}

    async def provision(self, *layout: pb.LayoutCategory, event_id: str = "", request_id: str = "") -> Hall:
        """Create a hall, by default with rows A and B of five seats each."""
        event_id = event_id or new_id()
        default = [rows("CAT1", "350.00", A=5, B=5)]
        await self.make_seats(layout or default, event_id=event_id, request_id=request_id or new_id())
        return Hall(event_id=event_id, seats=await self.all_seats(event_id))

    async def make_seats(self, layout: Sequence[pb.LayoutCategory], *, event_id: str, request_id: str) -> int:
        request = pb.ProvisionSeatsRequest(request_id=request_id, event_id=event_id, layout=layout)
        return (await self.caller.call(self.stub.ProvisionSeats, request, deadline_seconds=60)).seats_created

    async def all_seats(self, event_id: str) -> list[pb.Seat]:
        seats: list[pb.Seat] = []
        token = ""
        while True:
            page = await self.page(event_id, page_token=token, page_size=5_000)
            seats += page.seats
            token = page.next_page_token
            if not token:
                return seats

    async def page(self, event_id: str, *, page_token: str = "", page_size: int = 0) -> pb.ListSeatsResponse:
        request = pb.ListSeatsRequest(event_id=event_id, page_token=page_token, page_size=page_size)
        return await self.caller.call(self.stub.ListSeats, request)

    async def reserve(
        self,
        event_id: str,
        *seat_ids: str,
        user_id: str = "",
        request_id: str = "",
        hold_id: str = "",
        ttl_milliseconds: int = DEFAULT_TTL_MILLISECONDS,
    ) -> pb.Hold:
        request = pb.ReserveRequest(
            request_id=request_id or new_id(),
            hold_id=hold_id or new_id(),
            event_id=event_id,
            seat_ids=seat_ids,
            user_id=user_id or new_id(),
            hold_ttl_milliseconds=ttl_milliseconds,
        )
        return await self.caller.call(self.stub.Reserve, request)

    async def reserve_best(
        self,
        event_id: str,
        category: str,
        quantity: int,
        *,
        request_id: str = "",
        hold_id: str = "",
        user_id: str = "",
        ttl_milliseconds: int = DEFAULT_TTL_MILLISECONDS,
    ) -> pb.Hold:
        request = pb.ReserveBestAvailableRequest(
            request_id=request_id or new_id(),
            hold_id=hold_id or new_id(),
            event_id=event_id,
            category=category,
            quantity=quantity,
            user_id=user_id or new_id(),
            hold_ttl_milliseconds=ttl_milliseconds,
        )
        return await self.caller.call(self.stub.ReserveBestAvailable, request)

    async def confirm(self, hold_id: str, user_id: str, *, request_id: str = "") -> pb.Sale:
        request = pb.ConfirmHoldRequest(request_id=request_id or new_id(), hold_id=hold_id, user_id=user_id)
        sale = await self.caller.call(self.stub.ConfirmHold, request)
        self._orders |= dict.fromkeys(sale.seat_ids, sale.hold_id)
        return sale

    def order_of(self, seat_id: str) -> str:
        return self._orders.get(seat_id) or new_id()

    async def release(
        self, hold_id: str, *, request_id: str = "", undoes_request_id: str = "", is_cancelled: bool = False
    ) -> int:
        request = pb.ReleaseHoldRequest(
            request_id=request_id or new_id(),
            hold_id=hold_id,
            undoes_request_id=undoes_request_id,
            is_cancelled=is_cancelled,
        )
        return (await self.caller.call(self.stub.ReleaseHold, request)).seats_released

    async def sell(self, event_id: str, *seat_ids: str, user_id: str = "") -> pb.Sale:
        user_id = user_id or new_id()
        hold = await self.reserve(event_id, *seat_ids, user_id=user_id)
        return await self.confirm(hold.hold_id, user_id)

    async def discard(self, event_id: str, *, undoes_request_id: str, request_id: str = "") -> None:
        request = pb.DiscardSeatsRequest(
            request_id=request_id or new_id(), event_id=event_id, undoes_request_id=undoes_request_id
        )
        await self.caller.call(self.stub.DiscardSeats, request)

    async def block(self, event_id: str, *seat_ids: str, request_id: str = "") -> int:
        request = pb.BlockSeatsRequest(request_id=request_id or new_id(), event_id=event_id, seat_ids=seat_ids)
        return (await self.caller.call(self.stub.BlockSeats, request)).seats_changed

    async def unblock(self, event_id: str, *seat_ids: str, request_id: str = "") -> int:
        request = pb.BlockSeatsRequest(request_id=request_id or new_id(), event_id=event_id, seat_ids=seat_ids)
        return (await self.caller.call(self.stub.UnblockSeats, request)).seats_changed

    async def change_owner(
        self,
        seat_id: str,
        *,
        expected: str,
        new: str,
        order_id: str | None = None,
        price_paid: str = "20.00",
        request_id: str = "",
        undoes_request_id: str = "",
        expected_status: pb.SeatStatus.ValueType = pb.SOLD,
    ) -> pb.Seat:
        request = pb.ChangeOwnerRequest(
            request_id=request_id or new_id(),
            seat_id=seat_id,
            expected_owner_user_id=expected,
            new_owner_user_id=new,
            price_paid=price_paid,
            undoes_request_id=undoes_request_id,
            expected_status=expected_status,
            expected_order_id=self.order_of(seat_id) if order_id is None else order_id,
        )
        return await self.caller.call(self.stub.ChangeOwner, request)

    async def list_for_resale(
        self, seat_id: str, owner_user_id: str, *, order_id: str | None = None, request_id: str = ""
    ) -> pb.Seat:
        return await self.caller.call(
            self.stub.ListForResale, self._resale(seat_id, owner_user_id, order_id, request_id)
        )

    async def withdraw_from_resale(
        self, seat_id: str, owner_user_id: str, *, order_id: str | None = None, request_id: str = ""
    ) -> pb.Seat:
        return await self.caller.call(
            self.stub.WithdrawFromResale, self._resale(seat_id, owner_user_id, order_id, request_id)
        )

    def _resale(self, seat_id: str, owner_user_id: str, order_id: str | None, request_id: str) -> pb.ResaleRequest:
        return pb.ResaleRequest(
            request_id=request_id or new_id(),
            seat_id=seat_id,
            owner_user_id=owner_user_id,
            order_id=self.order_of(seat_id) if order_id is None else order_id,
        )

    async def reclaim_named(
        self, order_id: str, buyer_user_id: str, *seat_ids: str, is_forced: bool = False, request_id: str = ""
    ) -> list[pb.Seat]:
        request = pb.ReclaimNamedSeatsRequest(
            request_id=request_id or new_id(),
            order_id=order_id,
            buyer_user_id=buyer_user_id,
            is_forced=is_forced,
            seat_ids=seat_ids,
        )
        return list((await self.caller.call(self.stub.ReclaimNamedSeats, request)).seats)

    async def reclaim(
        self, order_id: str, buyer_user_id: str, *, is_forced: bool = False, request_id: str = ""
    ) -> list[pb.Seat]:
        request = pb.ReclaimSeatsRequest(
            request_id=request_id or new_id(), order_id=order_id, buyer_user_id=buyer_user_id, is_forced=is_forced
        )
        return list((await self.caller.call(self.stub.ReclaimSeats, request)).seats)

    async def close_event(self, event_id: str, *, request_id: str = "") -> None:
        request = pb.CloseEventRequest(request_id=request_id or new_id(), event_id=event_id)
        await self.caller.call(self.stub.CloseEvent, request)

    async def check_in(self, scan: pb.Scan, *, request_id: str = "") -> pb.CheckInResponse:
        request = pb.CheckInRequest(request_id=request_id or new_id(), scan=scan)
        return await self.caller.call(self.stub.CheckIn, request)

    async def log_scan(
        self, scan: pb.Scan, result: pb.ScanResult.ValueType, *, request_id: str = ""
    ) -> pb.LogScanResponse:
        request = pb.LogScanRequest(request_id=request_id or new_id(), scan=scan, result=result)
        return await self.caller.call(self.stub.LogScan, request)

    async def undo_check_in(
        self,
        hall: Hall,
        seat_id: str,
        *,
        scan_id: str = "",
        hall_expected: str = "HALL-A",
        reason: str = "a mistake",
        ends_at: str = "2100-01-01T00:00:00Z",
        request_id: str = "",
        staff_user_id: str = "",
    ) -> pb.UndoCheckInResponse:
        request = pb.UndoCheckInRequest(
            request_id=request_id or new_id(),
            event_id=hall.event_id,
            seat_id=seat_id,
            scan_id=scan_id,
            staff_user_id=staff_user_id or new_id(),
            hall_presented="HALL-A",
            hall_expected=hall_expected,
            reason=reason,
            ends_at=ends_at,
        )
        return await self.caller.call(self.stub.UndoCheckIn, request)

    async def scans(self, event_id: str, *, offset: int = 0, limit: int = 0) -> pb.ListScansResponse:
        request = pb.ListScansRequest(event_id=event_id, offset=offset, limit=limit)
        return await self.caller.call(self.stub.ListScans, request)

    async def entry_stats(self, event_id: str, *, minutes: int = 60) -> pb.GetEntryStatsResponse:
        request = pb.GetEntryStatsRequest(event_id=event_id, minutes=minutes)
        return await self.caller.call(self.stub.GetEntryStats, request)

    async def attendees(
        self, event_id: str, *, page_token: str = "", offset: int = 0, page_size: int = 0
    ) -> pb.ListAttendeesResponse:
        request = pb.ListAttendeesRequest(event_id=event_id, page_token=page_token, offset=offset, page_size=page_size)
        return await self.caller.call(self.stub.ListAttendees, request)

    async def owned_by(self, user_id: str, *, offset: int = 0, limit: int = 0) -> pb.ListOwnedSeatsResponse:
        request = pb.ListOwnedSeatsRequest(user_id=user_id, offset=offset, limit=limit)
        return await self.caller.call(self.stub.ListOwnedSeats, request)

    async def seat(self, seat_id: str) -> pb.Seat:
        return await self.caller.call(self.stub.GetSeat, pb.GetSeatRequest(seat_id=seat_id))

    async def status(self, seat_id: str) -> str:
        return pb.SeatStatus.Name((await self.seat(seat_id)).status)

    async def statuses(self, *seat_ids: str) -> list[str]:
        return [await self.status(seat_id) for seat_id in seat_ids]

    async def availability(self, event_id: str) -> dict[str, pb.CategoryAvailability]:
        request = pb.GetAvailabilityRequest(event_ids=[event_id])
        answer = await self.caller.call(self.stub.GetAvailability, request)
        return {counts.category: counts for event in answer.events for counts in event.categories}


class Ids(TypedDict):
    """The ids of a request to hold seats."""

    request_id: str
    hold_id: str
    user_id: str


def new_ids() -> Ids:
    return Ids(request_id=new_id(), hold_id=new_id(), user_id=new_id())


def new_id() -> str:
    return str(uuid.uuid4())


def scan_of(hall: Hall, seat_id: str, user_id: str) -> pb.Scan:
    """Return a scan of this user's code for the seat."""
    return pb.Scan(
        staff_user_id=new_id(),
        hall_presented="HALL-A",
        seat_id=seat_id,
        event_id=hall.event_id,
        ticket_user_id=user_id,
        hall_expected="HALL-A",
        scanned_at="2030-01-02T20:14:03+08:00",
    )


def name_of(answer: pb.CheckInResponse | pb.LogScanResponse | pb.LoggedScan) -> str:
    """Return the result's name."""
    return pb.ScanResult.Name(answer.result)


def rows(category: str, price: str, **seats_in_row: int) -> pb.LayoutCategory:
    """Return a category such as ``rows("CAT1", "350.00", A=5, B=5)``."""
    return pb.LayoutCategory(
        category=category,
        price=price,
        rows=[pb.LayoutRow(row_number=row, seats=seats) for row, seats in seats_in_row.items()],
    )


def standing(category: str, price: str, places: int) -> pb.LayoutCategory:
    return pb.LayoutCategory(category=category, price=price, general_admission=places)


async def outcomes(calls: Sequence[Awaitable[Answer]]) -> tuple[list[Answer], list[ServiceError]]:
    """Send all calls concurrently; return the responses and the refusals."""
    ended = await asyncio.gather(*calls, return_exceptions=True)
    refusals = [end for end in ended if isinstance(end, ServiceError)]
    answers = [end for end in ended if not isinstance(end, BaseException)]
    assert len(answers) + len(refusals) == len(ended), ended
    return answers, refusals


async def refused(call: Awaitable[object]) -> ServiceError:
    """Return the refusal of the call."""
    with pytest.raises(ServiceError) as refusal:
        await call
    return refusal.value
