"""One-time codes through the SMU notification API, behind a port."""
