"""Alembic's entry point."""

import orchestrator.container  # noqa: F401 - importing the features defines their tables
from common.db.migrations import run_migrations
from orchestrator.database import metadata

run_migrations(metadata)
