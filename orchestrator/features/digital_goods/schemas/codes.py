"""Codes as their buyer reads them, and as they are stored."""

import uuid
from datetime import datetime
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field


class DeliveredCode(BaseModel):
    """A code, which never appears in a log: an error does not show its input either."""

    model_config = ConfigDict(frozen=True, hide_input_in_errors=True)

    item_id: uuid.UUID
    name: str = Field(examples=["Starlight Odyssey (PC)"])
    code: str = Field(repr=False, examples=["AAAA-BBBB-CCCC"])


class CodesDocument(BaseModel):
    """The content of a stored object.

    `downloaded_at` is the time of the first download. The object has null: the time is noted with the order, because a
    buyer may download while the codes move to a new key or are deleted.
    """

    model_config = ConfigDict(hide_input_in_errors=True)

    codes: list[DeliveredCode]
    downloaded_at: datetime | None = None


class CodesRevealed(BaseModel):
    codes: list[DeliveredCode]


class DownloadLinkView(BaseModel):
    model_config = ConfigDict(from_attributes=True)

    url: str = Field(description="Needs no token. Any holder of the link can read the codes until it expires.")
    expires_at: datetime


class CodesDeleted(BaseModel):
    order_id: uuid.UUID
    keys_deleted: Literal[True] = True
