"""A chaos run's plan: determined by its seed, and complete."""

from collections.abc import Callable

import pytest

from tests.chaos.plan import ALL_FAULTS, PROCESSES, PROXIED, SERVERS, Kind, Round, long_plan, short_plan

SEEDS = range(20)

by_plan = pytest.mark.parametrize("plan", [long_plan, short_plan])


@by_plan
def test_plan_is_determined_by_the_seed(plan: Callable[[int], list[Round]]) -> None:
    assert all(plan(seed) == plan(seed) for seed in SEEDS)
    assert len({tuple(plan(seed)) for seed in SEEDS}) == len(SEEDS)


@by_plan
def test_combined_faults_hit_two_different_processes(plan: Callable[[int], list[Round]]) -> None:
    rounds = [faults for seed in SEEDS for faults in plan(seed)]
    assert {len(faults) for faults in rounds} == {1, 2}
    assert all(len({fault.target for fault in faults}) == len(faults) for faults in rounds)


@pytest.mark.parametrize("seed", SEEDS)
def test_long_run_has_every_fault(seed: int) -> None:
    alone = [fault for faults in long_plan(seed) if len(faults) == 1 for fault in faults]
    assert sorted(alone) == sorted(ALL_FAULTS)
    assert {fault.target for fault in alone} == {*PROCESSES, *SERVERS, *PROXIED}


@pytest.mark.parametrize("seed", SEEDS)
def test_short_run_has_both_servers_and_every_other_kind_of_fault(seed: int) -> None:
    alone = [fault for faults in short_plan(seed) if len(faults) == 1 for fault in faults]
    assert {*SERVERS} <= {fault.target for fault in alone if not fault.is_network_fault}
    assert {fault.kind for fault in alone} >= {
        Kind.KILLED,
        Kind.FROZEN,
        Kind.ENDED,
        Kind.CUT,
        Kind.SLOW,
        Kind.NO_REPLIES,
    }
