"""The identity of a process."""

import subprocess
import sys

import psutil
import pytest

from devstack.processes import identify


def test_process_is_known_after_the_machines_clock_has_stepped(monkeypatch: pytest.MonkeyPatch) -> None:
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    try:
        identity = identify(child, name="child")
        earlier, later = psutil.boot_time(), psutil.boot_time() + 75  # the kernel moves it with the clock
        assert identity.is_alive()
        for module in ("psutil", "psutil._psplatform"):
            monkeypatch.setattr(f"{module}.boot_time", lambda: later)
        assert psutil.Process(child.pid).create_time() > earlier + 75
        assert identity.is_alive()
    finally:
        child.communicate()
    assert not identity.is_alive()
