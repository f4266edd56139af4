"""``python -m devstack.testing.flaky PART…``: retry each failed test of these parts of `make test`, one at a time.

Tests that pass the second time are printed under ``flaky:`` with their first failure, and the run passes. A test that
fails twice fails the run, and so does an error that a retry cannot fix: a file that cannot be collected, or an internal
error of pytest. Tests without a result, because their process crashed, run first.
"""

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from textwrap import indent
from typing import Final

from devstack.home import ROOT
from devstack.testing.record import Record, read_record
from devstack.testing.running import run_recorded

__all__ = ["RECORDS", "retry_failures"]

RECORDS: Final = ROOT / ".pytest_cache" / "records"
# More failures than this have a common cause: the run fails without retries.
MAX_RETRIED: Final = 20


def retry_failures(parts: Sequence[str], *, folder: Path, root: Path = ROOT) -> bool:
    """Return whether every test has passed, in the first or second attempt."""
    records = {part: read_record(folder / f"{part}.jsonl") for part in parts}
    if _print_invalid(records):
        return False
    if missing := [test for record in records.values() for test in record.without_result]:
        print(f"Without a result: {len(missing)} tests. They run now.", flush=True)
        rest = run_recorded("without-result", missing, folder=folder, root=root)
        if _print_invalid({"without a result": rest}) or _print_missing(rest):
            return False
        records["without a result"] = rest
    return _retry_failures(records, folder=folder, root=root)


def _retry_failures(records: Mapping[str, Record], *, folder: Path, root: Path) -> bool:
    failures = {test: text for record in records.values() for test, text in record.failures.items()}
    if not failures and any(record.exit_code for record in records.values()):
        return not _print("failed:", {"a part of the tests": "It failed, but no test did."})
    if len(failures) > MAX_RETRIED:
        print(f"{len(failures)} tests failed; more than {MAX_RETRIED} are not retried.")
        return False
    passed = {test for test in failures if run_recorded("again", [test], folder=folder, root=root).is_passed}
    _print("flaky:", {test: text for test, text in failures.items() if test in passed})
    return not _print("failed twice:", {test: text for test, text in failures.items() if test not in passed})


def _print_invalid(records: Mapping[str, Record]) -> bool:
    return _print("failed:", {name: why for name, record in records.items() if (why := record.why_invalid)})


def _print_missing(record: Record) -> bool:
    return _print("failed:", dict.fromkeys(record.without_result, "It has no result after a second run."))


def _print(heading: str, texts: Mapping[str, str]) -> bool:
    """Print the texts by name under a heading; return False if there are none."""
    if texts:
        print(f"\n{heading}")
    for name, text in texts.items():
        print(f"  {name}\n{indent(text, '    ')}")
    return bool(texts)


if __name__ == "__main__":
    sys.exit(not retry_failures(sys.argv[1:], folder=RECORDS))
