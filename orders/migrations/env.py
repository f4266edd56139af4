"""Alembic's entry point. The tables' modules fill the metadata they are imported with."""

import orders.ticket_orders.models  # noqa: F401
from common.db.migrations import run_migrations
from orders.models import metadata

run_migrations(metadata)
