"""Alembic's entry point."""

from common.db.migrations import run_migrations
from inventory.models import metadata

run_migrations(metadata)
