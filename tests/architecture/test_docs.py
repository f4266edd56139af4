"""The documentation is correct: links resolve, commands exist, and values match the code."""

import re
from pathlib import Path
from typing import Final
from urllib.parse import unquote

import pytest

import gateway.settings
import inventory.settings
import orchestrator.settings
import orders.settings
import users.settings
from tests.architecture.compose import ROOT

SERVICES: Final = ("common", "rabbitmq", "users", "orders", "events", "inventory", "orchestrator", "gateway")
SETTINGS: Final = (
    users.settings.Settings,
    inventory.settings.Settings,
    orders.settings.Settings,
    orchestrator.settings.WorkerSettings,  # those of the orchestrator, and more
    gateway.settings.Settings,
)
OPERATIONS: Final = ROOT / "docs/operations.md"
PAGES: Final = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
LINK: Final = re.compile(r"\[[^\]]*]\((?P<target>[^)\s]+)\)")
CODE_BLOCK: Final = re.compile(r"^```.*?^```", flags=re.MULTILINE | re.DOTALL)
# A repository file named in the text, such as `common/db/idempotency.py`.
NAMED_PATH: Final = re.compile(
    r"`((?:common|users|orders|events|inventory|orchestrator|gateway|invariants|devstack|tests|bench|rabbitmq|proto|docs)/[\w./-]*)`"
)

by_page = pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))


def prose(page: Path) -> str:
    return CODE_BLOCK.sub("", page.read_text())


def anchors(page: Path) -> set[str]:
    """Return the anchors that GitHub creates for a page's headings."""
    headings = re.findall(r"^#+ (.+)$", prose(page), flags=re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@by_page
def test_links_resolve(page: Path) -> None:
    for match in LINK.finditer(prose(page)):
        target, _, anchor = match["target"].partition("#")
        if "://" in target:
            continue
        linked = (page.parent / unquote(target)).resolve() if target else page
        assert linked.exists(), match["target"]
        assert linked.is_relative_to(ROOT), match["target"]
        assert not anchor or anchor in anchors(linked), match["target"]


@by_page
def test_files_named_in_the_text_exist(page: Path) -> None:
    missing = [path for path in NAMED_PATH.findall(prose(page)) if "…" not in path and not (ROOT / path).exists()]
    assert missing == []


@by_page
def test_make_targets_named_in_the_text_exist(page: Path) -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), flags=re.MULTILINE))
    named = set(re.findall(r"(?:`|^)make ([a-z-]+)", page.read_text(), flags=re.MULTILINE))
    assert named <= targets


def test_every_page_is_reachable_from_the_readme() -> None:
    reached: set[Path] = set()
    waiting = [ROOT / "README.md"]
    while waiting:
        page = waiting.pop()
        reached.add(page)
        targets = (match["target"].partition("#")[0] for match in LINK.finditer(prose(page)))
        linked = {(page.parent / target).resolve() for target in targets if target.endswith(".md")}
        waiting += [found for found in linked - reached if found.exists()]
    assert {page for page in PAGES if page not in reached} == set()


def test_decisions_are_numbered_and_have_a_status() -> None:
    decisions = sorted((ROOT / "docs/adr").glob("0*.md"))
    assert [int(page.name[:4]) for page in decisions] == list(range(1, len(decisions) + 1))
    for page in decisions:
        text = page.read_text()
        assert text.startswith(f"# {int(page.name[:4])}. "), page.name
        assert re.search(r"^Status: (accepted|superseded by \[.+]\(.+\)), \d{4}-\d{2}-\d{2}$", text, flags=re.MULTILINE)
        assert all(f"\n## {part}\n" in text for part in ("Context", "Decision", "Consequences")), page.name


def test_documented_settings_have_the_defaults_of_the_code() -> None:
    rows = re.findall(r"^\| `([A-Z_]+)` \| ([^|]+) \|", OPERATIONS.read_text(), flags=re.MULTILINE)
    fields = {name.upper(): field for settings in SETTINGS for name, field in settings.model_fields.items()}
    assert rows
    for name, default in rows:
        assert name in fields
        if default.strip().isdigit():
            assert fields[name].default == int(default), name


def test_documented_metrics_exist() -> None:
    named = set(re.findall(r"^\| `([a-z_]+)[`{]", OPERATIONS.read_text(), flags=re.MULTILINE))
    source = "".join(file.read_text() for folder in SERVICES for file in (ROOT / folder).rglob("*.py"))
    assert named
    assert {metric for metric in named if f'"{metric}"' not in source} == set()
