"""The HTTP clients of the tests."""

from collections.abc import Mapping
from typing import Final

import httpx

from tests.support.loopback import NO_TLS
from tests.support.timeouts import ANSWER_SECONDS

__all__ = ["http_client"]

# A server closes an idle connection at a moment that no client knows. A request that is under way on it then fails,
# and a POST must not be repeated. So each request has a connection of its own.
ONE_REQUEST_EACH: Final = httpx.Limits(max_connections=200, max_keepalive_connections=0)


def http_client(
    base_url: httpx.URL | str = "",
    *,
    headers: Mapping[str, str] | httpx.Headers | None = None,
    auth: tuple[str, str] | None = None,
    timeout_seconds: float = ANSWER_SECONDS,
    limits: httpx.Limits = ONE_REQUEST_EACH,
) -> httpx.AsyncClient:
    """Return a client of a server on loopback that cannot fail because the server closes an idle connection."""
    return httpx.AsyncClient(
        base_url=base_url,
        headers=headers,
        auth=auth,
        timeout=timeout_seconds,
        limits=limits,
        verify=NO_TLS,
        trust_env=False,
    )
