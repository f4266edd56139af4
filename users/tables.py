"""Every table of users_db in one metadata, for the migrations and for the test that compares the two."""

import users.accounts.models
import users.earnings.models
import users.email_links.models
import users.known_devices.models
import users.ledger.models
import users.limits.models
import users.one_time_codes.models
import users.payments.models
import users.sessions.models  # noqa: F401 - importing a module defines its tables
from users.database import METADATA

__all__ = ["METADATA"]
