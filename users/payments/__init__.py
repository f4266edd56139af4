"""Payments to external providers, and the credits they become. Provider APIs are not part of this service."""
