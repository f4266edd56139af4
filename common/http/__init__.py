"""HTTP: the base of every service's app, and the client for calls between services."""
