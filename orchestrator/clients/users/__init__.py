"""The users service, a client for each of its parts."""
