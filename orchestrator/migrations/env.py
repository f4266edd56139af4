"""Alembic's entry point."""

from common.db.migrations import run_migrations
from orchestrator.tables import metadata

run_migrations(metadata)
