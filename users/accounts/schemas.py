"""What the account routes take and answer."""

from collections.abc import Sequence
from typing import Annotated, Self
from uuid import UUID

from pydantic import AfterValidator, BaseModel, EmailStr, Field, StringConstraints, model_validator

from common.auth.principal import Role
from common.money import Money
from users.accounts.repository import User

__all__ = ["AdminChange", "Email", "InternalUser", "Lookup", "Profile", "Register", "Registered", "UserSummary"]

Email = Annotated[EmailStr, AfterValidator(str.lower), Field(examples=["fan@example.com"])]
# E.164: a plus, a country code that does not begin with 0, fifteen digits at most.
Phone = Annotated[str, StringConstraints(pattern=r"^\+[1-9][0-9]{6,14}$"), Field(examples=["+6591234567"])]
# An upper bound, because hashing costs more the longer it is.
NewPassword = Annotated[str, StringConstraints(min_length=8, max_length=128), Field(examples=["correct horse"])]


class Register(BaseModel):
    email: Email
    phone: Phone
    password: NewPassword


class Registered(BaseModel):
    user_id: UUID
    status: str = "PENDING_VERIFICATION"


class UserSummary(BaseModel):
    """The user as a login answers it."""

    user_id: UUID
    email: str
    credit_balance: Money
    roles: Sequence[str]

    @classmethod
    def of(cls, user: User) -> Self:
        return cls.model_validate(user, from_attributes=True)


class Profile(UserSummary):
    phone: str
    loyalty_points: int
    is_verified: bool
    is_flagged: bool


class InternalUser(UserSummary):
    """A user as other services see them."""

    phone: str
    is_verified: bool
    is_flagged: bool


class AdminChange(BaseModel):
    """At least one of the two; `roles` replaces all of them."""

    is_flagged: bool | None = None
    roles: Annotated[list[Role], Field(min_length=1, max_length=len(Role))] | None = None

    @model_validator(mode="after")
    def _changes_something(self) -> Self:
        if self.is_flagged is None and self.roles is None:
            raise ValueError("give is_flagged or roles")
        if self.roles is not None and len(set(self.roles)) < len(self.roles):
            raise ValueError("a role is named twice")
        return self


class Lookup(BaseModel):
    user_ids: Annotated[list[UUID], Field(max_length=100)]
