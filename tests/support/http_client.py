"""The HTTP clients of the tests."""

from collections.abc import Mapping
from http.cookiejar import CookieJar, DefaultCookiePolicy
from typing import Final

import httpx

from tests.support.timeouts import ANSWER_SECONDS
from tests.support.tls import NO_TLS

__all__ = ["http_client"]

# A server may close an idle connection at any moment. A request on that connection then fails, and a POST must not
# be repeated. So each request has its own connection.
ONE_REQUEST_EACH: Final = httpx.Limits(max_connections=200, max_keepalive_connections=0)


def http_client(
    base_url: httpx.URL | str = "",
    *,
    headers: Mapping[str, str] | httpx.Headers | None = None,
    auth: tuple[str, str] | httpx.Auth | None = None,
    timeout_seconds: float = ANSWER_SECONDS,
    limits: httpx.Limits = ONE_REQUEST_EACH,
) -> httpx.AsyncClient:
    """Return a client of a loopback server that cannot fail because the server closes an idle connection.

    It keeps no cookies, so that the users who share it are not one device.
    """
    return httpx.AsyncClient(
        base_url=base_url,
        headers=headers,
        auth=auth,
        cookies=CookieJar(DefaultCookiePolicy(allowed_domains=())),
        timeout=timeout_seconds,
        limits=limits,
        verify=NO_TLS,
        trust_env=False,
    )
