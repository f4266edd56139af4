"""Authenticates a test's requests as those of another service."""

from collections.abc import Generator

import httpx

from common.auth.service_tokens import ServiceTokens


class ServiceAuth(httpx.Auth):
    """Gives each request a token that has not expired, however long its module runs, unless it has one of its own."""

    def __init__(self, tokens: ServiceTokens, *, audience: str) -> None:
        self._tokens = tokens
        self._audience = audience

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        request.headers.setdefault("authorization", f"Bearer {self._tokens.issue(self._audience)}")
        yield request
