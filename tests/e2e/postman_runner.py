"""Run a folder of a Postman collection from its JSON: variables, requests, and the fixed forms of its test scripts.

A script line of unknown form is an error.
"""

import json
import re
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

import httpx

from tests.support.waiting import eventually

__all__ = ["PostmanRunner"]

PLACEHOLDER: Final = re.compile(r"\{\{(\$?\w+)\}\}")
MAX_PASSES: Final = 5  # a variable may refer to another one
DYNAMIC: Final[Mapping[str, Callable[[], str]]] = {
    "$guid": lambda: str(uuid.uuid4()),
    "$timestamp": lambda: str(int(time.time())),
}
ANSWER: Final = r"pm\.response\.json\(\)\.(?P<path>[\w.\[\]]+)"
TEST: Final = r'pm\.test\((?P<name>"(?:[^"\\]|\\.)*"), \(\) => '
HAS_STATUS: Final = re.compile(TEST + r"pm\.response\.to\.have\.status\((?P<status>\d+)\)\);")
EQUALS_VARIABLE: Final = re.compile(
    TEST + rf'pm\.expect\({ANSWER}\)\.to\.eql\(pm\.collectionVariables\.get\("(?P<variable>\w+)"\)\)\);'
)
EQUALS: Final = re.compile(TEST + rf"pm\.expect\({ANSWER}\)\.to\.eql\((?P<value>.+)\)\);")
IS_TRUTHY: Final = re.compile(TEST + rf"pm\.expect\({ANSWER}\)\.to\.be\.ok\);")
REPEATS: Final = re.compile(
    rf"if \({ANSWER} !== (?P<value>.+)\) setTimeout\(\(\) => pm\.execution\.setNextRequest\(pm\.info\.requestId\), 500\);"
)
SAVES: Final = re.compile(rf'pm\.collectionVariables\.set\("(?P<variable>\w+)", {ANSWER}\);')


class PostmanRunner:
    """Runs requests and keeps the collection's variables between them, as Postman does."""

    def __init__(self, collection: Mapping[str, Any], environment: Mapping[str, str], http: httpx.AsyncClient) -> None:
        self._folders = {folder["name"]: folder for folder in collection["item"]}
        self._environment = environment
        self._variables = {variable["key"]: variable["value"] for variable in collection["variable"]}
        self._http = http

    async def run(self, folder: str) -> int:
        """Run a folder in order, and return the number of expectations that were met.

        Raises:
            AssertionError: an expectation was not met; the message names the request, the expectation and the response.
        """
        return sum([await self._run_item(item) for item in self._folders[folder]["item"]])

    async def _run_item(self, item: Mapping[str, Any]) -> int:
        lines = [line for event in item["event"] if event["listen"] == "test" for line in event["script"]["exec"]]

        async def send() -> httpx.Response:
            response = await self._send(item["request"])
            for match in filter(None, map(REPEATS.fullmatch, lines)):
                assert _value_at(response.json(), match["path"]) == json.loads(match["value"]), response.text
            return response

        response = await eventually(send)
        return sum(self._execute(line, response, item["name"]) for line in lines if not REPEATS.fullmatch(line))

    # --- requests ----------------------------------------------------------------------------------------------------

    async def _send(self, request: Mapping[str, Any]) -> httpx.Response:
        headers = {header["key"]: self._resolve(header["value"]) for header in request["header"]}
        headers |= self._authorization(request["auth"])
        body = request.get("body")
        if body:
            assert body["options"]["raw"]["language"] == "json"
            headers["Content-Type"] = "application/json"
        return await self._http.request(
            request["method"],
            self._resolve(request["url"]["raw"]),
            headers=headers,
            content=self._resolve(body["raw"]) if body else None,
        )

    def _authorization(self, auth: Mapping[str, Any]) -> dict[str, str]:
        if auth["type"] == "noauth":
            return {}
        [token] = auth["bearer"]
        return {"Authorization": f"Bearer {self._resolve(token['value'])}"}

    def _resolve(self, text: str) -> str:
        for _ in range(MAX_PASSES):
            text, found = PLACEHOLDER.subn(lambda match: self._value_of(match[1]), text)
            if not found:
                return text
        raise AssertionError(f"circular variables: {text}")

    def _value_of(self, name: str) -> str:
        if name in DYNAMIC:
            return DYNAMIC[name]()
        return str({**self._variables, **self._environment}[name])

    # --- scripts -----------------------------------------------------------------------------------------------------

    def _execute(self, line: str, response: httpx.Response, request: str) -> int:
        """Execute one line, and return the number of its expectations."""
        if match := SAVES.fullmatch(line):
            self._variables[match["variable"]] = _value_at(response.json(), match["path"])
            return 0
        for form, is_met in (
            (HAS_STATUS, self._has_status),
            (EQUALS_VARIABLE, self._equals_variable),
            (EQUALS, self._equals),
            (IS_TRUTHY, self._is_truthy),
        ):
            if match := form.fullmatch(line):
                assert is_met(match, response), f"{request}: {json.loads(match['name'])}, not {response.text}"
                return 1
        raise AssertionError(f"{request}: unknown form of script line: {line}")

    def _has_status(self, match: re.Match[str], response: httpx.Response) -> bool:
        return response.status_code == int(match["status"])

    def _equals_variable(self, match: re.Match[str], response: httpx.Response) -> bool:
        return bool(_value_at(response.json(), match["path"]) == self._variables[match["variable"]])

    def _equals(self, match: re.Match[str], response: httpx.Response) -> bool:
        return bool(_value_at(response.json(), match["path"]) == json.loads(match["value"]))

    def _is_truthy(self, match: re.Match[str], response: httpx.Response) -> bool:
        return bool(_value_at(response.json(), match["path"]))


def _value_at(answer: Any, path: str) -> Any:
    """Return the value at a path such as ``data.tickets[0].seat_id``; None if there is none."""
    for step in _steps(path):
        try:
            answer = answer[step]
        except (KeyError, IndexError, TypeError):
            return None
    return answer


def _steps(path: str) -> Iterator[str | int]:
    for name, index in re.findall(r"(\w+)|\[(\d+)\]", path.replace("[", ".[")):
        yield int(index) if index else name
