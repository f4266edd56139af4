"""Calls a gRPC service with a deadline, a service token and the correlation id; raises typed errors."""

from typing import Any, Final, TypeVar

import grpc

from common.auth.service_tokens import ServiceTokens
from common.errors import as_seen_by_caller
from common.rpc.errors import error_from_status
from common.telemetry.correlation import CORRELATION_METADATA, correlation_id
from common.telemetry.metrics import REMOTE_CALLS
from common.telemetry.tracing import TRACEPARENT, client_span, current_traceparent

__all__ = ["RpcCaller", "open_channel"]

DEFAULT_DEADLINE_SECONDS: Final = 5.0
# A seat map of 100,000 seats goes out in pages; one page stays far below this.
MAX_MESSAGE_BYTES: Final = 16 * 1024 * 1024

Answer = TypeVar("Answer")


def open_channel(address: str) -> grpc.aio.Channel:
    """Return a channel to `host:port`, or to all copies that a name such as ``dns:///inventory:50051`` stands for.

    Copies get calls in turn. It reconnects by itself, within a second of the other side's return.
    """
    return grpc.aio.insecure_channel(
        address,
        options=[
            ("grpc.lb_policy_name", "round_robin"),
            ("grpc.max_receive_message_length", MAX_MESSAGE_BYTES),
            ("grpc.initial_reconnect_backoff_ms", 100),
            ("grpc.max_reconnect_backoff_ms", 1000),
            ("grpc.keepalive_time_ms", 30_000),
        ],
    )


class RpcCaller:
    """Adds to each call what every call needs.

    Args:
        callee: the service's name, the audience of the tokens sent to it.
    """

    def __init__(
        self, *, callee: str, tokens: ServiceTokens, deadline_seconds: float = DEFAULT_DEADLINE_SECONDS
    ) -> None:
        self._callee = callee
        self._tokens = tokens
        self._deadline_seconds = deadline_seconds

    async def call(
        self, method: "grpc.aio.UnaryUnaryMultiCallable[Any, Answer]", request: Any, *, deadline_seconds: float = 0
    ) -> Answer:
        """Return the answer.

        Raises:
            OutcomeUnknown: no answer in time, or a broken connection.
            ServiceError: what the other service refused, with its code.
        """
        with client_span(self._callee, request.DESCRIPTOR.name):
            try:
                answer: Answer = await method(
                    request, timeout=deadline_seconds or self._deadline_seconds, metadata=self.metadata()
                )
            except grpc.aio.AioRpcError as error:
                REMOTE_CALLS.labels(self._callee, "gRPC", error.code().name).inc()
                raise as_seen_by_caller(error_from_status(error)) from error
        REMOTE_CALLS.labels(self._callee, "gRPC", "ok").inc()
        return answer

    def metadata(self) -> tuple[tuple[str, str], ...]:
        metadata: tuple[tuple[str, str], ...] = (("authorization", f"Bearer {self._tokens.issue(self._callee)}"),)
        if current := correlation_id():
            metadata += ((CORRELATION_METADATA, current),)
        if traceparent := current_traceparent():
            metadata += ((TRACEPARENT, traceparent),)
        return metadata
