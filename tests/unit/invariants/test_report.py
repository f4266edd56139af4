"""The report of `python -m invariants`, and what it says without databases."""

import os
import subprocess
import sys

import pytest

from devstack.home import ROOT
from invariants.report import Report
from invariants.snapshot import Snapshot


def snapshot_of(state: str, kind: str = "purchase", *, names: str | None = None) -> Snapshot:
    saga = {"saga_id": "1234", "kind": kind, "state": state, "step": "pay", "object_id": names}
    return Snapshot(unfinished_sagas=[saga])


UNFINISHED = snapshot_of("STUCK")
OF_SAGA = "saga 1234 (purchase) is STUCK at pay"
NAMES = ("USERS", "ORDERS", "EVENTS", "INVENTORY", "ORCHESTRATOR")


def command(env: dict[str, str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "invariants"],
        cwd=ROOT,
        env={"PATH": os.environ["PATH"]} | env,
        capture_output=True,
        text=True,
        check=False,
    )


def test_what_a_saga_has_not_finished_is_no_contradiction() -> None:
    report = Report.of(UNFINISHED, [OF_SAGA, "seat 7 is SOLD, its order 1234 is PENDING", "seat 8 is SOLD"])
    assert report.contradictions == ("seat 8 is SOLD",)
    assert report.unfinished == (OF_SAGA, "seat 7 is SOLD, its order 1234 is PENDING")


def test_items_of_an_unfinished_payout_are_named_by_their_performer() -> None:
    line, other = (
        "purchased item 7 of performer 88 is pending by payout None",
        "purchased item 8 of performer 9 is pending",
    )
    report = Report.of(snapshot_of("RUNNING", "payout", names="88"), [line, other])
    assert (report.unfinished, report.contradictions) == ((line,), (other,))


@pytest.mark.parametrize(
    "line",
    [
        "purchase 1234 is WAITING, its order is CONFIRMED",
        "transfer saga 1234 is WAITING, its transfer is COMPLETED",
        "sale 1234 is WAITING, its listing is COMPLETED",
    ],
)
def test_outdated_wait_is_a_contradiction(line: str) -> None:
    waits = "saga 1234 (purchase) is WAITING at pay"
    report = Report.of(snapshot_of("WAITING"), [waits, line])
    assert report.contradictions == (waits, line)
    assert not report.unfinished


@pytest.mark.parametrize(
    "lines",
    [(), ("purchase 1234 is WAITING, its order is FAILED",), ("sale 1234 is WAITING, its listing is None",)],
)
def test_wait_that_services_end_is_unfinished(lines: tuple[str, ...]) -> None:
    found = ("saga 1234 (purchase) is WAITING at pay", *lines)
    assert Report.of(snapshot_of("WAITING"), [*found]).unfinished == found


def test_what_a_refund_has_not_finished_names_its_order() -> None:
    begun, other = "a refund of order 77 has begun and was not made", "a refund of order 78 has begun and was not made"
    report = Report.of(snapshot_of("RUNNING", "refund seats", names="77"), [begun, other])
    assert (report.contradictions, report.unfinished) == ((other,), (begun,))


def test_report_counts_and_lists() -> None:
    lines = [*Report.of(UNFINISHED, [OF_SAGA, "seat 8 is SOLD"]).lines()]
    assert lines[0].startswith("1 contradictions")
    assert lines[1] == "  seat 8 is SOLD"
    assert lines[3] == f"  {OF_SAGA}"


def test_nothing_to_report() -> None:
    report = Report.of(Snapshot(), [])
    assert report.is_clean
    assert [*report.lines()] == ["All invariants hold: the five databases fit each other, and nothing is unfinished."]


def test_missing_urls_are_named() -> None:
    run = command({"USERS_DATABASE_URL": "postgresql://127.0.0.1:9/none"})
    assert run.returncode == 2
    assert "ORDERS_DATABASE_URL" in run.stderr
    assert "USERS_DATABASE_URL" not in run.stderr


def test_unreachable_database_is_an_error_of_its_own() -> None:
    run = command({f"{name}_DATABASE_URL": "postgresql://nobody:secret@127.0.0.1:9/none" for name in NAMES})
    assert run.returncode == 2
    assert "cannot be read" in run.stderr
    assert "secret" not in run.stderr
