"""What is made of pip-audit's word: a known vulnerability fails, silence is said and does not."""

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


def says(monkeypatch: pytest.MonkeyPatch, *packages: dict[str, Any], trouble: str = "") -> None:
    stdout = "" if trouble else orjson.dumps({"dependencies": packages}).decode()

    def run(command: list[str], **_: Any) -> "subprocess.CompletedProcess[str]":
        return subprocess.CompletedProcess(command, 1 if trouble else 0, stdout=stdout, stderr=trouble)

    monkeypatch.setattr(subprocess, "run", run)


def test_nothing_known_is_fine(monkeypatch: pytest.MonkeyPatch) -> None:
    says(monkeypatch, CLEAN)
    assert audit.main() == 0


def test_a_known_vulnerability_fails(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    says(monkeypatch, CLEAN, VULNERABLE)
    assert audit.main() == 1
    assert "requests 2.0.0: PYSEC-2018-28, fixed in 2.20.0" in capsys.readouterr().err


@pytest.mark.parametrize("name", ["PYSEC-2018-28", "CVE-2018-18074"])
def test_one_that_does_not_concern_us_is_passed_over(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    says(monkeypatch, VULNERABLE)
    monkeypatch.setitem(audit.IGNORED, name, "we never follow redirects")
    assert audit.main() == 0


def test_what_nobody_knows_is_said(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    says(monkeypatch, CLEAN, UNKNOWN)
    assert audit.main() == 0
    assert "1 of 2 packages" in capsys.readouterr().err


def test_that_nobody_could_be_asked_is_said(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    says(monkeypatch, trouble="ERROR:pip_audit._cli:Could not connect to PyPI's vulnerability feed")
    assert audit.main() == 0
    assert "nothing was audited" in capsys.readouterr().err


def test_another_failure_is_one(monkeypatch: pytest.MonkeyPatch) -> None:
    says(monkeypatch, trouble="ERROR:pip_audit._cli:the lock has no hashes")
    with pytest.raises(SystemExit, match="no hashes"):
        audit.main()
