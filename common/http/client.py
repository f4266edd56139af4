"""Calls between services: the httpx API on the aiohttp transport, a deadline on each call, typed errors back."""

from typing import Any, Final

import httpx
import orjson
from httpx_aiohttp import AiohttpTransport

from common.auth.service_tokens import ServiceTokens
from common.errors import OutcomeUnknown, ServiceError
from common.http.errors import KIND_HEADER, error_from_response
from common.telemetry.correlation import CORRELATION_HEADER, correlation_id
from common.telemetry.metrics import REMOTE_CALLS

__all__ = ["ServiceClient"]

DEFAULT_DEADLINE_SECONDS: Final = 5.0
CONNECTIONS: Final = 100
FIRST_ERROR_STATUS: Final = 400


class ServiceClient:
    """One other service's internal routes. Answers are unwrapped from their envelope.

    Args:
        callee: the service's name, the audience of the tokens sent to it.
        base_url: such as ``http://127.0.0.1:5000``.
    """

    def __init__(
        self, *, callee: str, base_url: str, tokens: ServiceTokens, deadline_seconds: float = DEFAULT_DEADLINE_SECONDS
    ) -> None:
        self._callee = callee
        self._tokens = tokens
        self._deadline_seconds = deadline_seconds
        limits = httpx.Limits(max_connections=CONNECTIONS, max_keepalive_connections=CONNECTIONS)
        self._http = httpx.AsyncClient(
            base_url=base_url, transport=AiohttpTransport(limits=limits), timeout=deadline_seconds
        )

    async def get(self, path: str, params: dict[str, Any] | None = None) -> Any:
        return await self.call("GET", path, params=params)

    async def post(self, path: str, body: dict[str, Any]) -> Any:
        return await self.call("POST", path, body=body)

    async def call(
        self,
        method: str,
        path: str,
        *,
        body: dict[str, Any] | None = None,
        params: dict[str, Any] | None = None,
        deadline_seconds: float | None = None,
    ) -> Any:
        """Return the ``data`` of the answer (for a list, the whole answer with its pagination).

        Raises:
            OutcomeUnknown: no answer in time, a broken connection, or an answer nobody can read.
            ServiceError: what the other service refused, with its code.
        """
        try:
            response = await self._http.request(
                method,
                path,
                params=params,
                content=None if body is None else orjson.dumps(body, default=str),
                headers=self._headers(),
                timeout=deadline_seconds or self._deadline_seconds,
            )
        except httpx.TransportError as error:
            REMOTE_CALLS.labels(self._callee, method, "unknown").inc()
            raise OutcomeUnknown(callee=self._callee, path=path, reason=repr(error)) from error
        return self._data_of(response)

    def _headers(self) -> dict[str, str]:
        headers = {
            "authorization": f"Bearer {self._tokens.issue(self._callee)}",
            "content-type": "application/json",
        }
        if current := correlation_id():
            headers[CORRELATION_HEADER] = current
        return headers

    def _data_of(self, response: httpx.Response) -> Any:
        refused = response.status_code >= FIRST_ERROR_STATUS
        REMOTE_CALLS.labels(self._callee, response.request.method, "refused" if refused else "ok").inc()
        if refused:
            raise self._error_of(response)
        answer = orjson.loads(response.content)
        return answer if "pagination" in answer else answer["data"]

    def _error_of(self, response: httpx.Response) -> ServiceError:
        error = error_from_response(response.status_code, response.headers.get(KIND_HEADER), response.content)
        error.private = {"callee": self._callee, "path": response.request.url.path}
        return error

    async def is_healthy(self) -> bool:
        """Ask the callee's `/livez`; used by health checks, so that an outage does not cascade."""
        try:
            return (await self._http.get("/livez", timeout=1.0)).is_success
        except httpx.TransportError:
            return False

    async def close(self) -> None:
        await self._http.aclose()
