"""The services' processes: started, checked, signalled and stopped by name."""

import http.client
import json
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from devstack.errors import DevstackError
from devstack.home import ROOT, Home
from devstack.logs import MergedLog, tail_of
from devstack.processes import Child, ProcessId, Spawn, identify, kill_family, stop_all

__all__ = ["ServiceProcesses", "problem_of"]

STOP_SECONDS: Final = 15.0  # longer than the services' own grace for requests in flight
HEALTHY_SECONDS: Final = 60.0
POLL_SECONDS: Final = 0.05
PROBE_SECONDS: Final = 5.0


@dataclass(frozen=True, kw_only=True)
class _Child:
    popen: Child
    identity: ProcessId
    log: Path | None


class ServiceProcesses:
    """The running services. Without a merged log each service writes to its own file in the stack's log folder.

    Args:
        instance: the id that the services show in `/health`.
    """

    def __init__(
        self,
        home: Home,
        *,
        instance: str,
        merged_log: MergedLog | None,
        spawn: Spawn,
        on_spawn: Callable[[], None],
    ) -> None:
        self._home = home
        self._instance = instance
        self._merged_log = merged_log
        self._start = spawn
        self._on_spawn = on_spawn
        self._children: dict[str, _Child] = {}

    @property
    def processes(self) -> tuple[ProcessId, ...]:
        return tuple(child.identity for child in list(self._children.values()))

    def spawn(self, name: str, command: Sequence[str | Path], env: Mapping[str, str]) -> None:
        log = None if self._merged_log else self._home.logs / f"{name}.log"
        if log:
            with log.open("ab") as file:
                popen = self._start(command, env=env, output=file, cwd=ROOT)
        else:
            popen = self._start(command, env=env, output=subprocess.PIPE, cwd=ROOT)
        if self._merged_log and popen.stdout:
            self._merged_log.attach(name, popen.stdout)
        self._children[name] = _Child(popen=popen, identity=identify(popen, name=name), log=log)
        self._on_spawn()

    def wait_healthy(self, name: str, url: str, *, among: Sequence[str] = ()) -> None:
        """Wait until ``GET {url}/health`` returns 200 and this stack's instance, which another platform's process cannot.

        Args:
            among: others that are starting; the end of one of them ends the wait.

        Raises:
            DevstackError: a process ended, or this one is not healthy in time.
        """
        deadline = time.monotonic() + HEALTHY_SECONDS
        while True:
            problem = problem_of(url, instance=self._instance)
            for each in (name, *among):
                if (code := self._children[each].popen.poll()) is not None:
                    raise DevstackError(f"{each} ended with exit code {code} while starting.{self._log_tail(each)}")
            if problem is None:
                return
            if time.monotonic() > deadline:
                raise DevstackError(f"{name} is not healthy at {url}/health: {problem}.{self._log_tail(name)}")
            time.sleep(POLL_SECONDS)

    def wait_finished(self, name: str) -> None:
        """Wait for a command to end by itself.

        Raises:
            DevstackError: the command failed.
        """
        if code := self._children[name].popen.wait():
            raise DevstackError(f"{name} failed with exit code {code}.{self._log_tail(name)}")
        del self._children[name]

    def stop(self, names: Sequence[str]) -> None:
        """Stop these processes gracefully and concurrently."""
        stop_all(
            [self._children[name].identity for name in names if name in self._children], grace_seconds=STOP_SECONDS
        )
        self._reap(names)

    def kill(self, name: str) -> None:
        """``kill -9``.

        Raises:
            DevstackError: the process is not running.
        """
        kill_family(self._child(name).identity)
        self._reap([name])

    def send_signal(self, name: str, number: signal.Signals) -> None:
        """Send a signal; after SIGSTOP a process accepts connections but never responds."""
        if process := self._child(name).identity.process():
            process.send_signal(number)

    def runs(self, name: str) -> bool:
        return name in self._children and self._children[name].popen.poll() is None

    def take_ended(self) -> dict[str, str]:
        """Return how processes ended by themselves since the last call: exit code, and the last lines of the log."""
        ended = {
            name: f"{name} ended with exit code {code}.{self._log_tail(name)}"
            for name, child in list(self._children.items())
            if (code := child.popen.poll()) is not None
        }
        self._reap(list(ended))
        return ended

    def _child(self, name: str) -> _Child:
        if name not in self._children:
            raise DevstackError(f"{name} is not running.")
        return self._children[name]

    def _reap(self, names: Sequence[str]) -> None:
        for name in names:
            if child := self._children.pop(name, None):
                child.popen.wait()

    def _log_tail(self, name: str) -> str:
        log = self._children[name].log
        if log is None:
            return "\n" + (self._merged_log.tail(name) if self._merged_log else "")
        return "\n" + tail_of(log)


def problem_of(url: str, *, instance: str) -> str | None:
    """Return why no healthy service of this instance responds to ``GET {url}/health``; None if one does.

    No proxy is used. An empty ``instance`` stands for any.
    """
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=PROBE_SECONDS)
    try:
        connection.request("GET", "/health")
        response = connection.getresponse()
        if response.status != http.client.OK:
            return f"status {response.status}"
        found = json.loads(response.read()).get("instance")
    except (OSError, http.client.HTTPException, ValueError, AttributeError) as error:
        return str(error)
    finally:
        connection.close()
    return None if found == instance or not instance else "the process at this port belongs to another platform"
