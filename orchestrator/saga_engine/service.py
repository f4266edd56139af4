"""Lists sagas for admins and retries stuck ones."""

import uuid
from typing import Final

from common.http.envelope import Page
from common.pages import Total
from common.rows import readable
from orchestrator.saga_engine.engine import SagaEngine
from orchestrator.saga_engine.record import SagaState
from orchestrator.saga_engine.schemas import SagaView

MOST_MADE_DUE: Final = 1_000


class SagaAdminService:
    def __init__(self, engine: SagaEngine) -> None:
        self._engine = engine

    async def page(self, *, state: SagaState | None, page: Page) -> tuple[list[SagaView], Total]:
        """Return a page of sagas, newest first, and the total."""
        rows, total = await self._engine.log.list_page(
            state=state, limit=page.per_page, offset=page.offset, after=page.after
        )
        return readable(rows, SagaView.model_validate, of="sagas"), total

    async def retry(self, saga_id: uuid.UUID) -> SagaState:
        """Run a stuck saga again and return its state afterwards.

        Raises:
            NotFound: there is no such saga.
            SagaNotStuck: it is not stuck.
            UnfitSaga: it does not fit its plan.
            StillRunning: it takes longer than the request may.
        """
        return (await self._engine.retry_stuck(saga_id)).state

    async def make_due(self, *, kind: str | None, stuck_code: str | None) -> int:
        """Make stuck sagas due, the oldest first and at most a thousand, and return their number.

        Args:
            kind, stuck_code: only sagas of this kind, only those stuck with this code; None for all.
        """
        return await self._engine.log.make_stuck_due(kind=kind, stuck_code=stuck_code, limit=MOST_MADE_DUE)
