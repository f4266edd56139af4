"""Providers of text, and the checks of what they write."""
