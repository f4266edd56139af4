"""The names that an email's context has."""

import uuid
from typing import cast

from common.errors import NotFound
from common.http.client import ServiceClient
from orchestrator.clients.events import EventsClient
from orchestrator.clients.users.directory import UserDirectory, UserFacts
from orchestrator.features.notifications.models.notifications import NotificationKind, NotificationRequest
from orchestrator.features.notifications.service.context_loader import ContextLoader

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


async def test_party_whose_account_was_deleted_has_no_name() -> None:
    orders = NoSeats.__new__(NoSeats)
    loader = ContextLoader(users=DirectoryOfOne(orders), events=cast("EventsClient", None), orders_http=orders)
    data = {
        "transfer_id": str(uuid.uuid4()),
        "seller_user_id": str(SELLER.user_id),
        "buyer_user_id": str(uuid.uuid4()),
    }
    request = NotificationRequest(kind=NotificationKind.TRANSFER_COMPLETED, user_id=SELLER.user_id, data=data)

    context = await loader.load(request)

    assert (context.reader, context.other) == ("Mei", "deleted user")
