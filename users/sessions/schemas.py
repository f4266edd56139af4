"""What the login routes take and answer."""

from datetime import datetime
from typing import Annotated, Literal, Self
from uuid import UUID

from pydantic import BaseModel, Field, StringConstraints

from users.accounts.repository import User
from users.accounts.schemas import Email, UserSummary
from users.sessions.repository import RevokedSession
from users.sessions.service import TokenPair

__all__ = ["LoggedIn", "LoggedOut", "Login", "Revoked", "Tokens", "VerifyRegistration"]


class Login(BaseModel):
    email: Email
    password: Annotated[str, StringConstraints(min_length=1, max_length=128)]


class VerifyRegistration(BaseModel):
    user_id: UUID
    otp_code: Annotated[str, StringConstraints(pattern=r"^[0-9]{4,10}$"), Field(examples=["123456"])]


class Tokens(BaseModel):
    """`expires_in`: seconds the access token lives."""

    access_token: str
    refresh_token: str
    token_type: Literal["Bearer"] = "Bearer"  # noqa: S105 - a scheme, not a secret
    expires_in: int

    @classmethod
    def of(cls, pair: TokenPair) -> Self:
        return cls(access_token=pair.access_token, refresh_token=pair.refresh_token, expires_in=pair.expires_in)


class LoggedIn(Tokens):
    user: UserSummary

    @classmethod
    def of_user(cls, user: User, pair: TokenPair) -> Self:
        return cls(**Tokens.of(pair).model_dump(), user=UserSummary.of(user))


class LoggedOut(BaseModel):
    message: str = "You are logged out."


class Revoked(BaseModel):
    """`expires_at`: when its last access token dies by itself."""

    session_id: UUID
    expires_at: datetime

    @classmethod
    def of(cls, session: RevokedSession) -> Self:
        return cls(session_id=session.session_id, expires_at=session.expires_at)
