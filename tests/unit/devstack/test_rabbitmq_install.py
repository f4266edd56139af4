"""Which RabbitMQ is used, and what is done when there is none; no package manager is called here."""

import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from devstack import rabbitmq_install
from devstack.errors import DevstackError
from devstack.rabbitmq_install import rabbitmq_programs


@pytest.fixture
def folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """A machine with an empty PATH and two places where packages put RabbitMQ, empty as well."""
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


def test_debians_wrapper_is_not_ours_to_run(
    folders: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert folders
    monkeypatch.setattr(rabbitmq_install, "DEBIAN_WRAPPER", program(tmp_path / "bin", "rabbitmq-server"))
    with pytest.raises(DevstackError, match="RabbitMQ is missing"):
        rabbitmq_programs()


def test_a_machine_without_package_manager_is_told_what_helps(folders: list[Path]) -> None:
    assert folders
    with pytest.raises(DevstackError, match=r"install RabbitMQ \(https://.*\) or set RABBITMQ_URL"):
        rabbitmq_programs()


def test_a_user_without_sudo_is_told_the_command(
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
        time.sleep(0.05)  # an installation takes a while, in which the others look
        installed.append(program(folders[0], "rabbitmq-server"))

    program(tmp_path / "bin", "epmd")
    monkeypatch.setattr(rabbitmq_install, "INSTALL_LOCK", tmp_path / "lock")
    monkeypatch.setattr(rabbitmq_install, "_install", install)
    with ThreadPoolExecutor(4) as pool:
        found = [future.result() for future in [pool.submit(rabbitmq_programs) for _ in range(4)]]
    assert {programs.server for programs in found} == {*installed}
    assert len(installed) == 1
