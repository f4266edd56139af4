"""The only service that knows several others: it runs the sagas and composes what two owners know."""
