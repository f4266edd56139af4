"""The storage that the settings name."""

from orchestrator.features.digital_goods.adapters.folder import FolderStorage
from orchestrator.features.digital_goods.adapters.interfaces import CodeStorage
from orchestrator.features.digital_goods.adapters.storage_settings import StorageSettings


def code_storage(settings: StorageSettings) -> CodeStorage:
    if settings.object_storage == "folder":
        return FolderStorage(settings.object_folder)
    # Its library is 15 MB of machine code, which a platform with a folder need not load.
    from orchestrator.features.digital_goods.adapters.s3 import S3Storage  # noqa: PLC0415

    return S3Storage.connect(settings)
