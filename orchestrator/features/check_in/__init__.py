"""Scans at the door: decided, logged, admitted once."""
