"""Calls between services: aiohttp, a deadline on each call, typed errors back.

On the purchase path, so not httpx: the same call over it takes twice the CPU time (docs/performance.md, docs/adr).
Parties outside the platform are called through httpx, where its API is worth more than its time.
"""

from typing import Any, Final

import aiohttp
import orjson

from common.auth.service_tokens import ServiceTokens
from common.errors import OutcomeUnknown, ServiceError, as_seen_by_caller
from common.http.errors import KIND_HEADER, error_from_response
from common.telemetry.correlation import CORRELATION_HEADER, correlation_id
from common.telemetry.metrics import REMOTE_CALLS
from common.telemetry.tracing import TRACEPARENT, client_span, current_traceparent

__all__ = ["IDLE_SECONDS", "ServiceClient"]

DEFAULT_DEADLINE_SECONDS: Final = 5.0
CONNECTIONS: Final = 100
# Shorter than the five seconds after which uvicorn closes an idle connection: a call must not meet a closing one.
# For every client that sends what must not be repeated, whoever's server it calls.
IDLE_SECONDS: Final = 4.0
LIVENESS_SECONDS: Final = 1.0
FIRST_ERROR_STATUS: Final = 400


class ServiceClient:
    """One other service's internal routes. Answers are unwrapped from their envelope.

    Args:
        callee: the service's name, the audience of the tokens sent to it.
        base_url: such as ``http://127.0.0.1:5000``.
        deadline_seconds: how long an answer is waited for.
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
        """Return the ``data`` of the answer (for a list, the whole answer with its pagination).

        Raises:
            OutcomeUnknown: no answer in time, a broken connection, or an answer nobody can read.
            ServiceError: what the other service refused, with its code.
        """
        with client_span(self._callee, method):
            response, content = await self._ask(method, path, body=body, params=params)
            if response.status >= FIRST_ERROR_STATUS:
                REMOTE_CALLS.labels(self._callee, method, "refused").inc()
                raise self._error_of(response, content, path)
        REMOTE_CALLS.labels(self._callee, method, "ok").inc()
        answer = orjson.loads(content)
        return answer if "pagination" in answer else answer["data"]

    async def _ask(
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
        """Ask the callee's `/livez`; used by health checks, so that an outage does not cascade."""
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
        """Open the session with the first call: it belongs to the loop that uses it."""
        if self._session is None:
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(limit=CONNECTIONS, keepalive_timeout=IDLE_SECONDS),
                cookie_jar=aiohttp.DummyCookieJar(),
                timeout=self._timeout,
            )
        return self._session

    def _headers(self) -> dict[str, str]:
        headers = {
            "authorization": f"Bearer {self._tokens.issue(self._callee)}",
            "content-type": "application/json",
        }
        if current := correlation_id():
            headers[CORRELATION_HEADER] = current
        if traceparent := current_traceparent():
            headers[TRACEPARENT] = traceparent
        return headers

    def _error_of(self, response: aiohttp.ClientResponse, content: bytes, path: str) -> ServiceError:
        answered = error_from_response(
            response.status,
            response.headers.get(KIND_HEADER),
            content,
            retry_after_seconds=response.headers.get("Retry-After"),
        )
        error = as_seen_by_caller(answered)
        error.private |= {"callee": self._callee, "path": path}
        return error
