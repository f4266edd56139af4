"""The generated part of the Python client: models by datamodel-code-generator, operations and error codes by us."""

import json
import keyword
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from sdk.document import SCHEMAS, Document, answer_of, error_codes, is_pending, operations, takes_key

__all__ = ["python_files"]

HEAD: Final = '"""{title} `make sdk` writes this file."""\n'
BUILTIN: Final = {
    "boolean": "bool", "integer": "int", "number": "float", "null": "None", "string": "str", "object": "dict[str, Any]",
}  # fmt: skip
FORMATS: Final = {"uuid": "UUID", "date": "date", "date-time": "datetime"}
PAGES_BY: Final = ("after", "offset", "page")
IMPORTS: Final = """
from datetime import date, datetime
from typing import Any, Literal
from uuid import UUID

from ticketremaster_client.calls import Call, PageCall
from ticketremaster_client.generated import models
"""
MODELS: Final = (
    "--output-model-type", "pydantic_v2.BaseModel", "--target-python-version", "3.11", "--input-file-type", "openapi",
    "--use-union-operator", "--use-standard-collections", "--use-annotated", "--use-type-alias", "--use-schema-description",
    "--enum-field-as-literal", "all", "--formatters", "builtin", "--disable-timestamp",
)  # fmt: skip


def python_files(document: Document) -> dict[str, str]:
    """Return the text of each generated file by its name."""
    files = {
        "__init__.py": HEAD.format(title="Models, operations and error codes."),
        "codes.py": HEAD.format(title="The codes of errors.") + "\n" + _codes(document),
        "models.py": _models(document),
        "operations.py": HEAD.format(title="The operations of the API.") + IMPORTS + "\n\n".join(_functions(document)),
    }
    return {name: _formatted(text) for name, text in files.items()}


def _codes(document: Document) -> str:
    return "from typing import Final\n\n" + "".join(f'{code}: Final = "{code}"\n' for code in error_codes(document))


def _models(document: Document) -> str:
    """Return the models of all schemas but the envelopes of answers."""
    schemas = {
        name: schema
        for name, schema in document["components"]["schemas"].items()
        if not (_is_envelope(schema) or _is_page(schema))
    }
    described = {"openapi": "3.1.0", "info": document["info"], "paths": {}, "components": {"schemas": schemas}}
    return _generated(described)


def _functions(document: Document) -> Iterator[str]:
    for method, path, operation in operations(document):
        yield _function(method, path, operation, document["components"]["schemas"])


def _function(method: str, path: str, operation: Document, schemas: Document) -> str:
    parameters = [each for each in operation.get("parameters", ()) if each["in"] in {"path", "query"}]
    by_place = {place: [each for each in parameters if each["in"] == place] for place in ("path", "query")}
    by_place["path"].sort(key=lambda each: path.index(f"{{{each['name']}}}"))
    kind, reads, answer = _answer(operation, schemas)
    arguments = [f'method="{method.upper()}"', f'path="{path}"']
    if answer != "None":
        arguments.append(f"answer={answer}")
    if reads not in {"data", "page"}:
        arguments.append(f'reads="{reads}"')
    for name, place in (("values", "path"), ("query", "query")):
        if by_place[place]:
            pairs = ", ".join(f'"{each["name"]}": {_name(each)}' for each in by_place[place])
            arguments.append(f"{name}={{{pairs}}}")
    if "requestBody" in operation:
        arguments.append("body=body")
    if takes_key(operation):
        arguments.append("takes_key=True")
    if is_pending(operation):
        arguments.append("may_be_pending=True")
    if kind == "PageCall" and (by := _pages_by(by_place["query"])) != "page":
        arguments.append(f'pages_by="{by}"')
    result = f"{kind}[{answer}]"
    signature = f"def {operation['operationId']}({_signature(by_place, operation)}) -> {result}:"
    return f'{signature}\n    """{operation["summary"]}."""\n    return {kind}({", ".join(arguments)})\n'


def _signature(by_place: dict[str, list[Document]], operation: Document) -> str:
    positional = [f"{_name(each)}: {_parameter(each['schema'])}" for each in by_place["path"]]
    if "requestBody" in operation:
        body = annotation(next(iter(operation["requestBody"]["content"].values()))["schema"])
        is_optional = not operation["requestBody"].get("required")
        positional.append(f"body: {body} = None" if is_optional else f"body: {body}")
    named = []
    for each in sorted(by_place["query"], key=lambda each: not each.get("required")):
        kind = _parameter(each["schema"])
        optional = kind if kind.endswith("| None") else f"{kind} | None"
        named.append(f"{_name(each)}: {kind}" if each.get("required") else f"{_name(each)}: {optional} = None")
    return ", ".join([*positional, *(["*", *named] if named else [])])


def _answer(operation: Document, schemas: Document) -> tuple[str, str, str]:
    """Return the kind of the call, what it reads of the answer, and the annotation of that."""
    schema = answer_of(operation)
    if not schema:
        return "Call", "nothing", "None"
    if schema.get("type") == "string":
        return "Call", "text", "str"
    parts = [schemas[each["$ref"].removeprefix(SCHEMAS)] for each in schema.get("anyOf", [schema])]
    if all(_is_envelope(part) for part in parts):
        return "Call", "data", " | ".join(annotation(part["properties"]["data"]) for part in parts)
    if _is_page(parts[0]):
        return "PageCall", "page", annotation(parts[0]["properties"]["data"]["items"])
    return "Call", "whole", annotation(schema)


def _is_envelope(schema: Document) -> bool:
    return set(schema.get("properties", ())) == {"success", "data"}


def _is_page(schema: Document) -> bool:
    properties = schema.get("properties", {})
    return set(properties) == {"success", "data", "pagination"} and properties["data"].get("type") == "array"


def _pages_by(query: list[Document]) -> str:
    names = {each["name"] for each in query}
    return next(name for name in PAGES_BY if name in names)


def _name(parameter: Document) -> str:
    name = str(parameter["name"])
    return f"{name}_" if keyword.iskeyword(name) else name


def _parameter(schema: Document) -> str:
    """Return the annotation of a parameter; an id may be text, such as one from a link."""
    return annotation(schema).replace("UUID", "UUID | str")


def annotation(schema: Document) -> str:
    """Return the Python type of a schema."""
    match schema:
        case {"$ref": reference}:
            return f"models.{reference.removeprefix(SCHEMAS)}"
        case {"anyOf": choices}:
            return " | ".join(dict.fromkeys(annotation(choice) for choice in choices))
        case {"enum": values}:
            return f"Literal[{', '.join(repr(value) for value in values)}]"
        case {"type": "array", "items": items}:
            return f"list[{annotation(items)}]"
    kind = schema.get("type", "")
    return FORMATS.get(schema.get("format", ""), BUILTIN.get(kind, "Any"))


def _generated(document: Document) -> str:
    with tempfile.TemporaryDirectory() as folder:
        read, written = Path(folder, "openapi.json"), Path(folder, "models.py")
        read.write_text(json.dumps(document))
        header = HEAD.format(title="The models of requests and answers.")
        _run(
            "datamodel-codegen", "--input", str(read), "--output", str(written), "--custom-file-header", header, *MODELS
        )
        return written.read_text()


def _formatted(text: str) -> str:
    return _run("ruff", "format", "--isolated", "--line-length", "120", "-", text=text)


def _run(tool: str, *arguments: str, text: str | None = None) -> str:
    program = Path(sys.executable).parent / tool
    return subprocess.run([program, *arguments], input=text, capture_output=True, text=True, check=True).stdout
