r"""Test scripts in a few fixed forms, which a simple parser can run without Postman.

::

    pm.test("status is 201", () => pm.response.to.have.status(201));
    pm.test("data.status is \"HELD\"", () => pm.expect(pm.response.json().data.status).to.eql("HELD"));
    pm.test("data.user_id is fan_id", () => pm.expect(…data.user_id).to.eql(pm.collectionVariables.get("fan_id")));
    pm.test("data.qr_payload is there", () => pm.expect(…data.qr_payload).to.be.ok);
    pm.collectionVariables.set("order_id", pm.response.json().data.order_id);
    if (pm.response.json().data.status !== "HELD") setTimeout(() => pm.execution.setNextRequest(pm.info.requestId), 500);
"""

import json
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Variable:
    """A collection variable that an earlier step saved."""

    name: str


def expect_status(status: int) -> str:
    return f'pm.test("status is {status}", () => pm.response.to.have.status({status}));'


def expect_equal(path: str, value: Any) -> str:
    """Expect the value at `path` of the response, such as ``data.tickets[0].seat_id``, to equal JSON or a variable."""
    if isinstance(value, Variable):
        return _expect(path, f"is {value.name}", f'eql(pm.collectionVariables.get("{value.name}"))')
    return _expect(path, f"is {json.dumps(value)}", f"eql({json.dumps(value)})")


def expect_present(path: str) -> str:
    return _expect(path, "is there", "be.ok")


def save(variable: str, path: str) -> str:
    return f'pm.collectionVariables.set("{variable}", pm.response.json().{path});'


def repeat_until(path: str, value: Any) -> str:
    """Send the request again, half a second later, until the value at `path` is this one."""
    again = "setTimeout(() => pm.execution.setNextRequest(pm.info.requestId), 500)"
    return f"if (pm.response.json().{path} !== {json.dumps(value)}) {again};"


def _expect(path: str, expectation: str, assertion: str) -> str:
    name = json.dumps(f"{path} {expectation}")
    return f"pm.test({name}, () => pm.expect(pm.response.json().{path}).to.{assertion});"
