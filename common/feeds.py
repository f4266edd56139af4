"""The feed that is no user's own."""

import uuid
from typing import Final

ADMIN_FEED: Final = uuid.UUID(int=0)
"""The id of the feed that all admins read; no user has it."""
