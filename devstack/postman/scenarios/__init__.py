"""The scenarios, one file each. Each can be run repeatedly, because it creates its own users."""
