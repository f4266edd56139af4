"""Every loop that lives as long as its process is a `BackgroundTask`, which no error ends."""

import ast
from typing import Final

from devstack.home import ROOT

SERVICES: Final = ("common", "rabbitmq", "users", "orders", "events", "inventory", "orchestrator", "gateway")
STARTS: Final = frozenset({"create_task", "ensure_future", "run_coroutine_threadsafe", "Thread"})
# Tasks that end by themselves, and what happens after an error of one.
FINITE: Final = {
    "common/background.py": "is the shared class",
    "common/telemetry/tracing.py": "sends the last spans while the process ends",
    "gateway/live_feed.py": "belongs to one connection, which is closed",
    "orchestrator/clients/events.py": "fetches one event; its callers get the error",
    "orchestrator/features/check_in/service/check_in.py": "looks up a name for one scan, which goes without",
    "orchestrator/features/digital_goods/service/reservations.py": "asks about one reservation, for a bounded time",
    "orchestrator/features/events/service/seat_maps.py": "builds one seat map; its callers get the error",
    "orchestrator/features/notifications/adapters/smtp.py": "ends with the idle connections; the next email starts it",
    "orchestrator/jobs/consumer.py": "handles one wake-up message; the job's lease ends",
    "orchestrator/jobs/runner.py": "is one attempt of a job, whose failure is recorded",
    "orchestrator/saga_engine/engine.py": "runs one saga, whose lease ends",
}


def test_only_the_shared_class_starts_a_task_without_an_end() -> None:
    found = set()
    for file in (file for service in SERVICES for file in (ROOT / service).rglob("*.py")):
        for node in ast.walk(ast.parse(file.read_text())):
            name = getattr(node.func, "attr", getattr(node.func, "id", "")) if isinstance(node, ast.Call) else ""
            if name in STARTS:
                found.add(str(file.relative_to(ROOT)))
    assert found == set(FINITE)
