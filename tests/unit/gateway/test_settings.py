"""The format of the gateway's settings in the environment."""

from ipaddress import ip_network

import pytest
from pydantic import ValidationError

from gateway.settings import Settings


@pytest.fixture(autouse=True)
def _environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ENV", "test")
    monkeypatch.setenv("RABBITMQ_URL", "amqp://guest:guest@127.0.0.1:5672/")


def test_lists_are_comma_separated(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CORS_ORIGINS", "https://shop.example, https://admin.example,")
    monkeypatch.setenv("TRUSTED_PROXIES", "10.0.0.0/8,192.0.2.1")
    settings = Settings()
    assert settings.cors_origins == ("https://shop.example", "https://admin.example")
    assert settings.trusted_proxies == (ip_network("10.0.0.0/8"), ip_network("192.0.2.1/32"))


def test_empty_setting_is_unset(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("CORS_ORIGINS", "TRUSTED_PROXIES", "REDIS_URL"):
        monkeypatch.setenv(name, "")
    settings = Settings()
    assert settings.cors_origins == ()
    assert settings.trusted_proxies == ()
    assert settings.redis_url is None


def test_a_hundred_requests_a_minute_is_the_default(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("RATE_LIMIT_PER_MINUTE", raising=False)
    assert Settings().rate_limit_per_minute == 100
    assert Settings().scan_rate_limit_per_minute >= 5 * 100  # scanners of one login, each faster than once a second
    assert Settings().purchase_rate_limit_per_minute == 30


def test_operators_are_local_by_default(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OPERATOR_NETWORKS", raising=False)
    assert set(Settings().operator_networks) == {ip_network("127.0.0.0/8"), ip_network("::1/128")}


def test_missing_secret_is_refused_outside_dev(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ENV", "prod")
    monkeypatch.delenv("SERVICE_TOKEN_SECRET", raising=False)
    with pytest.raises(ValidationError, match="SERVICE_TOKEN_SECRET"):
        Settings()
