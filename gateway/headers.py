"""Which headers cross the gateway, and which it writes itself."""

from collections.abc import Iterable
from typing import Final

from multidict import CIMultiDict

from common.errors import InvalidRequest
from common.http.errors import KIND_HEADER
from common.telemetry.correlation import CORRELATION_HEADER

__all__ = ["Headers", "answer_headers", "distinct", "request_headers"]

Headers = list[tuple[bytes, bytes]]

# An allow-list: what a client could use to pass for a proxy, another method or another service never gets through.
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
# Read by the gateway or by a service to decide something: two of them could be read differently by each.
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

# RFC 9110 §7.6.1, and what is between services or written anew on this side.
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
        KIND_HEADER.lower().encode(),
    }
)


def distinct(headers: Iterable[tuple[bytes, bytes]]) -> dict[bytes, bytes]:
    """Return the headers by lower-case name, repeated ones joined as RFC 9110 §5.3 says.

    Raises:
        InvalidRequest: one that decides something is there twice.
    """
    found: dict[bytes, bytes] = {}
    for name, value in headers:
        if name not in found:
            found[name] = value
        elif name in SINGLE:
            raise InvalidRequest(f"The header {name.decode('latin-1')} is there more than once.")
        else:
            found[name] = found[name] + b", " + value
    return found


def request_headers(found: dict[bytes, bytes], *, client: str, scheme: str, correlation_id: str) -> CIMultiDict[str]:
    """Return what the upstream gets: what may pass, and our word on who is asking."""
    passed = CIMultiDict((PASSED_ON[name], found[name].decode("latin-1")) for name in PASSED_ON.keys() & found.keys())
    passed["X-Forwarded-For"] = client
    passed["X-Forwarded-Proto"] = scheme
    passed[CORRELATION_HEADER] = correlation_id
    return passed


def answer_headers(raw_headers: Iterable[tuple[bytes, bytes]]) -> Headers:
    """Return what the client gets of an upstream's answer."""
    pairs = [(name.lower(), value) for name, value in raw_headers]
    nominated = {token.strip().lower() for name, value in pairs if name == b"connection" for token in value.split(b",")}
    return [(name, value) for name, value in pairs if name not in NOT_PASSED_BACK and name not in nominated]
