"""HTTP at the edge: the app every service starts from, and the client between services."""
