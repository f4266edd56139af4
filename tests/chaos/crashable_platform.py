"""A platform whose processes rise again when they are killed."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Final

from devstack.stack import Stack
from orchestrator.saga_engine.observer import Moment
from tests.chaos.auto_restart import phoenix_command
from tests.chaos.crash_orchestrator import DOOM_FILE, DOOMED_COMMAND, Doom
from tests.support.platform import running_platform
from tests.support.servers import DatabaseFactory, Vhost

__all__ = ["PATIENCE_SECONDS", "mortal_platform", "points_of"]

PATIENCE_SECONDS: Final = 1.0


@contextmanager
def mortal_platform(
    *, database_url: DatabaseFactory, vhost: Vhost, doom: Doom, own_env: Mapping[str, str] | None = None
) -> Iterator[Stack]:
    """Start it all; the orchestrator dies where `doom` says. In the worker's place there is a second orchestrator."""
    env = {
        "LOG_LEVEL": "WARNING",
        "RATE_LIMIT_PER_MINUTE": "0",
        "SAGA_STEP_TIMEOUT_SECONDS": str(PATIENCE_SECONDS),
        "SAGA_LEASE_MARGIN_SECONDS": "0.5",
        "RECOVER_INTERVAL_SECONDS": "0.2",
        DOOM_FILE: str(doom.file),
    } | dict(own_env or {})
    commands = {name: phoenix_command(name) for name in ("users", "orders", "events", "inventory", "gateway")}
    commands |= {"orchestrator": list(DOOMED_COMMAND), "worker": phoenix_command("orchestrator")}
    with running_platform(
        database_url=database_url, vhost=vhost, services=["sandbox", *commands], env=env, commands=commands
    ) as running:
        yield running


def points_of(steps: Sequence[str], moments: Sequence[Moment]) -> list[tuple[Moment, str]]:
    return [(moment, step) for step in steps for moment in moments]
