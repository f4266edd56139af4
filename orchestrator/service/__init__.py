"""What the orchestrator does for its callers: the box office, the catalogue, the ticket wallet, the saga desk."""
