"""Emails that cannot be sent yet wait for an unavailable mail server, and none is deleted meanwhile."""

import uuid
from dataclasses import replace

import pytest
from sqlalchemy import text

from common.db.engine import Database
from devstack.sandbox.mail import MailServer
from orchestrator.container import JOB_POLICIES as POLICIES
from orchestrator.features.notifications.models.notifications import NotificationRequest
from orchestrator.jobs.policies import with_backoff
from orchestrator.jobs.record import JobStatus
from orchestrator.jobs.registry import Registry
from orchestrator.jobs.repository.maintenance import JobMaintenance
from orchestrator.jobs.service import JobQueue
from tests.integration.notifications.mail_server import SandboxMailServer
from tests.integration.notifications.running_worker import running_worker
from tests.integration.notifications.test_notification_sender import ORDER, notification_sender
from tests.support.servers import Vhost
from tests.support.waiting import eventually

SHORT_PAUSES = with_backoff(POLICIES, [0.3])


async def attempts_of_all(queue: JobQueue) -> list[int]:
    found, _ = await queue.page(kind="email")
    assert {job.status for job in found} <= {JobStatus.QUEUED, JobStatus.RUNNING, JobStatus.RETRYING}
    return [job.attempts for job in found]


async def test_every_email_is_sent_after_a_mail_server_outage(
    database: Database, vhost: Vhost, mail_server: SandboxMailServer
) -> None:
    """They survive any number of failed attempts: here more than a minute of outage causes."""
    handlers, port = notification_sender(mail_server), mail_server.server.port
    await mail_server.server.close()

    def emails(registry: Registry, _: JobQueue) -> None:
        registry.register(SHORT_PAUSES["email"], NotificationRequest, handlers.send_email)

    async with running_worker(database, vhost, policies=SHORT_PAUSES, register=emails) as queue:
        for _ in range(8):
            await queue.enqueue("email", ORDER, idempotency_key=str(uuid.uuid4()))

        async def all_were_tried_often() -> bool:
            return min(await attempts_of_all(queue)) >= 5

        await eventually(all_were_tried_often)
        back = MailServer(mail_server.mailbox, mail_server.faults, host="127.0.0.1", port=port)
        await back.start()
        await eventually(lambda: len(mail_server.mails()) == 8)
        await back.close()


@pytest.mark.parametrize("kind", ["email", "sms"])
async def test_notifications_of_a_cancelled_event_are_kept_until_sent(database: Database, kind: str) -> None:
    """Retried notifications are kept, and so are failed ones that an admin may retry."""
    await database.execute(
        text(
            """
            INSERT INTO jobs (job_id, kind, payload, idempotency_key, priority, status, max_attempts, correlation_id,
                              queued_at, run_at, finished_at)
            SELECT gen_random_uuid(), :kind, '{}', gen_random_uuid(), 0, status, 79, '', now(), now() + interval '1 h',
                   CASE WHEN status = 'failed' THEN now() END
            FROM generate_series(1, 2000), unnest(ARRAY['retrying', 'failed']) AS status
            """
        ),
        {"kind": kind},
    )
    maintenance = JobMaintenance(database)
    await maintenance.delete_old_jobs(POLICIES[kind])
    assert (await maintenance.count())[kind, JobStatus.FAILED] == 2000
    await maintenance.delete_old_jobs(replace(POLICIES[kind], keep_failed=0))
    left = await maintenance.count()
    assert (left.get((kind, JobStatus.FAILED)), left[kind, JobStatus.RETRYING]) == (None, 2000)
