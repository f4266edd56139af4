"""Authentication: users by the users service's EdDSA tokens, services by short-lived tokens of their own."""
