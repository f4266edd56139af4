"""Logins: access tokens, rotating refresh tokens, logging out."""
