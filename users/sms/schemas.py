"""The body and answer of the text message route."""

from typing import Annotated
from uuid import UUID

from pydantic import BaseModel, Field

from common.fields import SentText
from common.http.calls import StrictCall

__all__ = ["SendSms", "SmsSent"]

LONGEST_TEXT = 480  # three segments of an SMS, in the GSM alphabet


class SendSms(StrictCall):
    user_id: UUID
    text: Annotated[SentText, Field(min_length=1, max_length=LONGEST_TEXT)]


class SmsSent(BaseModel):
    sent: bool = True
