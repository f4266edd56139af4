"""The metadata of events_db, with the tables of requests and messages. Each aggregate adds its own tables."""

from typing import Final

from common.db.base import new_metadata
from common.db.idempotency import requests_table
from common.messaging.outbox import outbox_table

metadata: Final = new_metadata()
requests_table(metadata)
OUTBOX: Final = outbox_table(metadata)
