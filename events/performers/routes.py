"""HTTP routes of performers: for the public, for those who manage a profile, and for the orchestrator."""

import uuid
from typing import Annotated, Final

from fastapi import APIRouter, Depends, Query

from common.fields import PlainText
from common.http.auth import require_service
from common.http.dependencies import provided
from common.http.envelope import BAD_INPUT, NOT_LOGGED_IN, PageQuery, Paginated, Success, paginated, refusals, success
from events.performers.acting import RequestActor
from events.performers.schemas import LookUpPerformers, Performer, PerformerFacts, Profile, ProfileChanges
from events.performers.service import PerformerService

_ONE: Final = refusals({400: "INVALID_UUID", 404: "PERFORMER_NOT_FOUND"})
_MANAGED: Final = {400: BAD_INPUT, 401: NOT_LOGGED_IN, 403: "FORBIDDEN", 404: "PERFORMER_NOT_FOUND"}
_OWN: Final = refusals(_MANAGED)
_CHANGE: Final = refusals(_MANAGED | {409: "DEVICE_IN_USE"})

Performers = Annotated[PerformerService, provided(PerformerService)]

public: Final = APIRouter(prefix="/api/performers", tags=["Performers"])
managed: Final = APIRouter(tags=["Performers"])
internal: Final = APIRouter(
    prefix="/internal/performers", tags=["Internal: performers"], dependencies=[Depends(require_service)]
)


@public.get("", summary="List performers", responses=refusals({400: "VALIDATION_ERROR"}))
async def list_performers(
    performers: Performers,
    page: PageQuery,
    text: Annotated[PlainText | None, Query(alias="q", max_length=200, description="Part of the name.")] = None,
) -> Paginated[Performer]:
    """Active performers, by name. Open to all callers."""
    return paginated(await performers.search(text, limit=page.per_page, offset=page.offset), page)


@public.get("/{performer_id}", summary="Show a performer", responses=_ONE)
async def show_performer(performer_id: uuid.UUID, performers: Performers) -> Success[Performer]:
    return success(await performers.show(performer_id))


@managed.get("/profile", summary="Show the profile", responses=_OWN)
async def show_profile(actor: RequestActor, performers: Performers) -> Success[Profile]:
    return success(await performers.profile(actor.performer_id))


@managed.patch("/profile", summary="Change the profile", responses=_CHANGE)
async def change_profile(body: ProfileChanges, actor: RequestActor, performers: Performers) -> Success[Profile]:
    """The first change writes the profile; from then on, menus can be made."""
    return success(await performers.write(actor, body))


@internal.post("/lookup", responses=refusals({400: BAD_INPUT}))
async def look_up_performers(wanted: LookUpPerformers, performers: Performers) -> Success[list[PerformerFacts]]:
    """The performers that exist, inactive ones included."""
    return success(await performers.look_up(wanted.performer_ids))


@internal.get("/{performer_id}", responses=_ONE)
async def find_performer(performer_id: uuid.UUID, performers: Performers) -> Success[PerformerFacts]:
    """Also an inactive one."""
    return success(await performers.facts(performer_id))
