"""Models, operations and error codes. `make sdk` writes this file."""
