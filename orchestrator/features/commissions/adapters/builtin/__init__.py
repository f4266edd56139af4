"""The built-in generator: articles from an event's facts, without a network."""

from orchestrator.features.commissions.adapters.builtin.provider import BuiltinProvider

__all__ = ["BuiltinProvider"]
