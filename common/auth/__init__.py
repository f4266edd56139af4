"""Who is asking: users by EdDSA tokens of the users service, services by short-lived tokens of their own."""
