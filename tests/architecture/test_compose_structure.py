"""The Compose files are valid, and safe to publish."""

import os
import re
import shutil
import subprocess
from ipaddress import ip_address, ip_network
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import pytest
import yaml
from jsonschema import Draft202012Validator

from devstack.services import DATABASES
from invariants.settings import Settings as InvariantSettings
from tests.architecture.compose import BASE, DEV, ROOT, VARIABLE, filled, is_ours, read, required_variables, runs_once

TEXT: Final = {"type": "string"}
TEXTS: Final = {"type": "array", "items": TEXT, "minItems": 1}
FLAG: Final = {"type": "boolean"}
DURATION: Final = {"type": "string", "pattern": r"^\d+(s|m)$"}


def _object(**properties: object) -> dict[str, object]:
    return {"type": "object", "properties": properties, "additionalProperties": False}


def _map_of(schema: object) -> dict[str, object]:
    return {"type": "object", "additionalProperties": schema}


SERVICE: Final = _object(
    image={"type": "string", "pattern": r"^([a-z]+/)?[a-z]+:.+$"},
    profiles=TEXTS,
    build=_object(context=TEXT),
    command=TEXTS,
    entrypoint=TEXTS,
    hostname=TEXT,
    environment=_map_of({"type": ["string", "integer"]}),
    init=FLAG,
    read_only=FLAG,
    tmpfs=TEXTS,
    shm_size=TEXT,
    ulimits=_object(nofile={"type": "integer"}),
    cap_drop=TEXTS,
    security_opt=TEXTS,
    logging=_object(driver=TEXT, options=_map_of(TEXT)),
    restart={"enum": ["no", "unless-stopped"]},
    stop_grace_period=DURATION,
    ports={"type": "array", "items": {"type": "string", "pattern": r"^(127\.0\.0\.1:)?(\$\{\w+:-\d+}|\d+):\d+$"}},
    volumes={"type": "array", "items": {"type": "string", "pattern": r"^[\w./-]+:/[\w./-]+(:ro)?$"}},
    configs={"type": "array", "items": _object(source=TEXT, target=TEXT)},
    networks={"oneOf": [TEXTS, _map_of(_object(aliases=TEXTS, ipv4_address=TEXT))]},
    depends_on=_map_of(
        {
            **_object(condition={"enum": ["service_healthy", "service_completed_successfully"]}),
            "required": ["condition"],
        }
    ),
    healthcheck=_object(
        test={**TEXTS, "minItems": 2},
        interval=DURATION,
        timeout=DURATION,
        retries={"type": "integer"},
        start_period=DURATION,
        disable=FLAG,
    ),
)
FILE: Final = {
    **_object(
        name=TEXT,
        services=_map_of(SERVICE),
        configs=_map_of(_object(content=TEXT)),
        volumes=_map_of({"type": "null"}),
        networks=_map_of(
            _object(
                internal=FLAG,
                ipam=_object(config={"type": "array", "items": _object(subnet=TEXT, ip_range=TEXT)}),
            )
        ),
    ),
    "patternProperties": {"^x-": {}},
    "required": ["services"],
}

INVARIANTS: Final = ROOT / "docker-compose.invariants.yml"
PLATFORM: Final = read(BASE)
SERVICES: Final[dict[str, Any]] = PLATFORM["services"]
SECRET: Final = re.compile(r"PASSWORD|SECRET|(^|_)KEYS?$")
# Empty, unless TEXT_PROVIDER is openai, OBJECT_STORAGE is s3, or there is a supplier.
OPTIONAL_SECRETS: Final = {"TEXT_API_KEY", "S3_KEY", "S3_SECRET", "SUPPLIER_API_KEY"}


@pytest.mark.parametrize("file", [BASE, DEV, INVARIANTS], ids=lambda file: file.name)
def test_file_has_only_known_keys(file: Path) -> None:
    problems = [
        f"{e.json_path}: {e.message}" for e in Draft202012Validator(FILE).iter_errors(yaml.safe_load(file.read_text()))
    ]
    assert problems == []


@pytest.mark.parametrize("files", [(BASE,), (BASE, DEV)], ids=["base", "with dev"])
def test_docker_compose_accepts_the_files(files: tuple[Path, ...]) -> None:
    docker = shutil.which("docker")
    if docker is None or subprocess.run([docker, "compose", "version"], capture_output=True, check=False).returncode:  # noqa: S603
        pytest.skip("the Docker Compose client is not on this machine")
    named = [part for file in files for part in ("--file", str(file))]
    given = dict.fromkeys(required_variables("".join(file.read_text() for file in files)), "given")
    checked = subprocess.run(  # noqa: S603
        [docker, "compose", *named, "config", "--quiet"],
        cwd=ROOT,
        env=os.environ | given,
        capture_output=True,
        text=True,
        check=False,
    )
    assert checked.returncode == 0, checked.stderr


