"""The only service that calls several others: it runs the sagas and combines data of several services."""
