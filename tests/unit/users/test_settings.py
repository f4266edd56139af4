"""Settings with which the users service refuses to start."""

import pytest
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from pydantic import ValidationError

from users.settings import DEV_OTP_KEY, Settings


def pem_of_a_key() -> str:
    key = Ed25519PrivateKey.generate()
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


PROD = {
    "ENV": "prod",
    "DATABASE_URL": "postgresql+asyncpg://db/users_db",
    "RABBITMQ_URL": "amqp://mq",
    "JWT_PRIVATE_KEY": pem_of_a_key(),
    "SERVICE_TOKEN_SECRET": "s" * 40,
    "OTP_API_URL": "https://otp.example",
    "OTP_API_KEY": "a real key",
}
DEV = {name: PROD[name] for name in ("DATABASE_URL", "RABBITMQ_URL", "JWT_PRIVATE_KEY")} | {"ENV": "dev"}


@pytest.fixture(autouse=True)
def _no_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    sends = [f"OTP_SENDS_{limit}" for limit in ("PER_ACCOUNT", "PER_PHONE", "PER_ADDRESS", "BY_OTHERS")]
    for name in (*PROD, "OTP_RESEND_SECONDS", *sends):
        monkeypatch.delenv(name, raising=False)


def read(monkeypatch: pytest.MonkeyPatch, environment: dict[str, str]) -> Settings:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    return Settings()


def test_starts_with_what_production_needs(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = read(monkeypatch, PROD)
    assert (settings.port, settings.access_token_ttl_seconds, settings.refresh_token_ttl_seconds) == (5000, 900, 604800)
    assert (settings.otp_sends_per_account, settings.otp_sends_by_others, settings.otp_resend_seconds) == (10, 10, 30)
    assert settings.otp_sends_per_account < settings.otp_sends_per_phone < settings.otp_sends_per_address
    assert settings.login_failures_per_account < settings.login_failures_in_all
    assert settings.login_window_seconds < settings.login_window_in_all_seconds


@pytest.mark.parametrize("name", [name for name in PROD if name != "ENV"])
def test_required_setting_has_no_default(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    with pytest.raises(ValidationError):
        read(monkeypatch, {given: value for given, value in PROD.items() if given != name})


def test_dev_sends_codes_by_the_sandbox(monkeypatch: pytest.MonkeyPatch) -> None:
    assert read(monkeypatch, DEV).otp_api_url == "http://127.0.0.1:5900"


@pytest.mark.parametrize("env", ["dev", "test"])
def test_dev_has_the_limits_of_production(monkeypatch: pytest.MonkeyPatch, env: str) -> None:
    own = {"ENV", "SERVICE_TOKEN_SECRET", "OTP_API_URL", "OTP_API_KEY"}
    fields = {name for name in Settings.model_fields if name.upper() not in own}
    in_production, in_dev = read(monkeypatch, PROD), read(monkeypatch, {"ENV": env})
    assert in_dev.model_dump(include=fields) == in_production.model_dump(include=fields)


def test_the_signing_key_is_needed_in_dev_too(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ValidationError, match="jwt_private_key"):
        read(monkeypatch, {name: value for name, value in DEV.items() if name != "JWT_PRIVATE_KEY"})


def test_sandbox_key_is_refused_in_production(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ValidationError, match="known development value"):
        read(monkeypatch, PROD | {"OTP_API_KEY": DEV_OTP_KEY})


def test_key_on_one_line_is_accepted(monkeypatch: pytest.MonkeyPatch) -> None:
    one_line = PROD["JWT_PRIVATE_KEY"].replace("\n", "\\n")
    settings = read(monkeypatch, PROD | {"JWT_PRIVATE_KEY": one_line})
    assert settings.jwt_private_key.get_secret_value() == PROD["JWT_PRIVATE_KEY"]


def test_another_kind_of_key_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    key = generate_private_key(SECP256R1()).private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    with pytest.raises(ValidationError, match="not an Ed25519 key"):
        read(monkeypatch, PROD | {"JWT_PRIVATE_KEY": key.decode()})


def test_refused_key_is_not_in_the_error(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ValidationError, match="not a PEM private key") as refused:
        read(monkeypatch, PROD | {"JWT_PRIVATE_KEY": "a secret, only mangled"})
    assert "mangled" not in str(refused.value)
