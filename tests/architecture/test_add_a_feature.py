"""docs/add-a-feature.md is followed to the letter: its code blocks are a feature that the orchestrator serves."""

import ast
import importlib
import re
import subprocess
import sys
import uuid
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Final

import httpx
import pytest
from pydantic import SecretStr

import orchestrator.app
import orchestrator.container
import orchestrator.features
from gateway.routing import ROUTES, Access, Route, RoutingTable, Upstream
from orchestrator.feature import Feature
from orchestrator.jobs.registry import Registry
from orchestrator.settings import Settings
from tests.architecture.compose import ROOT
from tests.architecture.test_layout import FEATURE_FILES
from tests.support.user_tokens import UserTokenMint

PAGE: Final = (ROOT / "docs/add-a-feature.md").read_text()
BLOCKS: Final = dict(re.findall(r"^```python\n# (\S+)\n(.*?)^```$", PAGE, flags=re.MULTILINE | re.DOTALL))
FOLDER: Final = "orchestrator/features/gifts"
PACKAGE: Final = FOLDER.replace("/", ".")
GATEWAY: Final = "gateway/routing.py"
UNIT_TEST: Final = "tests/unit/orchestrator/test_gifts.py"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The feature's files, written from the page."""
    root = tmp_path_factory.mktemp("page")
    for name, code in BLOCKS.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(code)
    return root / FOLDER


@pytest.fixture(scope="module")
def feature(folder: Path) -> Iterator[Feature]:
    """The page's feature, imported as a part of the orchestrator and listed in `FEATURES`."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(orchestrator.features, "__path__", [*orchestrator.features.__path__, str(folder.parent)])
        found: Feature = importlib.import_module(PACKAGE).FEATURE
        features = (*orchestrator.container.FEATURES, found)
        patch.setattr(orchestrator.container, "FEATURES", features)
        patch.setattr(orchestrator.app, "FEATURES", features)
        yield found
    for name in [name for name in sys.modules if name == PACKAGE or name.startswith(f"{PACKAGE}.")]:
        del sys.modules[name]
    del orchestrator.features.gifts  # type: ignore[attr-defined]  # set by the import


@pytest.fixture(scope="module")
def settings() -> Settings:
    """Nothing listens there: the container connects only when it is started."""
    return Settings(
        env="test",
        database_url=SecretStr("postgresql+asyncpg://127.0.0.1:9/orchestrator_db"),
        rabbitmq_url=SecretStr("amqp://127.0.0.1:9"),
        qr_keys=SecretStr("k1:" + "A" * 43),
    )


def module_of(code: str, name: str) -> ModuleType:
    module = ModuleType(name)
    exec(compile(code, name, "exec"), vars(module))  # noqa: S102 - code of our own page
    return module


def test_page_has_all_parts() -> None:
    assert {"__init__.py", "schemas.py", "saga.py", "service.py", "routes.py", "jobs.py"} == {
        Path(name).name for name in BLOCKS if name.startswith(FOLDER)
    }
    assert {GATEWAY, UNIT_TEST} <= set(BLOCKS)


def test_files_have_the_usual_names(folder: Path) -> None:
    assert {file.stem for file in folder.glob("*.py")} <= FEATURE_FILES


def test_table_of_the_page_names_every_allowed_file() -> None:
    table = PAGE.partition("| file | content |")[2].partition("\n\n")[0]
    rows = [line.split("|")[1] for line in table.splitlines()[2:]]
    assert {name for row in rows for name in re.findall(r"`(\w+)/?`", row)} == FEATURE_FILES | {"adapters"}


@pytest.mark.parametrize("check", [("check",), ("format", "--check")], ids=" ".join)
def test_code_is_written_like_ours(folder: Path, check: tuple[str, ...]) -> None:
    options = ["--no-cache", "--config", str(ROOT / "pyproject.toml")]
    command = [sys.executable, "-m", "ruff", *check, *options, str(folder)]
    judged = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603
    assert judged.returncode == 0, judged.stdout


async def test_route_answers(feature: Feature, settings: Settings) -> None:
    assert feature in orchestrator.container.FEATURES
    mint, user_id = UserTokenMint(), uuid.uuid4()
    app = orchestrator.app.create_app(settings, user_tokens=mint.verifier())
    headers = {"Authorization": f"Bearer {mint.token(user_id)}"}
    gift = {"recipient_user_id": str(user_id), "amount": "5.00"}
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://orchestrator") as client:
        anonymous = await client.post("/api/gifts", json=gift)
        to_oneself = await client.post("/api/gifts", json=gift, headers=headers)
    assert anonymous.status_code == 401
    assert to_oneself.status_code == 400
    assert to_oneself.json()["error_code"] == "SELF_TRANSFER"


async def test_saga_is_known_to_the_engine(feature: Feature, settings: Settings) -> None:
    container = orchestrator.container.build_container(settings)
    [plan] = feature.plans(container.resources)
    assert [step.name for step in plan.steps] == ["hold credits", "pay recipient", "announce gift"]
    gifts = importlib.import_module(f"{PACKAGE}.service")
    assert container.resources.service(gifts.GiftService)


async def test_worker_has_a_handler_for_its_job(feature: Feature, settings: Settings) -> None:
    assert feature in orchestrator.container.FEATURES
    container, registry = orchestrator.container.build_container(settings), Registry()
    orchestrator.container.register_handlers(registry, container)
    jobs = importlib.import_module(f"{PACKAGE}.jobs")
    assert registry[jobs.KIND].payload_model is jobs.SumGifts


def test_gateway_routes_to_it() -> None:
    [call] = [node for node in ast.walk(ast.parse(BLOCKS[GATEWAY])) if isinstance(node, ast.Call)]
    names = {"Route": Route, "orchestrator": Upstream.ORCHESTRATOR, "user": Access.USER}
    route = eval(compile(ast.Expression(call), GATEWAY, "eval"), names)  # noqa: S307 - code of our own page
    assert RoutingTable((*ROUTES, route)).match("POST", b"/api/gifts") is route


def test_unit_test_of_the_page_passes(feature: Feature) -> None:
    assert feature in orchestrator.container.FEATURES
    module = module_of(BLOCKS[UNIT_TEST], "test_gifts")
    tests = [test for name, test in vars(module).items() if name.startswith("test_")]
    assert tests
    for test in tests:
        test()
