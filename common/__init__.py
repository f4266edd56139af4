"""Plumbing shared by every service. No business noun lives here, and it imports no service."""
