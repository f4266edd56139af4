"""SQL of jobs; messages are written to the outbox by the statement that causes them."""
