"""Sets the security headers of every response, and removes headers between services."""

from typing import Final

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from common.http.error_mapping import INTERNAL_HEADERS
from common.telemetry.correlation import CORRELATION_HEADER, correlation_id, new_correlation_id

__all__ = ["SecurityHeadersMiddleware"]

CORRELATION: Final = CORRELATION_HEADER.lower().encode()
CONTENT_SECURITY_POLICY: Final = b"content-security-policy"
CACHE_CONTROL: Final = b"cache-control"
API: Final = b"/api/"

# OWASP Secure Headers. The proxy that terminates TLS sets HSTS.
ALWAYS: Final = (
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"no-referrer"),
)
# For responses other than pages, which set their own.
DENY_ALL: Final = (CONTENT_SECURITY_POLICY, b"default-src 'none'; frame-ancestors 'none'")
# Unless a service sets it: responses contain tokens (RFC 6749 §5.1), personal data and the seats' present state.
NO_STORE: Final = (CACHE_CONTROL, b"no-store")


class SecurityHeadersMiddleware:
    """Wraps all other layers, so that it sees their refusals too."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def send_finished(message: Message) -> None:
            if message["type"] == "http.response.start":
                is_api = scope["raw_path"].startswith(API)
                message["headers"] = _finished(message.get("headers", ()), is_api=is_api)
            await send(message)

        await self._app(scope, receive, send_finished if scope["type"] == "http" else send)


def _finished(headers: list[tuple[bytes, bytes]], *, is_api: bool) -> list[tuple[bytes, bytes]]:
    kept = [header for header in headers if header[0] not in INTERNAL_HEADERS]
    names = {name for name, _ in kept}
    kept.extend(ALWAYS)
    if CONTENT_SECURITY_POLICY not in names:
        kept.append(DENY_ALL)
    if is_api and CACHE_CONTROL not in names:
        kept.append(NO_STORE)
    if CORRELATION not in names:  # CORS preflights are handled before it is set
        kept.append((CORRELATION, (correlation_id() or new_correlation_id()).encode()))
    return kept
