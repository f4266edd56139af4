"""The simulated on-sale, compared with queueing theory and with measurements."""

import math
from dataclasses import replace

import pytest

from bench.simulation import measured
from bench.simulation.model import OnSale, simulate

COST_SECONDS = 0.01
# Buyers arrive evenly, reserve once and leave: one queue with `cores` servers.
PLAIN = OnSale(
    fans=20_000,
    seats=20_000,
    cores=4,
    reserve_cost_seconds=COST_SECONDS,
    pay_cost_seconds=COST_SECONDS,
    refusal_cost_seconds=COST_SECONDS,
    burst_share=0.0,
    arrivals_seconds=66.7,
    abandon_share=1.0,
    hold_seconds=0.0,
)


def erlang_wait(servers: int, *, arrivals_per_second: float, cost_seconds: float) -> float:
    """Return the mean wait in an M/M/c queue (Erlang C)."""
    load = arrivals_per_second * cost_seconds
    busy = load**servers / math.factorial(servers) / (1 - load / servers)
    queued = busy / (sum(load**k / math.factorial(k) for k in range(servers)) + busy)
    return queued / (servers / cost_seconds - arrivals_per_second)


def test_mean_wait_matches_erlang_c() -> None:
    result = simulate(PLAIN)
    expected = COST_SECONDS + erlang_wait(4, arrivals_per_second=20_000 / 66.7, cost_seconds=COST_SECONDS)
    assert sum(result.answers) / len(result.answers) == pytest.approx(expected, rel=0.1)


def test_simulation_is_deterministic() -> None:
    plan = replace(PLAIN, fans=500, burst_share=0.5)
    assert simulate(plan) == simulate(plan)
    assert simulate(plan) != simulate(replace(plan, seed=2))


def test_every_seat_is_sold_once_and_other_buyers_are_refused() -> None:
    result = simulate(replace(PLAIN, fans=1_000, seats=100, abandon_share=0.0))
    assert (result.sold, result.refused) == (100, 900)


def test_abandoned_seat_is_sold_to_another_buyer() -> None:
    result = simulate(replace(PLAIN, fans=1_000, seats=100, abandon_share=0.5, arrivals_seconds=100.0))
    assert result.sold == 100


def test_waiting_room_keeps_latency_low_under_overload() -> None:
    crowd = replace(PLAIN, fans=4_000, burst_share=1.0, abandon_share=0.0, seats=4_000)
    let_in = simulate(replace(crowd, admitted_per_second=0.7 * 4 / (2 * COST_SECONDS)))
    all_at_once = simulate(crowd)
    assert let_in.percentile(0.95) < 0.1
    assert all_at_once.percentile(0.95) > 4.0
    assert let_in.longest_wait_seconds == pytest.approx(4_000 / 140, rel=0.05)
    assert let_in.sold == all_at_once.sold == 4_000


def test_retries_increase_the_load() -> None:
    crowd = replace(PLAIN, fans=4_000, burst_share=1.0, abandon_share=0.0, seats=4_000)
    with_retries = simulate(replace(crowd, retry_after_seconds=1.0))
    assert with_retries.retries > 0
    assert with_retries.percentile(0.95) > 1.5 * simulate(crowd).percentile(0.95)


def test_model_is_not_faster_than_the_benchmark() -> None:
    """The model waits for all costs; on the platform, messages and emails follow the response."""
    even_arrivals = replace(PLAIN, fans=4_000, seats=4_000, arrivals_seconds=4_000 / measured.ARRIVALS_PER_SECOND)
    result = simulate(
        replace(
            even_arrivals,
            cores=measured.CORES,
            abandon_share=0.0,
            thinking_seconds=0.01,
            reserve_cost_seconds=measured.RESERVE_COST_SECONDS,
            pay_cost_seconds=measured.PAY_COST_SECONDS,
        )
    )
    in_bench = max(measured.RESERVE_P95_SECONDS, measured.PAY_P95_SECONDS)
    assert in_bench < result.percentile(0.95) < 3 * in_bench
