"""The platform is idle: no saga is unfinished, every message is sent, and all earnings are recorded."""

from collections.abc import Mapping
from typing import Final

from invariants.snapshot import QUERIES as ALL_QUERIES
from invariants.snapshot import Query, Snapshot

NAMES: Final = (
    "unfinished_sagas", "users_unsent", "orders_unsent", "inventory_unsent", "orchestrator_unsent", "unrecorded_earnings",
)  # fmt: skip
QUERIES: Final[Mapping[str, Query]] = {name: ALL_QUERIES[name] for name in NAMES}


def violations(snapshot: Snapshot) -> list[str]:
    unsent = {
        "users": snapshot.users_unsent,
        "orders": snapshot.orders_unsent,
        "inventory": snapshot.inventory_unsent,
        "orchestrator": snapshot.orchestrator_unsent,
    }
    return [
        *(
            f"saga {saga['saga_id']} ({saga['kind']}) is {saga['state']} at {saga['step']}"
            for saga in snapshot.unfinished_sagas
        ),
        *(
            f"{package} has not sent {row['routing_key']} {row['message_id']}"
            for package, rows in unsent.items()
            for row in rows
        ),
        *(
            f"purchased item {row['purchased_item_id']} is not in the earnings of {row['performer_id']}"
            for row in snapshot.unrecorded_earnings
        ),
    ]
