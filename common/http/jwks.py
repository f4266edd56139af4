"""Fetches the users service's public keys."""

from typing import Any, Final

import httpx

from common.errors import Unavailable
from common.http.transport import HttpTransport

__all__ = ["JwksClient"]

DEADLINE_SECONDS: Final = 3.0


class JwksClient:
    def __init__(self, url: str) -> None:
        self._url = url
        self._http: httpx.AsyncClient | None = None

    async def fetch(self) -> dict[str, Any]:
        """Return the JWK set.

        Raises:
            Unavailable: the users service returned no keys.
        """
        self._http = self._http or httpx.AsyncClient(transport=HttpTransport(), timeout=DEADLINE_SECONDS)
        try:
            response = await self._http.get(self._url)
            response.raise_for_status()
        except httpx.HTTPError as error:
            raise Unavailable(url=self._url, reason=repr(error)) from error
        return dict(response.json())

    async def close(self) -> None:
        if self._http is not None:
            await self._http.aclose()
