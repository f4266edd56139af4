"""The bodies and answers of the account routes."""

import re
import unicodedata
from collections.abc import Sequence
from typing import Annotated, Final, Self
from uuid import UUID

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    EmailStr,
    Field,
    StringConstraints,
    model_validator,
)

from common.auth.principal import Role
from common.fields import LineText, StoredInstant
from common.http.body import RequestBody
from common.money import Money

__all__ = [
    "AdminChange",
    "Email",
    "Find",
    "InternalUser",
    "Lookup",
    "Name",
    "NewPassword",
    "Phone",
    "Profile",
    "Register",
    "Registered",
    "UserSearch",
    "UserSummary",
]

SHORTEST_PASSWORD: Final = 8
SEPARATORS: Final = re.compile(r"\(0\)|[ ().\-]")
"""What a written number may contain beside digits; the zero in parentheses is dialled within the country only."""


def _to_e164(phone: object) -> object:
    """Return a number without separators, with a plus for the international prefix 00."""
    if not isinstance(phone, str):
        return phone
    digits = SEPARATORS.sub("", phone)
    return f"+{digits[2:]}" if digits.startswith("00") else digits


def _of_eight(password: str) -> str:
    """Refuse a password that is long only because its marks are typed apart from their letters."""
    if len(unicodedata.normalize("NFKC", password)) < SHORTEST_PASSWORD:
        raise ValueError(f"a password has at least {SHORTEST_PASSWORD} characters")
    return password


Email = Annotated[EmailStr, AfterValidator(str.lower), Field(examples=["fan@example.com"])]
# E.164: a plus, a country code that does not begin with 0, fifteen digits at most.
Phone = Annotated[
    str,
    BeforeValidator(_to_e164),
    StringConstraints(pattern=r"^\+[1-9][0-9]{6,14}$"),
    Field(examples=["+6591234567"]),
]
# Bounded, because the cost of hashing grows with the length.
NewPassword = Annotated[
    str,
    StringConstraints(min_length=SHORTEST_PASSWORD, max_length=128),
    AfterValidator(_of_eight),
    Field(examples=["correct horse"]),
]

Name = Annotated[LineText, Field(max_length=80, examples=["Mei Lin"])]
# As long as the ids of halls in the events service.
HallId = Annotated[LineText, Field(min_length=1, max_length=100, examples=["HALL-A"])]


class Register(RequestBody):
    """`name` is shown to others, such as staff at the entrance."""

    email: Email
    phone: Phone
    password: NewPassword
    name: Name = ""


class Registered(BaseModel):
    user_id: UUID
    status: str = "PENDING_VERIFICATION"


class UserSummary(BaseModel):
    """The user as a login answers it."""

    model_config = ConfigDict(from_attributes=True)

    user_id: UUID
    email: str | None
    credit_balance: Money
    roles: Sequence[str]


class InternalUser(UserSummary):
    """A user as other services see them. `name` may be empty; the assigned hall, of that venue, is where staff scan.

    `email` is null if another account has the address.
    """

    name: str
    phone: str
    is_email_verified: bool
    is_verified: bool
    is_flagged: bool
    is_suspended: bool
    assigned_hall_id: str | None
    assigned_venue_id: UUID | None


class Profile(InternalUser):
    """`new_email` is the address asked for and not proven yet; it counts once the link sent to it is used.

    `assigned_hall_id`, of the venue `assigned_venue_id`: where the user scans as staff.
    """

    new_email: str | None
    loyalty_points: int
    created_at: StoredInstant = Field(description="When the account was opened.")


class AdminChange(RequestBody):
    """At least one field; `roles` replaces all roles, an `assigned_hall_id` of null removes the hall.

    An `email` is not verified, and replaces the previous one: a way back for an account that has lost its address.

    A suspended user cannot log in or spend. What others owe them still arrives.

    A hall is assigned with its venue, because two venues may have halls of the same name. Without `assigned_venue_id`
    the user's venue is unknown.
    """

    email: Email | None = None
    is_flagged: bool | None = None
    is_suspended: bool | None = None
    roles: Annotated[list[Role], Field(min_length=1, max_length=len(Role))] | None = None
    assigned_hall_id: HallId | None = None
    assigned_venue_id: UUID | None = None

    @model_validator(mode="after")
    def _changes_something(self) -> Self:
        given = (self.email, self.is_flagged, self.is_suspended, self.roles)
        if all(value is None for value in given) and not self.reassigns_hall:
            raise ValueError("give email, is_flagged, is_suspended, roles or assigned_hall_id")
        if self.assigned_venue_id is not None and self.assigned_hall_id is None:
            raise ValueError("a venue is assigned with its hall")
        if self.roles is not None and len(set(self.roles)) < len(self.roles):
            raise ValueError("a role is named twice")
        return self

    @property
    def reassigns_hall(self) -> bool:
        """Whether the body names the hall, even if null."""
        return "assigned_hall_id" in self.model_fields_set

    @property
    def leaves_no_admin(self) -> bool:
        """Whether the user cannot act as an admin afterwards."""
        return self.is_suspended is True or (self.roles is not None and Role.ADMIN not in self.roles)


class UserSearch(BaseModel):
    """`text`: part of an email address, name or phone, or a user's id."""

    text: str | None
    role: Role | None


class Find(BaseModel):
    email: Email


class Lookup(BaseModel):
    user_ids: Annotated[list[UUID], Field(max_length=100)]
