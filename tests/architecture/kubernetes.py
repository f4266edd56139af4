"""Read the Kubernetes manifests without kustomize, whose patches apply equally to all of our Deployments."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import yaml

from tests.architecture.compose import ROOT

FOLDER: Final = ROOT / "deploy" / "kubernetes"
BASE: Final = FOLDER / "base"
PRODUCTION: Final = FOLDER / "overlays" / "production"
NAME_LABEL: Final = "app.kubernetes.io/name"


def read(file: Path) -> list[dict[str, Any]]:
    return [document for document in yaml.safe_load_all(file.read_text()) if document]


def listed(folder: Path) -> tuple[list[str], list[str]]:
    """Return the resources and the patch files that a kustomization lists in its own folder."""
    [kustomization] = read(folder / "kustomization.yaml")
    files = [name for name in kustomization["resources"] if name.endswith(".yaml")]
    patches = [patch["path"] for patch in kustomization.get("patches", []) if "path" in patch]
    return files, patches


def resources(folder: Path) -> Iterator[dict[str, Any]]:
    for name in listed(folder)[0]:
        yield from read(folder / name)


def container_of(deployment: Mapping[str, Any]) -> dict[str, Any]:
    [container] = deployment["spec"]["template"]["spec"]["containers"]
    return dict(container)


def environment_of(
    container: Mapping[str, Any], *, configs: Mapping[str, Mapping[str, str]], secrets: Mapping[str, Mapping[str, str]]
) -> dict[str, str]:
    """Return a container's environment: config maps and secrets first, then its own variables, with ``$(NAME)`` substituted."""
    found: dict[str, str] = {}
    for source in container.get("envFrom", []):
        reference = source.get("configMapRef") or source["secretRef"]
        found |= (configs if "configMapRef" in source else secrets)[reference["name"]]
    for variable in container.get("env", []):
        found[variable["name"]] = _value(variable, found, secrets)
    return found


def _value(variable: Mapping[str, Any], found: Mapping[str, str], secrets: Mapping[str, Mapping[str, str]]) -> str:
    if "valueFrom" in variable:
        reference = variable["valueFrom"]["secretKeyRef"]
        return secrets[reference["name"]][reference["key"]]
    value = str(variable["value"])
    for name, known in found.items():
        value = value.replace(f"$({name})", known)
    return value
