"""What fans see of menus, and what they buy there."""
