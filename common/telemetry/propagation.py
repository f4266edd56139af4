"""The headers by which a call or message continues the correlation id and the trace of the current work."""

from common.telemetry.correlation import CORRELATION_HEADER, correlation_id
from common.telemetry.tracing import TRACEPARENT, current_traceparent


def propagated_headers() -> dict[str, str]:
    headers: dict[str, str] = {}
    if current := correlation_id():
        headers[CORRELATION_HEADER] = current
    if traceparent := current_traceparent():
        headers[TRACEPARENT] = traceparent
    return headers
