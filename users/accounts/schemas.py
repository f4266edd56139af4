"""What the account routes take and answer."""

from collections.abc import Sequence
from typing import Annotated, Self
from uuid import UUID

from pydantic import AfterValidator, BaseModel, EmailStr, Field, StringConstraints, model_validator

from common.auth.principal import Role
from common.fields import PlainText
from common.money import Money
from users.accounts.repository import Changes, User

__all__ = [
    "AdminChange",
    "Email",
    "Find",
    "InternalUser",
    "Lookup",
    "Profile",
    "Register",
    "Registered",
    "UserSummary",
]

Email = Annotated[EmailStr, AfterValidator(str.lower), Field(examples=["fan@example.com"])]
# E.164: a plus, a country code that does not begin with 0, fifteen digits at most.
Phone = Annotated[str, StringConstraints(pattern=r"^\+[1-9][0-9]{6,14}$"), Field(examples=["+6591234567"])]
# An upper bound, because hashing costs more the longer it is.
NewPassword = Annotated[str, StringConstraints(min_length=8, max_length=128), Field(examples=["correct horse"])]


Name = Annotated[PlainText, Field(max_length=80, examples=["Mei Lin"])]
# As long as the halls that events are put in.
HallId = Annotated[PlainText, Field(min_length=1, max_length=100, examples=["HALL-A"])]


class Register(BaseModel):
    """`name` is what others may be shown, such as staff at the door."""

    email: Email
    phone: Phone
    password: NewPassword
    name: Name = ""


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
    """`assigned_hall_id`: where somebody of the staff scans."""

    name: str
    phone: str
    loyalty_points: int
    is_verified: bool
    is_flagged: bool
    assigned_hall_id: str | None


class InternalUser(UserSummary):
    """A user as other services see them. `name` may be empty; `assigned_hall_id` is where staff scan."""

    name: str
    phone: str
    is_verified: bool
    is_flagged: bool
    assigned_hall_id: str | None


class AdminChange(BaseModel):
    """At least one of them; `roles` replaces all of them, an `assigned_hall_id` of null takes the hall away."""

    is_flagged: bool | None = None
    roles: Annotated[list[Role], Field(min_length=1, max_length=len(Role))] | None = None
    assigned_hall_id: HallId | None = None

    @model_validator(mode="after")
    def _changes_something(self) -> Self:
        if self.is_flagged is None and self.roles is None and not self._reassigns_hall:
            raise ValueError("give is_flagged, roles or assigned_hall_id")
        if self.roles is not None and len(set(self.roles)) < len(self.roles):
            raise ValueError("a role is named twice")
        return self

    @property
    def _reassigns_hall(self) -> bool:
        return "assigned_hall_id" in self.model_fields_set

    def as_changes(self) -> Changes:
        return Changes(
            is_flagged=self.is_flagged,
            roles=self.roles,
            reassigns_hall=self._reassigns_hall,
            assigned_hall_id=self.assigned_hall_id,
        )


class Find(BaseModel):
    email: Email


class Lookup(BaseModel):
    user_ids: Annotated[list[UUID], Field(max_length=100)]
