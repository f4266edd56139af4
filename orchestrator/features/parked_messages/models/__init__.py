"""Tables and records of this feature."""
