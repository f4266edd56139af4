"""``python -m devstack.diagrams [--check]``: write an entity-relationship diagram of each database to docs/diagrams.

The tables are those that a service's ``migrations/env.py`` passes to Alembic. Paracelsus draws such diagrams too, but it
prints SQLite's types, breaks on types of two words, and requires a declarative base, which half of the services lack.
"""

import re
import runpy
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final
from unittest.mock import patch

from sqlalchemy import Column, ForeignKeyConstraint, MetaData, Table, UniqueConstraint
from sqlalchemy.dialects import postgresql

from common.db import migrations
from devstack.home import ROOT
from devstack.services import DATABASES

__all__ = ["diagram_of", "metadata_of", "page_of", "stale_pages"]

FOLDER: Final = ROOT / "docs" / "diagrams"
DIALECT: Final = postgresql.dialect()  # type: ignore[no-untyped-call] # untyped in SQLAlchemy
SHORT_TYPES: Final = {"timestamp with time zone": "timestamptz", "double precision": "float8"}
NOT_IN_A_TYPE: Final = re.compile(r"[^a-z0-9_()\[\]-]+")  # characters that Mermaid does not accept in a type


def page_of(package: str) -> str:
    """Return the page about a package's database."""
    return (
        f"# The database of {package}\n\n"
        f"The tables of `{DATABASES[package]}`. A column is `NOT NULL` unless it says `null`. `make diagrams` writes this page\n"
        "from the definitions of the tables.\n\n"
        f"```mermaid\n{diagram_of(metadata_of(package))}```\n"
    )


def metadata_of(package: str) -> MetaData:
    """Return the metadata that the package's ``migrations/env.py`` passes to Alembic."""
    with patch.object(migrations, "run_migrations") as run:
        runpy.run_path(str(ROOT / package / "migrations" / "env.py"))
    metadata: MetaData = run.call_args.args[0]
    return metadata


def diagram_of(metadata: MetaData) -> str:
    """Return the tables and their foreign keys as a Mermaid ``erDiagram``, sorted by name."""
    tables = [metadata.tables[name] for name in sorted(metadata.tables)]
    relations = sorted(
        _relation(table, key) for table in tables for key in table.foreign_key_constraints if key.elements
    )
    lines = ["erDiagram", *(line for table in tables for line in _entity(table)), *relations]
    return "\n".join(lines) + "\n"


def _entity(table: Table) -> Iterator[str]:
    unique = _unique_columns(table)
    yield f"    {table.name} {{"
    for column in table.columns:
        parts = [_type(column), column.name, _keys(column, unique), '"null"' if column.nullable else ""]
        yield "        " + " ".join(part for part in parts if part)
    yield "    }"


def _type(column: "Column[object]") -> str:
    name = column.type.compile(dialect=DIALECT).lower()
    for long, short in SHORT_TYPES.items():
        name = name.replace(long, short)
    return NOT_IN_A_TYPE.sub("_", name)


def _keys(column: "Column[object]", unique: set[tuple[str, ...]]) -> str:
    is_unique = bool(column.unique) or (column.name,) in unique
    key_types = {"PK": column.primary_key, "FK": bool(column.foreign_keys), "UK": is_unique and not column.primary_key}
    return ", ".join(key for key, applies in key_types.items() if applies)


def _relation(table: Table, key: ForeignKeyConstraint) -> str:
    """Return the line of one foreign key, with the cardinality at either end."""
    names = tuple(key.column_keys)
    parent = "|o" if any(column.nullable for column in key.columns) else "||"
    child = "o|" if names in _unique_columns(table) else "o{"
    return f'    {key.referred_table.name} {parent}--{child} {table.name} : "{", ".join(names)}"'


def _unique_columns(table: Table) -> set[tuple[str, ...]]:
    constraints = [
        table.primary_key,
        *(constraint for constraint in table.constraints if isinstance(constraint, UniqueConstraint)),
    ]
    return {tuple(column.name for column in constraint.columns) for constraint in constraints}


def stale_pages(folder: Path, *, write: bool) -> list[str]:
    """Return the names of the pages that differ from the tables; ``write`` updates them."""
    stale = []
    for package in DATABASES:
        path, page = folder / f"{package}.md", page_of(package)
        if not path.exists() or path.read_text() != page:
            stale.append(path.name)
            if write:
                folder.mkdir(parents=True, exist_ok=True)
                path.write_text(page)
    return stale


def main(arguments: list[str]) -> int:
    is_check = arguments == ["--check"]
    stale = stale_pages(FOLDER, write=not is_check)
    if is_check and stale:
        print(f"Stale in docs/diagrams: {', '.join(stale)}; run 'make diagrams'.", file=sys.stderr)
    return 1 if is_check and stale else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
