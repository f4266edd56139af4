"""Maps errors to gRPC statuses and back.

Trailing metadata carries the code, the kind, the public details, the pause, and whether the participant remembers the
refusal.
"""

from typing import Final

import grpc
import orjson

from common.errors import OutcomeUnknown, ServiceError, Unavailable, error_of_kind

__all__ = ["error_from_status", "status_of", "trailing_metadata_of"]

CODE_KEY: Final = "error-code"
KIND_KEY: Final = "error-kind"
DETAILS_KEY: Final = "error-details-bin"
# As `common.http.error_mapping.REMEMBERED_HEADER`.
REMEMBERED_KEY: Final = "refusal-remembered"
IS_REMEMBERED: Final = "true"
RETRY_AFTER_KEY: Final = "retry-after"

STATUS_OF_KIND: Final = {
    "invalid_request": grpc.StatusCode.INVALID_ARGUMENT,
    "unauthenticated": grpc.StatusCode.UNAUTHENTICATED,
    "forbidden": grpc.StatusCode.PERMISSION_DENIED,
    "not_found": grpc.StatusCode.NOT_FOUND,
    "busy": grpc.StatusCode.ABORTED,
    "too_many_requests": grpc.StatusCode.RESOURCE_EXHAUSTED,
    "internal": grpc.StatusCode.INTERNAL,
    "unavailable": grpc.StatusCode.UNAVAILABLE,
    "outcome_unknown": grpc.StatusCode.DEADLINE_EXCEEDED,
}


def status_of(error: ServiceError) -> grpc.StatusCode:
    """Return the status of the error; every state that must change first is FAILED_PRECONDITION."""
    return STATUS_OF_KIND.get(error.kind, grpc.StatusCode.FAILED_PRECONDITION)


def trailing_metadata_of(error: ServiceError) -> tuple[tuple[str, str | bytes], ...]:
    metadata: tuple[tuple[str, str | bytes], ...] = ((CODE_KEY, error.code), (KIND_KEY, error.kind))
    if error.details is not None:
        metadata += ((DETAILS_KEY, orjson.dumps(error.details, default=str)),)
    if error.is_remembered:
        metadata += ((REMEMBERED_KEY, IS_REMEMBERED),)
    if error.retry_after_seconds is not None:
        metadata += ((RETRY_AFTER_KEY, str(error.retry_after_seconds)),)
    return metadata


def error_from_status(error: grpc.aio.AioRpcError) -> ServiceError:
    """Rebuild the typed error. If the transport failed, the outcome is unknown."""
    metadata = dict(error.trailing_metadata() or ())
    code, kind = metadata.get(CODE_KEY), metadata.get(KIND_KEY)
    if isinstance(code, str) and isinstance(kind, str):
        details = metadata.get(DETAILS_KEY)
        retry_after = metadata.get(RETRY_AFTER_KEY)
        return error_of_kind(
            kind,
            code=code,
            public_message=error.details() or "",
            details=orjson.loads(details) if isinstance(details, bytes) else None,
            is_remembered=metadata.get(REMEMBERED_KEY) == IS_REMEMBERED,
            retry_after_seconds=int(retry_after) if isinstance(retry_after, str) else None,
        )
    if error.code() is grpc.StatusCode.UNIMPLEMENTED:
        return Unavailable(status=error.code().name, reason=error.details())
    return OutcomeUnknown(status=error.code().name, reason=error.details())
