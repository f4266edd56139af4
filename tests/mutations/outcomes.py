"""The outcomes of one mutation's tests, read from pytest's report."""

import xml.etree.ElementTree as ET
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

__all__ = ["Outcome", "missed_by", "read_outcomes"]

# The beginnings of pytest's messages for failed expectations. Any other error, such as a KeyError in the test's own code,
# may not be caused by the bug. The last one is schemathesis's, for a response of 5xx.
FAILED_EXPECTATION: Final = ("assert ", "AssertionError", "Failed: DID NOT RAISE", "ServerError(operation=")
# Many tests rely on the invariant checker that runs after them.
VIOLATED_INVARIANT: Final = "InvariantsBroken"


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """The outcome of one test: its failure, and an error before or after it, such as in an import; None if there was none."""

    test: str
    failure: str | None
    error: str | None

    @property
    def caught_the_bug(self) -> bool:
        said = [message for message in (self.failure, self.error) if message is not None]
        return any(VIOLATED_INVARIANT in message for message in said) or (
            self.failure is not None and self.failure.startswith(FAILED_EXPECTATION)
        )


def read_outcomes(report: Path) -> list[Outcome]:
    """Read a JUnit report; return an empty list if pytest has not written one."""
    if not report.exists():
        return []
    return [_outcome_of(case) for case in ET.parse(report).getroot().iter("testcase")]  # noqa: S314 - our own file


def missed_by(named: Sequence[str], outcomes: Sequence[Outcome]) -> list[str]:
    """Return the named tests that did not catch the bug; an empty list if all of them did."""
    missed = []
    for name in named:
        its = [outcome for outcome in outcomes if _belongs(outcome.test, name)]
        if not any(outcome.caught_the_bug for outcome in its):
            said = [message for outcome in its for message in (outcome.failure, outcome.error) if message is not None]
            missed.append(f"{name}: {said[0] if said else 'passed' if its else 'did not run'}")
    return missed


def _outcome_of(case: ET.Element) -> Outcome:
    return Outcome(
        test=f"{case.get('classname')}.{case.get('name')}",
        failure=_message_of(case.find("failure")),
        error=_message_of(case.find("error")),
    )


def _message_of(element: ET.Element | None) -> str | None:
    return None if element is None else element.get("message", "")


def _belongs(test: str, name: str) -> bool:
    """Return whether a reported test is the named one, one of its cases, or in the named file."""
    path, bracket, case = name.partition("[")
    dotted = path.replace(".py", "", 1).replace("/", ".").replace("::", ".") + bracket + case
    return test == dotted or test.startswith((f"{dotted}.", f"{dotted}["))
