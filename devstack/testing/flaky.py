"""``python -m devstack.testing.flaky PART…``: try once more, alone, what failed in these parts of `make test`.

Tests that pass the second time are printed under ``flaky:`` with their first failure, and the run passes. A test that
fails twice fails the run, and so does everything that a second try cannot mend: a file that cannot be collected, a
pytest that broke. Tests without a result, because their process crashed, are run before that.
"""

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from textwrap import indent
from typing import Final

from devstack.home import ROOT
from devstack.testing.record import Record, read_record
from devstack.testing.running import run_recorded

__all__ = ["RECORDS", "try_again"]

RECORDS: Final = ROOT / ".pytest_cache" / "records"
# So many failures have one cause, which is not chance: the run fails without a second try of each.
MOST_TRIED_AGAIN: Final = 20


def try_again(parts: Sequence[str], *, folder: Path, root: Path = ROOT) -> bool:
    """Return whether every test has passed, at the latest in its second try."""
    records = {part: read_record(folder / f"{part}.jsonl") for part in parts}
    if _tell_invalid(records):
        return False
    if left := [test for record in records.values() for test in record.without_result]:
        print(f"Without a result: {len(left)} tests. They run now.", flush=True)
        rest = run_recorded("without-result", left, folder=folder, root=root)
        if _tell_invalid({"without a result": rest}) or _tell_missing(rest):
            return False
        records["without a result"] = rest
    return _try_failures(records, folder=folder, root=root)


def _try_failures(records: Mapping[str, Record], *, folder: Path, root: Path) -> bool:
    failures = {test: text for record in records.values() for test, text in record.failures.items()}
    if not failures and any(record.exit_code for record in records.values()):
        return not _tell("failed:", {"a part of the tests": "It failed, but none of its tests did."})
    if len(failures) > MOST_TRIED_AGAIN:
        print(f"{len(failures)} tests failed; more than {MOST_TRIED_AGAIN} are not tried again.")
        return False
    passed = {test for test in failures if run_recorded("again", [test], folder=folder, root=root).is_passed}
    _tell("flaky:", {test: text for test, text in failures.items() if test in passed})
    return not _tell("failed twice:", {test: text for test, text in failures.items() if test not in passed})


def _tell_invalid(records: Mapping[str, Record]) -> bool:
    return _tell("failed:", {name: why for name, record in records.items() if (why := record.why_invalid)})


def _tell_missing(record: Record) -> bool:
    return _tell("failed:", dict.fromkeys(record.without_result, "It has no result after a second run."))


def _tell(heading: str, what: Mapping[str, str]) -> bool:
    """Print what there is to tell under its heading; False if there is nothing."""
    if what:
        print(f"\n{heading}")
    for name, text in what.items():
        print(f"  {name}\n{indent(text, '    ')}")
    return bool(what)


if __name__ == "__main__":
    sys.exit(not try_again(sys.argv[1:], folder=RECORDS))
