"""The metadata of orders_db, with the table of requests. Each aggregate adds its own tables."""

from typing import Final

from common.db.base import new_metadata
from common.db.idempotency import requests_table

metadata: Final = new_metadata()
requests_table(metadata)
