"""What menus use outside the platform."""
