"""Performers' menus: tip grids, and performance menus with whitelists and starter templates."""
