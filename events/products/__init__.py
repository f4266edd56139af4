"""Products: digital goods on offer, and their stock (F1, F6)."""
