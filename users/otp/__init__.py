"""One-time codes for registration, and the SMU notification API that sends and checks all codes."""
