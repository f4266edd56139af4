"""A user's HTTP client; all calls go through the gateway."""

from typing import Any, Final
from uuid import uuid4

import httpx

from common.http.client import IDLE_SECONDS
from devstack.demo.narrator import DemoFailedError

TIMEOUT_SECONDS: Final = 20.0
LIMITS: Final = httpx.Limits(keepalive_expiry=IDLE_SECONDS)


class Refusal(DemoFailedError):
    """The platform refused a call; an unexpected refusal fails the demo."""

    def __init__(self, request: httpx.Request, response: httpx.Response) -> None:
        body = response.json() if "json" in response.headers.get("content-type", "") else {}
        self.status = response.status_code
        self.code = body.get("error_code")
        super().__init__(
            f"{request.method} {request.url.path} returned {self.status} {self.code or response.text[:200]}"
        )


class ApiClient:
    """Calls the gateway, with a token after `sign_in`. A refused call raises a `Refusal`."""

    def __init__(self, name: str, gateway_url: str) -> None:
        self.name = name
        # No proxy from the environment: the gateway is on this machine.
        self._gateway = httpx.Client(
            base_url=f"{gateway_url}/api", timeout=TIMEOUT_SECONDS, limits=LIMITS, trust_env=False
        )

    def close(self) -> None:
        self._gateway.close()

    def sign_in(self, access_token: str) -> None:
        self._gateway.headers["Authorization"] = f"Bearer {access_token}"

    def get(self, path: str, **params: str) -> Any:
        return data_of(self._gateway.get(path, params=params))

    def get_object(self, path: str, **params: str) -> dict[str, Any]:
        data: dict[str, Any] = self.get(path, **params)
        return data

    def post(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        data: dict[str, Any] = data_of(self._gateway.post(path, json=body, headers={"Idempotency-Key": str(uuid4())}))
        return data

    def patch(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        data: dict[str, Any] = data_of(self._gateway.patch(path, json=body))
        return data


def data_of(response: httpx.Response) -> Any:
    """Return the data of a response.

    Raises:
        Refusal: the response is an error.
    """
    if response.is_error:
        raise Refusal(response.request, response)
    return response.json()["data"]
