"""Objects in a bucket of an S3-compatible storage: AWS, Cloudflare R2, MinIO."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Final, Self

import obstore
from obstore.exceptions import BaseError
from obstore.store import S3Store

from orchestrator.features.digital_goods.adapters.storage_settings import StorageSettings
from orchestrator.features.digital_goods.errors import StorageUnavailable

__all__ = ["S3Storage"]

CONTENT_TYPE: Final = "application/json"
RETRIES: Final = 2


class S3Storage:
    def __init__(self, store: S3Store) -> None:
        self._store = store

    @classmethod
    def connect(cls, settings: StorageSettings) -> Self:
        """Return the storage. Nothing connects before the first call."""
        timeout = timedelta(seconds=settings.storage_timeout_seconds)
        store = S3Store(
            settings.s3_bucket,
            endpoint=settings.s3_endpoint or None,
            region=settings.s3_region,
            access_key_id=settings.s3_key,
            secret_access_key=settings.s3_secret.get_secret_value(),
            client_options={"timeout": timeout, "allow_http": settings.s3_endpoint.startswith("http://")},
            retry_config={"max_retries": RETRIES, "retry_timeout": timeout},
        )
        return cls(store)

    async def put(self, name: str, sealed: bytes, *, metadata: Mapping[str, str]) -> None:
        with _failures():
            await obstore.put_async(
                self._store, name, sealed, attributes={"Content-Type": CONTENT_TYPE, **metadata}, use_multipart=False
            )

    async def get(self, name: str) -> bytes | None:
        with _failures():
            try:
                found = await obstore.get_async(self._store, name)
                return bytes(await found.bytes_async())
            except FileNotFoundError:
                return None

    async def delete(self, name: str) -> None:
        with _failures():
            try:
                await obstore.delete_async(self._store, name)
            except FileNotFoundError:
                return

    async def presigned_url(self, name: str, *, seconds: int) -> str | None:
        with _failures():
            return await obstore.sign_async(self._store, "GET", name, timedelta(seconds=seconds))

    async def names(self, prefix: str, *, modified_before: datetime | None = None) -> list[str]:
        with _failures():
            return [
                found["path"]
                async for batch in obstore.list(self._store, prefix)
                for found in batch
                if modified_before is None or found["last_modified"] < modified_before
            ]


@contextmanager
def _failures() -> Iterator[None]:
    try:
        yield
    except (BaseError, OSError) as error:
        # The storage's own message may name the bucket and the request, but never a content.
        raise StorageUnavailable(storage_error=type(error).__name__) from error
