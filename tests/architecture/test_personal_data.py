"""docs/personal-data.md names every table that has a user's id, or more."""

import re
from fnmatch import fnmatch
from typing import Final

from tests.architecture.compose import ROOT
from tests.architecture.test_retention import METADATA

PERSONAL: Final = re.compile(r"user_id|requested_by|signalled_by|settled_by|created_by|replayed_by|email|phone|address")
# Broker's and sagas' own records: they have ids of users in their data, as the tables that they lead to.
NAMED_BY_ANOTHER_TABLE: Final = {
    "sagas",
    "idempotency_keys",
    "job_keys",
    "parked_messages",
    "webhook_subscriptions",
    "order_history",
    "transfer_history",
    "listing_history",
    "feed_heads",
    "lapsed_holds",
    "venues",
}


def test_every_table_with_a_users_data_is_documented() -> None:
    page = (ROOT / "docs/personal-data.md").read_text()
    named = set(re.findall(r"`([a-z_*]+)`", page))
    silent = {
        table.name
        for metadata in METADATA.values()
        for table in metadata.tables.values()
        if any(PERSONAL.search(column.name) for column in table.columns)
        and not any(fnmatch(table.name, name) for name in named)
    }
    assert silent <= NAMED_BY_ANOTHER_TABLE
