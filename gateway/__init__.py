"""The only public door: verifies tokens, limits rates, routes by an allow-list, fans live messages out."""
