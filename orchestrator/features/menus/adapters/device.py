"""Performers' devices, by the HTTP API of the service that they are connected to (M6)."""

import uuid
from typing import Final

import httpx

from common.http.transport import HttpTransport
from common.telemetry.tracing import client_span
from orchestrator.features.menus.errors import DeviceFailed
from orchestrator.features.purchased_items.models import DeviceActivation

__all__ = ["DeviceApi"]

KEY_HEADER: Final = "Idempotency-Key"


class DeviceApi:
    """Sends commands.

    Args:
        api_url: without a path; empty if there is no such service.
        timeout_seconds: for a whole call.
    """

    def __init__(self, *, api_url: str, timeout_seconds: float) -> None:
        self._api_url = api_url.rstrip("/")
        self._http = httpx.AsyncClient(transport=HttpTransport(), timeout=timeout_seconds)

    async def activate(self, activation: DeviceActivation, *, command_id: uuid.UUID) -> None:
        """Run an item's pattern or strength on the performer's device.

        Args:
            command_id: the same for every repetition, so that a service which knows idempotency keys runs it once.

        Raises:
            DeviceFailed: it did not run, or there was no response in time.
        """
        if not self._api_url:
            raise DeviceFailed(reason="no device service is configured")
        body = {"uid": activation.device_uid} | activation.settings.model_dump(exclude_none=True)
        try:
            with client_span("device", "POST"):
                response = await self._http.post(
                    f"{self._api_url}/command", json=body, headers={KEY_HEADER: str(command_id)}
                )
        except httpx.HTTPError as error:
            raise DeviceFailed(reason="no response") from error
        if not response.is_success:
            raise DeviceFailed(reason=f"status {response.status_code}")

    async def close(self) -> None:
        await self._http.aclose()
