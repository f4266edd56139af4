"""The supplier of digital goods, and the storage of their codes."""
