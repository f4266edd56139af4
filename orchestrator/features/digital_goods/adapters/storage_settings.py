"""Settings of the storage of codes and of the links to them."""

from pathlib import Path
from typing import Any, Final, Literal, Self

from pydantic import Field, SecretStr, model_validator

from common.settings import SealingSettings, require_secret

# The source is public, so it is refused outside dev and test.
DEV_LINK_KEY: Final = "dev-only-download-link-key-of-32-bytes"


class StorageSettings(SealingSettings):
    """In dev and test, a folder is the storage."""

    object_storage: Literal["folder", "s3"] = "folder"
    object_folder: Path = Field(
        default=Path("objects"),
        description="Shared by all processes of the orchestrator; only with OBJECT_STORAGE=folder.",
    )
    s3_endpoint: str = Field(default="", description="The URL of an S3-compatible storage; AWS if empty.")
    s3_region: str = "us-east-1"
    s3_bucket: str = ""
    s3_key: str = Field(default="", description="The id of the access key.")
    s3_secret: SecretStr = SecretStr("")
    storage_timeout_seconds: float = Field(default=8.0, gt=0, description="For a whole call, its retries included.")
    object_links: Literal["signed", "presigned"] = Field(
        default="signed",
        description="presigned: links of the storage itself, which alone encrypts the objects then; see docs/operations.md.",
    )
    download_link_key: SecretStr = SecretStr("")
    download_link_seconds: int = Field(default=900, gt=0, le=604_800, description="How long a link to codes is valid.")
    downloaded_codes_days: float = Field(
        default=30.0, gt=0, description="How long after their first download codes are deleted (F4)."
    )
    downloaded_codes_interval_seconds: float = Field(
        default=3_600.0, gt=0, description="How often workers look for codes that are to be deleted."
    )

    @model_validator(mode="before")
    @classmethod
    def _give_dev_link_key(cls, values: dict[str, Any]) -> dict[str, Any]:
        if values.get("env") in {"dev", "test"}:
            values = {"download_link_key": DEV_LINK_KEY, **values}
        return values

    @model_validator(mode="after")
    def _refuse_incomplete_storage(self) -> Self:
        require_secret("DOWNLOAD_LINK_KEY", self.download_link_key, is_dev=self.is_dev)
        if not self.is_dev and self.download_link_key.get_secret_value() == DEV_LINK_KEY:
            raise ValueError("DOWNLOAD_LINK_KEY is a known development value")
        if self.object_storage == "s3" and not (self.s3_bucket and self.s3_key and self.s3_secret.get_secret_value()):
            raise ValueError("OBJECT_STORAGE=s3 needs S3_BUCKET, S3_KEY and S3_SECRET")
        if self.object_links == "presigned" and self.object_storage != "s3":
            raise ValueError("OBJECT_LINKS=presigned needs OBJECT_STORAGE=s3")
        return self
