"""The Kubernetes manifests match the code: settings, ports, commands and network policies."""

import base64
import os
import secrets
from importlib import import_module
from typing import Any, Final
from urllib.parse import urlsplit

import kubernetes_validate
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from common.settings import ServiceSettings
from tests.architecture import compose
from tests.architecture.kubernetes import (
    BASE,
    FOLDER,
    NAME_LABEL,
    PRODUCTION,
    container_of,
    environment_of,
    listed,
    read,
    resources,
)

KUBERNETES: Final = "1.34"
OVERLAYS: Final = sorted(file.parent for file in FOLDER.glob("overlays/*/kustomization.yaml"))
RESOURCES: Final = list(resources(BASE))
DEPLOYMENTS: Final = {r["metadata"]["name"]: r for r in RESOURCES if r["kind"] == "Deployment"}
OURS: Final = sorted(name for name, found in DEPLOYMENTS.items() if container_of(found)["image"] == "ticketremaster")
SERVICES: Final = {r["metadata"]["name"]: r for r in RESOURCES if r["kind"] == "Service"}
POLICIES: Final = {r["metadata"]["name"]: r["spec"] for r in RESOURCES if r["kind"] == "NetworkPolicy"}
DATABASES: Final = {r["metadata"]["name"]: r["spec"] for r in RESOURCES if r["kind"] == "Cluster"}
CONFIGS: Final = {r["metadata"]["name"]: r["data"] for r in RESOURCES if r["kind"] == "ConfigMap"}
SCALING: Final = {r["metadata"]["name"]: r["spec"] for r in read(PRODUCTION / "scaling.yaml")}
IN_COMPOSE: Final = {"worker": "orchestrator-worker"}
COMPOSE: Final = compose.read(compose.BASE)["services"]
# Variables that are only part of a database or broker URL.
PARTS_OF_ADDRESSES: Final = {"DATABASE_USER", "DATABASE_PASSWORD", "RABBITMQ_USER", "RABBITMQ_PASSWORD"}
# Every process gets the JWKS URL; the inventory has no user routes and never fetches it.
NEVER_CALLED: Final = {("inventory", "JWKS_URL")}
RESERVED_CONNECTIONS: Final = 20  # for the operator, its metrics and administrators


@pytest.fixture(scope="module")
def given() -> dict[str, dict[str, str]]:
    """The Secrets that the operators create, and the three that docs/scaling.md requires."""
    key = Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    qr_key = base64.urlsafe_b64encode(secrets.token_bytes(32)).decode().rstrip("=")
    account = {"username": "a_service", "password": "a password"}
    long = secrets.token_hex(24)
    providers = ("STRIPE_SECRET_KEY", "STRIPE_WEBHOOK_SECRET", "NOWPAYMENTS_API_KEY", "NOWPAYMENTS_IPN_SECRET")
    return {
        **{f"{name}-app": account for name in DATABASES},
        "rabbitmq-default-user": account,
        "service-tokens": {"SERVICE_TOKEN_SECRET": secrets.token_hex(32)},
        "users": {"JWT_PRIVATE_KEY": key, "OTP_API_URL": "https://otp.example", "OTP_API_KEY": long},
        "orchestrator": {
            **dict.fromkeys((*providers, "SUPPLIER_WEBHOOK_SECRET"), long),
            "QR_KEYS": f"k1:{qr_key}",
            "KEY_ENCRYPTION_KEYS": f"k1:{qr_key}",
            **dict.fromkeys(("DOWNLOAD_LINK_KEY", "S3_BUCKET", "S3_KEY", "S3_SECRET"), long),
            "PUBLIC_URL": "https://shop.example",
            "SMTP_URL": "smtps://tickets:secret@mail.example",
            "MAIL_FROM": "Tickets <tickets@shop.example>",
        },
    }


def module_of(name: str) -> str:
    return str(container_of(DEPLOYMENTS[name])["args"][0])


def settings_class(name: str) -> type[ServiceSettings]:
    package = import_module(f"{module_of(name).partition('.')[0]}.settings")
    found: type[ServiceSettings] = package.WorkerSettings if name == "worker" else package.Settings
    return found


def environment(name: str, given: dict[str, dict[str, str]]) -> dict[str, str]:
    return environment_of(container_of(DEPLOYMENTS[name]), configs=CONFIGS, secrets=given)


def callers_in(policy: str) -> set[str]:
    [expression] = POLICIES[policy]["ingress"][0]["from"][0]["podSelector"]["matchExpressions"]
    assert (expression["key"], expression["operator"]) == (NAME_LABEL, "In")
    return set(expression["values"])


@pytest.mark.parametrize("folder", [BASE, *OVERLAYS], ids=lambda folder: str(folder.name))
def test_every_file_is_listed_once(folder: Any) -> None:
    files, patches = listed(folder)
    there = {file.name for file in folder.glob("*.yaml")} - {"kustomization.yaml"}
    assert sorted(files + patches) == sorted(there)


@pytest.mark.parametrize("folder", [BASE, PRODUCTION], ids=["base", "production"])
def test_resources_are_valid(folder: Any) -> None:
    for resource in resources(folder):
        if resource["apiVersion"].partition("/")[0] not in {"postgresql.cnpg.io", "rabbitmq.com"}:
            kubernetes_validate.validate(resource, KUBERNETES, strict=True)


