"""Which processes `make dev` restarts when a file is saved."""

from pathlib import Path

import pytest

from devstack.reload import affected_services
from devstack.services import PLATFORM


@pytest.mark.parametrize(
    ("saved", "names"),
    [
        ("users/app.py", ["users"]),
        ("orchestrator/settings.py", ["orchestrator", "worker"]),
        ("devstack/sandbox/app.py", ["sandbox"]),
        ("common/errors.py", [spec.name for spec in PLATFORM]),
        ("proto/inventory/v1/inventory.proto", [spec.name for spec in PLATFORM]),
        ("devstack/stack.py", []),
        ("docs/testing.md", []),
    ],
)
def test_saved_file_concerns_the_processes_that_run_it(saved: str, names: list[str]) -> None:
    assert affected_services([Path(saved)]) == names


def test_several_files_concern_each_process_once() -> None:
    saved = [Path("gateway/app.py"), Path("events/app.py"), Path("events/settings.py")]
    assert affected_services(saved) == ["events", "gateway"]
