"""The bodies and answers of the personal data routes."""

import uuid
from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field, StringConstraints

from common.http.body import RequestBody
from common.money import Money


class DeleteAccount(RequestBody):
    """With `forfeit`, the credits and the tickets to future events expire with the account."""

    current_password: Annotated[str, StringConstraints(min_length=1, max_length=128)]
    forfeit: bool = False


class AccountDeleted(BaseModel):
    status: Literal["DELETED"] = "DELETED"
    credits_forfeited: Money
    tickets_forfeited: int


class PersonalData(BaseModel):
    """All that is stored of a user, each list newest first, without the data of other users."""

    exported_at: datetime
    profile: dict[str, Any]
    sessions: list[dict[str, Any]]
    credits: list[dict[str, Any]] = Field(description="The wallet's statement.")
    points: list[dict[str, Any]] = Field(description="The statement of the loyalty points.")
    payments: list[dict[str, Any]]
    orders: list[dict[str, Any]]
    transfers: list[dict[str, Any]] = Field(description="With the user's own `role`.")
    listings: list[dict[str, Any]] = Field(description="With the user's own `role`.")
    purchased_items: list[dict[str, Any]] = Field(description="Tips, menu items and periods of subscriptions.")
    subscriptions: list[dict[str, Any]]
    sales: list[dict[str, Any]] = Field(description="What a performer sold, without the buyers' words.")
    earnings: list[dict[str, Any]] = Field(description="What a performer earned.")
    commissions: list[dict[str, Any]] = Field(description="Articles and backlinks, with every version of their text.")
    performers: list[dict[str, Any]] = Field(description="A performer's profile.")
    menus: list[dict[str, Any]] = Field(description="A performer's menus and tip grids, with their items.")
    whitelists: list[dict[str, Any]] = Field(description="The private menus that the user may see.")
    tickets: list[dict[str, Any]]
    scans: list[dict[str, Any]] = Field(description="Of the user's tickets.")
    notifications: list[dict[str, Any]] = Field(description="The messages of the user's feed, which emails are about.")


class UserDeleted(BaseModel):
    """The data of the message `user.deleted`."""

    user_id: uuid.UUID
