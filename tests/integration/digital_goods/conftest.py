"""The storages of codes: a folder, and a bucket of moto's S3 server."""

import socket
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from pydantic import SecretStr

from orchestrator.features.digital_goods.adapters.interfaces import CodeStorage
from orchestrator.features.digital_goods.adapters.storage import code_storage
from orchestrator.features.digital_goods.adapters.storage_settings import StorageSettings

BUCKET = "codes"


@pytest.fixture(scope="session")
def s3_url() -> Iterator[str]:
    from moto.server import ThreadedMotoServer  # noqa: PLC0415 - only these tests need it

    with socket.socket() as chosen:
        chosen.bind(("127.0.0.1", 0))
        port = chosen.getsockname()[1]
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=port, verbose=False)
    server.start()
    yield f"http://127.0.0.1:{port}"
    server.stop()


@pytest.fixture
def s3_settings(s3_url: str) -> StorageSettings:
    assert httpx.put(f"{s3_url}/{BUCKET}").is_success
    return StorageSettings(
        env="test",
        object_storage="s3",
        s3_endpoint=s3_url,
        s3_bucket=BUCKET,
        s3_key="test",
        s3_secret=SecretStr("test"),
        storage_timeout_seconds=2,
    )


@pytest.fixture(params=["folder", "s3"])
def storage(request: pytest.FixtureRequest, tmp_path: Path) -> CodeStorage:
    if request.param == "folder":
        return code_storage(StorageSettings(env="test", object_folder=tmp_path))
    settings: StorageSettings = request.getfixturevalue("s3_settings")
    return code_storage(settings)
