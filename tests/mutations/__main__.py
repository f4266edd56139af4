"""`python -m tests.mutations [word …]`: apply each deliberate bug to a copy of the source, and check that its tests fail.

Words select mutations by name. First the tests must pass without a bug. A bug that makes its tests hang counts as caught
and is reported as such. Exits with 1 if a bug survives, or if a test fails without a bug.
"""

import os
import shutil
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Final

from devstack.home import ROOT
from tests.mutations.catalogue import MUTATIONS
from tests.mutations.mutation import Mutation
from tests.mutations.outcomes import missed_by, read_outcomes
from tests.mutations.running import run_tests
from tests.support.servers import TestServers, started_servers

NOT_COPIED: Final = shutil.ignore_patterns(".git", ".venv", ".devstack", ".*_cache", ".hypothesis", "node_modules")
AT_ONCE: Final = 2
NOT_COLLECTED: Final = 2  # from here on pytest's exit codes report pytest's own failures


def main(words: Sequence[str]) -> int:
    chosen = [mutation for mutation in MUTATIONS if not words or any(word in mutation.name for word in words)]
    with started_servers() as servers, ThreadPoolExecutor(AT_ONCE) as pool:
        env = _environment(servers)
        if not _pass_without_a_bug(chosen, env):
            return 1
        caught = sum(pool.map(partial(_is_caught, env=env), chosen))
    print(f"{caught} of {len(chosen)} bugs were caught")
    return 0 if caught == len(chosen) else 1


def _environment(servers: TestServers) -> dict[str, str]:
    """Share one PostgreSQL and one RabbitMQ between all runs; each run creates its own databases and virtual hosts.

    The runs also share the migrated templates of databases. A test that a bug lets wait fails after 20 seconds.
    """
    urls = {
        "DATABASE_URL": servers.stack.postgres_url,
        "RABBITMQ_URL": servers.stack.urls.rabbitmq,
        "RABBITMQ_MANAGEMENT_URL": servers.stack.urls.rabbitmq_management,
    }
    return os.environ | urls | {"KEEP_TEMPLATES": "1", "TEST_CONDITION_SECONDS": "20"}


def _pass_without_a_bug(mutations: Sequence[Mutation], env: Mapping[str, str]) -> bool:
    tests = sorted({test for mutation in mutations for test in mutation.caught_by})
    began = time.monotonic()
    finished = run_tests(tests, root=ROOT, env=env)
    outcome = "HANG" if finished.is_hung else "FAIL" if finished.exit_code else "pass"
    _report("without a bug", f"{len(tests)} named tests {outcome}", began)
    if outcome != "pass":
        print(finished.output)
    return outcome == "pass"


def _is_caught(mutation: Mutation, env: Mapping[str, str]) -> bool:
    """Run the named tests in a copy that contains the bug."""
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="ticketremaster-mutants-") as folder:
        copy, report = Path(folder) / "source", Path(folder) / "report.xml"
        shutil.copytree(ROOT, copy, ignore=NOT_COPIED)
        mutation.apply(copy)
        finished = run_tests(mutation.caught_by, root=copy, env=env, options=[f"--junitxml={report}"])
        missed = [] if finished.is_hung else missed_by(mutation.caught_by, read_outcomes(report))
        if finished.exit_code >= NOT_COLLECTED:
            missed.append(f"pytest ended with {finished.exit_code}")
    caught = "caught: hung" if finished.is_hung else "caught"
    _report(mutation.name, f"SURVIVED: {'; '.join(missed)}" if missed else caught, began)
    return not missed


def _report(what: str, outcome: str, began: float) -> None:
    print(f"{time.monotonic() - began:6.1f} s  {what:<72} {outcome}", flush=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
