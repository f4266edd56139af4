"""Sessions: access tokens, rotating refresh tokens, logging out."""
