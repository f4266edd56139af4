"""Admin routes of sagas."""

import uuid
from typing import Annotated

from fastapi import APIRouter, Query, Response

from common.fields import PlainText
from common.http.auth import ADMIN_ONLY
from common.http.dependencies import provided
from common.http.envelope import CursorPageQuery, Paginated, Success, paginated, refusals, success
from orchestrator.http.audit import Audit
from orchestrator.http.refusals import ADMIN
from orchestrator.saga_engine.engine import StillRunning
from orchestrator.saga_engine.record import SagaState
from orchestrator.saga_engine.schemas import SagaRetried, SagasMadeDue, SagaView
from orchestrator.saga_engine.service import SagaAdminService

__all__ = ["router"]

_RETRY = refusals(ADMIN | {404: "NOT_FOUND", 409: "SAGA_NOT_STUCK"}) | {202: {"model": Success[SagaRetried]}}

router = APIRouter(prefix="/admin/sagas", tags=["Admin"], dependencies=[ADMIN_ONLY])

Service = Annotated[SagaAdminService, provided(SagaAdminService)]


@router.get("", responses=refusals(ADMIN), summary="List sagas, newest first")
async def list_sagas(service: Service, page: CursorPageQuery, state: SagaState | None = None) -> Paginated[SagaView]:
    found = await service.page(state=state, page=page)
    return paginated(found, page)


@router.post("/retry-all", responses=refusals(ADMIN), summary="Retry stuck sagas")
async def retry_sagas(
    service: Service,
    audit: Audit,
    kind: Annotated[PlainText | None, Query(max_length=100, description="Only sagas of this kind.")] = None,
    stuck_code: Annotated[
        PlainText | None, Query(max_length=100, description="Only sagas stuck with this code.")
    ] = None,
) -> Success[SagasMadeDue]:
    """Stuck sagas are tried again by themselves, at intervals of up to ten minutes. This makes up to 1,000 of them due now.

    The worker tries them within seconds, and those that fail wait again.
    """
    asked = {"kind": kind, "stuck_code": stuck_code}
    async with audit.record("saga.retry_all", "saga", None, asked) as change:
        made_due = await service.make_due(kind=kind, stuck_code=stuck_code)
        change.after = {"made_due": made_due}
    return success(SagasMadeDue(made_due=made_due))


@router.post("/{saga_id}/retry", responses=_RETRY, summary="Retry a stuck saga")
async def retry_saga(saga_id: uuid.UUID, service: Service, audit: Audit, response: Response) -> Success[SagaRetried]:
    """Before its pivot the saga unwinds; from the pivot on it goes forward."""
    try:
        async with audit.record("saga.retry", "saga", saga_id) as change:
            state = await service.retry(saga_id)
            change.before, change.after = {"state": SagaState.STUCK}, {"state": state}
    except StillRunning:
        response.status_code = 202
        state = SagaState.RUNNING
    return success(SagaRetried(saga_id=saga_id, state=state))
