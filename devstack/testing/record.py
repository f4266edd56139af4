"""A pytest plugin that records the outcomes of a run: ``-p devstack.testing.record --record FILE``.

Each line is written before the next test starts, so a killed run leaves a record too. JUnit reports and pytest's cache
are written at the end, and pytest-reportlog does not record the collected tests.
"""

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any, Final

import pytest

__all__ = ["PLUGIN", "Record", "read_record", "write_line"]

PLUGIN: Final = __name__
PROCESS_ENDED: Final = (
    "The pytest process ended during this test: a crash, a signal, or pytest-timeout. Its output is above."
)
# pytest's exit codes for the outcome of tests; the others are errors of pytest.
PASSED: Final = 0
TESTS_FAILED: Final = 1


@dataclass(kw_only=True)
class Record:
    """A run. ``exit_status`` is reported by pytest, ``exit_code`` is its process's."""

    collected: list[str] | None = None
    not_collected: dict[str, str] = field(default_factory=dict)
    started: set[str] = field(default_factory=set)
    finished: set[str] = field(default_factory=set)
    failures: dict[str, str] = field(default_factory=dict)
    exit_status: int | None = None
    exit_code: int | None = None

    @property
    def without_result(self) -> list[str]:
        return [test for test in self.collected or [] if test not in self.finished | self.failures.keys()]

    @property
    def is_passed(self) -> bool:
        return bool(self.collected) and not self.failures and self.exit_status == self.exit_code == PASSED

    @property
    def why_invalid(self) -> str | None:
        """Return why retries of tests cannot make this run pass; None if they can."""
        if self.not_collected:
            return "\n".join(["not collected:", *self.not_collected.values()])
        if self.collected is None:
            return "pytest ended before it had collected the tests"
        if self.exit_status not in {None, PASSED, TESTS_FAILED}:
            return f"pytest ended with {self.exit_status}"
        if self.exit_status is not None and self.exit_code != self.exit_status:
            return f"pytest reported {self.exit_status}, its process ended with {self.exit_code}"
        if self.exit_status == TESTS_FAILED and not self.failures:
            return "pytest failed, but no test did"
        return None

    def take(self, line: dict[str, Any]) -> None:
        match line:
            case {"collected": tests}:
                self.collected = tests
            case {"not_collected": path, "text": text}:
                self.not_collected[path] = text
            case {"started": test}:
                self.started.add(test)
            case {"finished": test}:
                self.finished.add(test)
            case {"failed": test, "text": text}:
                self.failures.setdefault(test, text)
            case {"exit_status": status}:
                self.exit_status = status
            case {"exit_code": code}:
                self.exit_code = code
            case _:
                raise ValueError(f"Not a line of a record: {line}")


def read_record(path: Path) -> Record:
    """Return a record; a test during which the process ended counts as failed."""
    record = Record()
    for line in path.read_text().splitlines() if path.exists() else ():
        record.take(json.loads(line))
    for test in record.started - record.finished:
        record.failures.setdefault(test, PROCESS_ENDED)
    return record


def write_line(file: IO[str], **line: Any) -> None:
    print(json.dumps(line), file=file, flush=True)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--record", type=Path, required=True, help="Write each test's outcome to this file.")


def pytest_configure(config: pytest.Config) -> None:
    path: Path = config.getoption("--record")
    config.pluginmanager.register(_Recorder(path.open("a")), "record of outcomes")


class _Recorder:
    def __init__(self, file: IO[str]) -> None:
        self._file = file

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        if report.failed:
            write_line(self._file, not_collected=report.nodeid, text=report.longreprtext)

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        write_line(self._file, collected=_ids(session.items))

    def pytest_runtest_logstart(self, nodeid: str) -> None:
        write_line(self._file, started=nodeid)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.failed:
            write_line(self._file, failed=report.nodeid, text=report.longreprtext)

    def pytest_runtest_logfinish(self, nodeid: str) -> None:
        write_line(self._file, finished=nodeid)

    def pytest_sessionfinish(self, exitstatus: int) -> None:
        write_line(self._file, exit_status=int(exitstatus))

    def pytest_unconfigure(self) -> None:
        self._file.close()


def _ids(items: Iterable[pytest.Item]) -> list[str]:
    return [item.nodeid for item in items]
