"""`/health` of the orchestrator and the worker, without any other service."""

import pytest
from fastapi import FastAPI
from pydantic import SecretStr

from orchestrator.app import create_app
from orchestrator.settings import Settings, WorkerSettings
from orchestrator.worker import create_worker
from tests.support.http_client import http_client
from tests.support.servers import DatabaseFactory
from tests.support.serving import serving
from tests.support.unused_addresses import NO_OTHER_SERVICES

OTHERS = ("users", "orders", "events", "inventory", "broker")


@pytest.fixture(scope="module")
def settings(database_url: DatabaseFactory) -> WorkerSettings:
    return WorkerSettings(
        env="test",
        database_url=SecretStr(database_url("orchestrator")),
        rabbitmq_url=SecretStr("amqp://guest:guest@127.0.0.1:1/"),
        qr_keys=SecretStr(f"k1:{'A' * 43}"),
        **NO_OTHER_SERVICES,
    )


async def checks_of(app: FastAPI, settings: Settings) -> tuple[int, dict[str, str]]:
    async with serving(app, settings) as url, http_client(url) as http:
        health = await http.get("/health")
        return health.status_code, health.json()["checks"]


async def test_without_the_other_services_it_is_degraded_and_not_down(settings: WorkerSettings) -> None:
    found = await checks_of(create_app(settings), settings)
    assert found == (200, {"database": "ok", **dict.fromkeys(OTHERS, "degraded")})


async def test_worker_names_the_same_services(settings: WorkerSettings) -> None:
    status, checks = await checks_of(create_worker(settings), settings)
    assert status == 200
    assert {name: checks[name] for name in OTHERS} == dict.fromkeys(OTHERS, "degraded")


async def test_without_its_database_it_is_down(settings: WorkerSettings) -> None:
    lost = SecretStr("postgresql+asyncpg://nobody:x@127.0.0.1:1/nothing")
    status, checks = await checks_of(create_app(settings.model_copy(update={"database_url": lost})), settings)
    assert (status, checks["database"]) == (503, "failed")
