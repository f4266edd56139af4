"""Maps errors to HTTP responses, and responses between services back to errors."""

import json
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Final

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from common.errors import ServiceError, error_of_kind
from common.http.envelope import ErrorBody
from common.telemetry.correlation import correlation_id
from common.telemetry.logs import get_logger

__all__ = [
    "INTERNAL_HEADERS",
    "KIND_HEADER",
    "REMEMBERED_HEADER",
    "STATUS_OF_KIND",
    "error_from_response",
    "error_response",
    "install_error_handlers",
]

# Between services a header carries the error's kind, so that the client can raise the typed error.
KIND_HEADER: Final = "X-Error-Kind"
# A participant that stored the refusal under the call's request id says so. A release that does not know the header says
# nothing, and its refusals decide nothing.
REMEMBERED_HEADER: Final = "X-Refusal-Remembered"
IS_REMEMBERED: Final = "true"
INTERNAL_HEADERS: Final = frozenset(name.lower().encode() for name in (KIND_HEADER, REMEMBERED_HEADER))
"""The headers between services, lower-case. No client outside gets or sends them."""

STATUS_OF_KIND: Final = {
    "invalid_request": 400,
    "unauthenticated": 401,
    "payment_required": 402,
    "forbidden": 403,
    "not_found": 404,
    "conflict": 409,
    "busy": 409,
    "gone": 410,
    "unprocessable": 422,
    "precondition_required": 428,
    "too_many_requests": 429,
    "internal": 500,
    "unavailable": 503,
    "outcome_unknown": 504,
}
LONGEST_FIELD_NAME: Final = 200
KIND_OF_STATUS: Final = {status: kind for kind, status in STATUS_OF_KIND.items() if kind != "busy"}

logger = get_logger(__name__)


def install_error_handlers(app: FastAPI) -> None:
    app.add_exception_handler(ServiceError, _on_service_error)
    app.add_exception_handler(RequestValidationError, _on_validation_error)
    app.add_exception_handler(HTTPException, _on_http_exception)


def error_response(error: ServiceError) -> JSONResponse:
    status = STATUS_OF_KIND.get(error.kind, 500)
    body = ErrorBody(
        error_code=error.code, message=error.public_message, details=error.details, correlation_id=correlation_id()
    )
    headers = {KIND_HEADER: error.kind}
    if error.is_remembered:
        headers[REMEMBERED_HEADER] = IS_REMEMBERED
    if error.retry_after_seconds is not None:
        headers["Retry-After"] = str(error.retry_after_seconds)
    if status == HTTPStatus.UNAUTHORIZED:
        headers["WWW-Authenticate"] = "Bearer"
    return JSONResponse(body.model_dump(exclude_none=True), status_code=status, headers=headers)


def error_from_response(status: int, headers: Mapping[str, str], content: bytes) -> ServiceError:
    """Rebuild another service's error. Without the header of its kind, the status decides."""
    kind, is_remembered = headers.get(KIND_HEADER), headers.get(REMEMBERED_HEADER) == IS_REMEMBERED
    retry_after_seconds = headers.get("Retry-After")
    try:
        body = json.loads(content)
        code, message, details = body["error_code"], body["message"], body.get("details")
    except (ValueError, KeyError, TypeError):
        code, message, details = "SERVICE_UNAVAILABLE", "The service gave no readable response.", None
        kind, is_remembered = "outcome_unknown", False
    return error_of_kind(
        kind or KIND_OF_STATUS.get(status, "internal"),
        code=code,
        public_message=message,
        details=details,
        retry_after_seconds=int(retry_after_seconds) if retry_after_seconds and retry_after_seconds.isdigit() else None,
        is_remembered=is_remembered,
    )


async def _on_service_error(_: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, ServiceError)  # noqa: S101 - FastAPI's handler type is wider than its dispatch
    if STATUS_OF_KIND.get(error.kind, 500) >= HTTPStatus.INTERNAL_SERVER_ERROR:
        logger.warning("request.failed", code=error.code, kind=error.kind, **error.private)
    return error_response(error)


async def _on_validation_error(_: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)  # noqa: S101 - as above
    is_uuid = all(str(problem["type"]).startswith("uuid") for problem in error.errors())
    code = "INVALID_UUID" if is_uuid else "VALIDATION_ERROR"
    fields = {_name_of(problem["loc"]): problem["msg"] for problem in error.errors()}
    message = "An id is not a UUID." if is_uuid else "The request is not valid."
    return error_response(
        error_of_kind("invalid_request", code=code, public_message=message, details={"fields": fields})
    )


def _name_of(place: Sequence[object]) -> str:
    """Return the name of a field. That of an unknown one is the client's: of any length, perhaps with lone surrogates."""
    name = ".".join(str(part) for part in place)
    return name[:LONGEST_FIELD_NAME].encode(errors="backslashreplace").decode()


async def _on_http_exception(_: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)  # noqa: S101 - as above
    kind = KIND_OF_STATUS.get(error.status_code, "invalid_request")
    code = {404: "NOT_FOUND"}.get(error.status_code, "VALIDATION_ERROR")
    response = error_response(error_of_kind(kind, code=code, public_message=str(error.detail)))
    response.status_code = error.status_code
    response.headers.update(error.headers or {})  # such as Allow, which RFC 9110 §15.5.6 requires with 405
    if "GET" in response.headers.get("Allow", "").split(", "):
        response.headers["Allow"] += ", HEAD"
    return response
