"""The WebSocket routes of the live feeds."""

import uuid
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import Final

from fastapi import FastAPI, WebSocket

from common.auth.principal import Principal, Role
from common.errors import InvalidRequest, NotFound, ServiceError, Unauthenticated, Unavailable
from common.feeds import ADMIN_FEED
from common.http.middleware import note_user
from gateway.auth import Authenticator
from gateway.client_address import ClientAddress
from gateway.fulfillment_feed import DIGITAL_ORDERS
from gateway.headers import distinct
from gateway.limits import RateLimiter, anonymous, known, require
from gateway.live_feed import BEARER, refuse
from gateway.routing import is_clean
from gateway.seat_map_feed import SeatMapFeed
from gateway.user_feed import AS_STORED, Shape, UserFeeds

__all__ = ["FeedRoutes"]

MAX_SEQUENCE_DIGITS: Final = 18  # of a bigint


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedRoutes:
    seat_maps: SeatMapFeed
    user_feeds: UserFeeds
    clients: ClientAddress
    limiter: RateLimiter | None
    authenticator: Authenticator

    def install(self, app: FastAPI) -> None:
        @app.websocket("/ws/events/{event_id}")
        async def watch_seats(websocket: WebSocket, event_id: str) -> None:
            async def serve(client: str) -> None:
                user = await self._recognise(websocket, client)
                await self.seat_maps.serve(websocket, _event_id(websocket, event_id), client=client, user=user)

            await self._serve(websocket, serve)

        @app.websocket("/ws/me")
        async def watch_own_feed(websocket: WebSocket) -> None:
            await self._serve(websocket, partial(self._serve_feed, websocket))

        @app.websocket("/ws/fulfillment")
        async def watch_digital_orders(websocket: WebSocket) -> None:
            await self._serve(
                websocket, partial(self._serve_feed, websocket, shape=DIGITAL_ORDERS, feed_of_admins=ADMIN_FEED)
            )

    async def _serve_feed(
        self,
        websocket: WebSocket,
        client: str,
        *,
        shape: Shape = AS_STORED,
        feed_of_admins: uuid.UUID | None = None,
    ) -> None:
        """Send users their own feed. With `feed_of_admins`, admins get that one."""
        principal = await self._authenticate(websocket, client)
        feed_id = feed_of_admins if principal.has_role(Role.ADMIN) else None
        await self.user_feeds.serve(
            websocket, principal, since=_since(websocket), client=client, feed_id=feed_id, shape=shape
        )

    async def _serve(self, websocket: WebSocket, serve: Callable[[str], Awaitable[None]]) -> None:
        try:
            await serve(self.clients.of(websocket.scope, distinct(websocket.scope["headers"])))
        except ServiceError as error:
            await refuse(websocket, error)

    async def _recognise(self, websocket: WebSocket, client: str) -> Principal | None:
        """Count the caller of a public feed, and return the user; None if anonymous, or if the token is not valid."""
        user = None
        with suppress(Unauthenticated, Unavailable):
            user = await self.authenticator.authenticate(_authorization_of(websocket))
        await require(self.limiter, anonymous(client) if user is None else known(user.user_id))
        return user

    async def _authenticate(self, websocket: WebSocket, client: str) -> Principal:
        """Return the user. A refused token counts against its sender's address."""
        try:
            principal = await self.authenticator.authenticate(_authorization_of(websocket))
        except Unauthenticated:
            await require(self.limiter, anonymous(client))
            raise
        note_user(websocket.scope, principal)
        await require(self.limiter, known(principal.user_id))
        return principal


def _authorization_of(websocket: WebSocket) -> bytes:
    """Return the token as a header.

    A browser's script cannot set a header of a WebSocket's handshake, so the token may be the subprotocol after `bearer`,
    or in the query.
    """
    token = _offered_token(websocket.scope["subprotocols"]) or websocket.query_params.get("token")
    authorization = f"Bearer {token}" if token else websocket.headers.get("authorization", "")
    return authorization.encode("latin-1", errors="replace")


def _offered_token(subprotocols: list[str]) -> str:
    match subprotocols:
        case [str(name), str(token)] if name == BEARER:
            return token
    return ""


def _since(websocket: WebSocket) -> int | None:
    text = websocket.query_params.get("since")
    if not text:
        return None
    if not text.isascii() or not text.isdigit() or len(text) > MAX_SEQUENCE_DIGITS:
        raise InvalidRequest("`since` must be the number of a message.")
    return int(text)


def _event_id(websocket: WebSocket, text: str) -> uuid.UUID:
    if not is_clean(websocket.scope["raw_path"]):
        raise NotFound
    try:
        return uuid.UUID(text)
    except ValueError:
        raise InvalidRequest("An id is not a UUID.", code="INVALID_UUID") from None
