"""The command line: ``python -m devstack up|down|run|dev|demo|reset|status|logs|restart|kill|debug``."""

import argparse
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from typing import Final

from devstack.control import send_command
from devstack.debugger import debug
from devstack.errors import DevstackError
from devstack.home import Home, State, default_home
from devstack.logs import colour, tail_of
from devstack.postgres_files import clear_postgres_files
from devstack.processes import start_detached, stop_all
from devstack.rabbitmq_install import rabbitmq_programs
from devstack.reload import saved_files
from devstack.servers import Existing
from devstack.service_processes import problem_of
from devstack.services import PLATFORM, Urls
from devstack.supervisor import WATCH_SECONDS, addresses_of, supervise

__all__ = ["main"]

UP_SECONDS: Final = 600.0  # the first start includes the installation of RabbitMQ
DOWN_SECONDS: Final = 60.0
RECOVERY_SECONDS: Final = 15.0  # of a service that is being restarted
POLL_SECONDS: Final = 0.1
LOG_TAIL_LINES: Final = 40


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; the exit code is 1 if it failed."""
    options = _parser().parse_args(arguments)
    try:
        options.run(Home(default_home()), options)
    except DevstackError as error:
        print(error, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m devstack", description="Run the platform on this machine.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    def add(name: str, run: object, text: str) -> argparse.ArgumentParser:
        command = commands.add_parser(name, help=text)
        command.set_defaults(run=run)
        return command

    names = [spec.name for spec in PLATFORM]
    for name, run, text in (
        ("run", _run, "start in the foreground"),
        ("dev", _dev, "the same, and restart a service when its files are saved"),
        ("up", _up, "start in the background; return when healthy"),
    ):
        start = add(name, run, text)
        start.add_argument("services", nargs="*", help=f"only these of: {', '.join(names)}")
        if name == "run":
            start.add_argument("--restart", action="store_true", help="restart services that end by themselves")
    add("down", _down, "stop; the data stays")
    add("reset", _reset, "stop and delete the data")
    add("status", _status, "show the running processes")
    add("logs", _logs, "follow the log")
    add("demo", _demo, "start a separate platform, run the demo scenario, stop")
    processes = [*names, "postgres", "rabbitmq"]
    add("restart", _command("restart"), "restart one process").add_argument("service", choices=processes)
    add("kill", _command("kill"), "kill -9 one process").add_argument("service", choices=processes)
    add("debug", _debug, "run one service in this terminal, under pdb").add_argument("service", choices=names)
    return parser


def _run(home: Home, options: argparse.Namespace) -> None:
    supervise(home, services=options.services or None, restarts_services=options.restart)


def _dev(home: Home, options: argparse.Namespace) -> None:
    supervise(home, services=options.services or None, changes=saved_files(every_seconds=WATCH_SECONDS))


def _up(home: Home, options: argparse.Namespace) -> None:
    if not (state := _running(home)):
        state = _start_in_background(home, options.services)
    elif state.phase != "ready":
        state = _wait_ready(home, None)
    else:
        print("The platform is already running.")
    _require_healthy(state)
    print(addresses_of(Urls(**state.urls)))


def _start_in_background(home: Home, services: Sequence[str]) -> State:
    if Existing.from_environment().rabbitmq_url is None:
        rabbitmq_programs()  # now, so that sudo can ask for a password: the supervisor has no terminal
    home.prepare()
    log = home.logs / "devstack.log"
    print(f"Starting; the log is {os.path.relpath(log)}", flush=True)
    command = ["devstack", "run", "--restart", *services]
    supervisor = start_detached(command, log=log, env=os.environ | {"DEVSTACK_HOME": str(home.path)})
    return _wait_ready(home, supervisor)


def _wait_ready(home: Home, supervisor: "subprocess.Popen[bytes] | None") -> State:
    """Wait for the phase ``ready``; ``supervisor`` is given if this process started it."""
    deadline = time.monotonic() + UP_SECONDS
    while time.monotonic() < deadline:
        state = _running(home)
        if state and state.phase == "ready":
            return state
        ended = supervisor.poll() is not None if supervisor else state is None
        if ended:
            tail = tail_of(home.logs / "devstack.log", lines=LOG_TAIL_LINES)
            raise DevstackError(f"{tail}\n\nThe platform did not start; the end of its log is above.")
        time.sleep(POLL_SECONDS)
    raise DevstackError(f"The platform was not ready within {UP_SECONDS:.0f} s; see: python -m devstack logs")


def _require_healthy(state: State) -> None:
    """Check that each service responds, and that it is this platform's.

    Raises:
        DevstackError: some do not within `RECOVERY_SECONDS`; the message names them.
    """
    urls, deadline = Urls(**state.urls), time.monotonic() + RECOVERY_SECONDS
    while problems := {
        name: problem
        for name in state.services
        if (problem := problem_of(urls.health_of(name), instance=state.instance)) is not None
    }:
        if time.monotonic() > deadline:
            found = "; ".join(f"{name}: {problem}" for name, problem in problems.items())
            raise DevstackError(f"The platform is not healthy. {found}. See: python -m devstack logs")
        time.sleep(POLL_SECONDS)


def _down(home: Home, _: argparse.Namespace) -> None:
    state = home.read_state()
    if state and state.supervisor.is_alive():
        stop_all([state.supervisor], grace_seconds=DOWN_SECONDS)
    if not home.path.exists():
        print("Nothing is running.")
        return
    # Wait for the watchdog of a killed supervisor, then stop what it could not stop.
    with home.locked(wait_seconds=DOWN_SECONDS):
        if leftover := home.read_state():
            stop_all(leftover.processes)
            home.clear_state()
    print("Stopped; the data is kept." if state else "Nothing is running.")


def _reset(home: Home, options: argparse.Namespace) -> None:
    _down(home, options)
    if os.environ.get("DATABASE_URL") or os.environ.get("RABBITMQ_URL"):
        print("Data on the servers in DATABASE_URL and RABBITMQ_URL is not deleted.")
    for folder in (Home(home.path / "demo"), home):
        clear_postgres_files(folder)
        folder.clear()
    print(f"Deleted the data in {home.path}.")


def _status(home: Home, _: argparse.Namespace) -> None:
    state = _running(home)
    if state is None:
        print("The platform is not running. Start it with: make up")
        return
    print(f"{state.phase}, pid {state.supervisor.pid}")
    for process in state.processes:
        print(f"  {process.name:<13} {'running' if process.is_alive() else 'ended':<7} pid {process.pid}")
    print(addresses_of(Urls(**state.urls)) if state.urls else "")


def _logs(home: Home, _: argparse.Namespace) -> None:
    log = home.logs / "devstack.log"
    if not log.exists():
        raise DevstackError("There is no log. Start the platform with: make up")
    with log.open() as lines:
        while True:
            if line := lines.readline():
                print(colour(line) if sys.stdout.isatty() else line, end="")
            else:
                sys.stdout.flush()
                time.sleep(POLL_SECONDS)


def _demo(home: Home, _: argparse.Namespace) -> None:
    from devstack.demo.environment import run_demo  # noqa: PLC0415 - other commands start faster without an HTTP client

    run_demo(home.path / "demo")


def _debug(home: Home, options: argparse.Namespace) -> None:
    debug(_require_running(home), options.service)


def _command(action: str) -> object:
    def send(home: Home, options: argparse.Namespace) -> None:
        send_command(_require_running(home).control, action, options.service)
        print(f"{options.service}: {action} done.")

    return send


def _require_running(home: Home) -> State:
    if state := _running(home):
        return state
    raise DevstackError("The platform is not running. Start it with: make up")


def _running(home: Home) -> State | None:
    state = home.read_state()
    return state if state and state.supervisor.is_alive() else None
