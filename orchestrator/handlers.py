"""Which function does which kind of job, said in one place."""

from orchestrator.jobs.registry import Registry
from orchestrator.wiring import SagaMachinery

__all__ = ["register_handlers"]


def register_handlers(registry: Registry, machinery: SagaMachinery) -> None:
    """Register every kind that this release works on. Jobs of other kinds wait in their queues."""
