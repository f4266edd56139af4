"""Each process's settings class accepts exactly the environment that Compose sets."""

import base64
import importlib.util
import os
import secrets
from importlib import import_module
from typing import Any, Final
from urllib.parse import urlsplit

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from pydantic import AliasChoices, SecretStr

from common.settings import ServiceSettings
from devstack.seed import Settings as SeedSettings
from orchestrator.features.payments.settings import DEV_SECRETS
from tests.architecture.compose import BASE, DEV, environment, is_ours, module_of, read, runs_once

SERVICES: Final[dict[str, Any]] = read(BASE)["services"]
DEV_SERVICES: Final[dict[str, Any]] = read(BASE, DEV)["services"]
SEED: Final = "seed"  # a command, which has no settings of a service
OURS_IN_DEV: Final = sorted(name for name, service in DEV_SERVICES.items() if is_ours(service) and name != SEED)
OURS: Final = sorted(name for name, service in SERVICES.items() if is_ours(service))
STAYING: Final = sorted(name for name in OURS if not runs_once(SERVICES[name]))
HEALTH_PORT: Final = "HEALTH_PORT"  # read by the image's HEALTHCHECK, and by inventory
READ_BY_THE_TRACING_SDK: Final = {"OTEL_EXPORTER_OTLP_HEADERS", "OTEL_TRACES_SAMPLER", "OTEL_TRACES_SAMPLER_ARG"}

# The contract's ports. Health is served on the same port, except for inventory's gRPC port.
PORTS: Final = {
    "gateway": 8000,
    "users": 5000,
    "orders": 5001,
    "events": 5002,
    "orchestrator": 5003,
    "orchestrator-worker": 5004,
    "inventory": 50051,
}
LISTENING: Final = PORTS | {"rabbitmq": 5672} | {name: 5432 for name in SERVICES if name.endswith("-db")}
ELSEWHERE: Final = {
    "OTP_API_URL",
    "PUBLIC_URL",
    "SMTP_URL",
    "REDIS_URL",
    "STRIPE_API_URL",
    "NOWPAYMENTS_API_URL",
    "DEVICE_API_URL",
    "SUPPLIER_API_URL",
    "TEXT_API_URL",
}


@pytest.fixture(scope="module")
def given() -> dict[str, str]:
    """The values that an operator writes into `.env`."""
    key = Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    passwords = ("USERS_DB", "ORDERS_DB", "EVENTS_DB", "SEATS_DB", "ORCHESTRATOR_DB", "RABBITMQ")
    return {
        **{f"{name}_PASSWORD": secrets.token_hex(24) for name in passwords},
        "SERVICE_TOKEN_SECRET": secrets.token_hex(32),
        "JWT_PRIVATE_KEY": key.decode(),
        "QR_KEYS": f"k1:{base64.urlsafe_b64encode(secrets.token_bytes(32)).decode().rstrip('=')}",
        "KEY_ENCRYPTION_KEYS": f"k1:{base64.b64encode(secrets.token_bytes(32)).decode()}",
        "DOWNLOAD_LINK_KEY": secrets.token_hex(32),
        "OTP_API_URL": "https://otp.example",
        "SMTP_URL": "smtps://tickets:secret@mail.example",
        "MAIL_FROM": "Tickets <tickets@shop.example>",
        "PUBLIC_URL": "https://shop.example",
        "OTP_API_KEY": secrets.token_hex(24),
        "STRIPE_SECRET_KEY": secrets.token_hex(24),
        "STRIPE_WEBHOOK_SECRET": secrets.token_hex(24),
        "NOWPAYMENTS_API_KEY": secrets.token_hex(24),
        "NOWPAYMENTS_IPN_SECRET": secrets.token_hex(24),
        "SUPPLIER_WEBHOOK_SECRET": secrets.token_hex(24),
    }


def settings_class(name: str) -> type[ServiceSettings]:
    """Return the settings class; the worker uses that of its package, and the sandbox is a package in devstack."""
    module = module_of(DEV_SERVICES[name])
    package = module if module == "devstack.sandbox" else module.partition(".")[0]
    found: type[ServiceSettings] = import_module(f"{package}.settings").Settings
    return found


def settings_of(service: dict[str, Any], given: dict[str, str], monkeypatch: pytest.MonkeyPatch, name: str) -> Any:
    for variable in list(os.environ):
        monkeypatch.delenv(variable)
    for variable, value in environment(service, given).items():
        monkeypatch.setenv(variable, value)
    return settings_class(name)()


