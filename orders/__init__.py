"""Orders: what was bought, for how much, and the outcome."""
