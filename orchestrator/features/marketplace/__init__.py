"""The resale marketplace."""
