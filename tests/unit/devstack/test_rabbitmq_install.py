"""Which RabbitMQ is used, and what happens without one; no package manager is called."""

import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from devstack import rabbitmq_install
from devstack.errors import DevstackError
from devstack.rabbitmq_install import rabbitmq_programs


@pytest.fixture
def folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """Empty PATH and two empty folders where packages install RabbitMQ."""
    places = [tmp_path / "debian", tmp_path / "homebrew"]
    for place in (*places, tmp_path / "bin"):
        place.mkdir()
    monkeypatch.setattr(rabbitmq_install, "SCRIPT_FOLDERS", tuple(places))
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    return places


def program(folder: Path, name: str) -> Path:
    file = folder / name
    file.write_text("#!/bin/sh\n")
    file.chmod(0o755)
    return file


def test_the_package_comes_before_the_path(folders: list[Path], tmp_path: Path) -> None:
    program(tmp_path / "bin", "rabbitmq-server")
    epmd = program(tmp_path / "bin", "epmd")
    packaged = program(folders[1], "rabbitmq-server")
    found = rabbitmq_programs()
    assert (found.server, found.epmd) == (packaged, epmd)


def test_debian_wrapper_is_not_used(folders: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert folders
    monkeypatch.setattr(rabbitmq_install, "DEBIAN_WRAPPER", program(tmp_path / "bin", "rabbitmq-server"))
    with pytest.raises(DevstackError, match="RabbitMQ is missing"):
        rabbitmq_programs()


def test_missing_package_manager_error_explains_the_installation(folders: list[Path]) -> None:
    assert folders
    with pytest.raises(DevstackError, match=r"install RabbitMQ \(https://.*\) or set RABBITMQ_URL"):
        rabbitmq_programs()


def test_error_without_sudo_contains_the_command(
    folders: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert folders
    program(tmp_path / "bin", "apt-get")
    monkeypatch.setattr("os.geteuid", lambda: 1000)
    with pytest.raises(DevstackError, match="as root run: apt-get install rabbitmq-server"):
        rabbitmq_programs()


def test_processes_that_start_together_install_it_once(
    folders: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    installed: list[Path] = []

    def install() -> None:
        time.sleep(0.05)  # an installation takes a while, during which the others check
        installed.append(program(folders[0], "rabbitmq-server"))

    program(tmp_path / "bin", "epmd")
    monkeypatch.setattr(rabbitmq_install, "INSTALL_LOCK", tmp_path / "lock")
    monkeypatch.setattr(rabbitmq_install, "_install", install)
    with ThreadPoolExecutor(4) as pool:
        found = [future.result() for future in [pool.submit(rabbitmq_programs) for _ in range(4)]]
    assert {programs.server for programs in found} == {*installed}
    assert len(installed) == 1
