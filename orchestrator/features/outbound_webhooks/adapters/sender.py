"""Posts to URLs that integrators chose, without following redirects.

The host is resolved here, every address is checked, and the connection uses the checked addresses, so DNS rebinding
between check and connection has no effect.
"""

from collections.abc import Mapping

import aiohttp

from common.telemetry.tracing import client_span
from orchestrator.features.outbound_webhooks.adapters.public_resolver import PublicResolver
from orchestrator.features.outbound_webhooks.adapters.url_guard import check_url
from orchestrator.features.outbound_webhooks.errors import NotDelivered


class WebhookSender:
    """Posts to public addresses; to private ones only if `is_private_allowed`, for development on one machine.

    Args:
        timeout_seconds: for the whole exchange.
        connect_timeout_seconds: for connecting, including TLS, as part of that.
    """

    def __init__(
        self,
        resolver: PublicResolver,
        *,
        is_private_allowed: bool,
        timeout_seconds: float,
        connect_timeout_seconds: float,
    ) -> None:
        self._resolver = resolver
        self._is_private_allowed = is_private_allowed
        self._timeout = aiohttp.ClientTimeout(total=timeout_seconds, sock_connect=connect_timeout_seconds)

    async def post(self, url: str, *, body: str, headers: Mapping[str, str]) -> int:
        """Return the status of the response, without reading its body.

        Raises:
            AddressNotAllowed: the URL is not, or no longer, on the public internet.
            NotDelivered: there was no response in time.
        """
        target = check_url(url, is_private_allowed=self._is_private_allowed)
        resolver = None if self._is_private_allowed else self._resolver
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
