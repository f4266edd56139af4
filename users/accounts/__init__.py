"""People: registering, verifying the phone, profiles, roles."""
