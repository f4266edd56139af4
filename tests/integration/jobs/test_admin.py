"""What admins see of jobs and do with them over HTTP; the schema matches the models."""

import uuid
from collections.abc import AsyncIterator

import pytest
from prometheus_client import REGISTRY
from pydantic import SecretStr

import orchestrator.container  # noqa: F401 - importing the features defines their tables
from common.auth.principal import Role
from common.db.engine import Database
from orchestrator.app import create_app
from orchestrator.database import metadata
from orchestrator.jobs.errors import JobRefused
from orchestrator.jobs.record import JobStatus, JobView
from orchestrator.jobs.repository.maintenance import JobMaintenance
from orchestrator.settings import Settings
from tests.integration.jobs.harness import POLICIES, JobHarness, RecordingHandler, SamplePayload, policy
from tests.support.callers import Caller, new_id
from tests.support.servers import Vhost
from tests.support.statements import schema_differences
from tests.support.unused_addresses import NO_OTHER_SERVICES
from tests.support.user_tokens import UserTokenMint
from tests.support.waiting import eventually

EMAIL = POLICIES["email"]
ROUTES = [
    ("GET", "/api/admin/jobs"),
    ("GET", "/api/admin/jobs/stats"),
    ("POST", "/api/admin/jobs/retry-all"),
    ("POST", "/api/admin/jobs/acknowledge-all"),
    ("GET", f"/api/admin/jobs/{new_id()}"),
    ("POST", f"/api/admin/jobs/{new_id()}/retry"),
    ("POST", f"/api/admin/jobs/{new_id()}/acknowledge"),
    ("POST", f"/api/admin/jobs/{new_id()}/cancel"),
]


@pytest.fixture(scope="module")
def mint() -> UserTokenMint:
    return UserTokenMint()


@pytest.fixture(scope="module")
async def callers(orchestrator_url: str, vhost: Vhost, mint: UserTokenMint) -> AsyncIterator[dict[str, Caller]]:
    settings = Settings(
        env="test",
        database_url=SecretStr(orchestrator_url),
        rabbitmq_url=SecretStr(vhost.url),
        qr_keys=SecretStr(f"k1:{'A' * 43}"),
        **NO_OTHER_SERVICES,
    )
    app = create_app(settings, user_tokens=mint.verifier())
    admin = mint.token(uuid.uuid4(), Role.CUSTOMER, Role.ADMIN)
    async with (
        Caller(app, admin) as admin_caller,
        Caller(app, mint.token(uuid.uuid4())) as fan,
        Caller(app) as anonymous,
    ):
        yield {"admin": admin_caller, "fan": fan, "anonymous": anonymous}


@pytest.fixture
def admin(callers: dict[str, Caller]) -> Caller:
    return callers["admin"]


async def test_migrations_match_the_models(database: Database) -> None:
    assert await schema_differences(database, metadata) == []


@pytest.mark.parametrize(("method", "path"), ROUTES)
async def test_for_admins_only(callers: dict[str, Caller], method: str, path: str) -> None:
    assert (await callers["anonymous"].request(method, path)).status_code == 401
    assert (await callers["fan"].request(method, path)).status_code == 403


async def test_list_is_newest_first_and_filtered(harness: JobHarness, admin: Caller) -> None:
    await harness.enqueue("email", "a", "b")
    [job] = await harness.enqueue("bulk", "c")
    everything = (await admin.get("/api/admin/jobs", per_page=2)).json()
    assert everything["data"][0]["job_id"] == str(job.job_id)
    assert everything["pagination"].items() >= {"page": 1, "per_page": 2, "total": 3, "total_pages": 2}.items()
    assert "payload" not in everything["data"][0]
    for name in ("queue", "kind"):
        found = (await admin.get("/api/admin/jobs", **{name: "bulk"})).json()["data"]
        assert [each["kind"] for each in found] == ["bulk"]
    assert (await admin.get("/api/admin/jobs", status="failed")).json()["data"] == []
    assert (await admin.get("/api/admin/jobs", status="sleeping")).status_code == 400


async def test_detail_has_the_payload_and_the_position(harness: JobHarness, admin: Caller) -> None:
    jobs = await harness.enqueue("email", "a", "b")
    shown = (await admin.get(f"/api/admin/jobs/{jobs[1].job_id}")).json()["data"]
    assert shown["payload"] == {"name": "b"}
    assert shown["queue"] == {"position": 2, "estimated_wait_seconds": None}


async def test_failed_job_is_listed_and_retried(harness: JobHarness, admin: Caller) -> None:
    await harness.start_worker((EMAIL, RecordingHandler(failures=[JobRefused("no such fan")])))
    [job] = await harness.enqueue("email", "a")
    await harness.reaches(job, JobStatus.FAILED)
    [failed] = (await admin.get("/api/admin/jobs", status="failed")).json()["data"]
    assert failed["error"] == {"code": "JOB_REFUSED", "message": "no such fan"}
    assert (await admin.post(f"/api/admin/jobs/{job.job_id}/retry", {})).json()["data"]["status"] == "queued"
    await harness.reaches(job, JobStatus.COMPLETED)
    again = await admin.post(f"/api/admin/jobs/{job.job_id}/retry", {})
    assert (again.status_code, again.json()["error_code"]) == (409, "JOB_INVALID_STATE")


