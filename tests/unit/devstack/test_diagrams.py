"""The database diagrams: their content, and that a stale page is detected."""

from pathlib import Path
from typing import Any

from sqlalchemy import Column, DateTime, ForeignKey, ForeignKeyConstraint, Integer, MetaData, Numeric, Table, Text
from sqlalchemy.dialects.postgresql import ARRAY

from devstack.diagrams import diagram_of, metadata_of, page_of, stale_pages
from devstack.services import DATABASES


def test_tables_show_types_of_postgresql_keys_and_nulls() -> None:
    metadata = MetaData()
    columns: list[Column[Any]] = [
        Column("id", Integer, primary_key=True),
        Column("email", Text, unique=True, nullable=False),
        Column("price", Numeric(14, 2), nullable=False),
        Column("ends_at", DateTime(timezone=True)),
        Column("flags", ARRAY(Text), nullable=False),
    ]
    Table("fans", metadata, *columns)
    assert diagram_of(metadata).splitlines() == [
        "erDiagram",
        "    fans {",
        "        integer id PK",
        "        text email UK",
        "        numeric(14_2) price",
        '        timestamptz ends_at "null"',
        "        text[] flags",
        "    }",
    ]


def test_foreign_keys_show_how_many_rows_are_at_either_end() -> None:
    metadata = MetaData()
    Table("a", metadata, Column("x", Integer, primary_key=True), Column("y", Integer, primary_key=True))
    Table(
        "many", metadata, Column("x", Integer), Column("y", Integer), ForeignKeyConstraint(["x", "y"], ["a.x", "a.y"])
    )
    Table("parent", metadata, Column("id", Integer, primary_key=True))
    Table("child", metadata, Column("id", ForeignKey("parent.id"), primary_key=True))
    assert diagram_of(metadata).splitlines()[-2:] == [
        '    a |o--o{ many : "x, y"',
        '    parent ||--o| child : "id"',
    ]


def test_tables_are_those_of_the_migrations() -> None:
    for package in DATABASES:
        assert metadata_of(package).tables, package


def test_changed_page_is_stale_until_it_is_written_again(tmp_path: Path) -> None:
    pages = sorted(f"{package}.md" for package in DATABASES)
    assert sorted(stale_pages(tmp_path, write=True)) == pages
    assert stale_pages(tmp_path, write=False) == []
    (tmp_path / "users.md").write_text(page_of("users").replace("text email UK", "text email"))
    assert stale_pages(tmp_path, write=False) == ["users.md"]
