"""HTTP route of emails about accounts; internal only."""

from typing import Annotated, Final
from uuid import UUID

from fastapi import APIRouter, Depends

from common.http.auth import require_service
from common.http.dependencies import provided
from common.http.envelope import Success, refusals, success
from users.email_links.schemas import AccountEmail
from users.email_links.service import EmailLinkService

__all__ = ["internal"]

internal: Final = APIRouter(
    prefix="/internal/email-links", tags=["Internal: emails about accounts"], dependencies=[Depends(require_service)]
)


@internal.get("/{link_id}", responses=refusals({400: "INVALID_UUID", 404: "NOT_FOUND"}))
async def read_email(
    link_id: UUID, links: Annotated[EmailLinkService, provided(EmailLinkService)]
) -> Success[AccountEmail]:
    """The email to send, with the token of its link. 404 if there is none to send any more."""
    return success(await links.email_to_send(link_id))
