"""`python -m bench.job_queue.worker`: the real worker with a handler that does nothing."""

from typing import Final

from pydantic import BaseModel

from common.http.app import serve
from orchestrator.container import Container
from orchestrator.jobs.policies import JobPolicy
from orchestrator.jobs.registry import JobContext, Registry
from orchestrator.settings import WorkerSettings
from orchestrator.worker import create_worker

__all__ = ["POLICY", "Nothing"]

POLICY: Final = JobPolicy("bulk", max_attempts=3, retry_seconds=(2.0,), timeout_seconds=30, concurrency=16)


class Nothing(BaseModel):
    number: int


async def _do_nothing(_: Nothing, __: JobContext) -> None:
    """Do nothing: the benchmark measures the job system, not the handler."""


def _register(registry: Registry, _: Container) -> None:
    registry.register(POLICY, Nothing, _do_nothing)


def main() -> None:
    settings = WorkerSettings()
    serve(create_worker(settings, register=_register), service="worker", settings=settings)


if __name__ == "__main__":
    main()
