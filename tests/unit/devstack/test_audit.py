"""How pip-audit's result is judged: a known vulnerability fails, an unreachable database is reported and passes."""

import subprocess
from typing import Any

import orjson
import pytest

from devstack import audit

CLEAN = {"name": "idna", "version": "3.18", "vulns": []}
UNKNOWN = {"name": "ours", "skip_reason": "Dependency not found"}
VULNERABLE = {
    "name": "requests",
    "version": "2.0.0",
    "vulns": [{"id": "PYSEC-2018-28", "aliases": ["CVE-2018-18074"], "fix_versions": ["2.20.0"]}],
}


def stub_pip_audit(monkeypatch: pytest.MonkeyPatch, *packages: dict[str, Any], error_output: str = "") -> None:
    stdout = "" if error_output else orjson.dumps({"dependencies": packages}).decode()

    def run(command: list[str], **_: Any) -> "subprocess.CompletedProcess[str]":
        return subprocess.CompletedProcess(command, 1 if error_output else 0, stdout=stdout, stderr=error_output)

    monkeypatch.setattr(subprocess, "run", run)


def test_no_known_vulnerability_passes(monkeypatch: pytest.MonkeyPatch) -> None:
    stub_pip_audit(monkeypatch, CLEAN)
    assert audit.main() == 0


def test_a_known_vulnerability_fails(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    stub_pip_audit(monkeypatch, CLEAN, VULNERABLE)
    assert audit.main() == 1
    assert "requests 2.0.0: PYSEC-2018-28, fixed in 2.20.0" in capsys.readouterr().err


@pytest.mark.parametrize("name", ["PYSEC-2018-28", "CVE-2018-18074"])
def test_accepted_vulnerability_is_ignored(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    stub_pip_audit(monkeypatch, VULNERABLE)
    monkeypatch.setitem(audit.IGNORED, name, "we never follow redirects")
    assert audit.main() == 0


def test_unknown_package_is_reported(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    stub_pip_audit(monkeypatch, CLEAN, UNKNOWN)
    assert audit.main() == 0
    assert "1 of 2 packages" in capsys.readouterr().err


def test_unreachable_database_is_reported(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    stub_pip_audit(monkeypatch, error_output="ERROR:pip_audit._cli:Could not connect to PyPI's vulnerability feed")
    assert audit.main() == 0
    assert "nothing was audited" in capsys.readouterr().err


def test_other_failures_fail(monkeypatch: pytest.MonkeyPatch) -> None:
    stub_pip_audit(monkeypatch, error_output="ERROR:pip_audit._cli:the lock has no hashes")
    with pytest.raises(SystemExit, match="no hashes"):
        audit.main()
