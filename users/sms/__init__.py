"""Text messages without codes, for the orchestrator: a user's phone number does not leave this service."""
