"""The public API: verifies tokens, limits rates, routes by an allow-list, broadcasts live messages."""
