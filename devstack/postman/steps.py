"""The steps of a scenario: a request, the expected response, and the values saved for later steps."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from devstack.postman.requests import BASE, NO_AUTH, Document, bearer, header, json_body, url_of
from devstack.postman.scripts import expect_equal, expect_present, expect_status, repeat_until, save


@dataclass(frozen=True, kw_only=True)
class Step:
    """A request and its expectations; paths such as ``data.tickets[0].seat_id`` are of the response."""

    name: str
    method: str = "POST"
    path: str
    base: str = BASE
    user: str = ""
    """The user whose ``{{<user>_token}}`` is sent; empty for an anonymous call."""
    key: str = ""
    """The `Idempotency-Key`."""
    query: Mapping[str, str] = field(default_factory=dict)
    body: Mapping[str, Any] | None = None
    status: int = 200
    expected: Mapping[str, Any] = field(default_factory=dict)
    """Expected values by path: JSON, or a `Variable`."""
    present: Sequence[str] = ()
    saved: Mapping[str, str] = field(default_factory=dict)
    """Paths of saved values, by variable."""
    repeated_until: Mapping[str, Any] = field(default_factory=dict)
    """The value at a path until which the request is repeated."""

    def item(self) -> Document:
        request: Document = {
            "method": self.method,
            "header": [header("Idempotency-Key", self.key)] if self.key else [],
            "auth": bearer(f"{self.user}_token") if self.user else NO_AUTH,
            "url": url_of(self.path, base=self.base, query=self.query),
        }
        if self.body is not None:
            request["body"] = json_body(self.body)
        script = {"type": "text/javascript", "exec": self._script()}
        return {
            "name": self.name,
            "event": [{"listen": "test", "script": script}],
            "request": request,
            "response": [],
        }

    def _script(self) -> list[str]:
        return [
            expect_status(self.status),
            *(expect_equal(path, value) for path, value in self.expected.items()),
            *(expect_present(path) for path in self.present),
            *(save(variable, path) for variable, path in self.saved.items()),
            *(repeat_until(path, value) for path, value in self.repeated_until.items()),
        ]


@dataclass(frozen=True, kw_only=True)
class Scenario:
    name: str
    description: str
    steps: Sequence[Step]

    def folder(self) -> Document:
        return {"name": self.name, "description": self.description, "item": [step.item() for step in self.steps]}
