"""Where a text stands on a running platform: in databases, files, queues and answers; plainly or encoded."""

import base64
import json
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Self

import aio_pika
from aiormq.exceptions import ChannelLockedResource

from devstack.database import connected
from tests.support.servers import Vhost

__all__ = ["BrokerTap", "encodings_of", "in_databases", "in_files", "is_in"]

ALIGNMENTS: Final = range(3)  # Base64 encodes three bytes at a time

# Every column of every type: a row as text has its bytes in hexadecimal.
_TABLES: Final = """
    SELECT format('%I.%I', table_schema, table_name) AS name FROM information_schema.tables
    WHERE table_type = 'BASE TABLE' AND table_schema NOT IN ('pg_catalog', 'information_schema')
"""
_HAS: Final = "SELECT EXISTS (SELECT FROM {table} AS searched WHERE searched::text ILIKE ANY ($1::text[]))"


def encodings_of(text: str) -> list[str]:
    """Return the text, its hexadecimal form, and what of its Base64 form does not depend on its surroundings."""
    encoded = text.encode()
    found = [text, encoded.hex()]
    for offset in ALIGNMENTS:
        start, end = -(-offset * 8 // 6), (offset + len(encoded)) * 8 // 6
        found.append(base64.b64encode(b"\0" * offset + encoded).decode()[start:end])
    return found


def is_in(content: bytes, text: str) -> bool:
    lowered = content.lower()
    return any(form.lower().encode() in lowered for form in encodings_of(text))


async def in_databases(urls: Mapping[str, str], text: str) -> set[str]:
    """Return the tables that have the text, as "package: schema.table"."""
    patterns, found = [f"%{form}%" for form in encodings_of(text)], set()
    for package, url in urls.items():
        async with connected(url) as connection:
            for row in await connection.fetch(_TABLES):
                if await connection.fetchval(_HAS.format(table=row["name"]), patterns):
                    found.add(f"{package}: {row['name']}")
    return found


def in_files(folder: Path, text: str) -> Iterator[str]:
    """Yield the files below a folder that have the text, in their name or content."""
    for path in folder.rglob("*"):
        if path.is_file() and (is_in(path.read_bytes(), text) or text in path.name):
            yield path.relative_to(folder).as_posix()


@dataclass
class BrokerTap:
    """Receives every message that any exchange of a virtual host routes, and reads what stays in its queues."""

    vhost: Vhost
    _messages: list[bytes] = field(default_factory=list)

    async def __aenter__(self) -> Self:
        self._connection = await aio_pika.connect(self.vhost.url)
        self._channel = await self._connection.channel()
        self._queue = await self._channel.declare_queue(exclusive=True)
        for each in self.vhost.management.get(f"/api/bindings/{self.vhost.name}"):
            if each["source"]:
                await self._queue.bind(each["source"], each["routing_key"], arguments=each["arguments"])
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._connection.close()

    async def messages(self) -> list[bytes]:
        """Return all messages: body, headers and routing key."""
        await self._drain(self._queue)
        for name in self.vhost.queue_counts():
            with suppress(ChannelLockedResource):  # a feed's own queue, or ours
                async with (
                    await self._connection.channel() as channel
                ):  # its messages return to the queue when it closes
                    await self._drain(await channel.get_queue(name, ensure=False))
        return self._messages

    async def _drain(self, queue: aio_pika.abc.AbstractQueue) -> None:
        while (message := await queue.get(fail=False)) is not None:
            about = json.dumps([message.routing_key, message.headers], default=str)
            self._messages.append(message.body + about.encode())
