"""The broker's topology and configuration files."""
