"""Alembic's entry point. The tables' modules fill the metadata they are imported with."""

import events.articles.models
import events.catalogue.models
import events.menus.models
import events.performers.models
import events.products.models
import events.venues.models  # noqa: F401
from common.db.migrations import run_migrations
from events.database import metadata

run_migrations(metadata)
