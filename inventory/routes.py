# ruff: noqa: N802 - the methods are named by the contract
"""The gRPC service: reads each request, calls the inventory, writes the answer."""

from typing import Any, Final

import grpc

from inventory.chunks import convert_in_chunks
from inventory.models import LONGEST_RUN
from inventory.schemas import BestAvailable, ChangeOwner, ConfirmHold, ReclaimSeats, ReleaseHold, Resale, ReserveSeats
from inventory.service.check_in import CheckInService
from inventory.service.halls import HallService
from inventory.service.holds import HoldService
from inventory.service.tickets import TicketService
from inventory.wire import (
    read_amount,
    read_between,
    read_id,
    read_ids,
    read_layout,
    read_optional_id,
    read_owned_status,
    read_scan,
    read_scan_result,
    write_availability,
    write_entry_stats,
    write_hold,
    write_instant,
    write_logged_scan,
    write_sale,
    write_scan_result,
    write_seat,
)
from proto.inventory.v1 import inventory_pb2 as pb
from proto.inventory.v1 import inventory_pb2_grpc as rpc

__all__ = ["InventoryServicer"]

Context = grpc.aio.ServicerContext[Any, Any]

MOST_SEATS_AT_ONCE: Final = 10  # T2
MOST_SEATS_BLOCKED_AT_ONCE: Final = 1_000
MOST_EVENTS_AT_ONCE: Final = 100
LARGEST_PAGE: Final = 5_000
DEFAULT_PAGE: Final = 1_000
LONGEST_HOLD_MILLISECONDS: Final = 24 * 60 * 60 * 1000
LARGEST_OFFSET: Final = 2**31 - 1
MOST_MINUTES: Final = 24 * 60


