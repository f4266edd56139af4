"""Transfers and listings as the orchestrator calls them, for tests that both must pass."""

import uuid
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

import httpx

from tests.support.callers import Caller, new_id

__all__ = ["Action", "Deal", "DealCaller", "ListingCaller", "TransferCaller", "UndoAction", "listing", "transfer"]

SEAT = {"category": "CAT1", "row_number": "A", "seat_number": 1}


def transfer(**changes: Any) -> dict[str, Any]:
    """Return the body that opens a transfer; its seller initiates it."""
    seller = changes.get("seller_user_id", new_id())
    body: dict[str, Any] = {
        "request_id": new_id(),
        "transfer_id": new_id(),
        "seat_id": new_id(),
        "order_id": new_id(),
        "event_id": new_id(),
        **SEAT,
        "seller_user_id": seller,
        "buyer_user_id": new_id(),
        "initiated_by_user_id": seller,
        "credits_amount": "300.00",
        "expires_at": "2027-01-01T10:15:00Z",
    }
    return {**body, **changes}


def listing(**changes: Any) -> dict[str, Any]:
    """Return the body that opens a listing."""
    body: dict[str, Any] = {
        "request_id": new_id(),
        "listing_id": new_id(),
        "seat_id": new_id(),
        "order_id": new_id(),
        "event_id": new_id(),
        **SEAT,
        "face_value": "350.00",
        "seller_user_id": new_id(),
        "asking_price": "400.00",
    }
    return {**body, **changes}


@dataclass(frozen=True)
class Action:
    """A route that changes the status."""

    name: str
    from_status: str
    to_status: str


@dataclass(frozen=True)
class UndoAction:
    """A route that undoes `undone`; `to_status` is None if the row is deleted."""

    name: str
    undone: str
    to_status: str | None


@dataclass(frozen=True)
class Deal:
    """A deal brought to a status: its opening, and the request id of each action."""

    key: str
    body: dict[str, Any]
    request_ids: dict[str, str] = field(default_factory=dict)


class DealCaller(ABC):
    """Calls the internal routes of transfers or listings. Ids that do not matter to a test are generated."""

    path: ClassVar[str]
    key: ClassVar[str]
    first_status: ClassVar[str]
    invalid_state: ClassVar[str]
    not_found: ClassVar[str]
    actions: ClassVar[tuple[Action, ...]]
    undos: ClassVar[tuple[UndoAction, ...]]
    paths: ClassVar[Mapping[str, tuple[str, ...]]]

    def __init__(self, orchestrator: Caller) -> None:
        self.orchestrator = orchestrator

    @staticmethod
    @abstractmethod
    def opening(**changes: Any) -> dict[str, Any]:
        """Return the body of an opening."""

    @abstractmethod
    def arguments(self, key: str, name: str) -> dict[str, Any]:
        """Return the route's arguments besides request ids; for one key always the same."""

    async def open(self, body: dict[str, Any]) -> httpx.Response:
        return await self.orchestrator.post(self.path, body)

    async def perform(self, key: str, name: str, *, request_id: str | None = None, **changes: Any) -> httpx.Response:
        body = {"request_id": request_id or new_id(), **self.arguments(key, name), **changes}
        return await self.orchestrator.post(f"{self.path}/{key}/{name}", body)

    async def undo(
        self, key: str, name: str, *, undoes: str, request_id: str | None = None, **changes: Any
    ) -> httpx.Response:
        return await self.perform(key, name, request_id=request_id, undoes_request_id=undoes, **changes)

    async def find(self, key: str) -> httpx.Response:
        return await self.orchestrator.get(f"{self.path}/{key}")

    async def status_of(self, key: str) -> str | None:
        found = await self.find(key)
        return found.json()["data"]["status"] if found.status_code == 200 else None

    async def at(self, status: str, **changes: Any) -> Deal:
        """Open a deal and bring it to `status`."""
        body = self.opening(**changes)
        opened = await self.open(body)
        assert opened.status_code == 200, opened.text
        deal = Deal(body[self.key], body, {"open": body["request_id"]})
        for name in self.paths[status]:
            await self.apply(deal, name)
        return deal

    async def apply(self, deal: Deal, name: str) -> None:
        """Perform an action or an undo, and store its request id."""
        request_id = deal.request_ids[name] = new_id()
        undone = {undo.name: undo.undone for undo in self.undos}.get(name)
        undoes = {"undoes_request_id": deal.request_ids[undone]} if undone else {}
        done = await self.perform(deal.key, name, request_id=request_id, **undoes)
        assert done.status_code == 200, done.text


