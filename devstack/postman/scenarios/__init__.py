"""The stories, a file each. Run from top to bottom, as often as one likes: each makes people of its own."""
