"""The broker: what the platform declares on it, and its configuration files."""
