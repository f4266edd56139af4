"""Interceptor for every gRPC call: the caller's token, the correlation id, the trace, typed errors, metrics."""

import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final, TypeAlias

import grpc

from common.auth.service_tokens import ServiceTokens
from common.errors import Internal, ServiceError
from common.rpc.error_mapping import status_of, trailing_metadata_of
from common.telemetry.correlation import CORRELATION_METADATA, set_correlation_id
from common.telemetry.logs import get_logger
from common.telemetry.metrics import REQUEST_SECONDS
from common.telemetry.tracing import TRACEPARENT, SpanKind, continued_span

__all__ = ["CallContext"]

# Health probes and reflection carry no token; neither reads nor changes data.
OPEN_SERVICES: Final = ("/grpc.health.v1.Health/", "/grpc.reflection.")

logger = get_logger(__name__)

Handler: TypeAlias = "grpc.RpcMethodHandler[Any, Any] | None"  # generic for type checkers only
Continuation: TypeAlias = "Callable[[grpc.HandlerCallDetails], Awaitable[Handler]]"


class CallContext(grpc.aio.ServerInterceptor):
    """Checks the service token and turns a `ServiceError` into a status with its code in trailing metadata.

    Only unary methods are supported; a streaming one fails.
    """

    def __init__(self, tokens: ServiceTokens) -> None:
        self._tokens = tokens

    async def intercept_service(
        self, continuation: Continuation, handler_call_details: grpc.HandlerCallDetails
    ) -> Handler:
        method = handler_call_details.method
        handler = await continuation(handler_call_details)
        if handler is None or method.startswith(OPEN_SERVICES):
            return handler
        return grpc.unary_unary_rpc_method_handler(
            self._wrapped(method, handler.unary_unary),
            request_deserializer=handler.request_deserializer,
            response_serializer=handler.response_serializer,
        )

    def _wrapped(self, method: str, behaviour: Any) -> Any:
        async def call(request: Any, context: grpc.aio.ServicerContext[Any, Any]) -> Any:
            started_at = time.perf_counter()
            status = grpc.StatusCode.OK
            metadata = _metadata_of(context)
            try:
                with continued_span(method, SpanKind.SERVER, metadata.get(TRACEPARENT)):
                    self._authenticate(metadata)
                    return await behaviour(request, context)
            except Exception as error:  # noqa: BLE001 - mapped to a status below
                refusal = _service_error(error, method)
                status = status_of(refusal)
                await context.abort(status, refusal.public_message, trailing_metadata_of(refusal))
            finally:
                seconds = time.perf_counter() - started_at
                REQUEST_SECONDS.labels("gRPC", method, status.name).observe(seconds)
                logger.info("request", method="gRPC", path=method, status=status.name, ms=round(seconds * 1000, 1))

        return call

    def _authenticate(self, metadata: Mapping[str, str]) -> None:
        set_correlation_id(metadata.get(CORRELATION_METADATA))
        self._tokens.verify(metadata.get("authorization", "").removeprefix("Bearer "))


def _metadata_of(context: grpc.aio.ServicerContext[Any, Any]) -> dict[str, str]:
    return {key: _text(value) for key, value in context.invocation_metadata() or ()}


def _text(value: str | bytes) -> str:
    return value.decode("latin-1") if isinstance(value, bytes) else value


def _service_error(error: Exception, method: str) -> ServiceError:
    if isinstance(error, ServiceError):
        return error
    logger.error("rpc.crashed", method=method, exc_info=error)
    return Internal()
