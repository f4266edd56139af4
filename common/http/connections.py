"""Connections whose clients do not do their part are ended; uvicorn itself would wait for them without limit."""

from asyncio import TimerHandle, Transport
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

__all__ = ["IdleTimeoutProtocol"]


class IdleTimeoutProtocol(HttpToolsProtocol):
    """Waits `timeout_seconds` for the client, twice that at most.

    It waits for a request's whole head (bytes that complete none do not count, as in a slowloris attack), and for the
    client to take some more of an answer. How long a body may take is for its reader to say, and WebSockets have
    pings. Looks at its connection now and then instead of setting a timer for each request: this is on every hot path.
    """

    def __init__(self, *args: Any, timeout_seconds: float, **options: Any) -> None:
        super().__init__(*args, **options)
        self._timeout_seconds = timeout_seconds
        self._seen: tuple[object, int] | None = None  # where it stood when last looked at, if it was the client's turn
        self._next_look: TimerHandle | None = None

    def connection_made(self, transport: Transport) -> None:  # type: ignore[override]  # as uvicorn's own
        super().connection_made(transport)
        self._seen = (None, 0)
        self._look_later()

    def connection_lost(self, exc: Exception | None) -> None:
        self._look_no_more()
        super().connection_lost(exc)

    def handle_websocket_upgrade(self) -> None:
        self._look_no_more()
        super().handle_websocket_upgrade()

    def resume_writing(self) -> None:
        self._seen = None
        super().resume_writing()

    def _look(self) -> None:
        before, self._seen = self._seen, self._standing()
        if before is not None and self._seen is not None and before[0] is self._seen[0] and before[1] <= self._seen[1]:
            self.transport.abort()
        else:
            self._look_later()

    def _standing(self) -> tuple[object, int] | None:
        """Return the latest request and how many bytes the client has yet to take; None when it is our turn."""
        is_answered = getattr(self.cycle, "response_complete", True)  # there is no cycle before the first request
        if not (is_answered or self.flow.write_paused or self.transport.is_closing()):
            return None
        return self.cycle, self.transport.get_write_buffer_size()

    def _look_later(self) -> None:
        self._next_look = self.loop.call_later(self._timeout_seconds, self._look)

    def _look_no_more(self) -> None:
        if self._next_look is not None:
            self._next_look.cancel()
