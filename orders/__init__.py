"""Orders: what was bought, for how much, and what became of it."""