@pytest.mark.parametrize(
    "files", [(BASE,), (BASE, DEV), (BASE, INVARIANTS)], ids=["base", "with dev", "with invariants"]
)
def test_everything_named_is_defined(files: tuple[Path, ...]) -> None:
    merged = read(*files)
    for name, service in merged["services"].items():
        assert set(service.get("networks", [])) <= set(merged["networks"]), name
        assert set(service.get("depends_on", {})) <= set(merged["services"]), name
        assert {config["source"] for config in service.get("configs", [])} <= set(merged["configs"]), name
        for volume in service.get("volumes", []):
            source = volume.split(":")[0]
            assert (ROOT / source).exists() if source.startswith(".") else source in merged["volumes"], volume


@pytest.mark.parametrize("file", [BASE, DEV, INVARIANTS], ids=lambda file: file.name)
def test_secrets_have_no_value_or_default(file: Path) -> None:
    merged = read(file)
    for name, service in merged["services"].items():
        for variable, value in service.get("environment", {}).items():
            if SECRET.search(variable):
                mode = "-" if variable in OPTIONAL_SECRETS else "?"
                assert re.fullmatch(rf"\$\{{\w+:\{mode}}}", str(value)), f"{name}: {variable}"
    for match in VARIABLE.finditer(file.read_text()):
        if SECRET.search(match["name"]):
            assert match["mode"] == "?" or match["name"] in OPTIONAL_SECRETS, match[0]
    passwords = re.findall(r"://\w+:([^@/\"\s]+)@|\"password\": \"([^\"]+)\"", file.read_text())
    assert all(VARIABLE.fullmatch(in_url or in_json) for in_url, in_json in passwords), passwords


def test_every_process_is_restricted() -> None:
    for name, service in SERVICES.items():
        assert "no-new-privileges:true" in service["security_opt"], name
        if is_ours(service):
            assert service["read_only"], name
            assert service["cap_drop"] == ["ALL"], name


def test_long_running_process_restarts_and_has_a_healthcheck() -> None:
    for name, service in SERVICES.items():
        if runs_once(service):
            assert service["healthcheck"] == {"disable": True}, name
        else:
            assert service["restart"] == "unless-stopped", name
            assert is_ours(service) or service["healthcheck"]["test"], name  # our services have the image's healthcheck


def test_process_waits_for_healthy_dependencies() -> None:
    for name, service in SERVICES.items():
        for needed, how in service.get("depends_on", {}).items():
            expected = "service_completed_successfully" if runs_once(SERVICES[needed]) else "service_healthy"
            assert how["condition"] == expected, f"{name} -> {needed}"


def test_data_is_kept_in_named_volumes() -> None:
    kept = {name: service["volumes"][0].split(":")[0] for name, service in SERVICES.items() if not is_ours(service)}
    # The codes of digital goods, which the orchestrator's processes share.
    assert sorted([*kept.values(), "objects"]) == sorted(PLATFORM["volumes"])


def test_only_the_gateway_is_published_to_other_hosts() -> None:
    open_to_all = {
        name
        for name, service in read(BASE, DEV)["services"].items()
        for port in service.get("ports", [])
        if not port.startswith("127.0.0.1:")
    }
    assert open_to_all == {"gateway"}


def test_only_the_gateway_and_operator_pages_are_published() -> None:
    published = {name for name, service in SERVICES.items() if "ports" in service}
    assert published == {"gateway", "rabbitmq", "prometheus", "grafana"}