async def test_retry_all_returns_the_count(harness: JobHarness, admin: Caller) -> None:
    await harness.start_worker((EMAIL, RecordingHandler(failures=[JobRefused("no")] * 2)))
    jobs = await harness.enqueue("email", *"ab")
    for job in jobs:
        await harness.reaches(job, JobStatus.FAILED)
    assert (await admin.request("POST", "/api/admin/jobs/retry-all?kind=bulk")).json()["data"] == {"retried": 0}
    assert (await admin.request("POST", "/api/admin/jobs/retry-all?kind=gardening")).status_code == 400
    assert (await admin.request("POST", "/api/admin/jobs/retry-all")).json()["data"] == {"retried": 2}


class TestDeadJobs:
    @pytest.fixture
    async def dead(self, harness: JobHarness) -> list[JobView]:
        """Return three jobs that failed, after one that was refused."""
        await harness.start_worker(
            (
                policy("email", max_attempts=1),
                RecordingHandler(failures=[JobRefused("no such fan"), *[ValueError()] * 3]),
            )
        )
        queue = harness.queue_with({"email": policy("email", max_attempts=1)})
        jobs = []
        for name in "abcd":
            jobs.append(await queue.enqueue("email", SamplePayload(name=name), idempotency_key=name))
            await harness.reaches(jobs[-1], JobStatus.FAILED)
        return jobs[1:]

    async def _dead(self, admin: Caller) -> list[str]:
        found = (await admin.get("/api/admin/jobs", failure="dead")).json()["data"]
        return sorted(str(job["job_id"]) for job in found)

    async def test_dead_jobs_are_counted_until_retried_or_acknowledged(
        self, harness: JobHarness, admin: Caller, dead: list[JobView]
    ) -> None:
        ids = [str(job.job_id) for job in dead]
        maintenance = JobMaintenance(harness.database)
        assert await maintenance.count_dead() == {"email": 3}
        assert await self._dead(admin) == sorted(ids)
        await admin.post(f"/api/admin/jobs/{ids[0]}/retry", {})
        await harness.reaches(dead[0], JobStatus.COMPLETED)
        acknowledged = (await admin.post(f"/api/admin/jobs/{ids[1]}/acknowledge", {})).json()["data"]
        assert (acknowledged["status"], acknowledged["failure"]) == ("failed", "acknowledged")
        assert await maintenance.count_dead() == {"email": 1}
        assert (await admin.post("/api/admin/jobs/acknowledge-all", {})).json()["data"] == {"acknowledged": 1}
        assert await maintenance.count_dead() == {}

    async def test_acknowledged_job_is_retried_only_by_its_id(
        self, harness: JobHarness, admin: Caller, dead: list[JobView]
    ) -> None:
        path = f"/api/admin/jobs/{dead[0].job_id}"
        for _ in range(2):
            assert (await admin.post(f"{path}/acknowledge", {})).status_code == 200
        assert (await admin.post("/api/admin/jobs/retry-all", {})).json()["data"] == {"retried": 3}
        assert (await admin.get(path)).json()["data"]["status"] == "failed"
        retried = (await admin.post(f"{path}/retry", {})).json()["data"]
        assert (retried["status"], retried["failure"]) == ("queued", None)
        await harness.reaches(dead[0], JobStatus.COMPLETED)

    async def test_gauge_counts_dead_jobs(self, dead: list[JobView]) -> None:
        def shown() -> float | None:
            return REGISTRY.get_sample_value("jobs_dead", {"kind": "email"})

        assert await eventually(lambda: shown() == len(dead))

    async def test_only_failed_jobs_can_be_acknowledged(self, harness: JobHarness, admin: Caller) -> None:
        [job] = await harness.enqueue("email", "a")
        refused = await admin.post(f"/api/admin/jobs/{job.job_id}/acknowledge", {})
        assert (refused.status_code, refused.json()["error_code"]) == (409, "JOB_INVALID_STATE")
        assert (await admin.post(f"/api/admin/jobs/{new_id()}/acknowledge", {})).json()["error_code"] == "NOT_FOUND"
        assert (await admin.request("POST", "/api/admin/jobs/acknowledge-all?kind=gardening")).status_code == 400


async def test_cancel(harness: JobHarness, admin: Caller) -> None:
    [job] = await harness.enqueue("email", "a")
    assert (await admin.post(f"/api/admin/jobs/{job.job_id}/cancel", {})).json()["data"]["status"] == "cancelled"
    assert (await admin.post(f"/api/admin/jobs/{new_id()}/cancel", {})).json()["error_code"] == "NOT_FOUND"


async def test_stats_are_of_every_kind(harness: JobHarness, admin: Caller) -> None:
    await harness.start_worker((EMAIL, RecordingHandler(failures=[JobRefused("no")])))
    jobs = []
    for name in "abc":
        jobs += await harness.enqueue("email", name)
        await harness.reaches(jobs[-1], JobStatus.FAILED if name == "a" else JobStatus.COMPLETED)
    await harness.set_duration(jobs, seconds=2)
    await harness.enqueue("bulk", "waits")
    stats = {each["kind"]: each for each in (await admin.get("/api/admin/jobs/stats")).json()["data"]}
    assert {"performance", "webhook", "delivery"} <= set(stats)
    email = stats["email"]
    assert (email["completed"], email["failed"], email["queued"]) == (2, 1, 0)
    assert email["success_rate"] == pytest.approx(2 / 3)
    assert (email["average_seconds"], email["p95_seconds"]) == (pytest.approx(2), pytest.approx(2))
    assert stats["bulk"]["queued"] == 1
    assert stats["bulk"]["oldest_waiting_seconds"] >= 0
