"""The merged, readable log of many processes: time, process, event."""

import json
import sys
import threading
from collections import deque
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any, Final, TextIO

__all__ = ["TAIL_LINES", "MergedLog", "colour", "readable", "tail_of"]

NAME_WIDTH: Final = 12
TAIL_LINES: Final = 30
COLOURS: Final = (36, 32, 33, 35, 34, 96, 92, 93)  # ANSI foregrounds that are legible on dark and on light
RESET: Final = "\033[0m"
LAST_LINES_SECONDS: Final = 1.0  # for the thread that copies the output of a process that has just ended
# Shown in the line's columns or as the event's name.
HIDDEN: Final = frozenset({"event", "level", "timestamp", "service", "component", "exception"})


class MergedLog:
    """Copies the output of child processes, line by line, to one stream; one thread per process."""

    def __init__(self, out: TextIO = sys.stdout) -> None:
        self._out = out
        self._lock = threading.Lock()
        self._coloured = out.isatty()
        self._tails: dict[str, deque[str]] = {}
        self._threads: dict[str, threading.Thread] = {}

    def attach(self, name: str, stream: IO[bytes]) -> None:
        thread = threading.Thread(target=self._copy, args=(name, stream), name=f"log of {name}", daemon=True)
        self._threads[name] = thread
        thread.start()

    def tail(self, name: str) -> str:
        """Return the last lines of a process."""
        if thread := self._threads.get(name):
            thread.join(LAST_LINES_SECONDS)
        return "\n".join(self._tails.get(name, ()))

    def write(self, name: str, message: str) -> None:
        """Print a line with the time and the process's name."""
        now = datetime.now(UTC).strftime("%H:%M:%S.%f")[:-3]
        line = f"{now} {name:<{NAME_WIDTH}} {message}"
        with self._lock:
            print(colour(line) if self._coloured else line, file=self._out, flush=True)

    def _copy(self, name: str, stream: IO[bytes]) -> None:
        tail = self._tails[name] = deque(maxlen=TAIL_LINES)
        with stream:
            for line in stream:
                if text := readable(line.decode(errors="replace").rstrip()):
                    tail.append(text)
                    with suppress(OSError, ValueError):  # our own output is closed: a full pipe would stop the process
                        self.write(name, text)


def readable(line: str) -> str:
    """Return a JSON record as ``event key=value …``, and any other line unchanged."""
    try:
        record = json.loads(line) if line.startswith("{") else None
    except (ValueError, RecursionError):
        record = None
    if not isinstance(record, dict):
        return line
    level = str(record.get("level", "")).upper()
    shown = [level] if level in {"WARNING", "ERROR", "CRITICAL"} else []
    shown.append(str(record.get("event", "")))
    shown += [f"{key}={_short(value)}" for key, value in record.items() if key not in HIDDEN]
    text = " ".join(part for part in shown if part)
    return f"{text}\n{record['exception']}" if record.get("exception") else text


def tail_of(log: Path, *, lines: int = TAIL_LINES) -> str:
    """Return the last lines of a log file."""
    return "\n".join(log.read_text(errors="replace").splitlines()[-lines:])


def colour(line: str) -> str:
    """Return a merged line with the process's name in its colour."""
    name = line[13 : 13 + NAME_WIDTH]
    code = COLOURS[sum(name.strip().encode()) % len(COLOURS)]
    return f"{line[:13]}\033[{code}m{name}{RESET}{line[13 + NAME_WIDTH :]}"


def _short(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, default=str)
