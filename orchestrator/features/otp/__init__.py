"""One-time codes: prove one, ask for another."""