@pytest.mark.parametrize("name", OURS)
def test_process_starts_in_production_with_its_environment(
    name: str, given: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = settings_of(SERVICES[name], given, monkeypatch, name)
    assert settings.env == "prod"
    assert settings.host == "0.0.0.0"  # noqa: S104 - inside its container; what is published is checked elsewhere


@pytest.mark.parametrize("name", OURS_IN_DEV)
def test_process_starts_in_development_with_its_environment(
    name: str, given: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert settings_of(DEV_SERVICES[name], given, monkeypatch, name).env == "dev"


@pytest.mark.parametrize("name", OURS_IN_DEV)
def test_process_gets_no_unknown_setting(name: str) -> None:
    known = {field.upper() for field in settings_class(name).model_fields}
    assert set(DEV_SERVICES[name]["environment"]) <= known | READ_BY_THE_TRACING_SDK | {HEALTH_PORT}


@pytest.mark.parametrize("name", STAYING)
def test_addresses_of_other_services_are_set_explicitly(name: str) -> None:
    """A default such as http://127.0.0.1:5000 suits one machine; in a container no service listens there."""
    defaults = {field.upper(): info.default for field, info in settings_class(name).model_fields.items()}
    shown = {field: d.get_secret_value() if isinstance(d, SecretStr) else str(d) for field, d in defaults.items()}
    loopback = {field for field, default in shown.items() if "127.0.0.1:" in default}
    assert loopback <= set(SERVICES[name]["environment"])


@pytest.mark.parametrize("name", STAYING)
def test_ports_are_those_of_the_contract(name: str) -> None:
    assert SERVICES[name]["environment"]["PORT"] == PORTS[name]


@pytest.mark.parametrize("name", STAYING)
def test_addresses_match_listening_services(name: str, given: dict[str, str]) -> None:
    for variable, value in environment(SERVICES[name], given).items():
        if variable not in ELSEWHERE and variable.endswith(("_URL", "_ADDRESS")) and value and not value.isdigit():
            address = urlsplit(value if "://" in value else f"//{value}")
            assert address.port == LISTENING[str(address.hostname)], variable


def test_gateway_file_limit_covers_its_connections(given: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    settings = settings_of(SERVICES["gateway"], given, monkeypatch, "gateway")
    assert settings.live_connections < settings.max_connections
    assert SERVICES["gateway"]["ulimits"]["nofile"] > 2 * settings.max_connections


@pytest.mark.parametrize("name", OURS)
def test_renamed_settings_are_passed_under_both_names(name: str, given: dict[str, str]) -> None:
    """Compose sets the new name, so the process never sees the old one."""
    for setting, field in settings_class(name).model_fields.items():
        if isinstance(field.validation_alias, AliasChoices) and setting.upper() in environment(SERVICES[name], given):
            _, old = field.validation_alias.choices
            assert environment(SERVICES[name], given | {str(old).upper(): "77"})[setting.upper()] == "77"


def test_development_loads_the_seed_data(given: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    assert module_of(DEV_SERVICES[SEED]) == "devstack.seed"
    for variable, value in environment(DEV_SERVICES[SEED], given).items():
        monkeypatch.setenv(variable, value)
    for package, url in SeedSettings().databases.items():
        password = given[f"{'SEATS' if package == 'inventory' else package.upper()}_DB_PASSWORD"]
        address = urlsplit(environment(DEV_SERVICES[package], given)["DATABASE_URL"])
        assert urlsplit(url) == address
        assert address.password == password
        assert DEV_SERVICES[SEED]["depends_on"][f"{package}-migrate"]["condition"] == "service_completed_successfully"
        assert set(DEV_SERVICES[f"{package}-migrate"]["networks"]) <= set(DEV_SERVICES[SEED]["networks"])


def test_development_allows_pages_of_localhost(given: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    assert settings_of(DEV_SERVICES["gateway"], given, monkeypatch, "gateway").cors_origins == (
        "http://localhost:3000",
    )
    monkeypatch.undo()
    chosen = given | {"CORS_ORIGINS": "https://shop.example"}
    assert environment(DEV_SERVICES["gateway"], chosen)["CORS_ORIGINS"] == "https://shop.example"


def test_sandbox_shares_the_secrets_of_its_clients(given: dict[str, str]) -> None:
    sandbox, users, orchestrator = (
        environment(DEV_SERVICES[name], given) for name in ("sandbox", "users", "orchestrator")
    )
    for secret in ("OTP_API_KEY", "SERVICE_TOKEN_SECRET"):
        assert sandbox[secret] == users[secret] == given[secret]
    for secret in (name.upper() for name in DEV_SECRETS):
        assert sandbox[secret] == orchestrator[secret] == given[secret]


@pytest.mark.parametrize("services", [SERVICES, DEV_SERVICES], ids=["base", "with dev"])
def test_every_command_is_a_runnable_module(services: dict[str, Any]) -> None:
    for service in filter(is_ours, services.values()):
        module = module_of(service)
        found = importlib.util.find_spec(module)
        assert found is not None, module
        assert found.submodule_search_locations is None or importlib.util.find_spec(f"{module}.__main__"), module


def test_every_process_is_present() -> None:
    assert set(STAYING) == set(PORTS)
    databases = {service["environment"]["POSTGRES_DB"] for name, service in SERVICES.items() if name.endswith("-db")}
    assert databases == {"users_db", "orders_db", "events_db", "seats_db", "orchestrator_db"}
