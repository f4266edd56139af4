"""Venues: the places events are played at."""
