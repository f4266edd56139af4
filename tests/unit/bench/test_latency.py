"""Percentiles of latencies."""

import pytest

from bench.latency import Latency


def test_percentiles_are_in_milliseconds_within_the_measured_range() -> None:
    latency = Latency.of([number / 1000 for number in range(1, 102)])
    assert (latency.p50, latency.p95, latency.p99, latency.slowest) == pytest.approx((51, 96, 100, 101))


def test_order_does_not_matter() -> None:
    assert Latency.of([0.3, 0.1, 0.2]) == Latency.of([0.1, 0.2, 0.3])


def test_single_sample_is_every_percentile() -> None:
    assert Latency.of([0.25]) == Latency(p50=250, p95=250, p99=250, slowest=250)
