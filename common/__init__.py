"""What every service shares. It names nothing of the business and imports no service."""
