"""What registration and confirmation codes share: the table, the provider that sends and checks them, the limits."""
