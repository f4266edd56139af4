"""What the internal route for text messages takes and answers."""

from typing import Annotated
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from common.fields import PlainText

__all__ = ["SendSms", "SmsSent"]

LONGEST_TEXT = 480  # three segments of an SMS, in the GSM alphabet


class SendSms(BaseModel):
    model_config = ConfigDict(extra="forbid")

    request_id: UUID
    user_id: UUID
    text: Annotated[PlainText, Field(min_length=1, max_length=LONGEST_TEXT)]


class SmsSent(BaseModel):
    sent: bool = True
