"""Answers of the supplier that cannot be read: another attempt may succeed. No code gets into an error or a log."""

import asyncio
import logging
import traceback
from collections.abc import AsyncIterator
from dataclasses import dataclass

import pytest
from pydantic import SecretStr, ValidationError

from orchestrator.features.digital_goods.adapters.supplier import SupplierApi
from orchestrator.features.digital_goods.errors import SupplierUnavailable
from orchestrator.features.digital_goods.schemas.codes import CodesDocument
from tests.integration.providers.conftest import SHORT_TIMEOUT_SECONDS

CODE = "SECRET-CODE"
SUPPLIER_ID = "R-1"
HEAD = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
WHOLE = f'{{"reservation_id": "R-1", "status": "delivered", "codes": ["{CODE}"]}}'


def answer(body: str, *, head: str = HEAD, missing: int = 0) -> str:
    return f"{head}Content-Length: {len(body) + missing}\r\n\r\n{body}"


UNREADABLE = {
    "error": answer(WHOLE, head="HTTP/1.1 500 Internal Server Error\r\n"),
    "too many requests": answer(WHOLE, head="HTTP/1.1 429 Too Many Requests\r\n"),
    "cut off": answer(WHOLE, missing=10),
    "not HTTP": f"{CODE}\r\n\r\n",
    "bad header": f"{HEAD}{CODE}\r\n\r\n{WHOLE}",
    "not JSON": answer(f"<html>{CODE}</html>"),
    "cut JSON": answer(WHOLE[:-1]),
    "codes of another type": answer(f'{{"reservation_id": "R-1", "status": "ready", "codes": {{"{CODE}": 1}}}}'),
    "status that is a code": answer(f'{{"reservation_id": "R-1", "status": "{CODE}"}}'),
    "code that is too long": answer(WHOLE.replace(CODE, CODE * 1_000)),
    "lone surrogate": answer(WHOLE.replace(CODE, f"\\ud800{CODE}")),
    "two megabytes": answer(WHOLE.replace(CODE, f"{CODE}{'X' * 2_000_000}")),
    "another reservation": answer(WHOLE.replace(SUPPLIER_ID, CODE)),
    "never": "",
}


@dataclass
class RawServer:
    """Responds to every request with the same bytes, and closes the connection; to none if they are empty."""

    url: str
    response: str = ""

    async def respond(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        if not self.response:
            await reader.read()  # until the client disconnects
        writer.write(self.response.encode())
        writer.close()


@pytest.fixture
async def server() -> AsyncIterator[RawServer]:
    raw = RawServer(url="")
    listening = await asyncio.start_server(raw.respond, "127.0.0.1", 0)
    host, port = listening.sockets[0].getsockname()
    raw.url = f"http://{host}:{port}"
    async with listening:
        yield raw


@pytest.mark.parametrize("fault", UNREADABLE)
async def test_unreadable_answer_is_tried_again_and_shows_no_code(
    server: RawServer, caplog: pytest.LogCaptureFixture, fault: str
) -> None:
    caplog.set_level(logging.DEBUG)
    server.response = UNREADABLE[fault]
    timeout_seconds = SHORT_TIMEOUT_SECONDS if fault == "never" else 60.0
    supplier = SupplierApi(api_url=server.url, key=SecretStr("key"), timeout_seconds=timeout_seconds)
    try:
        with pytest.raises(SupplierUnavailable) as failed:
            await supplier.find(SUPPLIER_ID)
    finally:
        await supplier.close()
    shown = [*traceback.format_exception(failed.value), str(failed.value.private), caplog.text]
    assert not [text for text in shown if CODE in text]


def test_stored_object_that_is_damaged_shows_no_code() -> None:
    with pytest.raises(ValidationError) as failed:
        CodesDocument.model_validate_json(f'{{"codes": [{{"code": "{CODE}"}}]}}')
    assert CODE not in str(failed.value)
