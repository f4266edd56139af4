"""Settings with which the orchestrator refuses to start."""

import pytest
from pydantic import ValidationError

from common.settings import DEV_KEY_ENCRYPTION_KEYS
from orchestrator.features.digital_goods.adapters.storage_settings import DEV_LINK_KEY
from orchestrator.features.notifications.settings import SANDBOX_SMTP_URL
from orchestrator.features.payments.settings import DEV_SECRETS, SANDBOX_URL
from orchestrator.settings import Settings

SECRETS = sorted(name.upper() for name in DEV_SECRETS)
PROD = {
    "ENV": "prod",
    "DATABASE_URL": "postgresql+asyncpg://db/orchestrator_db",
    "RABBITMQ_URL": "amqp://mq",
    "QR_KEYS": "k1:" + "A" * 43,
    "KEY_ENCRYPTION_KEYS": "k1:" + "A" * 43,
    "DOWNLOAD_LINK_KEY": "d" * 40,
    "SERVICE_TOKEN_SECRET": "s" * 40,
    "SMTP_URL": "smtps://mail.example",
    "MAIL_FROM": "Tickets <tickets@shop.example>",
} | dict.fromkeys(SECRETS, "a real secret")


@pytest.fixture(autouse=True)
def _no_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (*PROD, "STRIPE_API_URL", "NOWPAYMENTS_API_URL", "DEVICE_API_URL", "TEXT_API_URL", "TEXT_API_KEY",
                 "SUPPLIER_API_URL", "SUPPLIER_API_KEY"):  # fmt: skip
        monkeypatch.delenv(name, raising=False)


def read(monkeypatch: pytest.MonkeyPatch, environment: dict[str, str]) -> Settings:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    return Settings()


def test_production_uses_the_real_providers(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = read(monkeypatch, PROD)
    assert settings.stripe_api_url == "https://api.stripe.com"
    assert settings.nowpayments_api_url == "https://api.nowpayments.io"
    assert not settings.device_api_url


@pytest.mark.parametrize("name", SECRETS)
def test_missing_secret_is_refused_in_production(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    with pytest.raises(ValidationError, match=f"{name} must be set"):
        read(monkeypatch, {given: value for given, value in PROD.items() if given != name})


@pytest.mark.parametrize("name", SECRETS)
def test_sandbox_secret_is_refused_in_production(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    with pytest.raises(ValidationError, match=f"{name} is a known development value"):
        read(monkeypatch, PROD | {name: DEV_SECRETS[name.lower()]})


@pytest.mark.parametrize(
    ("given", "refusal"),
    [
        ({"KEY_ENCRYPTION_KEYS": ""}, "KEY_ENCRYPTION_KEYS needs"),
        ({"KEY_ENCRYPTION_KEYS": DEV_KEY_ENCRYPTION_KEYS}, "KEY_ENCRYPTION_KEYS has a known development key"),
        ({"DOWNLOAD_LINK_KEY": ""}, "DOWNLOAD_LINK_KEY must be set"),
        ({"DOWNLOAD_LINK_KEY": DEV_LINK_KEY}, "DOWNLOAD_LINK_KEY is a known development value"),
        ({"OBJECT_STORAGE": "s3", "S3_BUCKET": "b", "S3_KEY": "k"}, "needs S3_BUCKET, S3_KEY and S3_SECRET"),
        ({"OBJECT_LINKS": "presigned"}, "needs OBJECT_STORAGE=s3"),
    ],
)
def test_incomplete_storage_of_codes_is_refused_in_production(
    monkeypatch: pytest.MonkeyPatch, given: dict[str, str], refusal: str
) -> None:
    with pytest.raises(ValidationError, match=refusal):
        read(monkeypatch, PROD | given)


def test_dev_uses_the_sandbox_for_every_provider(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = read(monkeypatch, {name: value for name, value in PROD.items() if name not in SECRETS} | {"ENV": "dev"})
    assert settings.stripe_api_url == settings.nowpayments_api_url == settings.device_api_url == SANDBOX_URL
    assert settings.stripe_webhook_secret.get_secret_value() == DEV_SECRETS["stripe_webhook_secret"]


@pytest.mark.parametrize(
    "given",
    [
        {"SMTP_URL": ""},
        {"MAIL_FROM": ""},
        {"SMTP_URL": "mail.example:25"},
        {"SMTP_URL": "http://mail.example"},
        {"MAIL_FROM": "Tickets"},
        {"MAIL_REPLY_TO": "a@b.example\r\nBcc: c@d.example"},
    ],
)
def test_email_needs_a_server_and_a_sender(monkeypatch: pytest.MonkeyPatch, given: dict[str, str]) -> None:
    with pytest.raises(ValidationError):
        read(monkeypatch, PROD | given)


def test_dev_sends_email_to_the_sandbox(monkeypatch: pytest.MonkeyPatch) -> None:
    mail = ("SMTP_URL", "MAIL_FROM")
    settings = read(monkeypatch, {name: value for name, value in PROD.items() if name not in mail} | {"ENV": "dev"})
    assert settings.smtp_url.get_secret_value() == SANDBOX_SMTP_URL