class InventoryServicer(rpc.InventoryServicer):
    """See proto/inventory/v1/inventory.proto for what each call does."""

    def __init__(
        self, *, holds: HoldService, halls: HallService, tickets: TicketService, entrance: CheckInService
    ) -> None:
        self._holds = holds
        self._halls = halls
        self._tickets = tickets
        self._entrance = entrance

    async def ProvisionSeats(self, request: pb.ProvisionSeatsRequest, _: Context) -> pb.ProvisionSeatsResponse:
        created = await self._halls.provision(
            request_id=read_id(request.request_id, "request_id"),
            event_id=read_id(request.event_id, "event_id"),
            layout=read_layout(request.layout),
        )
        return pb.ProvisionSeatsResponse(seats_created=created)

    async def DiscardSeats(self, request: pb.DiscardSeatsRequest, _: Context) -> pb.DiscardSeatsResponse:
        await self._halls.discard(
            request_id=read_id(request.request_id, "request_id"),
            event_id=read_id(request.event_id, "event_id"),
            undoes_request_id=read_id(request.undoes_request_id, "undoes_request_id"),
        )
        return pb.DiscardSeatsResponse()

    async def Reserve(self, request: pb.ReserveRequest, _: Context) -> pb.Hold:
        command = ReserveSeats(
            request_id=read_id(request.request_id, "request_id"),
            hold_id=read_id(request.hold_id, "hold_id"),
            event_id=read_id(request.event_id, "event_id"),
            seat_ids=read_ids(request.seat_ids, "seat_ids", most=MOST_SEATS_AT_ONCE),
            user_id=read_id(request.user_id, "user_id"),
            hold_ttl_milliseconds=_read_ttl(request.hold_ttl_milliseconds),
        )
        return write_hold(await self._holds.reserve(command))

    async def ReserveBestAvailable(self, request: pb.ReserveBestAvailableRequest, _: Context) -> pb.Hold:
        command = BestAvailable(
            request_id=read_id(request.request_id, "request_id"),
            hold_id=read_id(request.hold_id, "hold_id"),
            event_id=read_id(request.event_id, "event_id"),
            category=request.category,
            quantity=read_between(request.quantity, "quantity", least=1, most=LONGEST_RUN),
            user_id=read_id(request.user_id, "user_id"),
            hold_ttl_milliseconds=_read_ttl(request.hold_ttl_milliseconds),
        )
        return write_hold(await self._holds.reserve_best_available(command))

    async def ConfirmHold(self, request: pb.ConfirmHoldRequest, _: Context) -> pb.Sale:
        command = ConfirmHold(
            request_id=read_id(request.request_id, "request_id"),
            hold_id=read_id(request.hold_id, "hold_id"),
            user_id=read_id(request.user_id, "user_id"),
        )
        return write_sale(await self._holds.confirm(command))

    async def ReleaseHold(self, request: pb.ReleaseHoldRequest, _: Context) -> pb.ReleaseHoldResponse:
        command = ReleaseHold(
            request_id=read_id(request.request_id, "request_id"),
            hold_id=read_id(request.hold_id, "hold_id"),
            undoes_request_id=read_optional_id(request.undoes_request_id, "undoes_request_id"),
        )
        return pb.ReleaseHoldResponse(seats_released=await self._holds.release(command))

    async def ReclaimSeats(self, request: pb.ReclaimSeatsRequest, _: Context) -> pb.ReclaimSeatsResponse:
        command = ReclaimSeats(
            request_id=read_id(request.request_id, "request_id"),
            order_id=read_id(request.order_id, "order_id"),
            buyer_user_id=read_id(request.buyer_user_id, "buyer_user_id"),
            is_forced=request.is_forced,
        )
        seats = await self._tickets.reclaim(command)
        return pb.ReclaimSeatsResponse(seats=[write_seat(seat) for seat in seats])

    async def CloseEvent(self, request: pb.CloseEventRequest, _: Context) -> pb.CloseEventResponse:
        await self._halls.close_event(
            request_id=read_id(request.request_id, "request_id"), event_id=read_id(request.event_id, "event_id")
        )
        return pb.CloseEventResponse()

    async def GetSeat(self, request: pb.GetSeatRequest, _: Context) -> pb.Seat:
        return write_seat(await self._tickets.get(read_id(request.seat_id, "seat_id")))

    async def ChangeOwner(self, request: pb.ChangeOwnerRequest, _: Context) -> pb.Seat:
        command = ChangeOwner(
            request_id=read_id(request.request_id, "request_id"),
            seat_id=read_id(request.seat_id, "seat_id"),
            expected_order_id=read_id(request.expected_order_id, "expected_order_id"),
            expected_owner_user_id=read_id(request.expected_owner_user_id, "expected_owner_user_id"),
            new_owner_user_id=read_id(request.new_owner_user_id, "new_owner_user_id"),
            price_paid=read_amount(request.price_paid, "price_paid"),
            undoes_request_id=read_optional_id(request.undoes_request_id, "undoes_request_id"),
            expected_status=read_owned_status(request.expected_status, "expected_status"),
            is_forced=request.is_forced,
        )
        return write_seat(await self._tickets.change_owner(command))

    async def ListForResale(self, request: pb.ResaleRequest, _: Context) -> pb.Seat:
        return write_seat(await self._tickets.list_for_resale(_read_resale(request)))

    async def WithdrawFromResale(self, request: pb.ResaleRequest, _: Context) -> pb.Seat:
        return write_seat(await self._tickets.withdraw_from_resale(_read_resale(request)))

    async def BlockSeats(self, request: pb.BlockSeatsRequest, _: Context) -> pb.BlockSeatsResponse:
        changed = await self._halls.block(
            request_id=read_id(request.request_id, "request_id"),
            event_id=read_id(request.event_id, "event_id"),
            seat_ids=read_ids(request.seat_ids, "seat_ids", most=MOST_SEATS_BLOCKED_AT_ONCE),
        )
        return pb.BlockSeatsResponse(seats_changed=changed)

    async def UnblockSeats(self, request: pb.BlockSeatsRequest, _: Context) -> pb.BlockSeatsResponse:
        changed = await self._halls.unblock(
            request_id=read_id(request.request_id, "request_id"),
            event_id=read_id(request.event_id, "event_id"),
            seat_ids=read_ids(request.seat_ids, "seat_ids", most=MOST_SEATS_BLOCKED_AT_ONCE),
        )
        return pb.BlockSeatsResponse(seats_changed=changed)

    async def ListSeats(self, request: pb.ListSeatsRequest, _: Context) -> pb.ListSeatsResponse:
        page = await self._tickets.page(
            read_id(request.event_id, "event_id"),
            page_token=request.page_token,
            page_size=_read_page_size(request.page_size),
        )
        seats = await convert_in_chunks(write_seat, page.seats)
        return pb.ListSeatsResponse(seats=seats, next_page_token=page.next_page_token)

    async def ListOwnedSeats(self, request: pb.ListOwnedSeatsRequest, _: Context) -> pb.ListOwnedSeatsResponse:
        seats, total = await self._tickets.owned_by(
            read_id(request.user_id, "user_id"),
            offset=_read_offset(request.offset),
            limit=_read_limit(request.limit),
        )
        return pb.ListOwnedSeatsResponse(seats=await convert_in_chunks(write_seat, seats), total=total)

    async def GetAvailability(self, request: pb.GetAvailabilityRequest, _: Context) -> pb.GetAvailabilityResponse:
        event_ids = read_ids(request.event_ids, "event_ids", most=MOST_EVENTS_AT_ONCE)
        return write_availability(await self._halls.availability(event_ids))

    async def CheckIn(self, request: pb.CheckInRequest, _: Context) -> pb.CheckInResponse:
        outcome = await self._entrance.check_in(
            read_id(request.request_id, "request_id"), read_scan(request.scan, is_complete=True)
        )
        return pb.CheckInResponse(
            result=write_scan_result(outcome.result), admitted_at=write_instant(outcome.admitted_at)
        )

    async def LogScan(self, request: pb.LogScanRequest, _: Context) -> pb.LogScanResponse:
        outcome = await self._entrance.log(
            read_id(request.request_id, "request_id"),
            read_scan(request.scan, is_complete=False),
            read_scan_result(request.result, "result"),
        )
        return pb.LogScanResponse(
            result=write_scan_result(outcome.result), admitted_at=write_instant(outcome.admitted_at)
        )

    async def ListScans(self, request: pb.ListScansRequest, _: Context) -> pb.ListScansResponse:
        scans, total = await self._entrance.scans(
            read_optional_id(request.event_id, "event_id"),
            offset=_read_offset(request.offset),
            limit=_read_limit(request.limit),
        )
        return pb.ListScansResponse(scans=await convert_in_chunks(write_logged_scan, scans), total=total)

    async def GetEntryStats(self, request: pb.GetEntryStatsRequest, _: Context) -> pb.GetEntryStatsResponse:
        stats = await self._entrance.stats(
            read_id(request.event_id, "event_id"),
            minutes=read_between(request.minutes, "minutes", least=0, most=MOST_MINUTES),
        )
        return write_entry_stats(stats)

    async def ListAttendees(self, request: pb.ListAttendeesRequest, _: Context) -> pb.ListAttendeesResponse:
        page, total = await self._tickets.attendees(
            read_id(request.event_id, "event_id"),
            page_token=request.page_token,
            offset=_read_offset(request.offset),
            page_size=_read_page_size(request.page_size),
        )
        seats = await convert_in_chunks(write_seat, page.seats)
        return pb.ListAttendeesResponse(seats=seats, next_page_token=page.next_page_token, total=total)


def _read_resale(request: pb.ResaleRequest) -> Resale:
    return Resale(
        request_id=read_id(request.request_id, "request_id"),
        seat_id=read_id(request.seat_id, "seat_id"),
        order_id=read_id(request.order_id, "order_id"),
        owner_user_id=read_id(request.owner_user_id, "owner_user_id"),
    )


def _read_page_size(page_size: int) -> int:
    return read_between(page_size or DEFAULT_PAGE, "page_size", least=1, most=LARGEST_PAGE)


def _read_limit(limit: int) -> int:
    return read_between(limit or DEFAULT_PAGE, "limit", least=1, most=LARGEST_PAGE)


def _read_offset(offset: int) -> int:
    return read_between(offset, "offset", least=0, most=LARGEST_OFFSET)


def _read_ttl(milliseconds: int) -> int:
    return read_between(milliseconds, "hold_ttl_milliseconds", least=1, most=LONGEST_HOLD_MILLISECONDS)
