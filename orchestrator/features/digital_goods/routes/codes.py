"""Reading and deleting the codes of digital orders (F4)."""

import uuid
from typing import Annotated, Final

from fastapi import APIRouter, Path, Request, Response

from common.http.auth import CurrentUser
from common.http.body import EmptyBody
from common.http.client_address import ClientAddress
from common.http.dependencies import provided
from common.http.envelope import Success, refusals, success
from common.http.middleware import IS_HEAD
from orchestrator.features.digital_goods.schemas.codes import (
    CodesDeleted,
    CodesDocument,
    CodesRevealed,
    DownloadLinkView,
)
from orchestrator.features.digital_goods.service.reading import DELETE, LINK, OBJECT, REVEAL, CodeReadingService
from orchestrator.http.audit import Audit
from orchestrator.http.refusals import COMMON, UPSTREAM

__all__ = ["router"]

_OWN = {403: "FORBIDDEN", 404: "ORDER_NOT_FOUND", 409: "ORDER_INVALID_STATE", 410: "KEYS_DELETED"}
_READ = refusals(COMMON | _OWN)
_DOWNLOAD = refusals(UPSTREAM | {404: "NOT_FOUND", 409: "ORDER_INVALID_STATE", 410: "OFFER_EXPIRED, KEYS_DELETED"})
NOT_STORED: Final = {"Cache-Control": "no-store"}  # RFC 9111 §5.2.2.5
ATTACHMENT: Final = NOT_STORED | {"Content-Disposition": 'attachment; filename="keys.json"'}
JSON: Final = "application/json"

router = APIRouter(tags=["Digital goods"])

Reading = Annotated[CodeReadingService, provided(CodeReadingService)]


@router.get("/fulfillment/{order_id}/download-link", responses=_READ, summary="Get a link to the codes of an order")
async def link(
    *, order_id: uuid.UUID, user: CurrentUser, reading: Reading, audit: Audit, response: Response
) -> Success[DownloadLinkView]:
    """To its buyer only, 30 times an hour. The link is valid until `expires_at`."""
    async with audit.record(LINK, OBJECT, order_id):
        found = await reading.link(order_id, user)
    response.headers.update(NOT_STORED)
    return success(DownloadLinkView.model_validate(found))


@router.post("/fulfillment/{order_id}/reveal", responses=_READ, summary="Reveal the codes of an order")
async def reveal(
    *,
    order_id: uuid.UUID,
    user: CurrentUser,
    reading: Reading,
    audit: Audit,
    response: Response,
    body: EmptyBody | None = None,  # noqa: ARG001 - a field in it is refused
) -> Success[CodesRevealed]:
    """To its buyer only, ten times an hour.

    They are deleted a while after they were first revealed or downloaded: 30 days, unless the operator sets another period.
    """
    async with audit.record(REVEAL, OBJECT, order_id):
        codes = await reading.reveal(order_id, user)
    response.headers.update(NOT_STORED)
    return success(CodesRevealed(codes=codes))


@router.post("/fulfillment/{order_id}/delete-keys", responses=_READ, summary="Delete the codes of an order")
async def delete(
    *,
    order_id: uuid.UUID,
    user: CurrentUser,
    reading: Reading,
    audit: Audit,
    body: EmptyBody | None = None,  # noqa: ARG001 - a field in it is refused
) -> Success[CodesDeleted]:
    """By its buyer only, for good."""
    async with audit.record(DELETE, OBJECT, order_id):
        await reading.delete(order_id, user)
    return success(CodesDeleted(order_id=order_id))


@router.get(
    "/downloads/{token}",
    response_class=Response,
    responses=_DOWNLOAD | {200: {"model": CodesDocument}},
    summary="Download the codes of an order",
)
async def download(
    *, token: Annotated[str, Path(max_length=1_000)], address: ClientAddress, reading: Reading, request: Request
) -> Response:
    """By the link alone, until it expires. Each download is recorded. HEAD checks the link, and is no download."""
    if request.scope.get(IS_HEAD):
        await reading.check(token)
        response = Response(media_type=JSON, headers=ATTACHMENT)
        del response.headers["content-length"]  # of the body, which is not read
        return response
    document = await reading.download(token, address=address)
    return Response(document.model_dump_json(), media_type=JSON, headers=ATTACHMENT)
