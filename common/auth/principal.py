"""The user of a verified token."""

import enum
import uuid
from dataclasses import dataclass
from datetime import datetime


class Role(enum.StrEnum):
    CUSTOMER = "customer"
    PERFORMER = "performer"
    STAFF = "staff"
    ORGANISER = "organiser"
    ADMIN = "admin"


@dataclass(frozen=True, slots=True)
class Principal:
    """A user, as the token says. `session_id` is the login, which can be revoked."""

    user_id: uuid.UUID
    roles: frozenset[str]
    session_id: uuid.UUID
    expires_at: datetime

    def has_role(self, role: Role) -> bool:
        return role in self.roles

    def may_act_for(self, user_id: uuid.UUID) -> bool:
        """Return whether this user may act for `user_id`: users act for themselves, admins for all."""
        return self.user_id == user_id or self.has_role(Role.ADMIN)
