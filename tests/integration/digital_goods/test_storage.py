"""Both storages of codes behave alike."""

import uuid
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from orchestrator.features.digital_goods.adapters.folder import FolderStorage
from orchestrator.features.digital_goods.adapters.interfaces import CodeStorage
from orchestrator.features.digital_goods.adapters.storage import code_storage
from orchestrator.features.digital_goods.adapters.storage_settings import StorageSettings
from orchestrator.features.digital_goods.errors import StorageUnavailable
from tests.support.http_client import http_client

METADATA = {"order-id": "o-1", "timestamp": "2026-11-30T12:00:00+00:00"}


def new_name() -> str:
    return f"orders/{uuid.uuid4()}/keys.json"


async def test_object_is_stored_replaced_listed_and_deleted(storage: CodeStorage) -> None:
    name, other = new_name(), new_name()
    assert await storage.get(name) is None
    await storage.delete(name)  # there is none
    await storage.put(other, b"other", metadata=METADATA)
    for content in (b"first", b"\x00\xff" * 10_000):
        await storage.put(name, content, metadata=METADATA)
        assert await storage.get(name) == content
    now = datetime.now(UTC)
    assert {name, other} <= set(await storage.names("orders/"))
    assert await storage.names(name.removesuffix("/keys.json")) == [name]
    assert name in await storage.names("orders/", modified_before=now + timedelta(hours=1))
    assert await storage.names("orders/", modified_before=now - timedelta(hours=1)) == []
    await storage.delete(name)
    assert await storage.get(name) is None
    assert await storage.get(other) == b"other"


async def test_object_in_a_bucket_has_its_type_and_metadata(s3_settings: StorageSettings) -> None:
    storage, name = code_storage(s3_settings), new_name()
    await storage.put(name, b'{"codes": []}', metadata=METADATA)
    url = await storage.presigned_url(name, seconds=900)
    assert url is not None
    async with http_client() as http:
        answer = await http.get(url)
    assert (answer.status_code, answer.content) == (200, b'{"codes": []}')
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["x-amz-meta-order-id"] == METADATA["order-id"]
    assert answer.headers["x-amz-meta-timestamp"] == METADATA["timestamp"]
    assert "X-Amz-Expires=900" in url


async def test_storage_that_is_away_raises_its_error(s3_settings: StorageSettings) -> None:
    away = code_storage(s3_settings.model_copy(update={"s3_endpoint": "http://127.0.0.1:9"}))
    missing = code_storage(s3_settings.model_copy(update={"s3_bucket": "missing"}))
    for storage in (away, missing):
        with pytest.raises(StorageUnavailable):
            await storage.put(new_name(), b"x", metadata=METADATA)
    with pytest.raises(StorageUnavailable):
        await away.get(new_name())
    with pytest.raises(StorageUnavailable):
        await away.delete(new_name())
    with pytest.raises(StorageUnavailable):
        await away.names("orders/")


async def test_folder_is_private_and_keeps_no_half_written_file(tmp_path: Path) -> None:
    storage, name = FolderStorage(tmp_path), new_name()
    await storage.put(name, b"x", metadata={})
    assert [path.stat().st_mode & 0o077 for path in (tmp_path / name, (tmp_path / name).parent)] == [0, 0]
    assert [path.name for path in (tmp_path / name).parent.iterdir()] == ["keys.json"]
    assert (tmp_path / "orders").stat().st_mode & 0o077 == 0
    (tmp_path / name).with_name(".half-written").write_bytes(b"by a killed process")
    await storage.delete(name)
    assert not (tmp_path / name).parent.exists()
    await storage.delete(name)
    with pytest.raises(ValueError, match="out of the folder"):
        await storage.get("../secret")
    (tmp_path / "orders" / "file").write_bytes(b"")
    with pytest.raises(StorageUnavailable):
        await storage.put("orders/file/keys.json", b"x", metadata={})
