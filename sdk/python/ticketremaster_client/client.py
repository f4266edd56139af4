"""The two clients."""

import asyncio
import threading
import time
from collections.abc import Mapping
from typing import Any, Self

import httpx

from ticketremaster_client.calls import Calls, Operation, Pause, Steps, Tokens
from ticketremaster_client.errors import NoAnswer

LOG_IN = Operation("POST", "/api/auth/login")


class Client:
    """A client that blocks. Threads may share it: one call is made at a time.

    Args:
        calls: the API's address, the tokens of a login, and how often calls are repeated.
    """

    def __init__(self, calls: Calls, *, timeout_seconds: float = 30.0) -> None:
        self._calls = calls
        self._http = httpx.Client(timeout=timeout_seconds)
        self._turn = threading.Lock()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._http.close()

    def log_in(self, email: str, password: str) -> None:
        """Log in; later calls are this user's.

        Raises:
            Unauthenticated: email or password is wrong.
        """
        told = self.call(LOG_IN, body={"email": email, "password": password})
        self._calls.tokens = _tokens(told)
        self._calls.on_tokens(self._calls.tokens)

    def call(
        self,
        operation: Operation,
        *,
        path: Mapping[str, object] | None = None,
        query: Mapping[str, Any] | None = None,
        body: Any = None,
        idempotency_key: str | None = None,
    ) -> Any:
        """Call an operation and return the `data` of its answer; raises as `Calls.steps`."""
        steps = self._calls.steps(operation, path=path or {}, query=query, body=body, idempotency_key=idempotency_key)
        with self._turn:
            return self._take(steps)

    def _take(self, steps: Steps) -> Any:
        step = next(steps)
        while True:
            try:
                if isinstance(step, Pause):
                    time.sleep(step.seconds)
                    step = next(steps)
                else:
                    step = steps.send(self._answer(step))
            except StopIteration as end:
                return end.value

    def _answer(self, request: httpx.Request) -> httpx.Response | NoAnswer:
        try:
            return self._http.send(request)
        except httpx.TransportError as error:
            return NoAnswer(str(error))


class AsyncClient:
    """A client for asyncio. Calls of several tasks run at once; a login that two renew at once stays valid.

    Args:
        calls: the API's address, the tokens of a login, and how often calls are repeated.
    """

    def __init__(self, calls: Calls, *, timeout_seconds: float = 30.0) -> None:
        self._calls = calls
        self._http = httpx.AsyncClient(timeout=timeout_seconds)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._http.aclose()

    async def log_in(self, email: str, password: str) -> None:
        """Log in; later calls are this user's.

        Raises:
            Unauthenticated: email or password is wrong.
        """
        told = await self.call(LOG_IN, body={"email": email, "password": password})
        self._calls.tokens = _tokens(told)
        self._calls.on_tokens(self._calls.tokens)

    async def call(
        self,
        operation: Operation,
        *,
        path: Mapping[str, object] | None = None,
        query: Mapping[str, Any] | None = None,
        body: Any = None,
        idempotency_key: str | None = None,
    ) -> Any:
        """Call an operation and return the `data` of its answer; raises as `Calls.steps`."""
        steps = self._calls.steps(operation, path=path or {}, query=query, body=body, idempotency_key=idempotency_key)
        step = next(steps)
        while True:
            try:
                if isinstance(step, Pause):
                    await asyncio.sleep(step.seconds)
                    step = next(steps)
                else:
                    step = steps.send(await self._answer(step))
            except StopIteration as end:
                return end.value

    async def _answer(self, request: httpx.Request) -> httpx.Response | NoAnswer:
        try:
            return await self._http.send(request)
        except httpx.TransportError as error:
            return NoAnswer(str(error))


def _tokens(told: Mapping[str, Any]) -> Tokens:
    return Tokens(told["access_token"], told["refresh_token"])
