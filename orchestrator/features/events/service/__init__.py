"""Services of this feature."""
