"""Where admins see how sagas stand, and set stuck ones going again."""

import uuid
from datetime import datetime

from common.http.envelope import Page
from orchestrator.saga_engine.engine import SagaEngine
from orchestrator.saga_engine.record import SagaRecord, SagaState
from orchestrator.saga_engine.schemas import SagaView

__all__ = ["SagaAdminService"]


class SagaAdminService:
    def __init__(self, engine: SagaEngine) -> None:
        self._engine = engine

    async def page(self, *, state: SagaState | None, page: Page) -> tuple[list[SagaView], int]:
        """Return a page of sagas, newest first, and how many there are in all."""
        sagas, total = await self._engine.list_page(state=state, limit=page.per_page, offset=page.offset)
        return [self._view(saga, created_at, updated_at) for saga, created_at, updated_at in sagas], total

    async def retry(self, saga_id: uuid.UUID) -> SagaState:
        """Set a stuck saga going again and return its state afterwards.

        Raises:
            NotFound: there is no such saga.
            Conflict: SAGA_NOT_STUCK.
            StillRunning: it takes longer than the request may.
        """
        return (await self._engine.retry_stuck(saga_id)).state

    def _view(self, saga: SagaRecord, created_at: datetime, updated_at: datetime) -> SagaView:
        return SagaView(
            saga_id=saga.saga_id,
            kind=saga.kind,
            state=saga.state,
            step=self._engine.step_name(saga),
            requested_by=saga.requested_by,
            attempts=saga.attempts,
            error_code=saga.error.code if saga.error else None,
            error_step=saga.error.step if saga.error else None,
            correlation_id=saga.correlation_id,
            created_at=created_at,
            updated_at=updated_at,
        )
