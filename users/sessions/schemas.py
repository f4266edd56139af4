"""The bodies and answers of the session routes."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import BaseModel, Field, StringConstraints

from common.http.body import RequestBody
from users.accounts.schemas import Email, UserSummary

Password = Annotated[str, StringConstraints(min_length=1, max_length=128)]
OtpCode = Annotated[str, StringConstraints(pattern=r"^[0-9]{4,10}$"), Field(examples=["123456"])]
# Beyond what is issued, so that a token of another form is unknown rather than invalid.
DeviceToken = Annotated[str, StringConstraints(max_length=200)]


class Login(RequestBody):
    """`device_token`: of the device's last login, for clients without cookies."""

    email: Email
    password: Password
    device_token: DeviceToken | None = None


class VerifyRegistration(RequestBody):
    user_id: UUID
    otp_code: OtpCode


class Tokens(BaseModel):
    """`expires_in`: seconds until the access token expires."""

    access_token: str
    refresh_token: str
    token_type: Literal["Bearer"] = "Bearer"  # noqa: S105 - a scheme, not a secret
    expires_in: int


class LoggedIn(Tokens):
    """`device_token`: send it with the next login; wrong passwords from other devices do not lock this one out."""

    user: UserSummary
    device_token: str


class LoggedOut(BaseModel):
    message: str = "You are logged out."


class SessionView(BaseModel):
    """A login that can still be used.

    `device` and `network` say where it came from, null if that is not known. `is_current`: it is the caller's own.
    """

    session_id: UUID
    created_at: datetime
    last_used_at: datetime
    device: str | None
    network: str | None
    is_current: bool


class Revoked(BaseModel):
    """`expires_at`: when its last access token expires."""

    session_id: UUID
    expires_at: datetime
