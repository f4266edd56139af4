"""Renamed settings and metrics keep their old names for one release."""

import pytest
from prometheus_client import REGISTRY

import inventory.metrics
import inventory.settings
import orchestrator.jobs.observer
import orchestrator.jobs.settings
import orchestrator.saga_engine.observer
import orchestrator.saga_engine.settings
from common.settings import ServiceSettings
from orchestrator.features.notifications.settings import NotificationSettings

SETTINGS = [
    (ServiceSettings, "client_timeout_seconds", "CLIENT_PATIENCE_SECONDS"),
    (orchestrator.saga_engine.settings.SagaSettings, "saga_step_timeout_seconds", "SAGA_PATIENCE_SECONDS"),
    (orchestrator.jobs.settings.JobWorkerSettings, "job_redispatch_seconds", "JOB_GRACE_SECONDS"),
    (orchestrator.jobs.settings.JobWorkerSettings, "job_purge_interval_seconds", "JOB_TRIM_SECONDS"),
    (inventory.settings.Settings, "seat_count_interval_seconds", "FOLD_SECONDS"),
    (NotificationSettings, "feed_retention_days", "FEED_KEEP_DAYS"),
]
BASIC = {
    "ENV": "test",
    "DATABASE_URL": "postgresql+asyncpg://nowhere/db",
    "RABBITMQ_URL": "amqp://nowhere/",
    "SMTP_URL": "smtp://nowhere:25",
    "MAIL_FROM": "tickets@example.com",
}


@pytest.mark.parametrize(("settings", "name", "old_name"), SETTINGS, ids=[old for _, _, old in SETTINGS])
def test_setting_is_read_under_both_names(
    settings: type[ServiceSettings], name: str, old_name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for variable, value in BASIC.items():
        monkeypatch.setenv(variable, value)
    monkeypatch.delenv(name.upper(), raising=False)
    monkeypatch.setenv(old_name, "7")
    assert getattr(settings(), name) == 7
    monkeypatch.setenv(name.upper(), "8")
    assert getattr(settings(), name) == 8


def test_metric_is_shown_under_both_names() -> None:
    inventory.metrics.OVERSELLS.inc()
    inventory.metrics.RESERVES.labels("seats", "held").inc()
    orchestrator.saga_engine.observer.SAGAS_IN_STATE.labels("STUCK").set(3)
    orchestrator.jobs.observer.JOB_SECONDS.labels("email").observe(2)
    reserved = {"kind": "seats", "outcome": "held"}
    for name, old_name, labels in (
        ("oversell_prevented_total", "oversell_total", {}),
        ("seat_reservations_total", "reserves_total", reserved),
        ("sagas_active", "sagas", {"state": "STUCK"}),
        ("job_duration_seconds_count", "job_seconds_count", {"kind": "email"}),
        ("job_duration_seconds_sum", "job_seconds_sum", {"kind": "email"}),
    ):
        value = REGISTRY.get_sample_value(name, labels)
        assert value
        assert REGISTRY.get_sample_value(old_name, labels) == value
