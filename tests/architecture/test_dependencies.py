"""Each dependency is documented, and each production dependency is used."""

import ast
import re
import tomllib
from importlib.metadata import packages_distributions
from typing import Any, Final

from tests.architecture.compose import ROOT

PROJECT: Final[dict[str, Any]] = tomllib.loads((ROOT / "pyproject.toml").read_text())
PRODUCTION: Final = ("common", "proto", "rabbitmq", "users", "orders", "events", "inventory", "orchestrator", "gateway")
# SQLAlchemy loads the driver named in the URL (`+asyncpg`); the gateway reads the files of the other without importing it.
LOADED_BY_NAME: Final = {"asyncpg", "fastapi-swagger"}
# docker-compose.dev.yml runs the sandbox in the same image.
FOR_THE_SANDBOX: Final = {"aiosmtpd"}
# Several distributions share the packages `opentelemetry` and `google`; these are installed with the declared ones.
SHARED_NAMESPACES: Final = {
    "googleapis-common-protos",
    "opentelemetry-exporter-http-transport",
    "opentelemetry-exporter-otlp-common",
    "opentelemetry-exporter-otlp-proto-common",
    "opentelemetry-proto",
    "opentelemetry-semantic-conventions",
}
# FastAPI, aio-pika and aiohttp expose these dependencies; they are installed in the version they need.
RE_EXPORTED: Final = {"starlette", "aiormq", "multidict", "yarl"}


def names(requirements: list[str]) -> set[str]:
    return {normal(re.split(r"[\[<>=~!; ]", requirement)[0]) for requirement in requirements}


def normal(name: str) -> str:
    return name.lower().replace("_", "-")


IN_PRODUCTION: Final = names(PROJECT["project"]["dependencies"])
IN_DEVELOPMENT: Final = names(PROJECT["dependency-groups"]["dev"])


def documented() -> list[str]:
    rows = re.findall(r"^\| (`.+?`) \|", (ROOT / "docs/dependencies.md").read_text(), flags=re.MULTILINE)
    return [name for row in rows for name in re.findall(r"`([^`]+)`", row)]


def imported_distributions() -> set[str]:
    owners = packages_distributions()
    found: set[str] = set()
    for file in (file for package in PRODUCTION for file in (ROOT / package).rglob("*.py")):
        for node in ast.walk(ast.parse(file.read_text())):
            modules = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom) and node.module:
                modules = [node.module]
            for module in modules:
                found |= {normal(owner) for owner in owners.get(module.partition(".")[0], [])}
    return found


def test_every_dependency_is_documented() -> None:
    assert sorted(documented()) == sorted(IN_PRODUCTION | IN_DEVELOPMENT)


def test_every_production_dependency_is_imported() -> None:
    assert IN_PRODUCTION - imported_distributions() - LOADED_BY_NAME - FOR_THE_SANDBOX == set()


def test_every_production_import_is_declared() -> None:
    undeclared = imported_distributions() - IN_PRODUCTION
    assert undeclared - RE_EXPORTED - SHARED_NAMESPACES == set()
