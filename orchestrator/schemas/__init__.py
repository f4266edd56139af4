"""The shapes of the orchestrator's public API."""
