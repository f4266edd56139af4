"""Text messages that are no codes, for the orchestrator: a phone's number does not leave this service."""
