"""What the status of an order says, for each of its statuses, and how long its text will take."""

import uuid
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, Final

import pytest

from orchestrator.clients.orders.commissions import (
    CommissionFacts,
    CommissionStatus,
    CommissionType,
    PayWith,
    QualityReport,
    VersionFacts,
)
from orchestrator.features.commissions.jobs import LIMITED_SINCE, progress_of
from orchestrator.features.commissions.repository import Outlook, WritingJob
from orchestrator.features.commissions.service.status import estimated_time, view_of
from orchestrator.features.commissions.service.writing import Step
from orchestrator.jobs.record import JobStatus

NOW: Final = datetime(2027, 3, 20, 12, 0, tzinfo=UTC)
VERSION: Final = VersionFacts(
    version_id=uuid.uuid4(),
    number=1,
    title="Tonight at the Bay",
    content="<p>Doors open at seven.</p>",
    notes="",
    changes="",
    qc_status="passed",
    quality=QualityReport(passed=True, words=5, readability=80.0, likeness=0.1),
    provider="builtin",
    model="builtin",
    created_at=NOW,
)


def order(status: CommissionStatus, **changes: Any) -> CommissionFacts:
    facts: dict[str, Any] = {
        "order_id": uuid.uuid4(),
        "customer_user_id": uuid.uuid4(),
        "type": CommissionType.ARTICLE,
        "status": status,
        "price": Decimal("40.00"),
        "pay_with": PayWith.STRIPE,
        "event_id": uuid.uuid4(),
        "article_id": None,
        "brief": "A warm invitation",
        "keywords": ("jazz",),
        "target_url": None,
        "anchor_text": None,
        "links_allowed": False,
        "checkout_url": "https://checkout.example.com/c",
        "checkout_expires_at": NOW,
        "round": 1,
        "notes": "",
        "review_notes": "",
        "failure_code": None,
        "failure_message": "",
        "slug": None,
        "created_at": NOW,
        "paid_at": None,
        "failed_at": None,
        "ended_at": None,
    }
    return CommissionFacts(**facts | changes)


def job(status: JobStatus, progress: dict[str, Any] | None) -> WritingJob:
    return WritingJob(
        job_id=uuid.uuid4(), type="commission", status=status, attempts=1, progress=progress, created_at=NOW
    )


def test_unpaid_order_links_to_its_checkout() -> None:
    view = view_of(order(CommissionStatus.AWAITING_PAYMENT), [], estimated=None)
    assert (view.progress.step, view.checkout_url) == (0, "https://checkout.example.com/c")
    assert "estimated_time" not in view.model_dump()


def test_order_in_progress_shows_the_step_that_its_job_reported() -> None:
    reported = progress_of(Step.CHECKING) | {LIMITED_SINCE: NOW.isoformat()}
    view = view_of(order(CommissionStatus.PROCESSING), [job(JobStatus.RUNNING, reported)], estimated="2-5 minutes")
    assert view.progress.model_dump() == {"step": 3, "total": 5, "description": "The text is being checked."}
    assert view.queue.jobs[0].progress == view.progress
    assert (view.queue.has_active_job, view.queue.has_failed_job) == (True, False)
    assert "checkout_url" not in view.model_dump()
    assert not view.can_request_revision


def test_order_without_a_job_yet_was_received() -> None:
    assert view_of(order(CommissionStatus.PROCESSING), [], estimated="10-30 minutes").progress.step == 1


def test_text_to_be_read_can_be_revised_and_submitted() -> None:
    jobs = [job(JobStatus.COMPLETED, progress_of(Step.READY)), job(JobStatus.FAILED, None)]
    view = view_of(order(CommissionStatus.QUALITY_CHECK, versions=(VERSION,)), jobs, estimated=None)
    assert view.version is not None
    assert (view.version.content, view.progress.step) == (VERSION.content, 5)
    assert view.can_request_revision
    assert view.can_submit_for_review
    assert not view.queue.has_failed_job  # an earlier one has
    assert "content" not in view.versions[0].model_dump()


def test_publication_in_progress_is_a_review() -> None:
    assert view_of(order(CommissionStatus.PUBLISHING), [], estimated=None).status == "ADMIN_REVIEW"


def test_failed_order_says_why_and_how_far_it_came() -> None:
    failed = order(CommissionStatus.FAILED, failure_code="TEXT_REFUSED", failure_message="It did not pass.")
    view = view_of(failed, [job(JobStatus.FAILED, progress_of(Step.CHECKING))], estimated=None)
    assert view.failure is not None
    assert (view.failure.code, view.failure.message) == ("TEXT_REFUSED", "It did not pass.")
    assert (view.progress.step, view.queue.has_failed_job) == (3, True)


@pytest.mark.parametrize(
    ("median", "p95", "before", "running", "expected"),
    [
        (None, None, 9, 2, "10-30 minutes"),
        (3.0, 20.0, 0, 0, "1-2 minutes"),
        (120.0, 300.0, 0, 0, "2-5 minutes"),
        (120.0, 300.0, 4, 2, "6-15 minutes"),
        (120.0, 300.0, 4, 5, "2-5 minutes"),  # more workers
    ],
)
def test_estimated_time_is_the_durations_times_the_turns(
    *, median: float | None, p95: float | None, before: int, running: int, expected: str
) -> None:
    assert estimated_time(Outlook(median=median, p95=p95, before=before, running=running), slots=2) == expected
