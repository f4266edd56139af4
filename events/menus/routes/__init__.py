"""HTTP routes of menus."""
