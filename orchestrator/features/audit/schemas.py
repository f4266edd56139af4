"""The data of the message `audit.recorded`."""

import uuid
from typing import Any

from pydantic import BaseModel, ConfigDict


class RecordedAction(BaseModel):
    """An action that another service has done; `actor_user_id` is null for a command on the server."""

    model_config = ConfigDict(extra="ignore")

    action: str
    actor_user_id: uuid.UUID | None
    object_type: str
    object_id: str | None
    address: str | None
    before: dict[str, Any] | None
    after: dict[str, Any] | None
