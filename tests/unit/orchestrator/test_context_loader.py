"""The names that an email's context has."""

import uuid
from typing import Any, cast

import pytest

from common.errors import NotFound
from common.http.client import ServiceClient
from orchestrator.clients.events import EventsClient
from orchestrator.clients.performers import PerformerFacts, PerformersClient, Settlement
from orchestrator.clients.users.directory import UserDirectory, UserFacts
from orchestrator.features.notifications.models.notifications import NotificationKind, NotificationRequest
from orchestrator.features.notifications.service.context_loader import ContextLoader
from orchestrator.features.notifications.service.purchase_loader import PurchaseLoader

SELLER = UserFacts(user_id=uuid.uuid4(), email="mei@example.com", name="Mei", assigned_hall_id=None, is_verified=True)


class DirectoryOfOne(UserDirectory):
    """Knows the seller; the buyer's account was deleted."""

    async def find(self, user_id: uuid.UUID) -> UserFacts:
        if user_id != SELLER.user_id:
            raise NotFound(code="USER_NOT_FOUND")
        return SELLER


class NoSeats(ServiceClient):
    async def get(self, path: str, params: object = None) -> dict[str, object]:  # noqa: ARG002 - as the client has them
        return {"seat_id": str(uuid.uuid4()), "category": "CAT1", "row_number": "A", "seat_number": 1}


class PerformersOfOne(PerformersClient):
    """Knows one performer, in Tokyo."""

    def __init__(self, performer_id: uuid.UUID, display_name: str) -> None:
        self._performer_id, self._display_name = performer_id, display_name

    async def find(self, performer_id: uuid.UUID) -> PerformerFacts:
        if performer_id != self._performer_id:
            raise NotFound(code="PERFORMER_NOT_FOUND")
        return PerformerFacts(
            performer_id=performer_id,
            display_name=self._display_name,
            is_active=True,
            time_zone="Asia/Tokyo",
            subscription_price=None,
            settlement=Settlement.INSTANT,
            device_uid=None,
        )


def context_loader(*, performer_id: uuid.UUID = SELLER.user_id, display_name: str = "Nova") -> ContextLoader:
    orders = NoSeats.__new__(NoSeats)
    purchases = PurchaseLoader(PerformersOfOne(performer_id, display_name))
    events = cast("EventsClient", None)
    return ContextLoader(users=DirectoryOfOne(orders), events=events, purchases=purchases, orders_http=orders)


async def test_party_whose_account_was_deleted_has_no_name() -> None:
    data = {
        "transfer_id": str(uuid.uuid4()),
        "seller_user_id": str(SELLER.user_id),
        "buyer_user_id": str(uuid.uuid4()),
    }
    request = NotificationRequest(kind=NotificationKind.TRANSFER_COMPLETED, user_id=SELLER.user_id, data=data)

    context = await context_loader().load(request)

    assert (context.reader, context.other) == ("Mei", "deleted user")


FAN: Any = str(uuid.uuid4())
ITEM: Any = {
    "purchased_item_id": str(uuid.uuid4()),
    "buyer_user_id": str(SELLER.user_id),
    "seller_user_id": FAN,
    "performer_id": FAN,
    "name": "A song for Mia",
    "amount": "12.00",
    "settlement_status": "refunded",
    "queue_position": 3,
    "note": "Thank you",
    "file_url": "https://files.example/song.mp3",
    "ends_at": "2027-03-01T00:00:00Z",
}


def request_of(kind: NotificationKind, **changes: Any) -> NotificationRequest:
    return NotificationRequest(kind=kind, user_id=SELLER.user_id, data=ITEM | changes)


async def test_buyer_reads_the_performers_name_and_not_the_account() -> None:
    loader = context_loader(performer_id=uuid.UUID(FAN), display_name="Nova")
    context = await loader.load(request_of(NotificationKind.ITEM_COMPLETED))
    assert context.purchase is not None
    assert (context.purchase.performer, context.other) == ("Nova", "")
    assert (context.purchase.name, context.purchase.note, context.purchase.is_refunded) == (
        "A song for Mia",
        "Thank you",
        True,
    )
    assert (context.purchase.time_zone, context.link) == ("Asia/Tokyo", "https://files.example/song.mp3")
    assert (str(context.amount), context.reference) == ("12.00", ITEM["purchased_item_id"])


async def test_performer_reads_the_fans_name() -> None:
    changes = {"buyer_user_id": FAN, "seller_user_id": str(SELLER.user_id), "performer_id": str(SELLER.user_id)}
    context = await context_loader().load(request_of(NotificationKind.ITEM_RECEIVED, **changes))
    assert (context.reader, context.other, context.link) == ("Mei", "deleted user", "")


@pytest.mark.parametrize("display_name", ["", "Nova"])
async def test_performer_whose_account_was_deleted_has_no_name(display_name: str) -> None:
    performer_id = uuid.uuid4() if display_name else uuid.UUID(FAN)
    loader = context_loader(performer_id=performer_id, display_name=display_name)
    context = await loader.load(request_of(NotificationKind.ITEM_STARTED))
    assert context.purchase is not None
    assert context.purchase.performer == "deleted user"


@pytest.mark.parametrize("url", ["http://files.example/song.mp3", "javascript:alert(1)", "//files.example", ""])
async def test_only_an_https_link_is_sent(url: str) -> None:
    context = await context_loader().load(request_of(NotificationKind.ITEM_COMPLETED, file_url=url))
    assert context.link == ""


async def test_commission_without_a_title_or_reason_has_none() -> None:
    order_id = uuid.uuid4()
    data: Any = {"order_id": str(order_id), "user_id": str(SELLER.user_id), "type": "ARTICLE", "amount": "40.00"}
    data |= {"title": None, "reason": None}
    request = NotificationRequest(kind=NotificationKind.COMMISSION_RECEIVED, user_id=SELLER.user_id, data=data)

    context = await context_loader().load(request)

    assert context.commission is not None
    assert (context.commission.order_id, context.commission.title, context.commission.reason) == (order_id, "", "")
    assert (context.reference, f"{context.amount}") == (str(order_id), "40.00")
