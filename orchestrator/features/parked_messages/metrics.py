"""Metrics of parked messages."""

from prometheus_client import Gauge

PARKED_MESSAGES = Gauge("parked_messages", "Messages that wait for an admin who replays or discards them.")
