"""Runs pytest with a record of the outcomes."""

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from devstack.home import ROOT
from devstack.testing.record import PLUGIN, Record, read_record, write_line

CACHES: Final = ROOT / ".pytest_cache"  # one folder per part, because the parts run concurrently


def run_recorded(name: str, arguments: Sequence[str], *, folder: Path, root: Path = ROOT) -> Record:
    """Run pytest with these arguments; the record ``{folder}/{name}.jsonl`` replaces an older one."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name}.jsonl"
    path.unlink(missing_ok=True)
    command = [sys.executable, "-m", "pytest", "-q", "--tb=short", "-o", f"cache_dir={CACHES / name}"]
    pytest = subprocess.Popen([*command, "-p", PLUGIN, "--record", str(path), *arguments], cwd=root)
    try:
        code = pytest.wait()
    except KeyboardInterrupt:
        pytest.wait()  # Ctrl-C also reaches pytest, which then prints its report
        raise
    with path.open("a") as file:
        write_line(file, exit_code=code)
    return read_record(path)