class TestMonitoring:
    """`docker compose --profile monitoring up` adds monitoring; no service depends on it."""

    def test_is_opt_in(self) -> None:
        asked_for = {name for name, service in SERVICES.items() if service.get("profiles") == ["monitoring"]}
        assert asked_for == {"prometheus", "grafana"}
        for name, service in SERVICES.items():
            assert name in asked_for or not asked_for & set(service.get("depends_on", {})), name

    def test_prometheus_scrapes_every_process_on_its_port(self) -> None:
        reachable = set(SERVICES["prometheus"]["networks"])
        names = {"gateway.monitoring": "gateway"}
        assert SERVICES["gateway"]["networks"]["monitoring"]["aliases"] == [*names]
        for job in yaml.safe_load((ROOT / "monitoring/prometheus.yml").read_text())["scrape_configs"]:
            [found] = job["dns_sd_configs"]
            [name] = found["names"]
            service = SERVICES[names.get(name, name)]
            assert reachable & set(service["networks"]), name
            settings = service.get("environment", {})
            assert found["port"] == settings.get("HEALTH_PORT", settings.get("PORT", 15692)), name

    def test_gateway_metrics_are_visible_to_prometheus_only(self) -> None:
        own = ip_address(SERVICES["prometheus"]["networks"]["monitoring"]["ipv4_address"])
        believed = VARIABLE.sub(lambda match: match["rest"], SERVICES["gateway"]["environment"]["OPERATOR_NETWORKS"])
        assert [ip_network(part) for part in believed.split(",")] == [ip_network("127.0.0.0/8"), ip_network(own)]
        network = PLATFORM["networks"]["monitoring"]
        [pool] = network["ipam"]["config"]
        assert network["internal"]
        assert own in ip_network(pool["subnet"])
        assert own not in ip_network(pool["ip_range"])  # the range from which Docker assigns other addresses

    def test_grafana_is_read_only(self) -> None:
        settings = SERVICES["grafana"]["environment"]
        assert settings["GF_AUTH_ANONYMOUS_ORG_ROLE"] == "Viewer"
        assert settings["GF_SECURITY_DISABLE_INITIAL_ADMIN_CREATION"] == "true"
        assert settings["GF_AUTH_BASIC_ENABLED"] == "false"

    def test_images_are_pinned_to_a_version(self) -> None:
        for name in ("prometheus", "grafana"):
            assert re.search(r":v?\d+\.\d+\.\d+$", SERVICES[name]["image"])

    def test_grafana_provisioning_paths_are_mounted(self) -> None:
        mounted = {volume.split(":")[1]: ROOT / volume.split(":")[0] for volume in SERVICES["grafana"]["volumes"][1:]}
        provisioning = mounted["/etc/grafana/provisioning"]
        [provider] = yaml.safe_load((provisioning / "dashboards/ticketremaster.yml").read_text())["providers"]
        assert list(mounted[provider["options"]["path"]].glob("*.json"))
        [source] = yaml.safe_load((provisioning / "datasources/prometheus.yml").read_text())["datasources"]
        assert source["url"] == "http://prometheus:9090"


def test_database_is_reachable_by_its_service_only() -> None:
    for name, service in SERVICES.items():
        if not name.endswith("-db"):
            continue
        (network,) = service["networks"]
        assert PLATFORM["networks"][network] == {"internal": True}
        packages = {
            other["command"][0].partition(".")[0]
            for other in SERVICES.values()
            if network in other["networks"] and is_ours(other)
        }
        assert len(packages) == 1, name


def test_invariants_command_reaches_every_database_and_nothing_else() -> None:
    service = read(BASE, INVARIANTS)["services"]["invariants"]
    databases = {name for name in SERVICES if name.endswith("-db")}
    assert set(service["depends_on"]) == databases
    assert set(service["networks"]) == {SERVICES[name]["networks"][0] for name in databases}
    assert set(service["environment"]) == {name.upper() for name in InvariantSettings.model_fields}
    hosts = [
        urlsplit(filled(url, dict.fromkeys(required_variables(url), "x"))) for url in service["environment"].values()
    ]
    assert {url.hostname for url in hosts} == databases
    assert {SERVICES[str(url.hostname)]["environment"]["POSTGRES_DB"] for url in hosts} == {
        url.path[1:] for url in hosts
    }
    assert (service["read_only"], service["cap_drop"], service["restart"]) == (True, ["ALL"], "no")


def test_each_service_has_its_own_database_and_account() -> None:
    urls: dict[str, set[str]] = {}
    for service in SERVICES.values():
        if is_ours(service) and (url := service.get("environment", {}).get("DATABASE_URL")):
            urls.setdefault(service["command"][0].partition(".")[0], set()).add(url)
    assert {package: len(own) for package, own in urls.items()} == dict.fromkeys(DATABASES, 1)
    parts = [urlsplit(VARIABLE.sub("secret", url)) for own in urls.values() for url in own]
    for each in ([part.username for part in parts], [part.hostname for part in parts], [part.path for part in parts]):
        assert len(set(each)) == len(DATABASES), each


def test_env_example_lists_every_variable_and_no_other() -> None:
    example = (ROOT / ".env.example").read_text().partition("# --- make run")[0]
    must = set(re.findall(r"^(\w+)=", example, flags=re.MULTILINE))
    may = set(re.findall(r"^# (\w+)=", example, flags=re.MULTILINE))
    text = BASE.read_text() + DEV.read_text()
    assert must == required_variables(text)
    assert may == {match["name"] for match in VARIABLE.finditer(text)} - must
