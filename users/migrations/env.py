from common.db.migrations import run_migrations
from users.tables import METADATA

run_migrations(METADATA)
