"""The metadata of users_db, and the tables that all aggregates share."""

from typing import Final

from common.db.base import new_metadata
from common.db.idempotency import requests_table
from common.messaging.outbox import outbox_table

METADATA: Final = new_metadata()
REQUESTS: Final = requests_table(METADATA)
OUTBOX: Final = outbox_table(METADATA)
