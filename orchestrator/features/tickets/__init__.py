"""Tickets of one's own, and their QR codes."""
