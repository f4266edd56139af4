"""What a second try of failed tests makes good, and what it does not, shown with small folders of tests."""

import os
from pathlib import Path

import pytest

from devstack.home import ROOT
from devstack.testing.flaky import retry_failures
from devstack.testing.running import run_recorded

PASSES_SECOND_TIME = """
from pathlib import Path
def test_second_time():
    marker = Path(__file__).with_name("ran")
    ran, _ = marker.exists(), marker.touch()
    assert ran, "the first time"
"""
PROCESS_CRASHES_FIRST_TIME = """
import os
from pathlib import Path
def test_before(): pass
def test_crash():
    marker = Path(__file__).with_name("crashed")
    if not marker.exists():
        marker.touch()
        os._exit(0)
def test_after(): Path(__file__).with_name("after").touch()
"""


class Toys:
    """A folder of tests, run as one part named `toys`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._records = folder / "records"

    def run(self, source: str, *, name: str = "toys") -> None:
        (self.folder / f"test_{name}.py").write_text(source)
        run_recorded(name, [f"test_{name}.py"], folder=self._records, root=self.folder)

    def retry_failures(self, *parts: str) -> bool:
        return retry_failures(parts or ["toys"], folder=self._records, root=self.folder)


@pytest.fixture
def toys(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Toys:
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")]))
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")  # the other plugins take a second to import
    monkeypatch.setenv("PYTEST_PLUGINS", "pytest_timeout")
    (tmp_path / "pytest.ini").touch()
    return Toys(tmp_path)


@pytest.fixture
def said(capfd: pytest.CaptureFixture[str]) -> pytest.CaptureFixture[str]:
    return capfd


def test_test_that_passes_the_second_time_is_flaky_and_the_run_passes(
    toys: Toys, said: pytest.CaptureFixture[str]
) -> None:
    toys.run(PASSES_SECOND_TIME)
    assert toys.retry_failures()
    told = said.readouterr().out.partition("\nflaky:\n")[2]
    assert told.startswith("  test_toys.py::test_second_time\n")
    assert "AssertionError: the first time" in told
    assert "failed" not in told


def test_test_that_fails_twice_fails_the_run(toys: Toys, said: pytest.CaptureFixture[str]) -> None:
    toys.run("def test_never(): assert 1 == 2\n")
    assert not toys.retry_failures()
    assert "\nfailed twice:\n  test_toys.py::test_never\n" in said.readouterr().out


def test_error_after_a_test_counts_as_its_failure(toys: Toys) -> None:
    toys.run(
        "import pytest\n@pytest.fixture\ndef broken():\n    yield\n    raise OSError\ndef test_torn_down(broken): pass\n"
    )
    assert not toys.retry_failures()


def test_tests_of_a_crashed_process_run_again(toys: Toys, said: pytest.CaptureFixture[str]) -> None:
    toys.run(PROCESS_CRASHES_FIRST_TIME)
    assert not (toys.folder / "after").exists()
    assert toys.retry_failures()
    assert (toys.folder / "after").exists()
    assert "\nflaky:\n  test_toys.py::test_crash\n    The pytest process ended" in said.readouterr().out


def test_process_that_crashes_twice_fails_the_run(toys: Toys) -> None:
    toys.run("import os\ndef test_crash(): os._exit(0)\ndef test_after(): pass\n")
    assert not toys.retry_failures()


def test_timed_out_test_fails_the_run_if_it_hangs_again(toys: Toys, said: pytest.CaptureFixture[str]) -> None:
    toys.run(
        "import threading, pytest\n@pytest.mark.timeout(0.2, method='thread')\ndef test_hang():\n    threading.Event().wait()\n"
    )
    assert not toys.retry_failures()
    assert "failed twice:\n  test_toys.py::test_hang" in said.readouterr().out


@pytest.mark.parametrize(
    "source",
    ["import missing_module\n", "", "import os\nos._exit(0)\n", "def test_x(no_such_fixture): pass\n"],
    ids=["not collected", "no tests", "crash while collecting", "unknown fixture"],
)
def test_what_is_not_about_chance_fails_the_run(toys: Toys, source: str) -> None:
    toys.run(source)
    assert not toys.retry_failures()


def test_part_without_a_record_fails_the_run(toys: Toys) -> None:
    toys.run("def test_fine(): pass\n")
    assert toys.retry_failures("toys")
    assert not toys.retry_failures("toys", "other")


def test_failures_of_all_parts_are_tried_again(toys: Toys, said: pytest.CaptureFixture[str]) -> None:
    toys.run(PASSES_SECOND_TIME, name="one")
    (toys.folder / "ran").unlink()
    toys.run(PASSES_SECOND_TIME, name="two")
    assert toys.retry_failures("one", "two")
    told = said.readouterr().out.partition("\nflaky:\n")[2]
    assert all(f"test_{name}.py::test_second_time" in told for name in ("one", "two"))


def test_process_that_fails_after_its_tests_passed_fails_the_run(toys: Toys) -> None:
    toys.run("import atexit, os\natexit.register(os._exit, 3)\ndef test_fine(): pass\n")
    assert not toys.retry_failures()


def test_many_failures_are_not_tried_again(toys: Toys, said: pytest.CaptureFixture[str]) -> None:
    toys.run("import pytest\n@pytest.mark.parametrize('n', range(21))\ndef test_never(n): assert n < 0\n")
    assert not toys.retry_failures()
    assert "21 tests failed; more than 20 are not retried." in said.readouterr().out
