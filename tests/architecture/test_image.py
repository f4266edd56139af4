"""The image is small, runs without privileges, and contains only what it needs."""

import ast
import json
import re
from pathlib import Path
from typing import Final

from tests.architecture.compose import BASE, ROOT, is_ours, module_of, read

Instruction = tuple[str, str]

PACKAGES: Final = {
    "common",
    "proto",
    "rabbitmq",
    "users",
    "orders",
    "events",
    "inventory",
    "orchestrator",
    "gateway",
    "invariants",
}


def instructions() -> list[Instruction]:
    text = re.sub(r"^#.*\n", "", (ROOT / "Dockerfile").read_text(), flags=re.MULTILINE)
    lines = re.sub(r"\\\n\s*", "", text).splitlines()
    return [(line.split(maxsplit=1)[0], line.split(maxsplit=1)[1]) for line in lines if line.strip()]


def stages() -> list[list[Instruction]]:
    split: list[list[Instruction]] = []
    for instruction in instructions():
        if instruction[0] == "FROM":
            split.append([])
        if split:
            split[-1].append(instruction)
    return split


def values(stage: list[Instruction], name: str) -> list[str]:
    return [value for keyword, value in stage if keyword == name]


def test_image_is_built_in_a_separate_stage() -> None:
    build, final = stages()
    assert not any("pip install" in run for run in values(final, "RUN"))
    assert all(copy.startswith("--from=build ") for copy in values(final, "COPY"))
    assert any("--require-hashes" in run for run in values(build, "RUN"))


def test_base_image_is_pinned() -> None:
    (base,) = values(instructions(), "ARG")
    assert re.fullmatch(r"PYTHON=3\.1[123]-slim-\w+", base)
    assert [image.split()[0] for image in values(instructions(), "FROM")] == ["python:${PYTHON}"] * 2


def test_lock_file_is_installed_before_the_source_is_copied() -> None:
    build, _ = stages()
    order = [value for keyword, value in build if keyword in {"COPY", "RUN"}]
    installed = next(index for index, value in enumerate(order) if "pip install" in value)
    copied = {value.split()[0]: index for index, value in enumerate(order) if not value.startswith("/")}
    assert copied["requirements.txt"] < installed
    assert all(copied[package] > installed for package in PACKAGES)


def test_image_runs_as_a_numeric_unprivileged_user() -> None:
    _, final = stages()
    (user,) = values(final, "USER")
    assert re.fullmatch(r"[1-9]\d{3,}:[1-9]\d{3,}", user)
    last_copy = max(index for index, (keyword, _) in enumerate(final) if keyword == "COPY")
    assert final.index(("USER", user)) > last_copy


def test_entrypoint_takes_a_module_name() -> None:
    _, final = stages()
    (entrypoint,) = values(final, "ENTRYPOINT")
    assert json.loads(entrypoint) == ["python", "-m"]
    assert values(final, "CMD") == []


def test_healthcheck_queries_the_process() -> None:
    _, final = stages()
    (healthcheck,) = values(final, "HEALTHCHECK")
    program, option, code = json.loads(healthcheck.split("CMD ", maxsplit=1)[1])
    assert (program, option) == ("python", "-c")
    assert "/health" in code
    ast.parse(code)


def test_image_contains_every_required_package() -> None:
    build, _ = stages()
    copied = {value.split()[0] for value in values(build, "COPY")} - {"requirements.txt"}
    run = {module_of(service).partition(".")[0] for service in read(BASE)["services"].values() if is_ours(service)}
    assert copied == PACKAGES
    assert run <= copied
    assert first_party_imports(copied) <= copied


def first_party_imports(packages: set[str]) -> set[str]:
    ours = {path.parent.name for path in ROOT.glob("*/__init__.py")} | {"tests", "bench"}
    return {
        name
        for package in packages
        for file in (ROOT / package).rglob("*.py")
        for name in imported(file)
        if name in ours
    }


def imported(file: Path) -> set[str]:
    found: set[str] = set()
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            found.add(node.module.partition(".")[0])
    return found


def test_build_context_is_an_allow_list() -> None:
    lines = [line for line in (ROOT / ".dockerignore").read_text().splitlines() if line and not line.startswith("#")]
    assert lines[0] == "*"
    assert {line[1:] for line in lines if line.startswith("!")} == PACKAGES | {"requirements.txt"}
