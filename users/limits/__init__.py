"""How often something may be tried, counted in PostgreSQL."""
