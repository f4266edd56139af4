"""A platform whose processes restart when they are killed."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Final

from devstack.stack import Stack
from orchestrator.saga_engine.observer import StepMoment
from tests.chaos.auto_restart import restarting_command
from tests.chaos.crash_orchestrator import CRASH_POINT_FILE, CRASHABLE_COMMAND, CrashPoint
from tests.support.platform import running_platform
from tests.support.servers import DatabaseFactory, Vhost

STEP_TIMEOUT_SECONDS: Final = 1.0


@contextmanager
def crashable_platform(
    *, database_url: DatabaseFactory, vhost: Vhost, crash_point: CrashPoint, own_env: Mapping[str, str] | None = None
) -> Iterator[Stack]:
    """Start all services; the orchestrator crashes at `crash_point`. A second orchestrator takes the worker's place."""
    env = {
        "LOG_LEVEL": "WARNING",
        "RATE_LIMIT_PER_MINUTE": "0",
        "SAGA_STEP_TIMEOUT_SECONDS": str(STEP_TIMEOUT_SECONDS),
        "SAGA_LEASE_MARGIN_SECONDS": "0.5",
        "RECOVER_INTERVAL_SECONDS": "0.2",
        CRASH_POINT_FILE: str(crash_point.file),
    } | dict(own_env or {})
    commands = {name: restarting_command(name) for name in ("users", "orders", "events", "inventory", "gateway")}
    commands |= {"orchestrator": list(CRASHABLE_COMMAND), "worker": restarting_command("orchestrator")}
    with running_platform(
        database_url=database_url, vhost=vhost, services=["sandbox", *commands], env=env, commands=commands
    ) as running:
        yield running


def points_of(steps: Sequence[str], moments: Sequence[StepMoment]) -> list[tuple[StepMoment, str]]:
    return [(moment, step) for step in steps for moment in moments]
