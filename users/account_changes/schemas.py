"""The bodies and answers of the routes by which users change their accounts."""

from typing import Annotated, Final, Self

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

from users.accounts.schemas import Email, Name, NewPassword, Phone
from users.sessions.schemas import OtpCode, Password

__all__ = [
    "ChangePassword", "ChangeProfile", "Done", "EmailVerified", "ForgotPassword", "ResetPassword", "VerifyEmail", "VerifyPhone",
]  # fmt: skip

LONGEST_TOKEN: Final = 200

Token = Annotated[str, StringConstraints(min_length=1, max_length=LONGEST_TOKEN), Field(examples=["from-the-email"])]

PhoneEnding = Annotated[str, StringConstraints(pattern=r"^[0-9]{4,15}$"), Field(examples=["4567"])]


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid")


class ForgotPassword(_Body):
    email: Email


class ResetPassword(_Body):
    """`token`: what follows `#token=` in the link. `phone_ending`: only after `PHONE_ENDING_REQUIRED`."""

    token: Token
    password: NewPassword
    phone_ending: PhoneEnding | None = None


class VerifyEmail(_Body):
    """`token`: what follows `#token=` in the link. `password`: of the link's account, only after `PASSWORD_INVALID`."""

    token: Token
    password: Password | None = None


class ChangePassword(_Body):
    current_password: Password
    new_password: NewPassword


class ChangeProfile(_Body):
    """At least one of name, email and phone; the last two need the current password."""

    name: Name | None = None
    email: Email | None = None
    phone: Phone | None = None
    current_password: Password | None = None

    @model_validator(mode="after")
    def _is_complete(self) -> Self:
        if self.name is None and not self.needs_password:
            raise ValueError("give name, email or phone")
        if self.needs_password and self.current_password is None:
            raise ValueError("a change of email or phone needs current_password")
        return self

    @property
    def needs_password(self) -> bool:
        return self.email is not None or self.phone is not None


class VerifyPhone(_Body):
    otp_code: OtpCode


class Done(BaseModel):
    message: str


class EmailVerified(BaseModel):
    email: str
    is_email_verified: bool = True
