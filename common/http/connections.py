"""Ends connections whose clients are idle; uvicorn itself would wait for them without limit."""

from asyncio import TimerHandle, Transport
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol


class IdleTimeoutProtocol(HttpToolsProtocol):
    """Aborts a connection whose client is idle for `timeout_seconds`, twice that at most.

    A client is idle until it has sent a request's whole head (bytes that do not complete it do not count, as in a
    slowloris attack), or while it reads none of the response. The reader of a body limits the body's time, and
    WebSockets have pings. The connection is checked periodically, because a timer per request would cost more.
    """

    def __init__(self, *args: Any, timeout_seconds: float, **options: Any) -> None:
        super().__init__(*args, **options)
        self._timeout_seconds = timeout_seconds
        self._last_state: tuple[object, int] | None = None  # at the last check
        self._timer: TimerHandle | None = None

    def connection_made(self, transport: Transport) -> None:  # type: ignore[override]  # as uvicorn's own
        super().connection_made(transport)
        self._last_state = (None, 0)
        self._start_timer()

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_timer()
        super().connection_lost(exc)

    def handle_websocket_upgrade(self) -> None:
        self._stop_timer()
        super().handle_websocket_upgrade()

    def resume_writing(self) -> None:
        self._last_state = None
        super().resume_writing()

    def _check(self) -> None:
        last, now = self._last_state, self._waiting_state()
        self._last_state = now
        if last is not None and now is not None and last[0] is now[0] and last[1] <= now[1]:
            self.transport.abort()
        else:
            self._start_timer()

    def _waiting_state(self) -> tuple[object, int] | None:
        """Return the latest request and the bytes that the client has not read; None if it waits for this server."""
        is_answered = getattr(self.cycle, "response_complete", True)  # there is no cycle before the first request
        if not (is_answered or self.flow.write_paused or self.transport.is_closing()):
            return None
        return self.cycle, self.transport.get_write_buffer_size()

    def _start_timer(self) -> None:
        self._timer = self.loop.call_later(self._timeout_seconds, self._check)

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
