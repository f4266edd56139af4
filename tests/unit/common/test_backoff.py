from itertools import islice

from common.backoff import backoff


def test_backoff_doubles_up_to_the_maximum() -> None:
    assert [*islice(backoff(0.5, longest_seconds=3.0), 5)] == [0.5, 1.0, 2.0, 3.0, 3.0]