class TransferCaller(DealCaller):
    path = "/internal/transfers"
    key = "transfer_id"
    first_status = "PENDING_OTP"
    invalid_state = "TRANSFER_INVALID_STATE"
    not_found = "TRANSFER_NOT_FOUND"
    actions = (
        Action("complete", "PENDING_OTP", "COMPLETED"),
        Action("dispute", "COMPLETED", "DISPUTED"),
        Action("dismiss", "DISPUTED", "COMPLETED"),
        Action("begin-reversal", "DISPUTED", "REVERSING"),
        Action("reverse", "REVERSING", "REVERSED"),
    )
    undos = (UndoAction("end", "open", "FAILED"), UndoAction("abandon-reversal", "begin-reversal", "DISPUTED"))
    paths: ClassVar[Mapping[str, tuple[str, ...]]] = {
        "PENDING_OTP": (),
        "FAILED": ("end",),
        "COMPLETED": ("complete",),
        "DISPUTED": ("complete", "dispute"),
        "REVERSING": ("complete", "dispute", "begin-reversal"),
        "REVERSED": ("complete", "dispute", "begin-reversal", "reverse"),
    }

    @staticmethod
    def opening(**changes: Any) -> dict[str, Any]:
        return transfer(**changes)

    def arguments(self, key: str, name: str) -> dict[str, Any]:
        match name:
            case "end":
                return {"status": "FAILED", "reason": "OTP_MAX_RETRIES"}
            case "dispute":
                return {"user_id": _derived(key, "disputer"), "reason": "Never got it"}
            case _:
                return {}

    async def confirm(self, key: str, *parties: str, request_id: str | None = None) -> httpx.Response:
        return await self.perform(key, "confirmations", request_id=request_id, parties=parties)


class ListingCaller(DealCaller):
    path = "/internal/listings"
    key = "listing_id"
    first_status = "OPENING"
    invalid_state = "LISTING_INVALID_STATE"
    not_found = "LISTING_NOT_FOUND"
    actions = (
        Action("activate", "OPENING", "ACTIVE"),
        Action("begin-withdrawal", "ACTIVE", "WITHDRAWING"),
        Action("cancel", "WITHDRAWING", "CANCELLED"),
        Action("claim", "ACTIVE", "PENDING_TRANSFER"),
        Action("complete", "PENDING_TRANSFER", "COMPLETED"),
    )
    undos = (
        UndoAction("discard", "open", None),
        UndoAction("abandon-withdrawal", "begin-withdrawal", "ACTIVE"),
        UndoAction("release-claim", "claim", "ACTIVE"),
    )
    paths: ClassVar[Mapping[str, tuple[str, ...]]] = {
        "OPENING": (),
        "ACTIVE": ("activate",),
        "WITHDRAWING": ("activate", "begin-withdrawal"),
        "CANCELLED": ("activate", "begin-withdrawal", "cancel"),
        "PENDING_TRANSFER": ("activate", "claim"),
        "COMPLETED": ("activate", "claim", "complete"),
    }

    @staticmethod
    def opening(**changes: Any) -> dict[str, Any]:
        return listing(**changes)

    def arguments(self, key: str, name: str) -> dict[str, Any]:
        match name:
            case "claim":
                return {
                    "sale_id": _derived(key, "sale"),
                    "buyer_user_id": _derived(key, "buyer"),
                    "expires_at": "2027-01-01T11:00:00Z",
                }
            case "complete" | "release-claim":
                return {"sale_id": _derived(key, "sale")}
            case _:
                return {}


def _derived(key: str, of: str) -> str:
    return str(uuid.uuid5(uuid.UUID(key), of))
