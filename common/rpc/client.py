"""Calls a gRPC service with a deadline, a service token and the correlation id; raises typed errors."""

from dataclasses import dataclass
from typing import Any, Final, TypeVar

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc

from common.auth.service_tokens import ServiceTokens
from common.errors import as_seen_by_caller
from common.rpc.error_mapping import error_from_status
from common.telemetry.metrics import REMOTE_CALLS
from common.telemetry.propagation import propagated_headers
from common.telemetry.tracing import client_span

__all__ = ["RpcCaller", "is_serving", "open_channel"]

DEFAULT_DEADLINE_SECONDS: Final = 5.0
HEALTH_SECONDS: Final = 1.0
# Long lists are sent in pages, and a page stays far below this.
MAX_MESSAGE_BYTES: Final = 16 * 1024 * 1024

Response = TypeVar("Response")


def open_channel(address: str) -> grpc.aio.Channel:
    """Return a channel to `host:port`, or to all addresses of a name such as ``dns:///inventory:50051``, round robin.

    It reconnects within a second once the server is available again.
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


async def is_serving(channel: grpc.aio.Channel) -> bool:
    """Return the status that the server has stored for the standard health service; False if it does not respond."""
    stub: Any = health_pb2_grpc.HealthStub(channel)
    try:
        found = await stub.Check(health_pb2.HealthCheckRequest(), timeout=HEALTH_SECONDS)
    except grpc.aio.AioRpcError:
        return False
    return bool(found.status == health_pb2.HealthCheckResponse.SERVING)


@dataclass(frozen=True, slots=True, kw_only=True)
class RpcCaller:
    """Adds deadline, token, correlation id and trace to each call.

    Args:
        callee: the service's name, the audience of the tokens sent to it.
    """

    callee: str
    tokens: ServiceTokens
    deadline_seconds: float = DEFAULT_DEADLINE_SECONDS

    async def call(
        self, method: "grpc.aio.UnaryUnaryMultiCallable[Any, Response]", request: Any, *, deadline_seconds: float = 0
    ) -> Response:
        """Return the response.

        Raises:
            OutcomeUnknown: no response in time, or a broken connection.
            ServiceError: the other service's error, with its code.
        """
        with client_span(self.callee, request.DESCRIPTOR.name):
            try:
                response: Response = await method(
                    request, timeout=deadline_seconds or self.deadline_seconds, metadata=self.metadata()
                )
            except grpc.aio.AioRpcError as error:
                REMOTE_CALLS.labels(self.callee, "gRPC", error.code().name).inc()
                raise as_seen_by_caller(error_from_status(error)) from error
        REMOTE_CALLS.labels(self.callee, "gRPC", "ok").inc()
        return response

    def metadata(self) -> tuple[tuple[str, str], ...]:
        token = ("authorization", f"Bearer {self.tokens.issue(self.callee)}")
        return (token, *((name.lower(), value) for name, value in propagated_headers().items()))
