"""Which failures a second run of failed tests repairs, shown with small test folders."""

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


class SampleTests:
    """A folder of tests, run as one part named `sample_tests`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._records = folder / "records"

    def run(self, source: str, *, name: str = "toys") -> None:
        (self.folder / f"test_{name}.py").write_text(source)
        run_recorded(name, [f"test_{name}.py"], folder=self._records, root=self.folder)

    def retry_failures(self, *parts: str) -> bool:
        return retry_failures(parts or ["toys"], folder=self._records, root=self.folder)


@pytest.fixture
def sample_tests(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> SampleTests:
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")]))
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")  # the other plugins take a second to import
    monkeypatch.setenv("PYTEST_PLUGINS", "pytest_timeout")
    (tmp_path / "pytest.ini").touch()
    return SampleTests(tmp_path)


@pytest.fixture
def captured(capfd: pytest.CaptureFixture[str]) -> pytest.CaptureFixture[str]:
    return capfd


def test_test_that_passes_the_second_time_is_flaky_and_the_run_passes(
    sample_tests: SampleTests, captured: pytest.CaptureFixture[str]
) -> None:
    sample_tests.run(PASSES_SECOND_TIME)
    assert sample_tests.retry_failures()
    report = captured.readouterr().out.partition("\nflaky:\n")[2]
    assert report.startswith("  test_toys.py::test_second_time\n")
    assert "AssertionError: the first time" in report
    assert "failed" not in report


def test_test_that_fails_twice_fails_the_run(sample_tests: SampleTests, captured: pytest.CaptureFixture[str]) -> None:
    sample_tests.run("def test_never(): assert 1 == 2\n")
    assert not sample_tests.retry_failures()
    assert "\nfailed twice:\n  test_toys.py::test_never\n" in captured.readouterr().out


def test_error_after_a_test_counts_as_its_failure(sample_tests: SampleTests) -> None:
    sample_tests.run(
        "import pytest\n@pytest.fixture\ndef broken():\n    yield\n    raise OSError\ndef test_torn_down(broken): pass\n"
    )
    assert not sample_tests.retry_failures()


def test_tests_of_a_crashed_process_run_again(sample_tests: SampleTests, captured: pytest.CaptureFixture[str]) -> None:
    sample_tests.run(PROCESS_CRASHES_FIRST_TIME)
    assert not (sample_tests.folder / "after").exists()
    assert sample_tests.retry_failures()
    assert (sample_tests.folder / "after").exists()
    assert "\nflaky:\n  test_toys.py::test_crash\n    The pytest process ended" in captured.readouterr().out


def test_process_that_crashes_twice_fails_the_run(sample_tests: SampleTests) -> None:
    sample_tests.run("import os\ndef test_crash(): os._exit(0)\ndef test_after(): pass\n")
    assert not sample_tests.retry_failures()


def test_timed_out_test_fails_the_run_if_it_hangs_again(
    sample_tests: SampleTests, captured: pytest.CaptureFixture[str]
) -> None:
    sample_tests.run(
        "import threading, pytest\n@pytest.mark.timeout(0.2, method='thread')\ndef test_hang():\n    threading.Event().wait()\n"
    )
    assert not sample_tests.retry_failures()
    assert "failed twice:\n  test_toys.py::test_hang" in captured.readouterr().out


@pytest.mark.parametrize(
    "source",
    ["import missing_module\n", "", "import os\nos._exit(0)\n", "def test_x(no_such_fixture): pass\n"],
    ids=["not collected", "no tests", "crash while collecting", "unknown fixture"],
)
def test_failure_that_is_not_random_fails_the_run(sample_tests: SampleTests, source: str) -> None:
    sample_tests.run(source)
    assert not sample_tests.retry_failures()


def test_part_without_a_record_fails_the_run(sample_tests: SampleTests) -> None:
    sample_tests.run("def test_fine(): pass\n")
    assert sample_tests.retry_failures("toys")
    assert not sample_tests.retry_failures("toys", "other")


def test_failures_of_all_parts_are_tried_again(sample_tests: SampleTests, captured: pytest.CaptureFixture[str]) -> None:
    sample_tests.run(PASSES_SECOND_TIME, name="one")
    (sample_tests.folder / "ran").unlink()
    sample_tests.run(PASSES_SECOND_TIME, name="two")
    assert sample_tests.retry_failures("one", "two")
    report = captured.readouterr().out.partition("\nflaky:\n")[2]
    assert all(f"test_{name}.py::test_second_time" in report for name in ("one", "two"))


def test_process_that_fails_after_its_tests_passed_fails_the_run(sample_tests: SampleTests) -> None:
    sample_tests.run("import atexit, os\natexit.register(os._exit, 3)\ndef test_fine(): pass\n")
    assert not sample_tests.retry_failures()


def test_many_failures_are_not_tried_again(sample_tests: SampleTests, captured: pytest.CaptureFixture[str]) -> None:
    sample_tests.run("import pytest\n@pytest.mark.parametrize('n', range(21))\ndef test_never(n): assert n < 0\n")
    assert not sample_tests.retry_failures()
    assert "21 tests failed; more than 20 are not retried." in captured.readouterr().out
