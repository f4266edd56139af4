"""What came of the tests of one mutation, read from the report that pytest writes."""

import xml.etree.ElementTree as ET
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

__all__ = ["Outcome", "read_outcomes", "why_survived"]

# How pytest begins the message of a failure that a test had in mind. What else ends a test, such as a KeyError in its
# own code, may say more of the test than of the bug.
SEEN_BY_A_TEST: Final = ("assert ", "AssertionError", "Failed: DID NOT RAISE")
# Many tests leave the books to the checker that looks at them when they are over.
SEEN_BY_THE_CHECKER: Final = "InvariantsBroken"


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """Of one test: how it failed, and what broke before or after it, such as an import; None for what went well."""

    test: str
    failure: str | None
    error: str | None

    @property
    def saw_the_bug(self) -> bool:
        said = [message for message in (self.failure, self.error) if message is not None]
        return any(SEEN_BY_THE_CHECKER in message for message in said) or (
            self.failure is not None and self.failure.startswith(SEEN_BY_A_TEST)
        )


def read_outcomes(report: Path) -> list[Outcome]:
    """Read a report in JUnit's form; none when pytest has not come so far."""
    if not report.exists():
        return []
    return [_outcome_of(case) for case in ET.parse(report).getroot().iter("testcase")]  # noqa: S314 - our own file


def why_survived(named: Sequence[str], outcomes: Sequence[Outcome]) -> list[str]:
    """Return which of the named tests did not see the bug; an empty list when each of them did."""
    missed = []
    for name in named:
        its = [outcome for outcome in outcomes if _belongs(outcome.test, name)]
        if not any(outcome.saw_the_bug for outcome in its):
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
    """Whether a test, as the report calls it, is the named one, one of its cases, or of the named file."""
    dotted = name.replace(".py", "", 1).replace("/", ".").replace("::", ".")
    return test == dotted or test.startswith((f"{dotted}.", f"{dotted}["))
