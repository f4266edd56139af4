"""The operations of an OpenAPI document as constants of a Python module."""

from collections.abc import Iterator
from typing import Any, Final

HEAD: Final = '''"""The operations of the API. `make sdk` writes this file."""

from typing import Final

from ticketremaster_client.calls import Operation

'''
KEY: Final = "idempotency-key"
LINE: Final = 120


def module_of(document: dict[str, Any]) -> str:
    """Return the module: a constant for each operation, named by its `operationId`, sorted."""
    return HEAD + "\n".join(sorted(_constants(document))) + "\n"


def _constants(document: dict[str, Any]) -> Iterator[str]:
    for path, item in document["paths"].items():
        for method, operation in item.items():
            takes_key = any(each.get("name", "").lower() == KEY for each in operation.get("parameters", ()))
            arguments = f'"{method.upper()}", "{path}"' + (", takes_key=True" if takes_key else "")
            name = operation["operationId"].upper()
            line = f"{name}: Final = Operation({arguments})"
            yield line if len(line) <= LINE else f"{name}: Final = Operation(\n    {arguments}\n)"
