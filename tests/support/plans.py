"""Asks PostgreSQL how many pages a statement reads, and how. Plans count pages, not time."""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import asyncpg
from sqlalchemy import TextClause


@dataclass(frozen=True, kw_only=True)
class Explained:
    pages: int
    scans: set[str]  # such as "Index Scan seats"


class Explainer:
    """Explains statements on a connection, with the values of their parameters."""

    def __init__(self, connection: "asyncpg.Connection[asyncpg.Record]", parameters: Mapping[str, object]) -> None:
        self._connection = connection
        self._parameters = parameters

    async def explain(self, statement: TextClause) -> Explained:
        """Run the statement with its generic plan, and roll it back."""
        names: list[str] = []

        def numbered(match: re.Match[str]) -> str:
            if match[1] not in names:
                names.append(match[1])
            return f"${names.index(match[1]) + 1}"

        sql = re.sub(r"(?<!:):(\w+)", numbered, statement.text)
        values = ", ".join(_literal(self._parameters[name]) for name in names)
        arguments = f"({values})" if values else ""
        await self._connection.execute(f"SET plan_cache_mode = force_generic_plan; PREPARE asked AS {sql}")
        transaction = self._connection.transaction()
        await transaction.start()
        answer = await self._connection.fetchval(f"EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) EXECUTE asked{arguments}")
        await transaction.rollback()
        await self._connection.execute("DEALLOCATE asked")
        plan = json.loads(answer)[0]["Plan"]
        return Explained(
            pages=plan["Shared Hit Blocks"] + plan["Shared Read Blocks"],
            scans={
                f"{node['Node Type']} {node['Relation Name']}" for node in _nodes_of(plan) if "Relation Name" in node
            },
        )


def _nodes_of(plan: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    yield plan
    for part in plan.get("Plans", []):
        yield from _nodes_of(part)


def _literal(value: object) -> str:
    if value is None:
        return "NULL"
    if isinstance(value, int):
        return str(value)  # a boolean, too
    if isinstance(value, list):
        return "'{" + ",".join(str(part) for part in value) + "}'"
    return f"'{value}'"
