"""What the orders service does with subscriptions."""

import uuid
from collections.abc import Callable

from common.pages import Cursor, Total
from orders.subscriptions.errors import SubscriptionInvalidState, SubscriptionNotFound
from orders.subscriptions.repository import SubscriptionRepository
from orders.subscriptions.schemas import Subscription


class SubscriptionService:
    """`wake_relay` is called when a message was committed to the outbox."""

    def __init__(self, repository: SubscriptionRepository, *, wake_relay: Callable[[], None]) -> None:
        self._subscriptions = repository
        self._wake_relay = wake_relay

    async def find_of(self, user_id: uuid.UUID, *, performer_id: uuid.UUID) -> Subscription | None:
        return await self._subscriptions.find_of(user_id, performer_id=performer_id)

    async def page_of(
        self, user_id: uuid.UUID, *, limit: int, offset: int, after: Cursor | None
    ) -> tuple[list[Subscription], Total]:
        """Return a page of a fan's subscriptions, newest first, also those that have ended."""
        return await self._subscriptions.page_of(user_id, limit=limit, offset=offset, after=after)

    async def page_of_subscribers(
        self, performer_id: uuid.UUID, *, limit: int, offset: int, after: Cursor | None
    ) -> tuple[list[Subscription], Total]:
        return await self._subscriptions.page_of_subscribers(performer_id, limit=limit, offset=offset, after=after)

    async def cancel(self, user_id: uuid.UUID, *, performer_id: uuid.UUID) -> Subscription:
        """Stop the renewals of a fan's subscription. It gives access until it ends.

        Raises:
            SubscriptionNotFound: the fan has never subscribed.
        """
        if await self._subscriptions.cancel(user_id, performer_id=performer_id):
            self._wake_relay()
        subscription = await self._subscriptions.find_of(user_id, performer_id=performer_id)
        if subscription is None:
            raise SubscriptionNotFound
        return subscription

    async def resume(self, subscription_id: uuid.UUID) -> Subscription:
        """Let a subscription that was cancelled renew again.

        Raises:
            SubscriptionNotFound: there is none of that id.
            SubscriptionInvalidState: it has ended.
        """
        subscription = await self._subscriptions.resume(subscription_id)
        if subscription is None:
            is_known = await self._subscriptions.find(subscription_id) is not None
            raise SubscriptionInvalidState if is_known else SubscriptionNotFound
        return subscription

    async def due(self, *, limit: int, after: Cursor | None) -> list[Subscription]:
        """Return subscriptions that are to be renewed now, by the end of their period and by their ids."""
        return await self._subscriptions.due(limit=limit, after=after)

    async def end(self, subscription_id: uuid.UUID, *, periods: int, reason: str) -> None:
        """End a subscription that could not be renewed, unless more periods were paid, or its fan has cancelled."""
        if await self._subscriptions.end(subscription_id, periods=periods, reason=reason):
            self._wake_relay()

    async def remind(self, *, days_before: int, limit: int) -> int:
        """Announce renewals that come within `days_before` days, once for each period; return how many."""
        reminded = await self._subscriptions.remind(days_before=days_before, limit=limit)
        if reminded:
            self._wake_relay()
        return reminded
