"""A performer's profile: what the public sees, what its owner sees and changes, what sagas read."""

import enum
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, Final

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field
from pydantic.config import JsonDict

from common.fields import HttpsUrl, LineText, PlainText, StoredInstant
from common.http.body import PartialBody
from common.money import Money, PositiveMoney
from common.time_zones import TimeZoneName
from events.performers.errors import DeactivatedByAdmin

_PERFORMER: Final[JsonDict] = {
    "performer_id": "45454545-4545-4545-4545-454545454545",
    "display_name": "Nova",
    "bio": "Synths, strings and a loop station.",
    "image_url": "https://images.example.com/nova.jpg",
    "time_zone": "Asia/Singapore",
    "subscription_price": "15.00",
}
_CHANGES: Final[JsonDict] = {"display_name": "Nova", "subscription_price": "15.00", "settlement": "INSTANT"}

Price = Annotated[PositiveMoney, Field(le=1_000_000)]


class Settlement(enum.StrEnum):
    """INSTANT: a performer's credits reach the wallet at once. BATCHED: they gather until a payout (Q6)."""

    INSTANT = "INSTANT"
    BATCHED = "BATCHED"


@dataclass(frozen=True, slots=True)
class Actor:
    """A user who manages what a performer offers: the performer, or an admin.

    `address` is the network address of an admin; performers' own is not asked for.
    """

    performer_id: uuid.UUID
    user_id: uuid.UUID
    is_admin: bool = False
    address: str | None = None

    def guarded(self, changes: Mapping[str, Any], before: Mapping[Any, Any] | None) -> Mapping[str, Any]:
        """Return changes of a profile, a menu or an item; with `is_blocked` if an admin deactivates or reactivates it.

        Raises:
            DeactivatedByAdmin: a performer reactivates what an admin has deactivated.
        """
        if "is_active" not in changes:
            return changes
        if self.is_admin:
            return {**changes, "is_blocked": not changes["is_active"]}
        if changes["is_active"] and before is not None and before["is_blocked"]:
            raise DeactivatedByAdmin
        return changes


def _upper(name: Any) -> Any:
    return name.upper() if isinstance(name, str) else name


class Performer(BaseModel):
    """A performer as the public sees one."""

    model_config = ConfigDict(json_schema_extra={"example": _PERFORMER})

    performer_id: uuid.UUID = Field(description="The id of the performer's user.")
    display_name: str
    bio: str
    image_url: str | None
    time_zone: str = Field(description="Its name in the IANA database. Daily limits are counted in it.")
    subscription_price: Money | None = Field(description="Of 30 days; null: no subscriptions are sold.")


class Profile(Performer):
    model_config = ConfigDict(
        json_schema_extra={
            "example": _PERFORMER | {"settlement": "INSTANT", "device_uid": "stage-light-1", "is_active": True}
        }
    )

    settlement: Settlement
    device_uid: str | None
    is_active: bool
    created_at: StoredInstant
    updated_at: StoredInstant


class ProfileChanges(PartialBody):
    """At least one field; the others stay as they are. The first change of a profile has a `display_name`.

    null clears `image_url`, `subscription_price` and `device_uid`.
    """

    model_config = ConfigDict(json_schema_extra={"example": _CHANGES})
    clearable: ClassVar[frozenset[str]] = frozenset({"image_url", "subscription_price", "device_uid"})

    display_name: Annotated[LineText, Field(min_length=1, max_length=80)] | None = None
    bio: Annotated[PlainText, Field(max_length=2_000)] | None = None
    image_url: HttpsUrl | None = None
    time_zone: TimeZoneName | None = None
    subscription_price: Price | None = Field(default=None, description="Of 30 days.")
    settlement: Annotated[Settlement, BeforeValidator(_upper)] | None = None
    device_uid: Annotated[LineText, Field(min_length=1, max_length=100, description="No other performer's.")] | None = (
        None
    )
    is_active: bool | None = Field(
        default=None,
        description="If false, the performer is hidden and nothing is for sale. What an admin has deactivated, only an admin reactivates.",
    )


class PerformerFacts(BaseModel):
    """A performer as sagas see one."""

    performer_id: uuid.UUID
    display_name: str
    is_active: bool
    time_zone: str
    subscription_price: Money | None
    settlement: Settlement
    device_uid: str | None


class LookUpPerformers(BaseModel):
    performer_ids: Annotated[list[uuid.UUID], Field(max_length=100)]