def test_every_process_is_present() -> None:
    modules = {compose.module_of(service) for service in COMPOSE.values() if compose.is_ours(service)}
    assert {module_of(name) for name in OURS} == modules


@pytest.mark.parametrize("name", OURS)
def test_process_starts_in_production_with_its_environment(
    name: str, given: dict[str, dict[str, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    for variable in list(os.environ):
        monkeypatch.delenv(variable)
    for variable, value in environment(name, given).items():
        monkeypatch.setenv(variable, value)
    assert settings_class(name)().env == "prod"


@pytest.mark.parametrize("name", OURS)
def test_process_gets_no_unknown_setting(name: str) -> None:
    own = {variable["name"] for variable in container_of(DEPLOYMENTS[name])["env"]}
    assert own - PARTS_OF_ADDRESSES <= {field.upper() for field in settings_class(name).model_fields}


@pytest.mark.parametrize("name", OURS)
def test_process_gets_the_settings_that_compose_sets(name: str, given: dict[str, dict[str, str]]) -> None:
    """Settings that Compose lists only to make a default configurable are exempt."""
    required = {
        variable
        for variable, value in COMPOSE[IN_COMPOSE.get(name, name)]["environment"].items()
        if ":-" not in str(value)
    }
    assert required - {"HEALTH_PORT"} <= set(environment(name, given))


@pytest.mark.parametrize("name", OURS)
def test_ports_are_those_of_the_settings(name: str) -> None:
    ports = {port["name"]: port["containerPort"] for port in container_of(DEPLOYMENTS[name])["ports"]}
    fields = settings_class(name).model_fields
    assert ports.get("grpc", ports.get("http")) == fields["port"].default
    assert ports.get("health") in {None, fields["health_port"].default if "health_port" in fields else None}


@pytest.mark.parametrize("name", sorted(SERVICES))
def test_service_ports_match_its_pods(name: str) -> None:
    label = SERVICES[name]["spec"]["selector"][NAME_LABEL]
    there = {port["name"]: port["containerPort"] for port in container_of(DEPLOYMENTS[label])["ports"]}
    assert {port["targetPort"]: port["port"] for port in SERVICES[name]["spec"]["ports"]}.items() <= there.items()


@pytest.mark.parametrize("name", OURS)
def test_network_policy_admits_every_caller(name: str, given: dict[str, dict[str, str]]) -> None:
    outside = {*given["users"], *given["orchestrator"]}
    for variable, value in environment(name, given).items():
        is_address = variable.endswith(("_URL", "_ADDRESS"))
        if variable in outside or not is_address or (name, variable) in NEVER_CALLED:
            continue
        host = urlsplit(value.replace("dns:///", "//") if "://" in value else f"//{value}").hostname or ""
        called = host.removesuffix("-rw")
        assert called == name or name in callers_in(f"into-{called}"), variable


def test_network_policy_admits_only_callers(given: dict[str, dict[str, str]]) -> None:
    for policy in POLICIES:
        if policy.startswith("into-"):
            for caller in callers_in(policy):
                assert policy.removeprefix("into-") in str(environment(caller, given)), (policy, caller)


def test_only_the_gateway_is_reachable_from_outside() -> None:
    for name, policy in POLICIES.items():
        outside = [source for rule in policy.get("ingress", []) for source in rule["from"] if "ipBlock" in source]
        assert not outside, name
    [ingress] = read(PRODUCTION / "ingress.yaml")
    [rule] = ingress["spec"]["rules"]
    paths = rule["http"]["paths"]
    assert {path["backend"]["service"]["name"] for path in paths} == {"gateway"}
    assert not [path for path in paths if path["pathType"] == "Prefix" and "/metrics".startswith(path["path"])]


def test_databases_have_connections_for_all_replicas() -> None:
    each = 2 * int(CONFIGS["platform"]["DATABASE_POOL_SIZE"])
    for database, cluster in DATABASES.items():
        wanted = sum(SCALING[name]["maxReplicas"] * each for name in callers_in(f"into-{database}"))
        limit = int(cluster["postgresql"]["parameters"]["max_connections"])
        assert wanted + RESERVED_CONNECTIONS <= limit, database


def test_termination_grace_period_exceeds_the_shutdown_time() -> None:
    [patch] = read(BASE / "every-process.yaml")
    pod = patch["spec"]["template"]["spec"]
    pause = container_of(patch)["lifecycle"]["preStop"]["sleep"]["seconds"]
    assert pause + float(CONFIGS["platform"]["SHUTDOWN_GRACE_SECONDS"]) < pod["terminationGracePeriodSeconds"]


def test_shared_patches_apply_to_every_process() -> None:
    [kustomization] = read(BASE / "kustomization.yaml")
    targets = {patch["path"]: set(patch["target"]["name"].split("|")) for patch in kustomization["patches"]}
    migrating = {name for name in OURS if "initContainers" in DEPLOYMENTS[name]["spec"]["template"]["spec"]}
    assert targets == {"every-process.yaml": set(OURS), "every-migration.yaml": migrating}


def test_process_with_a_database_migrates_before_it_starts() -> None:
    with_database = {
        name for name in OURS if "DATABASE_URL" in {v["name"] for v in container_of(DEPLOYMENTS[name]).get("env", [])}
    }
    migrating = {name for name in OURS if "initContainers" in DEPLOYMENTS[name]["spec"]["template"]["spec"]}
    assert with_database == migrating
