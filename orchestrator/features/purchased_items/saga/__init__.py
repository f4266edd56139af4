"""The sagas' steps, and the plan of an item that is delivered at once."""
