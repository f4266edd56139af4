"""The metadata of orchestrator_db with its outbox; the saga engine, the job system and features add their tables."""

from typing import Final

from common.db.base import new_metadata
from common.messaging.outbox import outbox_table

metadata: Final = new_metadata()
outbox_table(metadata)
