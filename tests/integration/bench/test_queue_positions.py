"""The benchmark of positions fills a queue as the orders service does."""

from bench.queue_positions import read_last_position
from tests.support.servers import TestServers


def test_last_position_of_a_queue_of_several_blocks_is_read(servers: TestServers) -> None:
    assert len(read_last_position(servers.stack.postgres_url, items=600, reads=2)) == 2
