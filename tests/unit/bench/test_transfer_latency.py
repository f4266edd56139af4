import pytest

from bench.transfers import Transfers


def test_transfer_latency_is_the_sum_of_its_three_responses() -> None:
    done = Transfers(
        initiate_seconds=[0.1, 0.2], first_confirm_seconds=[0.01, 0.02], last_confirm_seconds=[0.001, 0.002]
    )
    assert done.transfers == 2
    assert done.transfer_seconds == pytest.approx([0.111, 0.222])
