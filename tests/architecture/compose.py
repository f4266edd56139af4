"""Read Docker Compose files as Compose does: merged, with variables substituted."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import yaml

ROOT: Final = Path(__file__).parents[2]
BASE: Final = ROOT / "docker-compose.yml"
DEV: Final = ROOT / "docker-compose.dev.yml"

# ${NAME}, ${NAME:-default}, ${NAME:-${OTHER:-default}} and ${NAME:?message}
VARIABLE: Final = re.compile(r"\$\{(?P<name>\w+)(?::(?P<mode>[-?])(?P<rest>(?:[^{}]|\$\{[^}]*})*))?}")


def read(*files: Path) -> dict[str, Any]:
    """Return the files merged: maps by key; ports, networks and volumes concatenated; everything else replaced."""
    merged: dict[str, Any] = {}
    for file in files:
        merged = _merged(merged, yaml.safe_load(file.read_text()))
    return {key: value for key, value in merged.items() if not key.startswith("x-")}


def _merged(base: dict[str, Any], overlay: Mapping[str, Any]) -> dict[str, Any]:
    result = dict(base)
    for key, value in overlay.items():
        before = result.get(key)
        if isinstance(before, dict) and isinstance(value, dict):
            result[key] = _merged(before, value)
        elif isinstance(before, list) and key in {"ports", "networks", "volumes"}:
            result[key] = before + value
        else:
            result[key] = value
    return result


def required_variables(text: str) -> set[str]:
    return {match["name"] for match in VARIABLE.finditer(text) if match["mode"] == "?"}


def filled(value: object, given: Mapping[str, str]) -> str:
    """Return a value with its variables substituted; a missing required variable is an error, as in Compose."""

    def fill(match: re.Match[str]) -> str:
        if match["mode"] == "?":
            return given[match["name"]]
        return given.get(match["name"]) or filled(match["rest"] or "", given)

    return VARIABLE.sub(fill, str(value))


def environment(service: Mapping[str, Any], given: Mapping[str, str]) -> dict[str, str]:
    return {name: filled(value, given) for name, value in service.get("environment", {}).items()}


def module_of(service: Mapping[str, Any]) -> str:
    """Return the module that `python -m` runs, even if a watcher runs it."""
    first: str = service["command"][0]
    return first.removeprefix("python -m ")


def is_ours(service: Mapping[str, Any]) -> bool:
    return str(service["image"]).startswith("ticketremaster:")


def runs_once(service: Mapping[str, Any]) -> bool:
    return is_ours(service) and service["command"][1:] == ["migrate"]
