"""A page of example requests and answers, which a test sends and compares.

Ids and times on the page stand for others: an id on the page is the same wherever it occurs, a time is any time. So do the
values of fields whose content is made anew in each run. With
`FILL_EXAMPLES=1` the answers on the page are written from those of the platform.
"""

import json
import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final
from urllib.parse import parse_qsl, urlsplit

from tests.e2e.user_client import ApiResponse, UserClient
from tests.support.waiting import eventually

__all__ = ["ExamplePage"]

BLOCK: Final = re.compile(r"^```http\n(?P<content>.*?)\n```$", flags=re.MULTILINE | re.DOTALL)
REQUEST: Final = re.compile(
    r"(?P<method>[A-Z]+) /api(?P<path>\S+)(?P<headers>(?:\n[\w-]+: [^\n]+)*)(?:\n\n(?P<body>.+))?", re.DOTALL
)
ANSWER: Final = re.compile(r"HTTP/1\.1 (?P<status>\d+)\n\n(?P<body>.*)", re.DOTALL)
CALLER: Final = re.compile(r"Authorization: Bearer <(\w+)>")
KEY: Final = re.compile(r"Idempotency-Key: (\S+)")
ID: Final = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
TIME: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|\+00:00)")
SHOWN_TIME: Final = "2027-01-04T07:00:00Z"
CORRELATION_ID: Final = "correlation_id"
SHOWN_CORRELATION_ID: Final = "0f1e2d3c4b5a69788796a5b4c3d2e1f0"


@dataclass(kw_only=True)
class ExamplePage:
    """An open page.

    Args:
        ids: real ids by those on the page, of what exists before the first request.
        made_anew: what the page shows of fields with these names, unless they are empty. A later request may name a slug or an address so.
    """

    path: Path
    callers: Mapping[str, UserClient]
    ids: dict[str, str] = field(default_factory=dict)
    made_anew: Mapping[str, Any] = field(default_factory=dict)
    _real_texts: dict[str, str] = field(default_factory=dict)

    async def check(self) -> int:
        """Send the requests in their order, compare or fill their answers, and return how many there were.

        Raises:
            AssertionError: an answer differs from the page.
        """
        page, filled, end = self.path.read_text(), [], 0
        blocks = list(BLOCK.finditer(page))
        assert len(blocks) % 2 == 0, "each request has its answer below it"
        for request, answer in zip(blocks[::2], blocks[1::2], strict=True):
            shown = await self._answer_to(request["content"], answer["content"])
            filled += [page[end : answer.start("content")], shown]
            end = answer.end("content")
        if _is_filling():
            self.path.write_text("".join([*filled, page[end:]]))
        return len(blocks) // 2

    async def _answer_to(self, request: str, expected: str) -> str:
        match = REQUEST.fullmatch(request)
        assert match is not None, request

        async def look() -> str:
            answer = self._with_texts_of_the_page(await self._send(match))
            ids = self.ids | dict(_new_ids(_parts(expected)[1], answer.body, known=self.ids))
            shown = _shown(answer, ids)
            if _is_filling():
                assert _status_in(shown) == (_status_in(expected) or _status_in(shown)), shown
            else:
                assert _parts(shown) == _parts(expected), f"{request}\n\n{shown}"
            self.ids = ids
            return shown

        # What changes by itself, such as a status, is read until it is as expected.
        return await eventually(look) if match["method"] == "GET" else await look()

    async def _send(self, request: re.Match[str]) -> ApiResponse:
        caller = CALLER.search(request["headers"])
        key = KEY.search(request["headers"])
        client = self.callers[caller[1] if caller else "anonymous"]
        path = self._real(request["path"])
        if request["method"] == "GET":
            url = urlsplit(path)
            return await client.get(url.path, **dict(parse_qsl(url.query)))
        body = json.loads(self._real(request["body"] or "{}"))
        if request["method"] == "POST":
            return await client.post(path, body, key=key[1] if key else None)
        return await client.call(request["method"], path, body)

    def _with_texts_of_the_page(self, answer: ApiResponse) -> ApiResponse:
        def shown(value: Any, name: str = "") -> Any:
            if isinstance(value, dict):
                if isinstance(self.made_anew.get(name), dict):
                    return self.made_anew[name]
                return {each: shown(inner, each) for each, inner in value.items()}
            if isinstance(value, list) and value:
                return [shown(inner) for inner in value]
            if name not in self.made_anew or value in {None, ""}:
                return value
            if isinstance(value, str):
                self._real_texts[self.made_anew[name]] = value
            return self.made_anew[name]

        return replace(answer, body=shown(dict(answer.body)))

    def _real(self, text: str) -> str:
        """Replace the ids of a request by the real ones; an id that a client makes itself is real."""
        for shown, real in self._real_texts.items():
            text = text.replace(shown, real)
        return ID.sub(lambda match: self.ids.setdefault(match[0], match[0]), text)


def _new_ids(expected: Any, found: Any, *, known: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """Yield the ids that an answer on the page names for the first time, with those that stand there in the real answer."""
    if isinstance(expected, dict) and isinstance(found, dict):
        for name in expected.keys() & found.keys():
            yield from _new_ids(expected[name], found[name], known=known)
    elif isinstance(expected, list) and isinstance(found, list):
        for one, other in zip(expected, found, strict=False):
            yield from _new_ids(one, other, known=known)
    elif _is_id(expected) and _is_id(found) and expected not in known and found not in known.values():
        yield expected, found


def _is_id(value: Any) -> bool:
    return isinstance(value, str) and ID.fullmatch(value) is not None


def _shown(answer: ApiResponse, ids: dict[str, str]) -> str:
    """Return an answer as the page writes it, and name the ids that have no name yet."""
    names = {real: name for name, real in ids.items()}

    def name_of(match: re.Match[str]) -> str:
        name = names.setdefault(match[0], f"00000000-0000-4000-8000-{len(names):012d}")
        ids[name] = match[0]
        return name

    body = dict(answer.body)
    if CORRELATION_ID in body:
        body[CORRELATION_ID] = SHOWN_CORRELATION_ID
    text = TIME.sub(SHOWN_TIME, json.dumps(body, indent=2, ensure_ascii=False))
    return f"HTTP/1.1 {answer.status}\n\n{ID.sub(name_of, text)}"


def _parts(answer: str) -> tuple[str, Any]:
    """Return status and body of an answer on the page, with its times as they are shown."""
    match = ANSWER.fullmatch(answer)
    assert match is not None, answer
    return match["status"], json.loads(TIME.sub(SHOWN_TIME, match["body"]))


def _status_in(answer: str) -> str | None:
    """Return the status that an answer tells of a thing."""
    data = _parts(answer)[1].get("data")
    return data.get("status") if isinstance(data, dict) else None


def _is_filling() -> bool:
    return bool(os.environ.get("FILL_EXAMPLES"))
