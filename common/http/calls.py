"""The bodies of repeatable calls between services."""

import uuid

from pydantic import BaseModel, ConfigDict


class RepeatableCall(BaseModel):
    """A call that is repeated under the same id until it is answered."""

    request_id: uuid.UUID


class StrictCall(RepeatableCall):
    """A repeatable call that refuses unknown fields."""

    model_config = ConfigDict(extra="forbid")


class UndoCall(RepeatableCall):
    """The undo of a call that may never have arrived."""

    undoes_request_id: uuid.UUID
