"""Venues: the places of events."""
