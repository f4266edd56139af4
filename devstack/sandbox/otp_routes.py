"""The routes of the OTP provider, as in the real API."""

import secrets
from typing import Annotated

from fastapi import APIRouter, Depends, Header, HTTPException
from pydantic import BaseModel, ConfigDict, Field, SecretStr
from pydantic.alias_generators import to_pascal

from devstack.sandbox.faults import Faults
from devstack.sandbox.otp import OtpProvider, OtpStatus

__all__ = ["otp_routes"]

Mobile = Annotated[str, Field(min_length=3, max_length=20)]


class _Pascal(BaseModel):
    model_config = ConfigDict(alias_generator=to_pascal, populate_by_name=True)


class SendOtp(_Pascal):
    mobile: Mobile


class OtpSent(_Pascal):
    verification_sid: str
    success: bool = True
    error_message: str = ""


class VerifyOtp(_Pascal):
    verification_sid: str
    code: str


class OtpVerified(_Pascal):
    success: bool
    status: OtpStatus
    error_message: str


class SendSms(BaseModel):
    mobile: Mobile
    message: str


class SmsSent(_Pascal):
    success: bool = True
    error_message: str = ""


def otp_routes(provider: OtpProvider, faults: Faults, *, api_key: SecretStr) -> APIRouter:
    expected = api_key.get_secret_value().encode()

    def require_key(x_contacts_key: Annotated[str, Header()] = "") -> None:
        if not secrets.compare_digest(x_contacts_key.encode(), expected):
            raise HTTPException(401, "X-Contacts-Key is missing or wrong.")

    router = APIRouter(tags=["OTP API"], dependencies=[Depends(require_key), Depends(faults.inject)])

    @router.post("/SendOTP")
    async def send_otp(body: SendOtp) -> OtpSent:
        return OtpSent(verification_sid=provider.send(body.mobile))

    @router.post("/VerifyOTP")
    async def verify_otp(body: VerifyOtp) -> OtpVerified:
        status = provider.verify(sid=body.verification_sid, code=body.code)
        problem = {"approved": "", "pending": "The code is wrong.", "expired": "The code is too old."}[status]
        return OtpVerified(success=status == "approved", status=status, error_message=problem)

    @router.post("/SendSMS")
    async def send_sms(body: SendSms) -> SmsSent:
        provider.send_text(mobile=body.mobile, message=body.message)
        return SmsSent()

    return router
