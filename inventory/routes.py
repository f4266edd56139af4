# ruff: noqa: N802 - the methods are named by the contract
"""The gRPC service: reads each request, calls the inventory, writes the response."""

from dataclasses import dataclass
from typing import Any, Final

import grpc

from inventory.chunks import convert_in_chunks
from inventory.conversions import (
    ids_of,
    read_amount,
    read_between,
    read_id,
    read_ids,
    read_layout,
    read_optional_id,
    read_owned_status,
    read_scan,
    read_scan_result,
    read_undo,
    write_availability,
    write_entry_stats,
    write_hold,
    write_instant,
    write_logged_scan,
    write_sale,
    write_scan_result,
    write_seat,
)
from inventory.models import MAX_RUN
from inventory.schemas import BestAvailable, ChangeOwner, ConfirmHold, ReclaimSeats, ReleaseHold, Resale, ReserveSeats
from inventory.service.check_in import CheckInService
from inventory.service.halls import HallService
from inventory.service.holds import HoldService
from inventory.service.tickets import TicketService
from proto.inventory.v1 import inventory_pb2 as pb
from proto.inventory.v1 import inventory_pb2_grpc as rpc

__all__ = ["InventoryServicer"]

Context = grpc.aio.ServicerContext[Any, Any]

MAX_SEATS_PER_HOLD: Final = 10  # T2
MAX_SEATS_PER_BLOCK: Final = 1_000
MAX_EVENTS: Final = 100
MAX_PAGE_SIZE: Final = 5_000
DEFAULT_PAGE_SIZE: Final = 1_000
MAX_HOLD_MILLISECONDS: Final = 24 * 60 * 60 * 1000
MAX_OFFSET: Final = 2**31 - 1
MAX_MINUTES: Final = 24 * 60


