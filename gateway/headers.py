"""The headers that pass the gateway, and those that it sets."""

import re
from collections.abc import Iterable
from typing import Final

from multidict import CIMultiDict

from common.errors import InvalidRequest
from common.http.error_mapping import INTERNAL_HEADERS
from common.telemetry.correlation import CORRELATION_HEADER

__all__ = ["DEVICE_COOKIE", "Headers", "distinct", "request_headers", "response_headers"]

Headers = list[tuple[bytes, bytes]]

# An allow-list: no header that could imitate a proxy, another method or a service gets through.
PASSED_ON: Final = {
    name.lower().encode(): name
    for name in (
        "Accept",
        "Accept-Encoding",
        "Accept-Language",
        "Authorization",
        "Content-Type",
        "Idempotency-Key",
        "If-Match",
        "If-None-Match",
        "Stripe-Signature",
        "User-Agent",
        "X-Kinguin-Signature",
        "X-Nowpayments-Sig",
    )
}
# Cookies are an allow-list too. Those of other applications on this domain are not the services' business.
# There is one for each account that logged in on the browser.
DEVICE_COOKIE: Final = re.compile(rb"(?:^|[;,]) *(device_[0-9a-f]{12}=[A-Za-z0-9_-]+) *(?=$|[;,])")
# The gateway or a service decides by them, and could read a repeated header differently.
SINGLE: Final = frozenset(
    {
        b"authorization",
        b"content-type",
        b"idempotency-key",
        b"stripe-signature",
        b"x-kinguin-signature",
        b"x-nowpayments-sig",
    }
)

# RFC 9110 §7.6.1, headers between services, and headers that the gateway sets itself.
NOT_PASSED_BACK: Final = frozenset(
    {
        b"connection",
        b"date",
        b"keep-alive",
        b"proxy-authenticate",
        b"proxy-authorization",
        b"proxy-connection",
        b"server",
        b"te",
        b"trailer",
        b"transfer-encoding",
        b"upgrade",
        CORRELATION_HEADER.lower().encode(),
        *INTERNAL_HEADERS,
    }
)


def distinct(headers: Iterable[tuple[bytes, bytes]]) -> dict[bytes, bytes]:
    """Return the headers by lower-case name, repeated ones joined as RFC 9110 §5.3 says.

    Raises:
        InvalidRequest: a header in SINGLE is repeated.
    """
    joined: dict[bytes, bytes] = {}
    for name, value in headers:
        if name in joined and name in SINGLE:
            raise InvalidRequest(f"The header {name.decode('latin-1')} must not be repeated.")
        joined[name] = joined[name] + b", " + value if name in joined else value
    return joined


def request_headers(headers: dict[bytes, bytes], *, client: str, scheme: str, correlation_id: str) -> CIMultiDict[str]:
    """Return the headers for the upstream: the allowed ones, and the gateway's own about the client."""
    passed = CIMultiDict(
        (PASSED_ON[name], headers[name].decode("latin-1")) for name in PASSED_ON.keys() & headers.keys()
    )
    if devices := DEVICE_COOKIE.findall(headers.get(b"cookie", b"")):
        passed["Cookie"] = b"; ".join(devices).decode()
    passed["X-Forwarded-For"] = client
    passed["X-Forwarded-Proto"] = scheme
    passed[CORRELATION_HEADER] = correlation_id
    return passed


def response_headers(raw_headers: Iterable[tuple[bytes, bytes]]) -> Headers:
    """Return the headers of an upstream's response that the client gets."""
    pairs = [(name.lower(), value) for name, value in raw_headers]
    nominated = {token.strip().lower() for name, value in pairs if name == b"connection" for token in value.split(b",")}
    return [(name, value) for name, value in pairs if name not in NOT_PASSED_BACK and name not in nominated]
