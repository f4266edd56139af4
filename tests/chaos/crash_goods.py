"""`python -m tests.chaos.crash_goods`: the real worker, which crashes around the writes of the jobs of digital orders.

The step of a crash point is one of `STEPS`; the moment is before or after it. See `crash_orchestrator` for how the process
restarts.
"""

import functools
import os
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, Final

from common.http.app import serve
from orchestrator.clients.orders.digital_orders import DigitalOrdersClient
from orchestrator.features.digital_goods.adapters.folder import FolderStorage
from orchestrator.features.digital_goods.adapters.supplier import SupplierApi
from orchestrator.features.digital_goods.service.sales import SaleService
from orchestrator.features.inbound_webhooks.repository import WebhookLog
from orchestrator.settings import WorkerSettings
from orchestrator.worker import create_worker
from tests.chaos.auto_restart import restart_forever
from tests.chaos.crash_orchestrator import CRASH_POINT_FILE, CrashPoint

__all__ = ["AFTER", "BEFORE", "CRASHABLE_GOODS_COMMAND", "STEPS"]

CRASHABLE_GOODS_COMMAND: Final = (sys.executable, "-m", "tests.chaos.crash_goods")
BEFORE: Final = "before"
AFTER: Final = "after"

# In the sequence in which an order meets them: its reserve job, the job of a webhook, its store job.
_WRITES: Final[tuple[tuple[type, str], ...]] = (
    (SupplierApi, "reserve"),
    (DigitalOrdersClient, "note_reservation"),
    (WebhookLog, "begin"),
    (DigitalOrdersClient, "add_codes"),
    (WebhookLog, "end"),
    (FolderStorage, "put"),
    (DigitalOrdersClient, "make_ready"),
    (SaleService, "deliver"),
)
STEPS: Final = tuple(name for _, name in _WRITES)


def _crashing(
    write: Callable[..., Awaitable[Any]], crash_point: CrashPoint, step: str
) -> Callable[..., Awaitable[Any]]:
    @functools.wraps(write)
    async def crash_or_write(*args: Any, **kwargs: Any) -> Any:
        crash_point.crash_if_reached(BEFORE, step)
        result = await write(*args, **kwargs)
        crash_point.crash_if_reached(AFTER, step)
        return result

    return crash_or_write


def serve_once() -> None:
    settings = WorkerSettings()
    crash_point = CrashPoint(Path(os.environ[CRASH_POINT_FILE]))
    for owner, name in _WRITES:
        setattr(owner, name, _crashing(getattr(owner, name), crash_point, name))
    serve(create_worker(settings), service="worker", settings=settings)


if __name__ == "__main__":
    restart_forever(serve_once)
