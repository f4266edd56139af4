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
from devstack.home import ROOT, Home, State, default_home
from devstack.logs import colour
from devstack.postgres_files import clear_postgres_files
from devstack.processes import stop_all
from devstack.rabbitmq_install import rabbitmq_programs
from devstack.reload import saved_files
from devstack.servers import Existing
from devstack.services import PLATFORM, Urls
from devstack.supervisor import WATCH_SECONDS, supervise, where_to_click

__all__ = ["main"]

UP_SECONDS: Final = 600.0  # includes the first time's installation of RabbitMQ
DOWN_SECONDS: Final = 60.0
POLL_SECONDS: Final = 0.1
LOG_TAIL_LINES: Final = 40


def main(arguments: Sequence[str] | None = None) -> int:
    """Carry out one command; the exit code is 1 when it could not be."""
    options = _parser().parse_args(arguments)
    try:
        options.carry_out(Home(default_home()), options)
    except DevstackError as error:
        print(error, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m devstack", description="The platform on one machine.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    def add(name: str, carry_out: object, text: str) -> argparse.ArgumentParser:
        command = commands.add_parser(name, help=text)
        command.set_defaults(carry_out=carry_out)
        return command

    names = [spec.name for spec in PLATFORM]
    some = f"only these of: {', '.join(names)}"
    add("run", _run, "start in the foreground").add_argument("services", nargs="*", help=some)
    add("dev", _dev, "the same, and restart a service whose files are saved").add_argument(
        "services", nargs="*", help=some
    )
    add("up", _up, "start in the background, return when healthy").add_argument("services", nargs="*", help=some)
    add("down", _down, "stop; the data stays")
    add("reset", _reset, "stop and throw the data away")
    add("status", _status, "show what runs")
    add("logs", _logs, "follow the log")
    add("demo", _demo, "start apart from all that, play from purchase to refund, stop")
    breakable = [*names, "postgres", "rabbitmq"]
    add("restart", _command("restart"), "restart one process").add_argument("service", choices=breakable)
    add("kill", _command("kill"), "kill -9 one process").add_argument("service", choices=breakable)
    add("debug", _debug, "run one service in this terminal, under pdb").add_argument("service", choices=names)
    return parser


def _run(home: Home, options: argparse.Namespace) -> None:
    supervise(home, services=options.services or None)


def _dev(home: Home, options: argparse.Namespace) -> None:
    supervise(home, services=options.services or None, changes=saved_files(every_seconds=WATCH_SECONDS))


def _up(home: Home, options: argparse.Namespace) -> None:
    if not (state := _running(home)):
        state = _start_in_background(home, options.services)
    elif state.phase != "ready":
        state = _wait_ready(home, None)
    else:
        print("It runs already.")
    print(where_to_click(Urls(**state.urls)))


def _start_in_background(home: Home, services: Sequence[str]) -> State:
    if Existing.from_environment().rabbitmq_url is None:
        rabbitmq_programs()  # here, where sudo can ask for a password: the supervisor has no terminal
    home.prepare()
    log = home.logs / "devstack.log"
    print(f"Starting; the log is {os.path.relpath(log)}", flush=True)
    with log.open("wb") as output:
        supervisor = subprocess.Popen(
            [sys.executable, "-m", "devstack", "run", *services],
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            env=os.environ | {"DEVSTACK_HOME": str(home.path)},
        )
    return _wait_ready(home, supervisor)


def _wait_ready(home: Home, supervisor: "subprocess.Popen[bytes] | None") -> State:
    """Wait for the phase ``ready``; ``supervisor`` is the process to watch when we started it ourselves."""
    deadline = time.monotonic() + UP_SECONDS
    while time.monotonic() < deadline:
        state = _running(home)
        if state and state.phase == "ready":
            return state
        ended = supervisor.poll() is not None if supervisor else state is None
        if ended:
            tail = (home.logs / "devstack.log").read_text(errors="replace").splitlines()[-LOG_TAIL_LINES:]
            raise DevstackError("\n".join([*tail, "", "It did not start; the end of its log is above."]))
        time.sleep(POLL_SECONDS)
    raise DevstackError(f"It was not ready within {UP_SECONDS:.0f} s; see: python -m devstack logs")


def _down(home: Home, _: argparse.Namespace) -> None:
    state = home.read_state()
    if state and state.supervisor.is_alive():
        stop_all([state.supervisor], grace_seconds=DOWN_SECONDS)
    if not home.path.exists():
        print("Nothing runs.")
        return
    # A killed supervisor's watchdog may still be at work; what it could not stop is ours to stop.
    with home.locked(wait_seconds=DOWN_SECONDS):
        if leftover := home.read_state():
            stop_all(leftover.processes)
            home.clear_state()
    print("Stopped; the data stays." if state else "Nothing runs.")


def _reset(home: Home, options: argparse.Namespace) -> None:
    _down(home, options)
    if os.environ.get("DATABASE_URL") or os.environ.get("RABBITMQ_URL"):
        print("Data on the servers that DATABASE_URL and RABBITMQ_URL name is left alone.")
    for one in (Home(home.path / "demo"), home):
        clear_postgres_files(one)
        one.clear()
    print(f"Removed the data in {home.path}.")


def _status(home: Home, _: argparse.Namespace) -> None:
    state = _running(home)
    if state is None:
        print("Nothing runs. Start it with: make up")
        return
    print(f"{state.phase}, pid {state.supervisor.pid}")
    for process in state.processes:
        print(f"  {process.name:<13} {'runs' if process.is_alive() else 'dead':<5} pid {process.pid}")
    print(where_to_click(Urls(**state.urls)) if state.urls else "")


def _logs(home: Home, _: argparse.Namespace) -> None:
    log = home.logs / "devstack.log"
    if not log.exists():
        raise DevstackError("There is no log; start the platform with: make up")
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
    debug(_of_running(home), options.service)


def _command(action: str) -> object:
    def send(home: Home, options: argparse.Namespace) -> None:
        send_command(_of_running(home).control, action, options.service)
        print(f"{options.service}: {action} done.")

    return send


def _of_running(home: Home) -> State:
    if state := _running(home):
        return state
    raise DevstackError("Nothing runs. Start it with: make up")


def _running(home: Home) -> State | None:
    state = home.read_state()
    return state if state and state.supervisor.is_alive() else None
