"""Ratios, costs, and whether targets were met."""

import io

import pytest
from rich.console import Console

from bench.cpu import CpuUse
from bench.report import print_missed_targets, print_outcome
from bench.results import Cost, Outcome, Result


def report_lines(outcome: Outcome) -> tuple[bool, str]:
    console = Console(file=io.StringIO(), width=120)
    print_outcome(console, outcome)
    all_met = print_missed_targets(console, [outcome])
    assert isinstance(console.file, io.StringIO)
    return all_met, console.file.getvalue()


def test_ratio_compares_the_platform_to_pgbench() -> None:
    assert Result(name="purchases", value=300, unit="/s", pgbench=3_000).ratio == pytest.approx(0.1)
    assert Result(name="purchases", value=300, unit="/s").ratio is None


def test_costs_are_in_milliseconds_largest_first() -> None:
    cost = Cost.of(CpuUse(by_process={"users": 1.0, "orders": 3.0}, others=2.0, capacity=40.0), per=1_000)
    assert list(cost.by_process.items()) == [("orders", 3.0), ("users", 1.0)]
    assert cost.total == pytest.approx(4.0)
    assert cost.others_share == pytest.approx(0.05)


@pytest.mark.parametrize(("is_met", "all_met"), [(True, True), (None, True), (False, False)])
def test_one_missed_target_fails_the_run(*, is_met: bool | None, all_met: bool) -> None:
    result = Result(name="reserve p95", value=61.24, unit="ms", target="under 50 ms", is_met=is_met)
    seen, text = report_lines(Outcome(benchmark="rush", results=[result]))
    assert seen is all_met
    assert ("reserve p95 61.2 ms, target under 50 ms" in text) is not all_met


def test_disturbed_run_is_marked() -> None:
    quiet = CpuUse(by_process={"users": 1.0}, others=0.1, capacity=10.0)
    disturbed = CpuUse(by_process={"users": 1.0}, others=4.0, capacity=10.0)
    texts = [
        report_lines(Outcome(benchmark="rush", results=[], costs={"a purchase": Cost.of(cpu, per=10)}))[1]
        for cpu in (quiet, disturbed)
    ]
    assert "Other processes" not in texts[0]
    assert "Other processes used 40%" in texts[1]
