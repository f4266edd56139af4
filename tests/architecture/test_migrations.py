"""Migrations leave the older release its tables: they lock none while they read its rows."""

import importlib.util
import io
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest
from alembic.operations import Operations
from alembic.runtime.migration import MigrationContext

from tests.architecture.compose import ROOT

# The last revisions of releases that did not have this rule.
LAST_EXEMPT: Final = {"users": "0006", "orders": "0005", "events": "0002", "inventory": "0003", "orchestrator": "0011"}
REVISIONS: Final = [
    path
    for service, last in LAST_EXEMPT.items()
    for path in sorted((ROOT / service / "migrations" / "versions").glob("[0-9]*.py"))
    if path.name[:4] > last
]

CREATED_TABLE: Final = re.compile(r"CREATE TABLE (\w+)")
INDEXED_TABLE: Final = re.compile(r"CREATE (?:UNIQUE )?INDEX (?!CONCURRENTLY)\w+ ON (\w+)")
ALTERED_TABLE: Final = re.compile(r"ALTER TABLE (\w+)")
CONSTRAINT: Final = re.compile(r"\bCHECK \(|\bADD CONSTRAINT \w+ (?:FOREIGN KEY|UNIQUE|PRIMARY KEY)")


def sql_of(revision: Path) -> str:
    """Return the statements of a revision's upgrade, without a server."""
    output = io.StringIO()
    options = {"as_sql": True, "output_buffer": output}
    specification = importlib.util.spec_from_file_location(f"revision_{revision.stem}", revision)
    assert specification is not None
    assert specification.loader is not None
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    with Operations.context(MigrationContext.configure(dialect_name="postgresql", opts=options)):
        module.upgrade()
    return output.getvalue()


def blocking_statements(sql: str) -> Iterator[str]:
    """Yield the statements that read all rows of a table from before, and lock it meanwhile."""
    created = set(CREATED_TABLE.findall(sql))
    for statement in sql.split(";"):
        altered, indexed = ALTERED_TABLE.search(statement), INDEXED_TABLE.search(statement)
        reads_rows = len(CONSTRAINT.findall(statement)) > statement.count("NOT VALID")
        if (indexed and indexed[1] not in created) or (altered and altered[1] not in created and reads_rows):
            yield statement.strip()


@pytest.mark.parametrize("revision", REVISIONS, ids=lambda path: f"{path.parts[-4]}-{path.stem}")
def test_existing_tables_get_indexes_and_constraints_online(revision: Path) -> None:
    """By `create_index_online`, and by NOT VALID with `validate_online`: `common.db.migrations`."""
    assert list(blocking_statements(sql_of(revision))) == []


@pytest.mark.parametrize(
    ("sql", "blocks"),
    [
        ("CREATE INDEX ix_a ON a (b)", True),
        ("CREATE UNIQUE INDEX ix_a ON a (b)", True),
        ("CREATE INDEX CONCURRENTLY ix_a ON a (b)", False),
        ("CREATE TABLE a (b int CHECK (b > 0)); CREATE INDEX ix_a ON a (b)", False),
        ("ALTER TABLE a ADD CONSTRAINT ck_a CHECK (b > 0)", True),
        ("ALTER TABLE a ADD CONSTRAINT ck_a CHECK (b > 0) NOT VALID", False),
        ("ALTER TABLE a ADD c int CHECK (c > 0), ADD CONSTRAINT ck_a CHECK (b > 0) NOT VALID", True),
        ("ALTER TABLE a ADD CONSTRAINT uq_a UNIQUE (b)", True),
        ("ALTER TABLE a ADD c uuid REFERENCES d", False),
    ],
)
def test_the_rule_finds_what_blocks(sql: str, *, blocks: bool) -> None:
    assert bool(list(blocking_statements(sql))) is blocks
