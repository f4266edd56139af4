"""Posting to addresses that strangers chose: one answer, no redirects.

The name is resolved by us and each address it has is checked, and it is these very addresses that are connected to: a
name that changes its mind between the check and the connection gains nothing.
"""

from collections.abc import Mapping

import aiohttp

from common.telemetry.tracing import client_span
from orchestrator.features.outbound_webhooks.adapters.public_resolver import PublicResolver
from orchestrator.features.outbound_webhooks.adapters.url_guard import check_url
from orchestrator.features.outbound_webhooks.errors import NotDelivered

__all__ = ["WebhookSender"]


class WebhookSender:
    """Posts to public addresses; to private ones only when `is_private_allowed`, for development on one machine.

    Args:
        timeout_seconds: for all of it.
        connect_timeout_seconds: for the connection with its TLS, of that.
    """

    def __init__(
        self, names: PublicResolver, *, is_private_allowed: bool, timeout_seconds: float, connect_timeout_seconds: float
    ) -> None:
        self._names = names
        self._is_private_allowed = is_private_allowed
        self._timeout = aiohttp.ClientTimeout(total=timeout_seconds, sock_connect=connect_timeout_seconds)

    async def post(self, url: str, *, body: str, headers: Mapping[str, str]) -> int:
        """Return the status of the answer, whatever it is; the rest of it is not read.

        Raises:
            AddressNotAllowed: it is, or has become, none of the public internet.
            NotDelivered: nobody answered in time.
        """
        target = check_url(url, is_private_allowed=self._is_private_allowed)
        resolver = None if self._is_private_allowed else self._names
        connector = aiohttp.TCPConnector(resolver=resolver, use_dns_cache=False, force_close=True)
        own = {"Content-Type": "application/json", "User-Agent": "TicketRemaster-Webhooks/1"}
        try:
            with client_span("integrator", "POST"):
                async with (
                    aiohttp.ClientSession(connector=connector, timeout=self._timeout) as session,
                    session.post(
                        target, data=body.encode(), headers={**own, **headers}, allow_redirects=False
                    ) as answer,
                ):
                    return answer.status
        except (TimeoutError, aiohttp.ClientError, OSError) as error:
            raise NotDelivered(reason=type(error).__name__) from error
