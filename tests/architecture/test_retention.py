"""Every table has an end, or a reason to have none: docs/operations.md names each, and the code's periods are the documented ones."""

import re
from collections import Counter
from typing import Final

import pytest

import events.articles.models
import events.catalogue.models
import events.menus.models
import events.performers.models
import events.products.models
import events.venues.models  # noqa: F401 - importing a module defines its tables
import inventory.models
import orders.app
import orders.tables
import users.app
import users.tables
from common.db.idempotency import REQUESTS_RETENTION
from common.db.retention import Retention
from common.messaging.inbox import INBOX_RETENTION
from common.messaging.outbox import sent_retention
from events.database import metadata as events_metadata
from inventory.app import RETENTIONS as INVENTORY_RETENTIONS
from inventory.repository.expiry import lapses_retention
from inventory.schemas import HoldLimits
from orchestrator.audit.repository import AUDIT_RETENTION
from orchestrator.database import metadata as orchestrator_metadata
from orchestrator.features.inbound_webhooks.repository import log_retention
from orchestrator.features.outbound_webhooks.repository import DELIVERIES_RETENTION
from orchestrator.features.parked_messages.repository import SETTLED_RETENTION
from orchestrator.jobs.repository.maintenance import JOB_RETENTIONS
from orchestrator.saga_engine.repository import KEYS_RETENTION, unwound_retention
from tests.architecture.compose import ROOT

METADATA: Final = {
    "users": users.tables.METADATA,
    "orders": orders.tables.metadata,
    "events": events_metadata,
    "inventory": inventory.models.metadata,
    "orchestrator": orchestrator_metadata,
}
TABLES: Final = {service: set(metadata.tables) for service, metadata in METADATA.items()}
LIMITS: Final = HoldLimits(
    seats_per_event=10, seats_per_user=20, lapses=3, lapse_window_seconds=900, cooldown_seconds=300
)
RULES: Final[dict[str, tuple[Retention, ...]]] = {
    "users": (*users.app.RETENTIONS, sent_retention()),
    "orders": (*orders.app.RETENTIONS, sent_retention()),
    "events": (REQUESTS_RETENTION,),
    "inventory": (*INVENTORY_RETENTIONS, sent_retention(), lapses_retention(LIMITS)),
    "orchestrator": (
        INBOX_RETENTION,
        sent_retention(),
        KEYS_RETENTION,
        *JOB_RETENTIONS,
        unwound_retention("purchase"),
        log_retention(90),
        DELIVERIES_RETENTION,
        SETTLED_RETENTION,
        AUDIT_RETENTION,
    ),
}
DAYS: Final = re.compile(r"(\d+) days?|\((\d+)\)")


def documented() -> dict[tuple[str, str], str]:
    """Return the period of each table, by service and table."""
    section = (ROOT / "docs/operations.md").read_text().partition("\n## Retention\n")[2].partition("\n## ")[0]
    rows = [line.strip("| ").split(" | ") for line in section.splitlines() if line.startswith("| `")]
    named = [
        ((service, table), row[2])
        for row in rows
        for table in re.findall(r"`(\w+)`", row[0])
        for service in row[1].split(", ")
    ]
    assert max(Counter(key for key, _ in named).values()) == 1
    return dict(named)


def test_every_table_has_a_documented_period() -> None:
    assert documented().keys() == {(service, table) for service, tables in TABLES.items() for table in tables}


@pytest.mark.parametrize(
    ("service", "rule"), [(service, rule) for service, rules in RULES.items() for rule in rules], ids=str
)
def test_documented_period_is_the_codes(service: str, rule: Retention) -> None:
    period = documented()[service, rule.table]
    days = {float(days or setting) for days, setting in DAYS.findall(period)}
    match rule.table:
        case "outbox":
            assert (rule.keep_seconds, period) == (72 * 3_600, "`OUTBOX_RETENTION_HOURS` (72) after it was sent")
        case "lapsed_holds":
            assert rule.keep_seconds == LIMITS.lapse_window_seconds + LIMITS.cooldown_seconds
        case "attempts" | "known_devices" | "sessions" | "refresh_tokens":
            assert rule.keep_days == 0
            assert period.startswith("until")
        case _:
            assert rule.keep_days in days, period


def test_requests_are_forgotten_before_their_sagas() -> None:
    """A saga that is started again under its old id must not meet answers of the first one."""
    assert unwound_retention("purchase").keep_days > REQUESTS_RETENTION.keep_days
