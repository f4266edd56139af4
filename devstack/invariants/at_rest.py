"""No saga is in hand, and every message is sent."""

from collections.abc import Mapping
from typing import Final

from devstack.invariants.books import READS as ALL_READS
from devstack.invariants.books import Books, Read

__all__ = ["READS", "violations"]

READS: Final[Mapping[str, Read]] = {
    name: ALL_READS[name] for name in ("sagas_in_hand", "users_unsent", "inventory_unsent", "orchestrator_unsent")
}


def violations(books: Books) -> list[str]:
    unsent = {
        "users": books.users_unsent,
        "inventory": books.inventory_unsent,
        "orchestrator": books.orchestrator_unsent,
    }
    return [
        *(
            f"saga {saga['saga_id']} ({saga['kind']}) is {saga['state']} at {saga['step']}"
            for saga in books.sagas_in_hand
        ),
        *(
            f"{package} has not sent {row['routing_key']} {row['message_id']}"
            for package, rows in unsent.items()
            for row in rows
        ),
    ]
