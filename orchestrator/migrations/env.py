"""Alembic's entry point."""

from common.db.migrations import run_migrations
from orchestrator.jobs.models import metadata

run_migrations(metadata)
