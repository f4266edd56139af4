"""All services have the same layout: the same file names, each with the same kind of content."""

import ast
import importlib
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

import orchestrator.container
from tests.architecture.compose import ROOT

SERVICES: Final = ("users", "orders", "events", "inventory", "orchestrator", "gateway")
WITH_DATABASE: Final = ("users", "orders", "events", "inventory", "orchestrator")
LONGEST_FILE_LINES: Final = 400
GENERATED: Final = re.compile(r"_pb2(_grpc)?\.pyi?$|/generated/")
OUR_FOLDERS: Final = (*SERVICES, "common", "rabbitmq", "invariants", "devstack", "tests", "bench", "sdk")

# Definitions that only files of these names contain, or files in folders of these names.
ONLY_IN: Final = {
    r"= APIRouter\(": {"routes", "pages"},  # the gateway serves its own pages; its routes are a table
    r"\b(base_app|FastAPI)\(": {"app", "worker"},
    r"\((\w+, )*(ServiceSettings|BaseSettings)\b.*\):": {"settings"},
    r"\bTable\(\n|\bmapped_column\(": {"models"},
}


def sources(*folders: str) -> Iterator[Path]:
    for folder in folders:
        yield from (file for file in sorted((ROOT / folder).rglob("*.py")) if not GENERATED.search(file.as_posix()))


def places(file: Path) -> set[str]:
    """Return the names of the file and of its folders inside the service."""
    return {file.stem, *file.relative_to(ROOT).parts[1:-1]}


@pytest.mark.parametrize("service", SERVICES)
def test_service_has_the_usual_files(service: str) -> None:
    expected = {"__init__.py", "__main__.py", "app.py", "settings.py"}
    assert expected <= {file.name for file in (ROOT / service).iterdir()}


@pytest.mark.parametrize("service", WITH_DATABASE)
def test_service_with_a_database_has_migrations(service: str) -> None:
    migrations = ROOT / service / "migrations"
    assert (migrations / "env.py").exists()
    assert (migrations / "script.py.mako").exists()
    assert any((migrations / "versions").glob("0001_*.py"))


@pytest.mark.parametrize(("written", "names"), ONLY_IN.items(), ids=[min(names) for names in ONLY_IN.values()])
def test_definitions_are_in_the_expected_files(written: str, names: set[str]) -> None:
    elsewhere = [
        str(file.relative_to(ROOT))
        for file in sources(*SERVICES)
        if re.search(written, file.read_text()) and not (names | {"migrations"}) & places(file)
    ]
    assert elsewhere == []


def test_no_file_is_too_long() -> None:
    lines = {str(file.relative_to(ROOT)): len(file.read_text().splitlines()) for file in sources(*OUR_FOLDERS)}
    assert {name: count for name, count in lines.items() if count > LONGEST_FILE_LINES} == {}


def public_names(module: ast.Module) -> set[str]:
    """Return the names that the module's own statements define, without those that begin with an underscore."""
    names: set[str] = set()
    for node in module.body:
        match node:
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
                names.add(name)
            case ast.Assign(targets=targets):
                names.update(each.id for each in targets if isinstance(each, ast.Name))
            case ast.AnnAssign(target=ast.Name(id=name)):
                names.add(name)
    return {name for name in names if not name.startswith("_")}


def test_all_differs_from_the_public_names() -> None:
    """A module lists `__all__` if it re-exports names or keeps some to itself; otherwise the list says nothing."""
    repeating = []
    for file in sources(*OUR_FOLDERS):
        module = ast.parse(file.read_text())
        for node in module.body:
            match node:
                case ast.Assign(targets=[ast.Name(id="__all__")], value=value):
                    if set(ast.literal_eval(value)) == public_names(module):
                        repeating.append(str(file.relative_to(ROOT)))
    assert repeating == []


def test_no_catch_all_module() -> None:
    catch_all = {"utils", "util", "helpers", "misc", "tools"}
    assert [str(file) for file in sources(*OUR_FOLDERS) if catch_all & places(file)] == []


def test_no_todo_comment() -> None:
    unfinished = re.compile(r"#\s*(TODO|FIXME|XXX|HACK)\b")
    assert [str(file) for file in sources(*OUR_FOLDERS) if unfinished.search(file.read_text())] == []


def test_no_stub() -> None:
    stubs = [str(file) for file in sources(*SERVICES, "common", "devstack") if "NotImplemented" in file.read_text()]
    assert stubs == []


FEATURES: Final = ROOT / "orchestrator/features"
FEATURE_FILES: Final = {
    "__init__", "routes", "schemas", "service", "saga", "jobs", "messages", "repository", "statements", "models",
    "errors", "settings", "metrics",
}  # fmt: skip
"""The files of a feature, or folders of these names; everything else is in `adapters/`."""


@pytest.mark.parametrize(
    "feature", sorted(path for path in FEATURES.iterdir() if path.is_dir()), ids=lambda path: path.name
)
def test_feature_has_the_usual_files(feature: Path) -> None:
    python = {path for path in feature.iterdir() if path.suffix == ".py" or any(path.glob("*.py"))}
    assert {path.stem for path in python} <= FEATURE_FILES | {"adapters"}


def test_every_feature_is_registered() -> None:
    folders = {path.parent.name for path in FEATURES.glob("*/__init__.py")}
    modules = {name: importlib.import_module(f"orchestrator.features.{name}") for name in folders}
    assert {name for name, module in modules.items() if module.FEATURE not in orchestrator.container.FEATURES} == set()
    assert len(orchestrator.container.FEATURES) == len(folders)


# Nouns of the business, in names, comments and texts alike. SQL's ORDER BY, as `order_by` too, and "in order" are none, nor is "to hold".
BUSINESS_NOUN: Final = re.compile(
    r"(?<![a-z])("
    r"(seat|ticket|wallet|venue|concert|fan|hall|purchase|resale|marketplace|buyer|seller|transfer|escrow)s?"
    r"|(?<!in )(?<!out of )orders?(?![ _]by\b)"
    r"|hold_\w+|holds?(?=\.\w)|(?<=a )hold|(?<=the )hold|(?<=this )hold|(?<=of )holds"
    r")(?![a-z])",
    re.IGNORECASE,
)


def test_common_names_nothing_of_the_business() -> None:
    lines = [
        f"{file.relative_to(ROOT)}:{number}: {line.strip()}"
        for file in sources("common")
        for number, line in enumerate(file.read_text().splitlines(), start=1)
        if BUSINESS_NOUN.search(line)
    ]
    assert lines == []


@pytest.mark.parametrize(
    "line",
    [
        "seat_id: uuid.UUID", 'code = "SEAT_UNAVAILABLE"', "class Order:", "# the wallet cannot cover it",
        "TICKETS: Final = 10", "such as ``order.confirmed``", "def transfer(self) -> None:", "# A hold has expired.",
        "hold_ttl_seconds: float", '"hold.expired"', "# before fans buy", "# at any venue",
    ],
)  # fmt: skip
def test_a_business_noun_is_found(line: str) -> None:
    assert BUSINESS_NOUN.search(line)


@pytest.mark.parametrize(
    "line",
    [
        'AUDIENCE: Final = "ticketremaster"', "ORDER BY created_at LIMIT :batch", "# late or out of order",
        "# PostgreSQL's text cannot hold it", 'Literal["direct", "topic", "fanout"]', "GARBAGE_THRESHOLDS: Final",
        "threading.Thread(target=stop)", "SeatbeltError",
    ],
)  # fmt: skip
def test_other_words_are_none(line: str) -> None:
    assert not BUSINESS_NOUN.search(line)