@dataclass(frozen=True, slots=True, kw_only=True)
class InventoryServicer(rpc.InventoryServicer):
    """See proto/inventory/v1/inventory.proto for what each call does."""

    holds: HoldService
    halls: HallService
    tickets: TicketService
    check_in: CheckInService

    async def ProvisionSeats(self, request: pb.ProvisionSeatsRequest, _: Context) -> pb.ProvisionSeatsResponse:
        ids = ids_of(request, "request_id", "event_id")
        return pb.ProvisionSeatsResponse(
            seats_created=await self.halls.provision(**ids, layout=read_layout(request.layout))
        )

    async def DiscardSeats(self, request: pb.DiscardSeatsRequest, _: Context) -> pb.DiscardSeatsResponse:
        await self.halls.discard(**ids_of(request, "request_id", "event_id", "undoes_request_id"))
        return pb.DiscardSeatsResponse()

    async def Reserve(self, request: pb.ReserveRequest, _: Context) -> pb.Hold:
        command = ReserveSeats(
            **ids_of(request, "request_id", "hold_id", "event_id", "user_id"),
            seat_ids=read_ids(request.seat_ids, "seat_ids", most=MAX_SEATS_PER_HOLD),
            hold_ttl_milliseconds=_read_ttl(request.hold_ttl_milliseconds),
        )
        return write_hold(await self.holds.reserve(command))

    async def ReserveBestAvailable(self, request: pb.ReserveBestAvailableRequest, _: Context) -> pb.Hold:
        command = BestAvailable(
            **ids_of(request, "request_id", "hold_id", "event_id", "user_id"),
            category=request.category,
            quantity=read_between(request.quantity, "quantity", least=1, most=MAX_RUN),
            hold_ttl_milliseconds=_read_ttl(request.hold_ttl_milliseconds),
        )
        return write_hold(await self.holds.reserve_best_available(command))

    async def ConfirmHold(self, request: pb.ConfirmHoldRequest, _: Context) -> pb.Sale:
        command = ConfirmHold(**ids_of(request, "request_id", "hold_id", "user_id"))
        return write_sale(await self.holds.confirm(command))

    async def ReleaseHold(self, request: pb.ReleaseHoldRequest, _: Context) -> pb.ReleaseHoldResponse:
        command = ReleaseHold(
            **ids_of(request, "request_id", "hold_id"),
            undoes_request_id=read_optional_id(request.undoes_request_id, "undoes_request_id"),
            is_cancelled=request.is_cancelled,
        )
        return pb.ReleaseHoldResponse(seats_released=await self.holds.release(command))

    async def ReclaimSeats(self, request: pb.ReclaimSeatsRequest, _: Context) -> pb.ReclaimSeatsResponse:
        ids = ids_of(request, "request_id", "order_id", "buyer_user_id")
        seats = await self.tickets.reclaim(ReclaimSeats(**ids, is_forced=request.is_forced, seat_ids=()))
        return pb.ReclaimSeatsResponse(seats=[write_seat(seat) for seat in seats])

    async def ReclaimNamedSeats(self, request: pb.ReclaimNamedSeatsRequest, _: Context) -> pb.ReclaimSeatsResponse:
        ids = ids_of(request, "request_id", "order_id", "buyer_user_id")
        seat_ids = read_ids(request.seat_ids, "seat_ids", most=MAX_SEATS_PER_HOLD)
        seats = await self.tickets.reclaim(ReclaimSeats(**ids, is_forced=request.is_forced, seat_ids=seat_ids))
        return pb.ReclaimSeatsResponse(seats=[write_seat(seat) for seat in seats])

    async def CloseEvent(self, request: pb.CloseEventRequest, _: Context) -> pb.CloseEventResponse:
        await self.halls.close_event(**ids_of(request, "request_id", "event_id"))
        return pb.CloseEventResponse()

    async def GetSeat(self, request: pb.GetSeatRequest, _: Context) -> pb.Seat:
        return write_seat(await self.tickets.get(read_id(request.seat_id, "seat_id")))

    async def ChangeOwner(self, request: pb.ChangeOwnerRequest, _: Context) -> pb.Seat:
        command = ChangeOwner(
            **ids_of(request, "request_id", "seat_id", "expected_order_id"),
            **ids_of(request, "expected_owner_user_id", "new_owner_user_id"),
            price_paid=read_amount(request.price_paid, "price_paid"),
            undoes_request_id=read_optional_id(request.undoes_request_id, "undoes_request_id"),
            expected_status=read_owned_status(request.expected_status, "expected_status"),
            is_forced=request.is_forced,
        )
        return write_seat(await self.tickets.change_owner(command))

    async def ListForResale(self, request: pb.ResaleRequest, _: Context) -> pb.Seat:
        return write_seat(await self.tickets.list_for_resale(_read_resale(request)))

    async def WithdrawFromResale(self, request: pb.ResaleRequest, _: Context) -> pb.Seat:
        return write_seat(await self.tickets.withdraw_from_resale(_read_resale(request)))

    async def BlockSeats(self, request: pb.BlockSeatsRequest, _: Context) -> pb.BlockSeatsResponse:
        seat_ids = read_ids(request.seat_ids, "seat_ids", most=MAX_SEATS_PER_BLOCK)
        changed = await self.halls.block(**ids_of(request, "request_id", "event_id"), seat_ids=seat_ids)
        return pb.BlockSeatsResponse(seats_changed=changed)

    async def UnblockSeats(self, request: pb.BlockSeatsRequest, _: Context) -> pb.BlockSeatsResponse:
        seat_ids = read_ids(request.seat_ids, "seat_ids", most=MAX_SEATS_PER_BLOCK)
        changed = await self.halls.unblock(**ids_of(request, "request_id", "event_id"), seat_ids=seat_ids)
        return pb.BlockSeatsResponse(seats_changed=changed)

    async def ListSeats(self, request: pb.ListSeatsRequest, _: Context) -> pb.ListSeatsResponse:
        page = await self.tickets.page(
            read_id(request.event_id, "event_id"),
            page_token=request.page_token,
            page_size=_read_limit(request.page_size, "page_size"),
        )
        seats = await convert_in_chunks(write_seat, page.seats, of="seats")
        return pb.ListSeatsResponse(seats=seats, next_page_token=page.next_page_token)

    async def ListOwnedSeats(self, request: pb.ListOwnedSeatsRequest, _: Context) -> pb.ListOwnedSeatsResponse:
        seats, total = await self.tickets.owned_by(
            read_id(request.user_id, "user_id"),
            offset=_read_offset(request.offset),
            limit=_read_limit(request.limit, "limit"),
        )
        return pb.ListOwnedSeatsResponse(seats=await convert_in_chunks(write_seat, seats, of="seats"), total=total)

    async def GetAvailability(self, request: pb.GetAvailabilityRequest, _: Context) -> pb.GetAvailabilityResponse:
        event_ids = read_ids(request.event_ids, "event_ids", most=MAX_EVENTS)
        return write_availability(await self.halls.availability(event_ids))

    async def CheckIn(self, request: pb.CheckInRequest, _: Context) -> pb.CheckInResponse:
        outcome = await self.check_in.check_in(
            read_id(request.request_id, "request_id"), read_scan(request.scan, is_complete=True)
        )
        return pb.CheckInResponse(
            result=write_scan_result(outcome.result), admitted_at=write_instant(outcome.admitted_at)
        )

    async def LogScan(self, request: pb.LogScanRequest, _: Context) -> pb.LogScanResponse:
        outcome = await self.check_in.log(
            read_id(request.request_id, "request_id"),
            read_scan(request.scan, is_complete=False),
            read_scan_result(request.result, "result"),
        )
        return pb.LogScanResponse(
            result=write_scan_result(outcome.result), admitted_at=write_instant(outcome.admitted_at)
        )

    async def UndoCheckIn(self, request: pb.UndoCheckInRequest, _: Context) -> pb.UndoCheckInResponse:
        return pb.UndoCheckInResponse(undone_at=write_instant(await self.check_in.undo(read_undo(request))))

    async def ListScans(self, request: pb.ListScansRequest, _: Context) -> pb.ListScansResponse:
        scans, total = await self.check_in.scans(
            read_optional_id(request.event_id, "event_id"),
            ticket_user_id=read_optional_id(request.ticket_user_id, "ticket_user_id"),
            offset=_read_offset(request.offset),
            limit=_read_limit(request.limit, "limit"),
        )
        return pb.ListScansResponse(
            scans=await convert_in_chunks(write_logged_scan, scans, of="entry_logs"), total=total
        )

    async def GetEntryStats(self, request: pb.GetEntryStatsRequest, _: Context) -> pb.GetEntryStatsResponse:
        minutes = read_between(request.minutes, "minutes", least=0, most=MAX_MINUTES)
        return write_entry_stats(await self.check_in.stats(read_id(request.event_id, "event_id"), minutes=minutes))

    async def ListAttendees(self, request: pb.ListAttendeesRequest, _: Context) -> pb.ListAttendeesResponse:
        page, total = await self.tickets.attendees(
            read_id(request.event_id, "event_id"),
            page_token=request.page_token,
            offset=_read_offset(request.offset),
            page_size=_read_limit(request.page_size, "page_size"),
        )
        seats = await convert_in_chunks(write_seat, page.seats, of="seats")
        return pb.ListAttendeesResponse(seats=seats, next_page_token=page.next_page_token, total=total)


def _read_resale(request: pb.ResaleRequest) -> Resale:
    return Resale(**ids_of(request, "request_id", "seat_id", "order_id", "owner_user_id"))


def _read_limit(limit: int, field: str) -> int:
    return read_between(limit or DEFAULT_PAGE_SIZE, field, least=1, most=MAX_PAGE_SIZE)


def _read_offset(offset: int) -> int:
    return read_between(offset, "offset", least=0, most=MAX_OFFSET)


def _read_ttl(milliseconds: int) -> int:
    return read_between(milliseconds, "hold_ttl_milliseconds", least=1, most=MAX_HOLD_MILLISECONDS)
