"""HTTP calls between services, with a deadline and typed errors.

By aiohttp, because this is a hot path and httpx takes twice the CPU time for the same call (docs/performance.md,
docs/adr). Providers outside the platform are called by httpx, where its API is worth more than its time.
"""

from typing import Any, Final

import aiohttp
import orjson

from common.auth.service_tokens import ServiceTokens
from common.errors import OutcomeUnknown, ServiceError, as_seen_by_caller
from common.http.error_mapping import error_from_response
from common.telemetry.metrics import REMOTE_CALLS
from common.telemetry.propagation import propagated_headers
from common.telemetry.tracing import client_span

__all__ = ["IDLE_SECONDS", "ServiceClient"]

DEFAULT_DEADLINE_SECONDS: Final = 5.0
CONNECTIONS: Final = 100
# Shorter than the 5 s after which uvicorn closes an idle connection: a call must not use a closing one.
# Every client that sends requests which must not be repeated shares it, whichever server it calls.
IDLE_SECONDS: Final = 4.0
LIVENESS_SECONDS: Final = 1.0
FIRST_ERROR_STATUS: Final = 400


class ServiceClient:
    """Calls another service's internal routes and unwraps its responses.

    Args:
        callee: the service's name, the audience of the tokens sent to it.
        base_url: such as ``http://127.0.0.1:5000``.
        deadline_seconds: for each call.
    """

    def __init__(
        self, *, callee: str, base_url: str, tokens: ServiceTokens, deadline_seconds: float = DEFAULT_DEADLINE_SECONDS
    ) -> None:
        self._callee = callee
        self._base_url = base_url.rstrip("/")
        self._tokens = tokens
        self._timeout = aiohttp.ClientTimeout(total=deadline_seconds)
        self._session: aiohttp.ClientSession | None = None

    async def get(self, path: str, params: dict[str, Any] | None = None) -> Any:
        return await self.call("GET", path, params=params)

    async def post(self, path: str, body: dict[str, Any]) -> Any:
        return await self.call("POST", path, body=body)

    async def call(
        self, method: str, path: str, *, body: dict[str, Any] | None = None, params: dict[str, Any] | None = None
    ) -> Any:
        """Return the ``data`` of the response; for a list, the whole response with its pagination.

        Raises:
            OutcomeUnknown: no response in time, a broken connection, or an unreadable response.
            ServiceError: the other service's error, with its code.
        """
        with client_span(self._callee, method):
            response, content = await self._send(method, path, body=body, params=params)
            if response.status >= FIRST_ERROR_STATUS:
                REMOTE_CALLS.labels(self._callee, method, "refused").inc()
                raise self._error_of(response, content, path)
        REMOTE_CALLS.labels(self._callee, method, "ok").inc()
        document = orjson.loads(content)
        return document if "pagination" in document else document["data"]

    async def _send(
        self, method: str, path: str, *, body: dict[str, Any] | None, params: dict[str, Any] | None
    ) -> tuple[aiohttp.ClientResponse, bytes]:
        try:
            async with self._open_session().request(
                method,
                self._base_url + path,
                params=params,
                data=None if body is None else orjson.dumps(body, default=str),
                headers=self._headers(),
            ) as response:
                return response, await response.read()
        except (aiohttp.ClientError, TimeoutError) as error:
            REMOTE_CALLS.labels(self._callee, method, "unknown").inc()
            raise OutcomeUnknown(callee=self._callee, path=path, reason=repr(error)) from error

    async def is_healthy(self) -> bool:
        """Return whether the callee's `/livez` responds. Health checks use it, so that an outage does not cascade."""
        timeout = aiohttp.ClientTimeout(total=LIVENESS_SECONDS)
        try:
            async with self._open_session().get(f"{self._base_url}/livez", timeout=timeout) as response:
                return response.ok
        except (aiohttp.ClientError, TimeoutError):
            return False

    async def close(self) -> None:
        if self._session is not None:
            await self._session.close()

    def _open_session(self) -> aiohttp.ClientSession:
        """Open the session with the first call, because it belongs to the running loop."""
        if self._session is None:
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(limit=CONNECTIONS, keepalive_timeout=IDLE_SECONDS),
                cookie_jar=aiohttp.DummyCookieJar(),
                timeout=self._timeout,
            )
        return self._session

    def _headers(self) -> dict[str, str]:
        return {
            "authorization": f"Bearer {self._tokens.issue(self._callee)}",
            "content-type": "application/json",
            **propagated_headers(),
        }

    def _error_of(self, response: aiohttp.ClientResponse, content: bytes, path: str) -> ServiceError:
        error = as_seen_by_caller(error_from_response(response.status, response.headers, content))
        error.private |= {"callee": self._callee, "path": path}
        return error
