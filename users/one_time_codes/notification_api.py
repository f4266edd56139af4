"""The SMU notification API: ``POST /SendOTP``, ``/VerifyOTP`` and ``/SendSMS`` with the header ``X-Contacts-Key``."""

from typing import Any, Final

import httpx
from pydantic import SecretStr

from common.http.transport import HttpTransport
from common.telemetry.tracing import client_span
from users.one_time_codes.errors import OtpUnavailable
from users.one_time_codes.provider import VerificationStatus

__all__ = ["NotificationApi"]

KEY_HEADER: Final = "X-Contacts-Key"


class NotificationApi:
    """The API's client; an `OtpProvider`."""

    def __init__(self, *, base_url: str, key: SecretStr, timeout_seconds: float) -> None:
        self._http = httpx.AsyncClient(
            base_url=base_url,
            headers={KEY_HEADER: key.get_secret_value()},
            transport=HttpTransport(),
            timeout=timeout_seconds,
        )

    async def send(self, mobile: str) -> str:
        answer = await self._post("/SendOTP", {"Mobile": mobile})
        sid = answer.get("VerificationSid")
        if not answer.get("Success") or not isinstance(sid, str) or not sid:
            raise OtpUnavailable(reason=answer.get("ErrorMessage"))
        return sid

    async def verify(self, *, verification_sid: str, code: str) -> VerificationStatus:
        answer = await self._post("/VerifyOTP", {"VerificationSid": verification_sid, "Code": code})
        try:
            return VerificationStatus(str(answer.get("Status")))
        except ValueError as error:
            raise OtpUnavailable(reason=answer.get("ErrorMessage"), status=answer.get("Status")) from error

    async def send_sms(self, *, mobile: str, message: str) -> None:
        answer = await self._post("/SendSMS", {"mobile": mobile, "message": message})
        if not answer.get("Success"):
            raise OtpUnavailable(reason=answer.get("ErrorMessage"))

    async def close(self) -> None:
        await self._http.aclose()

    async def _post(self, path: str, body: dict[str, str]) -> dict[str, Any]:
        try:
            with client_span("code provider", f"POST {path}"):
                response = await self._http.post(path, json=body)
            response.raise_for_status()
            answer = response.json()
        except (httpx.HTTPError, ValueError) as error:
            raise OtpUnavailable(path=path, reason=repr(error)) from error
        if not isinstance(answer, dict):
            raise OtpUnavailable(path=path, reason="not an object")
        return answer
