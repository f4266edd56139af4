"""The bodies and answers of the routes of performers' queues."""

import uuid

from pydantic import BaseModel


class PerformerQueue(BaseModel):
    """`estimated_minutes`: of the items that wait and those in progress; a new item would wait for so long."""

    performer_id: uuid.UUID
    is_paused: bool = False
    waiting: int = 0
    estimated_minutes: int = 0


class SetPaused(BaseModel):
    is_paused: bool
