"""Calls that sagas make to the internal routes of other services."""

from typing import Any

from common.http.client import ServiceClient
from orchestrator.saga_engine.plan import Call


async def post(service: ServiceClient, path: str, call: Call, **facts: object) -> Any:
    """Post facts under the call's request id and, for an undo, the id of the request that it undoes."""
    body: dict[str, Any] = {"request_id": call.request_id}
    if call.undoes_request_id is not None:
        body["undoes_request_id"] = call.undoes_request_id
    return await service.post(path, body | facts)
